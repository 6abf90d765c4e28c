"""A bad line and a pulled cable cost time, never a bit, and nothing is executed twice."""

from __future__ import annotations

import random

import pytest

from eggroll_edge.boards.host_board import HostBoard, InProcess, on_tcp
from eggroll_edge.core.config import EsConfig
from eggroll_edge.errors import LinkError
from eggroll_edge.link.session import Session
from eggroll_edge.link.transport import SerialTransport, opener
from tests.helpers.bad_line import BadLine, Cable
from tests.helpers.link import (
    ONLINE,
    SWEEP,
    expected_batch,
    expected_credited,
    expected_online,
    run_batch,
    run_credited,
    run_online,
)

RATE = 0.01


def bad_session(board: HostBoard, seed: int) -> tuple[Session, BadLine]:
    line = BadLine(InProcess(board), RATE, seed)
    return Session(lambda: line, reply_timeout=0.004, timeout=30, max_payload=64), line


@pytest.mark.parametrize("es", [ONLINE, SWEEP], ids=["sample", "sweep"])
@pytest.mark.parametrize("seed", range(6))
def test_online_over_a_bad_line(seed: int, es: EsConfig) -> None:
    board = HostBoard()
    session, line = bad_session(board, seed)
    assert list(run_online(session, 50, es=es)) == expected_online(50, es=es)
    stats = board.native.session.stats
    assert (stats.recordings, stats.updates) == (50, 50)
    assert line.missing() == []
    assert session.retries > 10
    assert stats.repeated > 0


@pytest.mark.parametrize("seed", range(3))
def test_mini_batches_of_sweep_over_a_bad_line(seed: int) -> None:
    board = HostBoard()
    session, line = bad_session(board, seed)
    assert list(run_credited(session, SWEEP, 10, 6)) == expected_credited(SWEEP, 10, 6)
    stats = board.native.session.stats
    assert (stats.recordings, stats.updates) == (60, 10)
    assert line.missing() == []


@pytest.mark.parametrize("rank", [1, 3])
@pytest.mark.parametrize("seed", range(3))
def test_batch_over_a_bad_line(seed: int, rank: int) -> None:
    board = HostBoard()
    session, line = bad_session(board, seed)
    assert list(run_batch(session, rank, 10, 6)) == expected_batch(rank, 10, 6)
    stats = board.native.session.stats
    assert (stats.recordings, stats.updates) == (60, 10)
    assert line.missing() == []
    assert line.faults.total() - line.faults[""] > 30


def test_over_a_bad_line_and_tcp() -> None:
    board = HostBoard()
    with on_tcp(board) as url:
        line = BadLine(SerialTransport(url), RATE, 3)
        session = Session(lambda: line, reply_timeout=0.02, timeout=30, max_payload=64)
        assert list(run_online(session, 50)) == expected_online(50)
        session.close()
    stats = board.native.session.stats
    assert (stats.recordings, stats.updates) == (50, 50)
    assert line.missing() == []


@pytest.mark.parametrize("seed", range(4))
def test_cable_pulled_and_plugged_in_again(seed: int) -> None:
    """The cable is pulled at any byte of the session, again and again; the device stays on."""
    board, lengths = HostBoard(), random.Random(seed)
    session = Session(
        lambda: Cable(InProcess(board), lengths.randint(40, 900)), reply_timeout=0.01, timeout=10
    )
    assert list(run_batch(session, 1, 10, 3)) == expected_batch(1, 10, 3)
    assert list(run_online(session, 50)) == expected_online(50)
    stats = board.native.session.stats
    assert (stats.recordings, stats.updates) == (80, 60)
    assert session.reconnects > 5


def test_port_that_is_gone_for_a_while() -> None:
    board = HostBoard()
    inner = InProcess(board)
    tries = iter([True, False, False, False, True])

    def plug() -> Cable:
        if not next(tries):
            raise LinkError("no such port")
        return Cable(inner, 700 if session_is_new else 10**9)

    session_is_new = True
    session = Session(plug, reply_timeout=0.01, timeout=10)
    session_is_new = False
    assert list(run_online(session, 50)) == expected_online(50)
    assert session.reconnects == 1


def test_cable_that_stays_out() -> None:
    board = HostBoard()
    plugs = iter([Cable(InProcess(board), 150)])

    def plug() -> Cable:
        try:
            return next(plugs)
        except StopIteration:
            raise OSError("no such port") from None

    session = Session(plug, reply_timeout=0.01, timeout=0.3)
    with pytest.raises(LinkError, match=r"did not come back within 0\.3 s: plug the board in"):
        list(run_online(session, 50))


def test_tcp_cut_in_the_middle_of_a_generation() -> None:
    """The server stops and returns on the same port; its board stays on."""
    board = HostBoard()
    with on_tcp(board) as url:
        session = Session(opener(url), reply_timeout=0.05, timeout=10)
        found = run_online(session, 50)
        digests = [next(found) for _ in range(20)]
    with on_tcp(board, int(url.rsplit(":", 1)[1])):
        digests += found
        session.close()
    assert digests == expected_online(50)
    assert board.native.session.stats.recordings == 50
