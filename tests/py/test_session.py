"""Sessions: the same bits as the reference model, and every command and refusal."""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import numpy as np
import pytest
import reference
from eggroll_edge._core import lib
from linked import (
    BATCH_STEPS,
    DEEP,
    NET,
    ONLINE,
    SAMPLE_STEPS,
    SEED,
    STD,
    Program,
    batch,
    build,
    device_config,
    expected_batch,
    expected_online,
    in_process,
    model,
    run_batch,
    run_online,
    samples,
)

from eggroll_edge.core import Net, Steps
from eggroll_edge.errors import ConfigError, DeviceError, LinkError
from eggroll_edge.hostboard import HostBoard, InProcess, flash_memory, on_pty, on_tcp
from eggroll_edge.netconfig import EsConfig, LifConfig, NetConfig
from eggroll_edge.session import DeviceConfig, Session
from eggroll_edge.transport import opener
from eggroll_edge.wire import PROTOCOL, Command, Decoder, Frame, encode

VERSION = bytes((PROTOCOL,))
Link = Callable[[HostBoard], AbstractContextManager[str]]


@pytest.fixture(params=["in-process", "firmware build", "pty", "tcp"])
def session(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Session]:
    board = HostBoard()
    if request.param == "in-process":
        yield in_process(board)
        return
    if request.param == "firmware build":  # EGG_ROW_ALIGN 1, little memory, under the sanitizers
        with Session(lambda: Program(build("gcc", "link", tmp_path))) as session:
            yield session
        return
    serve: Link = on_pty if request.param == "pty" else on_tcp
    with serve(board) as url, Session(opener(url)) as session:
        yield session


@pytest.mark.parametrize("rank", [1, 3])
@pytest.mark.parametrize("net", [NET, DEEP], ids=["one layer", "two layers"])
def test_batch_gives_the_reference_digests(session: Session, rank: int, net: NetConfig) -> None:
    expected = expected_batch(rank, 10, 3, net)
    assert len(set(expected)) == 10
    assert list(run_batch(session, rank, 10, 3, net)) == expected


@pytest.mark.parametrize("net", [NET, DEEP], ids=["one layer", "two layers"])
def test_online_gives_the_reference_digests(session: Session, net: NetConfig) -> None:
    expected = expected_online(50, net)
    assert len(set(expected)) >= 45
    assert list(run_online(session, 50, net)) == expected
    assert session.stats().samples == 50


def test_mini_batches_give_the_reference_digests() -> None:
    session = in_process()
    session.configure(device_config(ONLINE))
    ref, es = model(ONLINE, SAMPLE_STEPS)
    data = samples(12)
    for g in range(4):
        part = data[3 * g : 3 * g + 3]
        session.begin(g, SAMPLE_STEPS)
        found = [session.sample(*one, pos=i, pairs=10) for i, one in enumerate(part)]
        want = reference.generation_sample(ref, es, SEED, g, part, *SAMPLE_STEPS.rate)
        for reply, shaped, centre in zip(found, want.shaped, want.centre, strict=True):
            assert (reply.e, list(np.frombuffer(reply.f, np.int8))) == (shaped.e, shaped.f)
            assert (reply.loss, reply.spikes) == (centre.loss, centre.spikes)
        assert session.update() == g + 1
        assert session.digest() == (g + 1, ref.digest())


def test_two_devices_share_a_generation() -> None:
    """Differences summed up on the host, shaped once, the same bytes to both."""
    ref, es = model(batch(2), BATCH_STEPS)
    data = samples(6)
    want = reference.generation_batch(ref, es, SEED, 0, data, *BATCH_STEPS.rate)
    devices = [in_process(), in_process()]
    for device, part in zip(devices, (data[:2], data[2:]), strict=True):
        device.configure(device_config(batch(2)))
        device.begin(0, BATCH_STEPS)
        for sample in part:
            device.sample(*sample)
    total = [sum(d) for d in zip(*(device.read_diff(12) for device in devices), strict=True)]
    assert total == want.shaped.D
    rows = {i for stream, _ in data for tick in reference.decode(stream, 20, 5) for i in tick}
    bits = np.zeros(24, np.uint8)
    bits[[*rows, 20]] = 1
    for device in devices:
        device.write_f(np.array(want.shaped.f, np.int8).tobytes())
        device.write_active(np.packbits(bits, bitorder="little").tobytes())
        device.update(given=True)
        assert device.digest() == (1, ref.digest())
        assert device.read_f(12) == np.array(want.shaped.f, np.int8).tobytes()


