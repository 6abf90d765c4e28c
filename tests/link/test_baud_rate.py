"""The baud rate: both sides agree on it and confirm it, or return to 115200 baud."""

from __future__ import annotations

import os
import termios
import time
from typing import Any

import pytest
from eggroll_edge._core import ffi

from eggroll_edge.boards.host_board import HostBoard, InProcess, on_pty, on_tcp
from eggroll_edge.errors import DeviceError
from eggroll_edge.link.frames import REPLY, Command, Decoder, Frame
from eggroll_edge.link.session import Session
from eggroll_edge.link.transport import BAUD, opener
from tests.helpers.link import expected_batch, expected_online, in_process, run_batch, run_online

FAST = 921600
CLOCK = 4
"""The board's clock is this many times too fast: it gives up a baud rate after half a second."""


class RatedLine(InProcess):
    """A serial line between a host and a board, each with a baud rate.

    Bytes arrive as noise if the two rates differ, or if they are above what the line carries.
    """

    def __init__(self, board: HostBoard, carries: int = 4_000_000) -> None:
        super().__init__(board)
        self.board, self.rate, self.carries = board, BAUD, carries
        self.busy_until = 0.0
        self._ring: list[tuple[bytes, int]] = []
        self._answers: list[tuple[bytes, int]] = []
        self._ticks = ffi.callback(
            "uint32_t(void *)", lambda user: int(time.monotonic() * 1e6 * CLOCK) % 2**32
        )
        self.power_up()

    def power_up(self) -> None:
        self.board.start()
        self.board.native.session.io.clock = self._ticks

    def compute(self, seconds: float) -> None:
        """Leave all bytes in the receive buffer for some time."""
        self.busy_until = time.monotonic() + seconds

    def _arrives(self, data: bytes, sent_at: int, taken_at: int) -> bytes:
        if sent_at == taken_at <= self.carries:
            return data
        return bytes(0 if i % 9 == 8 else x ^ 0x5A or 1 for i, x in enumerate(data))

    def write(self, data: bytes) -> None:
        self._ring.append((data, self.rate))
        self._work()

    def _work(self) -> None:
        while self._ring and time.monotonic() >= self.busy_until:
            data, rate = self._ring.pop(0)
            before = self.board.native.baud  # replies go out before it changes
            answer = self.board.receive(self._arrives(data, rate, before))
            self._answers.append((answer, before))

    def read(self, timeout: float) -> bytes:
        self._work()
        if time.monotonic() >= self.busy_until:
            self.board.idle()
        answers, self._answers = self._answers, []
        return b"".join(self._arrives(*answer, self.rate) for answer in answers)

    def set_baud(self, baud: int) -> None:
        self.rate = baud


class Losing(RatedLine):
    """A line that loses the first `count` requests, or replies, of a type."""

    def __init__(self, board: HostBoard, kind: int, at_rate: int, count: int = 1) -> None:
        super().__init__(board)
        self._kind, self._at_rate, self.left = kind, at_rate, count

    def _lost(self, data: bytes) -> bytes:
        hit = any(isinstance(f, Frame) and f.type == self._kind for f in Decoder().feed(data))
        if hit and self.rate == self._at_rate and self.left > 0:
            self.left -= 1
            return b""
        return data

    def write(self, data: bytes) -> None:
        super().write(self._lost(data))

    def read(self, timeout: float) -> bytes:
        return self._lost(super().read(timeout))


def session_over(line: InProcess, **options: Any) -> Session:
    return Session(lambda: line, **{"reply_timeout": 0.1, "timeout": 20, "baud": FAST, **options})


def check_runs(session: Session) -> None:
    assert list(run_batch(session, 1, 4, 3)) == expected_batch(1, 4, 3)
    assert list(run_online(session, 10)) == expected_online(10)


def test_both_sides_change_and_go_back() -> None:
    line = RatedLine(HostBoard())
    with session_over(line) as session:
        assert (session.baud, line.rate, line.board.native.baud) == (FAST, FAST, FAST)
        check_runs(session)
        assert session.retries == 0
    assert line.board.native.baud == BAUD


