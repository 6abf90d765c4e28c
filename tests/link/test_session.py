"""Sessions: the same bits as the reference model, and every command."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from eggroll_edge._core import lib

from eggroll_edge.boards.host_board import HostBoard, flash_memory, on_pty, on_tcp
from eggroll_edge.core.config import EsConfig, LifConfig, NetConfig
from eggroll_edge.core.net import Net
from eggroll_edge.errors import DeviceError
from eggroll_edge.link.frames import PROTOCOL, Command
from eggroll_edge.link.messages import DeviceConfig
from eggroll_edge.link.session import Session
from eggroll_edge.link.transport import opener
from tests import reference
from tests.helpers.link import (
    BATCH_STEPS,
    CONVOLUTION,
    DEEP,
    DEEP_CONVOLUTION,
    EPROP,
    NET,
    ONLINE,
    SAMPLE_STEPS,
    SEED,
    SELECTIVE,
    SHAPED,
    SHIFTED,
    STD,
    STEPS,
    SWEEP,
    SWEEP_STEPS,
    Program,
    batch,
    build,
    device_config,
    expected_batch,
    expected_credited,
    expected_online,
    in_process,
    model,
    recordings,
    run_batch,
    run_credited,
    run_online,
)

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


@pytest.mark.parametrize("es", [ONLINE, SWEEP], ids=["sample", "sweep"])
@pytest.mark.parametrize("net", [NET, DEEP], ids=["one layer", "two layers"])
def test_online_gives_the_reference_digests(session: Session, net: NetConfig, es: EsConfig) -> None:
    expected = expected_online(50, net, es)
    assert len(set(expected)) >= 45
    assert list(run_online(session, 50, net, es)) == expected
    assert session.stats().samples == 50


@pytest.mark.parametrize("net", [NET, DEEP], ids=["one layer", "two layers"])
def test_mini_batches_of_sweep_give_the_reference_digests(session: Session, net: NetConfig) -> None:
    expected = expected_credited(SWEEP, 10, 3, net)
    assert len(set(expected)) == 10
    assert list(run_credited(session, SWEEP, 10, 3, net)) == expected


@pytest.mark.parametrize("net", [NET, DEEP], ids=["one layer", "two layers"])
def test_recordings_below_learn_above_move_no_weight(session: Session, net: NetConfig) -> None:
    expected = expected_online(50, net, SELECTIVE)
    assert 30 <= len(set(expected)) <= 40
    assert list(run_online(session, 50, net, SELECTIVE)) == expected
    assert session.stats().samples == session.stats().updates == 50


@pytest.mark.parametrize("net", [NET, DEEP], ids=["one layer", "two layers"])
def test_mini_batches_leave_out_recordings_below_learn_above(
    session: Session, net: NetConfig
) -> None:
    expected = expected_credited(SELECTIVE, 10, 3, net)
    assert expected != expected_credited(SWEEP, 10, 3, net)
    assert list(run_credited(session, SELECTIVE, 10, 3, net)) == expected


@pytest.mark.parametrize("es", SHIFTED, ids=lambda es: es.estimator)
def test_a_device_shifts_what_it_trains_on(session: Session, es: EsConfig) -> None:
    """...but nothing that it infers on. A recording may be as long as CONFIG allows."""
    expected = expected_credited(es, 8, 3, SHAPED)
    assert list(run_credited(session, es, 8, 3, SHAPED)) == expected
    assert expected != expected_credited(replace(es, shift=0), 8, 3, SHAPED)
    if es.estimator == "batch":
        return
    online = expected_credited(es, 20, 1, SHAPED)
    assert list(run_online(session, 20, SHAPED, es)) == online
    session.configure(replace(device_config(es, True, SHAPED), stream_max=0))
    session.begin(0, STEPS[es.estimator])
    full = reference.encode([list(range(SHAPED.inputs))] * SHAPED.ticks)
    session.train(full, 1)
    ref, settings = model(es, STEPS[es.estimator], SHAPED)
    run = reference.generation_credit if es == SHIFTED[2] else reference.generation_sample
    run(ref, settings, SEED, 0, [(full, 1)], *STEPS[es.estimator].rate)
    assert session.digest() == (1, ref.digest())
    before = session.infer(full, 1)
    assert before.loss == reference.cross_entropy(reference.forward(ref, full).logits, 1)


def test_the_tail_of_config() -> None:
    plain, shifted = (device_config(es, net=SHAPED).pack() for es in (SWEEP, SHIFTED[2]))
    assert shifted == plain + b"\x01\x04\0\x05\0\x01"
    assert plain == device_config(SWEEP).pack()  # without a shift nothing needs the shape
    with in_process() as session:
        for bad, reason in (
            (shifted[:-1], "wrong payload length"),
            (shifted + b"\0", "wrong payload length"),
            (shifted[:-1] + b"\x04", "a shift 0..3"),
            (shifted[:-3] + b"\x04\0\x01", "channels . rows"),
            (plain + b"\0\0\0\0\0\x01", "needs these"),
        ):
            with pytest.raises(DeviceError, match=reason):
                session.request(Command.CONFIG, bad)
        session.request(Command.CONFIG, plain + b"\0\0\0\0\0\0")


@pytest.mark.parametrize("net", [CONVOLUTION, DEEP_CONVOLUTION], ids=["one layer", "deep"])
@pytest.mark.parametrize("es", [SWEEP, EPROP], ids=["sweep", "eprop"])
def test_convolutions_give_the_reference_digests(
    session: Session, net: NetConfig, es: EsConfig
) -> None:
    expected = expected_online(30, net, es)
    assert len(set(expected)) >= 25
    assert list(run_online(session, 30, net, es)) == expected
    expected = expected_credited(es, 5, 3, net)
    assert len(set(expected)) == 5
    assert list(run_credited(session, es, 5, 3, net)) == expected


def test_only_convolutions_have_a_tail() -> None:
    """The payload of any other net is that of version 0.2.0, also if its inputs have a shape."""
    shaped = replace(NET, input_shape=(1, 4, 5))
    assert device_config(SWEEP, net=shaped).pack() == device_config(SWEEP).pack()
    tail = device_config(SWEEP, net=CONVOLUTION).pack()[28 + 6 :]
    assert tail == bytes((2, 4, 0, 5, 0, 0, 2, 3, 1, 1))


def test_learn_above_is_where_other_estimators_have_their_pairs() -> None:
    payloads = [device_config(es).pack() for es in (SELECTIVE, SWEEP, ONLINE)]
    assert [payload[16:18] for payload in payloads] == [b"\x40\x1f", b"\0\0", b"\x0a\0"]


def test_a_reply_of_sweep_has_no_fitness_bytes() -> None:
    session = in_process()
    session.configure(device_config(SWEEP))
    session.begin(0, SWEEP_STEPS)
    ref, es = model(SWEEP, SWEEP_STEPS)
    data = recordings(6)
    found = [session.train(*recording, pos=i) for i, recording in enumerate(data)]
    want = reference.generation_credit(ref, es, SEED, 0, data, *SWEEP_STEPS.rate)
    for reply, centre in zip(found, want.centre, strict=True):
        assert (reply.exponent, reply.fitness_bytes) == (0, b"")
        assert (reply.loss, reply.spikes) == (centre.loss, centre.spikes)
    assert session.update() == 1
    assert session.digest() == (1, ref.digest())


def test_mini_batches_give_the_reference_digests() -> None:
    session = in_process()
    session.configure(device_config(ONLINE))
    ref, es = model(ONLINE, SAMPLE_STEPS)
    data = recordings(12)
    for g in range(4):
        part = data[3 * g : 3 * g + 3]
        session.begin(g, SAMPLE_STEPS)
        found = [session.train(*one, pos=i, pairs=10) for i, one in enumerate(part)]
        want = reference.generation_sample(ref, es, SEED, g, part, *SAMPLE_STEPS.rate)
        for reply, shaped, centre in zip(found, want.shaped, want.centre, strict=True):
            assert (reply.exponent, list(np.frombuffer(reply.fitness_bytes, np.int8))) == (
                shaped.e,
                shaped.f,
            )
            assert (reply.loss, reply.spikes) == (centre.loss, centre.spikes)
        assert session.update() == g + 1
        assert session.digest() == (g + 1, ref.digest())


def test_two_devices_share_a_generation() -> None:
    """The host sums their fitness differences and gives both the same fitness bytes."""
    ref, es = model(batch(2), BATCH_STEPS)
    data = recordings(6)
    want = reference.generation_batch(ref, es, SEED, 0, data, *BATCH_STEPS.rate)
    devices = [in_process(), in_process()]
    for device, part in zip(devices, (data[:2], data[2:]), strict=True):
        device.configure(device_config(batch(2)))
        device.begin(0, BATCH_STEPS)
        for sample in part:
            device.train(*sample)
    total = [
        sum(d) for d in zip(*(device.read_fitness_diff(12) for device in devices), strict=True)
    ]
    assert total == want.shaped.D
    rows = {i for stream, _ in data for tick in reference.decode(stream, 20, 5) for i in tick}
    bits = np.zeros(24, np.uint8)
    bits[[*rows, 20]] = 1
    for device in devices:
        device.write_fitness_bytes(np.array(want.shaped.f, np.int8).tobytes())
        device.write_active(np.packbits(bits, bitorder="little").tobytes())
        device.update(from_host=True)
        assert device.digest() == (1, ref.digest())
        assert device.read_fitness_bytes(12) == np.array(want.shaped.f, np.int8).tobytes()


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
    for stream, label in recordings(20):
        run = reference.forward(ref, stream)
        reply = session.infer(stream, label)
        assert reply.predicted == reference.argmax(run.logits)
        assert reply.loss == reference.cross_entropy(run.logits, label)
        assert reply.spikes == run.spikes
        assert session.infer(stream).loss == 0
    with pytest.raises(DeviceError, match="CONFIG comes first"):
        session.begin(0, SAMPLE_STEPS)  # mode infer


def test_inference_between_recordings_changes_nothing() -> None:
    session = in_process()
    expected = expected_online(10)
    session.configure(device_config(ONLINE, online=True))
    session.begin(0, SAMPLE_STEPS)
    for (stream, label), digest in zip(recordings(10), expected, strict=True):
        session.infer(recordings(1, 9)[0][0])
        session.train(stream, label)
        session.infer(stream)
        assert session.digest()[1] == digest


def test_long_recordings_travel_in_chunks() -> None:
    net = NetConfig(600, 4, 5, (LifConfig(10, 96, 2),), "integrate", 4)
    data = recordings(4, net=net)
    assert all(len(stream) > 512 for stream, _ in data)
    session = in_process()
    session.configure(DeviceConfig(net, ONLINE, True, SEED, STD, STD))
    session.begin(0, SAMPLE_STEPS)
    for sample in data:
        session.train(*sample)
    ref, es = model(ONLINE, SAMPLE_STEPS, net)
    for g, recording in enumerate(data):
        reference.generation_sample(ref, es, SEED, g, [recording], *SAMPLE_STEPS.rate)
    assert session.digest() == (4, ref.digest())


def test_many_pairs_come_in_two_replies() -> None:
    es = EsConfig("sample", 256, 1, 2)
    session = in_process()
    session.configure(DeviceConfig(NET, es, True, SEED, STD, STD))
    session.begin(0, SAMPLE_STEPS)
    assert not session.one_reply(256)
    sample = recordings(1)[0]
    reply = session.train(*sample, pairs=256)
    ref, model_es = model(es, SAMPLE_STEPS)
    want = reference.generation_sample(ref, model_es, SEED, 0, [sample], *SAMPLE_STEPS.rate)
    assert list(np.frombuffer(reply.fitness_bytes, np.int8)) == want.shaped[0].f


def test_label_from_the_board() -> None:
    board = HostBoard()
    session = in_process(board)
    session.configure(device_config(ONLINE, online=True))
    session.begin(0, SAMPLE_STEPS)
    stream, label = recordings(1)[0]
    with pytest.raises(DeviceError, match="label"):
        session.train(stream, None)
    board.press(label)
    assert session.train(stream, None).label == label
    assert session.digest()[1] == expected_online(1)[0]


def test_checkpoint_outlives_the_power() -> None:
    flash = flash_memory(8192)
    board = HostBoard(flash=flash)
    session = in_process(board)
    with pytest.raises(DeviceError, match="no whole checkpoint"):
        session.load()
    *_, digest = run_online(session, 8)
    assert session.save() == 8
    session.train(*recordings(1)[0])
    session.close()
    board.start()
    session = in_process(board)
    assert not session.hello.configured
    loaded = session.load()
    assert (loaded.generation, loaded.digest) == (8, digest)
    assert loaded.config == device_config(ONLINE, online=True).pack()
    session.begin(8, SAMPLE_STEPS)
    for sample in recordings(12)[8:]:
        session.train(*sample)
    assert session.digest()[1] == expected_online(12)[-1]


@pytest.mark.parametrize("es", [SWEEP, SELECTIVE], ids=["all", "learn_above"])
def test_a_checkpoint_of_sweep_outlives_the_power(es: EsConfig) -> None:
    board = HostBoard(flash=flash_memory(8192))
    session = in_process(board)
    *_, digest = run_online(session, 8, es=es)
    assert session.save() == 8
    session.close()
    board.start()
    session = in_process(board)
    loaded = session.load()
    assert (loaded.generation, loaded.digest) == (8, digest)
    assert loaded.config == device_config(es, online=True).pack()
    session.begin(8, SWEEP_STEPS)
    for recording in recordings(12)[8:]:
        session.train(*recording)
    assert session.digest()[1] == expected_online(12, es=es)[-1]


def test_hello_as_json() -> None:
    """`devices --json` prints these keys, which scripts may read."""
    hello = in_process().hello
    values = hello.to_dict()
    assert list(values) == [
        "protocol", "replies", "ceiling", "window", "has_store", "has_ticks", "has_selftest",
        "has_label", "configured", "has_baud", "arena", "free", "generation", "digest", "board",
    ]  # fmt: skip
    assert (values["replies"], values["ceiling"]) == (hello.max_outstanding, hello.max_payload)
    assert (values["window"], values["has_ticks"]) == (hello.receive_window, hello.has_clock)


def test_a_device_that_was_switched_off_says_so() -> None:
    board = HostBoard()
    session = in_process(board)
    session.configure(device_config(ONLINE, online=True))
    board.start()
    with pytest.raises(DeviceError, match="no HELLO") as error:
        session.digest()
    assert error.value.status == lib.EGG_E_SESSION
    assert session.handshake().configured is False


def test_training_takes_little_more_memory_than_inference(tmp_path: Path) -> None:
    """As firmware builds it: at most 10 % or 1 KiB more than the same net without training.

    Both need a buffer for a recording. It is left out, because it would hide the difference.
    """
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