def test_weights_and_inference() -> None:
    session = in_process()
    assert session.configure(DeviceConfig(NET, seed=SEED, init_std=STD, readout_std=STD)) > 0
    ref, _ = model(ONLINE, SAMPLE_STEPS)
    assert session.digest() == (0, ref.digest())
    net = Net(NET)
    net.randomize(3, 40, 20)
    session.write_weights(net.weights.tobytes())
    assert session.digest() == (0, net.digest)
    assert session.read_weights(NET.parameters) == net.weights.tobytes()
    ref.weights = [m.tolist() for m in net.matrices]
    for stream, label in samples(20):
        run = reference.forward(ref, stream)
        reply = session.infer(stream, label)
        assert reply.predicted == reference.argmax(run.logits)
        assert reply.loss == reference.cross_entropy(run.logits, label)
        assert reply.spikes == run.spikes
        assert session.infer(stream).loss == 0
    with pytest.raises(DeviceError, match="CONFIG comes first"):
        session.begin(0, SAMPLE_STEPS)  # mode infer


def test_inference_between_samples_changes_nothing() -> None:
    session = in_process()
    expected = expected_online(10)
    session.configure(device_config(ONLINE, online=True))
    session.begin(0, SAMPLE_STEPS)
    for (stream, label), digest in zip(samples(10), expected, strict=True):
        session.infer(samples(1, 9)[0][0])
        session.sample(stream, label)
        session.infer(stream)
        assert session.digest()[1] == digest


def test_long_recordings_travel_in_chunks() -> None:
    net = NetConfig(600, 4, 5, (LifConfig(10, 96, 2),), "integrate", 4)
    data = samples(4, net=net)
    assert all(len(stream) > 512 for stream, _ in data)
    session = in_process()
    session.configure(DeviceConfig(net, ONLINE, True, SEED, STD, STD))
    session.begin(0, SAMPLE_STEPS)
    for sample in data:
        session.sample(*sample)
    ref, es = model(ONLINE, SAMPLE_STEPS, net)
    for g, sample in enumerate(data):
        reference.generation_sample(ref, es, SEED, g, [sample], *SAMPLE_STEPS.rate)
    assert session.digest() == (4, ref.digest())


def test_many_pairs_come_in_two_replies() -> None:
    es = EsConfig("sample", 256, 1, 2)
    session = in_process()
    session.configure(DeviceConfig(NET, es, True, SEED, STD, STD))
    session.begin(0, SAMPLE_STEPS)
    assert not session.one_reply(256)
    sample = samples(1)[0]
    reply = session.sample(*sample, pairs=256)
    ref, model_es = model(es, SAMPLE_STEPS)
    want = reference.generation_sample(ref, model_es, SEED, 0, [sample], *SAMPLE_STEPS.rate)
    assert list(np.frombuffer(reply.f, np.int8)) == want.shaped[0].f


def test_label_from_the_board() -> None:
    board = HostBoard()
    session = in_process(board)
    session.configure(device_config(ONLINE, online=True))
    session.begin(0, SAMPLE_STEPS)
    stream, label = samples(1)[0]
    with pytest.raises(DeviceError, match="label"):
        session.sample(stream, None)
    board.press(label)
    assert session.sample(stream, None).label == label
    assert session.digest()[1] == expected_online(1)[0]


def test_checkpoint_outlives_the_power() -> None:
    flash = flash_memory(8192)
    board = HostBoard(flash=flash)
    session = in_process(board)
    with pytest.raises(DeviceError, match="no whole checkpoint"):
        session.load()
    *_, digest = run_online(session, 8)
    assert session.save() == 8
    session.sample(*samples(1)[0])
    session.close()
    board.start()
    session = in_process(board)
    assert not session.hello.configured
    loaded = session.load()
    assert (loaded.generation, loaded.digest) == (8, digest)
    assert loaded.config == device_config(ONLINE, online=True).pack()
    session.begin(8, SAMPLE_STEPS)
    for sample in samples(12)[8:]:
        session.sample(*sample)
    assert session.digest()[1] == expected_online(12)[-1]


def test_a_device_that_was_switched_off_says_so() -> None:
    board = HostBoard()
    session = in_process(board)
    session.configure(device_config(ONLINE, online=True))
    board.start()
    with pytest.raises(DeviceError, match="no HELLO") as error:
        session.digest()
    assert error.value.status == lib.EGG_E_SESSION
    assert session.greet().configured is False


def refused(session: Session, command: Command, payload: bytes = b"") -> int:
    with pytest.raises(DeviceError) as error:
        session.request(command, payload)
    return error.value.status


