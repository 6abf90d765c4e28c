"""Commands that a device refuses, and their status; a refusal changes nothing."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest
from eggroll_edge._core import lib

from eggroll_edge.boards.host_board import HostBoard
from eggroll_edge.core.config import Hyperparameters, LifConfig, NetConfig
from eggroll_edge.errors import ConfigError, DeviceError
from eggroll_edge.link.frames import Command
from eggroll_edge.link.messages import DeviceConfig
from eggroll_edge.link.session import Session
from tests.helpers.link import (
    BATCH_STEPS,
    CONVOLUTION,
    DEEP,
    NET,
    ONLINE,
    SWEEP,
    SWEEP_STEPS,
    Program,
    batch,
    build,
    device_config,
    expected_batch,
    expected_online,
    in_process,
    recordings,
    run_batch,
    run_online,
)


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
        (0, 2, lib.EGG_E_ESTIMATOR),  # batch is not online
        (1, 5, lib.EGG_E_LAYERS),
        (6, 0, lib.EGG_E_TICKS),
        (9, lib.EGG_ESTIMATOR_FULL, lib.EGG_E_ESTIMATOR),  # hosts only
        (9, lib.EGG_ESTIMATOR_EPROP, lib.EGG_E_SEGMENTS),  # one for each tick
        (9, 5, lib.EGG_E_ESTIMATOR),
        (9, 255, lib.EGG_E_ESTIMATOR),
        (10, 0, lib.EGG_E_RANK),
        (13, 65, lib.EGG_E_RANGE),
    ]:
        bad = good[:at] + bytes((value,)) + good[at + 1 :]
        assert refused(session, Command.CONFIG, bad) == status
        assert refused(session, Command.DIGEST) == lib.EGG_E_ORDER
    tailed = device_config(SWEEP, net=CONVOLUTION).pack()
    assert refused(session, Command.CONFIG, tailed[:-1]) == lib.EGG_E_LENGTH
    assert refused(session, Command.CONFIG, tailed + bytes(3)) == lib.EGG_E_LENGTH
    for at, value, status in [
        (28, 0, lib.EGG_E_SIZE),
        (34, 3, lib.EGG_E_INPUTS),  # channels
        (39, 4, lib.EGG_E_INPUTS),  # shift
        (40, 17, lib.EGG_E_CONVOLUTION),  # readout pool
        (41, 16, lib.EGG_E_CONVOLUTION),
        (41, 0, lib.EGG_E_CONVOLUTION),  # a readout pool behind a dense layer
        (42, 0, lib.EGG_E_CONVOLUTION),
        (43, 3, lib.EGG_E_CONVOLUTION),
    ]:
        bad = tailed[:at] + bytes((value,)) + tailed[at + 1 :]
        assert refused(session, Command.CONFIG, bad) == status
    sampled = device_config(ONLINE, net=CONVOLUTION).pack()
    assert refused(session, Command.CONFIG, sampled) == lib.EGG_E_ESTIMATOR
    session.request(Command.CONFIG, device_config(SWEEP).pack() + bytes((1, 4, 0, 5, 0, 0)))
    linear = DeviceConfig(NetConfig(20, 4, 5, (), input_segments=3), SWEEP).pack()
    for segments in (0, 6):
        bad = linear[:15] + bytes((segments,)) + linear[16:]
        assert refused(session, Command.CONFIG, bad) == lib.EGG_E_SEGMENTS
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
        session.begin(0, Hyperparameters((40000, 1), ((1, 1), (1, 1))))
    session.begin(0, BATCH_STEPS)
    assert refused(session, Command.SAMPLE, b"\x03\0\0\0" + bytes(4)) == lib.EGG_E_STREAM
    assert refused(session, Command.SAMPLE, b"\x03\0\0\0\x15" + bytes(5)) == lib.EGG_E_STREAM
    assert refused(session, Command.SAMPLE, b"\x03\x04\0\0" + bytes(5)) == lib.EGG_E_LABEL
    assert refused(session, Command.SAMPLE, b"\x03\0\xff\xff" + bytes(5)) == lib.EGG_E_RANGE
    assert refused(session, Command.SAMPLE, b"\x02\0\0\0" + bytes(5)) == lib.EGG_E_ORDER
    pairs = struct.pack("<BHH", 0, 10, 3)
    assert refused(session, Command.FITNESS_READ, pairs) == lib.EGG_E_RANGE
    assert refused(session, Command.SHAPED_WRITE, b"\0\x0c\0\x01") == lib.EGG_E_RANGE
    assert session.read_fitness_diff(12) == [0] * 12
    assert session.stats().samples == 0
    session.reset()
    assert refused(session, Command.DIGEST) == lib.EGG_E_ORDER


@pytest.mark.parametrize("online", [False, True])
def test_sweep_has_no_fitness_bytes_to_read_or_write(online: bool) -> None:
    session = in_process()
    session.configure(device_config(SWEEP, online))
    session.begin(0, SWEEP_STEPS)
    session.train(*recordings(1)[0])
    before = session.digest()
    for kind in (0, 1):
        asked = struct.pack("<BHH", kind, 0, 1)
        assert refused(session, Command.FITNESS_READ, asked) == lib.EGG_E_ESTIMATOR
        assert refused(session, Command.SHAPED_WRITE, bytes((kind, 0, 0, 1))) == lib.EGG_E_ESTIMATOR
    status = lib.EGG_E_ORDER if online else lib.EGG_E_ESTIMATOR
    assert refused(session, Command.UPDATE, b"\1") == status
    assert session.digest() == before


def test_learn_above_has_a_limit() -> None:
    payload = device_config(SWEEP).pack()
    most = int(lib.EGG_LEARN_ABOVE_MAX)
    for value, status in ((most, None), (most + 1, lib.EGG_E_FITNESS)):
        session = in_process()
        config = payload[:16] + struct.pack("<H", value) + payload[18:]
        if status is None:
            session.request(Command.CONFIG, config)
        else:
            assert refused(session, Command.CONFIG, config) == status


def test_firmware_without_convolutions_trains_all_other_nets(tmp_path: Path) -> None:
    program = build("gcc", "link", tmp_path, "-DEGG_CONVOLUTIONS=0")
    with Session(lambda: Program(program)) as session:
        tailed = device_config(SWEEP, net=CONVOLUTION).pack()
        assert refused(session, Command.CONFIG, tailed) == lib.EGG_E_CONVOLUTION
        for net in (NET, DEEP):
            found = list(run_online(session, 20, net, SWEEP))
            assert found == expected_online(20, net, SWEEP)


def test_firmware_without_an_estimator_is_to_be_flashed_again(tmp_path: Path) -> None:
    """Older firmware, or a build with fewer estimators, still trains with those that it has."""
    program = build("gcc", "link", tmp_path, "-DEGG_SESSION_ESTIMATORS=3u")
    with Session(lambda: Program(program)) as session:
        with pytest.raises(DeviceError, match="lacks this estimator: flash it again") as error:
            session.configure(device_config(SWEEP, online=True))
        assert error.value.status == lib.EGG_E_ESTIMATOR
        assert list(run_online(session, 5)) == expected_online(5)
        assert list(run_batch(session, 1, 2, 3)) == expected_batch(1, 2, 3)


def test_firmware_with_sweep_alone(tmp_path: Path) -> None:
    program = build("gcc", "link", tmp_path, "-DEGG_SESSION_ESTIMATORS=8u")
    with Session(lambda: Program(program)) as session:
        for es in (ONLINE, batch(1)):
            with pytest.raises(DeviceError, match="lacks this estimator") as error:
                session.configure(device_config(es))
            assert error.value.status == lib.EGG_E_ESTIMATOR
        assert list(run_online(session, 5, es=SWEEP)) == expected_online(5, es=SWEEP)


def test_a_net_that_does_not_fit_is_told_in_bytes() -> None:
    session = in_process(HostBoard(arena=4096))
    wanted = DeviceConfig(NetConfig(500, 4, 5, (LifConfig(64),)), batch(1))
    with pytest.raises(DeviceError, match=r"the net needs \d{5} bytes, the board has 4096: use"):
        session.configure(wanted)


def test_window_below_a_frame_is_refused() -> None:
    with pytest.raises(ConfigError, match="use 266 bytes or more"):
        HostBoard(window=200)