def test_line_that_does_not_carry_the_baud_rate() -> None:
    """The confirmation never arrives, so both sides go back."""
    line = RatedLine(HostBoard(), carries=460800)
    session = session_over(line)
    assert (session.baud, line.rate, line.board.native.baud) == (BAUD, BAUD, BAUD)
    assert session.notes == ["host: nothing comes through at 921600 baud: the line is at 115200"]
    check_runs(session)


def test_confirmation_that_is_lost_once() -> None:
    line = Losing(HostBoard(), Command.HELLO, FAST)
    session = session_over(line)
    assert line.left == 0
    assert (session.baud, line.board.native.baud) == (FAST, FAST)
    check_runs(session)


def test_answer_to_the_confirmation_is_lost_for_long() -> None:
    """The device has changed its rate and the host does not know; it still finds the device."""
    line = Losing(HostBoard(), Command.HELLO | REPLY, FAST, 3)
    session = session_over(line)
    assert line.left == 0
    assert session.baud == line.board.native.baud
    check_runs(session)


def test_reply_that_is_lost() -> None:
    """The device has changed its rate and the host has not, so the device goes back."""
    line = Losing(HostBoard(), Command.BAUD | REPLY, BAUD)
    session = session_over(line)
    assert line.left == 0
    assert (session.baud, line.board.native.baud) == (BAUD, BAUD)
    check_runs(session)


def test_device_that_is_switched_off_while_fast() -> None:
    line = RatedLine(HostBoard())
    session = session_over(line)
    line.power_up()
    assert line.board.native.baud == BAUD
    with pytest.raises(DeviceError, match="no HELLO"):
        session.digest()
    session.handshake()
    assert (session.baud, line.board.native.baud) == (FAST, FAST)
    check_runs(session)


def test_host_that_died_while_fast() -> None:
    line = RatedLine(HostBoard())
    session_over(line)  # not closed
    assert line.board.native.baud == FAST
    line.set_baud(BAUD)
    session = session_over(line, baud=BAUD)
    assert (session.baud, line.board.native.baud) == (BAUD, BAUD)
    check_runs(session)


def test_noise_while_nobody_talks() -> None:
    """The device takes it for a host at another baud rate; the host finds the device again."""
    line = RatedLine(HostBoard())
    session = session_over(line, reply_timeout=0.02)
    line.board.receive(b"\x55\xaa\0")
    assert line.board.native.baud == FAST
    end = time.monotonic() + 30
    while line.board.native.baud == FAST:
        line.board.idle()
        assert time.monotonic() < end
    check_runs(session)
    assert session.baud == BAUD
    assert session.notes == ["host: nothing comes through at 921600 baud: the line is at 115200"]


def test_device_that_computes_for_long_while_fast() -> None:
    """The host looks for it at both baud rates; nothing is executed twice."""
    line = RatedLine(HostBoard())
    session = session_over(line, reply_timeout=0.02)
    found = run_online(session, 10)
    digests = [next(found) for _ in range(5)]
    line.compute(0.3)
    digests += found
    assert digests == expected_online(10)
    assert session.retries >= 3
    assert line.board.native.session.stats.recordings == 10
    assert session.baud == line.board.native.baud


def test_boards_that_cannot() -> None:
    board = HostBoard()
    board.native.session.io.baud = ffi.NULL
    session = in_process(board, baud=FAST)
    assert session.baud == BAUD
    assert not session.hello.has_baud
    assert session.notes[0].startswith("host: the line stays at 115200 baud: host refuses BAUD")
    check_runs(session)
    session = in_process(baud=5_000_000)
    assert session.baud == BAUD
    assert "baud rate out of range (status 25)" in session.notes[0].replace(" is ", " ")


def test_real_ports() -> None:
    board = HostBoard()
    with on_pty(board) as url, Session(opener(url), baud=FAST) as session:
        assert (session.baud, board.native.baud) == (FAST, FAST)
        file = os.open(url, os.O_RDWR | os.O_NOCTTY)
        assert termios.tcgetattr(file)[5] == termios.B921600
        os.close(file)
        check_runs(session)
    assert board.native.baud == BAUD
    board = HostBoard()
    with on_tcp(board) as url, Session(opener(url), baud=FAST) as session:  # TCP has no baud rate
        assert (session.baud, board.native.baud) == (FAST, FAST)
        check_runs(session)