def test_refusals() -> None:
    session = in_process()
    assert refused(session, Command.DIGEST) == lib.EGG_E_ORDER
    assert refused(session, Command.SAVE) == lib.EGG_E_ABSENT
    assert refused(session, Command.SELFTEST) == lib.EGG_E_ABSENT
    assert refused(session, Command.UPDATE, b"\0") == lib.EGG_E_ORDER
    assert refused(session, Command.UPDATE) == lib.EGG_E_LENGTH
    assert refused(session, Command.WEIGHTS_READ, bytes(6)) == lib.EGG_E_ORDER
    good = device_config(batch(1)).pack()
    assert refused(session, Command.CONFIG, good[:-1]) == lib.EGG_E_LENGTH
    for at, value, status in [
        (0, 3, lib.EGG_E_RANGE),
        (0, 2, lib.EGG_E_ESTIMATOR),  # online needs sample
        (1, 5, lib.EGG_E_LAYERS),
        (6, 0, lib.EGG_E_TICKS),
        (9, 2, lib.EGG_E_ESTIMATOR),
        (10, 0, lib.EGG_E_RANK),
        (13, 65, lib.EGG_E_RANGE),
    ]:
        bad = good[:at] + bytes((value,)) + good[at + 1 :]
        assert refused(session, Command.CONFIG, bad) == status
        assert refused(session, Command.DIGEST) == lib.EGG_E_ORDER
    session.configure(device_config(batch(1)))
    span = struct.pack("<IH", NET.parameters - 1, 2)
    assert refused(session, Command.WEIGHTS_READ, span) == lib.EGG_E_RANGE
    assert refused(session, Command.WEIGHTS_WRITE, b"\xff" * 8) == lib.EGG_E_RANGE
    before = session.digest()
    assert refused(session, Command.WEIGHTS_WRITE, bytes(4) + b"\x05\x80") == lib.EGG_E_RANGE
    assert session.digest() == before  # nothing of it was written
    session.request(Command.WEIGHTS_WRITE, bytes(4) + b"\x7f\x81")  # 127, -127
    assert session.read_weights(2) == b"\x7f\x81"
    assert refused(session, Command.BAUD, bytes(4)) == lib.EGG_E_RANGE
    assert refused(session, Command.SAMPLE, b"\x03\0\0\0" + bytes(5)) == lib.EGG_E_ORDER
    with pytest.raises(DeviceError, match="sigma"):
        session.begin(0, Steps((40000, 1), ((1, 1), (1, 1))))
    session.begin(0, BATCH_STEPS)
    assert refused(session, Command.SAMPLE, b"\x03\0\0\0" + bytes(4)) == lib.EGG_E_STREAM
    assert refused(session, Command.SAMPLE, b"\x03\0\0\0\x15" + bytes(5)) == lib.EGG_E_STREAM
    assert refused(session, Command.SAMPLE, b"\x03\x04\0\0" + bytes(5)) == lib.EGG_E_LABEL
    assert refused(session, Command.SAMPLE, b"\x03\0\xff\xff" + bytes(5)) == lib.EGG_E_RANGE
    assert refused(session, Command.SAMPLE, b"\x02\0\0\0" + bytes(5)) == lib.EGG_E_ORDER
    pairs = struct.pack("<BHH", 0, 10, 3)
    assert refused(session, Command.FITNESS_READ, pairs) == lib.EGG_E_RANGE
    assert refused(session, Command.SHAPED_WRITE, b"\0\x0c\0\x01") == lib.EGG_E_RANGE
    assert session.read_diff(12) == [0] * 12
    assert session.stats().samples == 0
    session.reset()
    assert refused(session, Command.DIGEST) == lib.EGG_E_ORDER


def test_a_net_that_does_not_fit_is_told_in_bytes() -> None:
    session = in_process(HostBoard(arena=4096))
    wanted = DeviceConfig(NetConfig(500, 4, 5, (LifConfig(64),)), batch(1))
    with pytest.raises(DeviceError, match=r"the net needs \d{5} bytes, the board has 4096: use"):
        session.configure(wanted)


def test_window_below_a_frame_is_refused() -> None:
    with pytest.raises(ConfigError, match="use 266 bytes or more"):
        HostBoard(window=200)


class Line:
    """Raw frames to a board."""

    def __init__(self) -> None:
        self.board = HostBoard()
        self.send(Command.HELLO, 9, b"\1\2\3\4" + VERSION)

    def send(self, kind: int, sequence: int, payload: bytes = b"") -> list[Frame]:
        return Decoder().feed(self.board.receive(encode(Frame(kind, sequence, payload))))


