"""Firmware behind a bad line, and with its cable pulled: the same bits, nothing executed twice."""

from __future__ import annotations

import pytest

from eggroll_edge.boards.emulator import emulator
from eggroll_edge.link.session import Session
from eggroll_edge.link.transport import SerialTransport
from tests.helpers import link as linked
from tests.helpers.bad_line import BadLine, Cable

GENERATIONS, PER, ONLINE = 5, 3, 30
SMALL_BOARDS_AND_PICO = ["microbit", "hifive1", "pico"]


@pytest.mark.parametrize("board", SMALL_BOARDS_AND_PICO)
def test_a_session_over_a_bad_line(board: str) -> None:
    """From HELLO to the last digest, one byte in a hundred is damaged, in both directions."""
    with emulator(board) as running:
        line = BadLine(SerialTransport(running.url), 0.01, seed=1)
        with Session(lambda: line, reply_timeout=0.03, timeout=30, max_payload=64) as session:
            digests = list(linked.run_batch(session, 1, GENERATIONS, PER))
            assert digests == linked.expected_batch(1, GENERATIONS, PER)
            for es in (linked.ONLINE, linked.SWEEP):
                expected = linked.expected_online(ONLINE, es=es)
                assert list(linked.run_online(session, ONLINE, es=es)) == expected
            stats = session.stats()
        assert stats.samples == GENERATIONS * PER + 2 * ONLINE
        assert stats.updates == GENERATIONS + 2 * ONLINE
        assert line.missing() == []
        assert session.retries > 10
        assert stats.bad > 10  # frames that the board dropped
        assert stats.repeated > 0  # frames whose reply it still had


class Plug(Cable):
    """A cable that also closes the connection, so that the emulator notices."""

    def close(self) -> None:
        self._inner.close()


@pytest.mark.parametrize("board", SMALL_BOARDS_AND_PICO)
def test_cable_pulled_in_every_generation(board: str) -> None:
    """The line is cut within frames and replies and then opened again; the generation continues."""
    with emulator(board) as running:
        plugs: list[Plug] = []

        def plug() -> Plug:
            plugs.append(Plug(SerialTransport(running.url), 10**9))
            return plugs[-1]

        with Session(plug, reply_timeout=0.5, timeout=20) as session:
            digests = []
            for digest in linked.run_batch(session, 3, GENERATIONS, PER):
                digests.append(digest)
                if len(digests) < GENERATIONS:
                    plugs[-1].pull_after(40 + 20 * len(digests))
            assert digests == linked.expected_batch(3, GENERATIONS, PER)
            assert session.reconnects == len(plugs) - 1 == GENERATIONS - 1
            stats = session.stats()
        assert (stats.samples, stats.updates) == (GENERATIONS * PER, GENERATIONS)