def test_frame_over_the_ceiling_is_refused_and_counts() -> None:
    line = Line()
    reply = line.send(Command.WEIGHTS_WRITE, 10, bytes(257))
    assert reply == [Frame(Command.WEIGHTS_WRITE | 128, 10, bytes((lib.EGG_E_CEILING,)))]
    assert line.send(99, 11)[0].payload == bytes((lib.EGG_E_COMMAND,))
    assert line.send(Command.STATS, 12)[0].payload[0] == 0


def test_sequence_numbers() -> None:
    line = Line()
    config = line.send(Command.CONFIG, 10, device_config(ONLINE, True).pack())
    begin = struct.pack("<IHHBBBB", 0, 40, 700, 96, 14, 80, 14)
    assert line.send(Command.GENERATION, 11, begin)[0].payload == b"\0"
    stream, label = samples(1)[0]
    first = line.send(Command.SAMPLE, 12, bytes((3, label, 0, 0)) + stream)
    digest = line.board.digest
    for _ in range(3):  # the same again: the same answer, nothing learnt
        assert line.send(Command.SAMPLE, 12, bytes((3, label, 0, 0)) + stream) == first
    assert line.board.digest == digest
    assert line.send(Command.GENERATION, 11, begin)[0].payload == b"\0"  # the one before, too
    assert line.send(Command.CONFIG, 10) == []  # long answered
    assert config
    ahead = line.send(Command.STATS, 14)
    assert ahead == [Frame(Command.STATS | 128, 14, bytes((lib.EGG_E_SEQUENCE, 13)))]
    assert line.board.native.session.stats.recordings == 1
    again = line.send(Command.HELLO, 9, b"\1\2\3\4" + VERSION)  # a late copy: the session goes on
    assert again == []
    assert line.send(Command.STATS, 13)[0].payload[0] == 0
    assert line.send(Command.HELLO, 77, b"\5\2\3\4" + VERSION)[0].payload[0] == 0
    assert line.send(Command.STATS, 78)[0].payload[0] == 0


def test_other_protocol_version() -> None:
    line = Line()
    reply = line.send(Command.HELLO, 5, b"\7\2\3\4\x09")
    assert reply[0].payload[:2] == bytes((lib.EGG_E_PROTOCOL, PROTOCOL))


def test_nobody_answers() -> None:
    class Silence(InProcess):
        def write(self, data: bytes) -> None:
            pass

    with pytest.raises(LinkError, match=r"no answer to HELLO within 0\.1 s"):
        Session(lambda: Silence(HostBoard()), timeout=0.02, patience=0.1)


def test_port_that_is_not_there() -> None:
    with pytest.raises(LinkError, match="is the board plugged in"):
        Session(opener("/dev/no-such-port"))


def test_credits_are_kept() -> None:
    """Never more unanswered bytes than the window, never more requests than replies are kept."""

    class Slow(InProcess):
        """Answers only when asked, as a device that computes; watches what is unanswered."""

        def __init__(self, board: HostBoard) -> None:
            super().__init__(board)
            self.queue: list[bytes] = []
            self.most = self.most_bytes = 0

        def write(self, data: bytes) -> None:
            self.queue.append(data)
            self.most = max(self.most, len(self.queue))
            self.most_bytes = max(self.most_bytes, sum(map(len, self.queue)))

        def read(self, timeout: float) -> bytes:
            if self.queue:
                super().write(self.queue.pop(0))
            return super().read(timeout)

    slow = Slow(HostBoard(window=300))
    session = Session(lambda: slow)
    session.configure(DeviceConfig(NET))
    net = Net(NET)
    session.write_weights(net.weights.tobytes())
    assert session.read_weights(NET.parameters) == net.weights.tobytes()
    assert slow.most == 2
    assert slow.most_bytes <= 300


def test_training_takes_little_more_memory_than_inference(tmp_path: Path) -> None:
    """As firmware builds it: at most 10 % or 1 KiB more than the same net without training. The
    buffer for a recording, needed by both, is left out: it would hide the difference."""
    net = NetConfig(578, 10, 15, (LifConfig(32),))
    with Session(lambda: Program(build("gcc", "link", tmp_path))) as session:
        sizes = []
        for es in (None, EsConfig("sample", 16, 1, 5), EsConfig("batch", 32, 1)):
            online = es is not None and es.estimator == "sample"
            with pytest.raises(DeviceError) as error:  # its arena is 8 KiB
                session.configure(DeviceConfig(net, es, online, stream_max=1))
            sizes.append(int(str(error.value).split("the net needs ")[1].split()[0]))
    inference, sample_, batch_ = sizes
    assert sample_ - inference <= max(1024, inference // 10)
    assert batch_ - inference <= max(1024, inference // 10)
