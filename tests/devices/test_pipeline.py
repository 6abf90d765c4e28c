"""The next recording arrives while the device learns the last one.

The board and its line are slow, and their time is counted instead of measured.
"""

from __future__ import annotations

from collections import deque

import numpy as np
import pytest
from eggroll_edge._core import ffi

from eggroll_edge.boards.host_board import HostBoard, InProcess
from eggroll_edge.core.config import LifConfig, NetConfig
from eggroll_edge.devices.meter import Meter
from eggroll_edge.journal.records import Throughput
from eggroll_edge.link.messages import DeviceConfig
from eggroll_edge.link.session import Session
from tests import reference
from tests.helpers.link import ONLINE, SAMPLE_STEPS, SEED, STD, Recording, model

BYTE_US = 87  # 115200 baud
SMALL = NetConfig(120, 4, 5, (LifConfig(6, 96, 2),), "integrate", 4)
LARGE = NetConfig(500, 4, 5, (LifConfig(6, 96, 2),), "integrate", 4)
"""SMALL: recordings of about 130 bytes, one frame. LARGE: of about 500 bytes, three frames."""


class SlowLine(InProcess):
    """A board that learns a recording in `compute_us`, on a line that takes BYTE_US for a byte.

    A byte reaches the board's receive buffer (its ring) when the line has carried it, and leaves
    the ring when the board is free. The board asks its buttons for the label of each recording.
    The buttons know the labels, and that is where the time for computing passes.
    """

    def __init__(self, board: HostBoard, compute_us: int, data: list[Recording]) -> None:
        super().__init__(board)
        self.host = self.board_at = 0
        """The host's time, and the time at which the board has done its work, in microseconds."""
        self.most_in_ring = 0
        self._line_free = 0
        self._taken: deque[int] = deque()  # when each of the latest bytes left the ring
        self._answers: deque[tuple[int, bytes]] = deque()
        labels = iter([label for _, label in data])

        def teacher(user: object) -> int:
            self.board_at += compute_us
            return next(labels)

        def send(user: object, data: object, size: int) -> None:
            self.board_at += BYTE_US * size
            self._answers.append((self.board_at, bytes(ffi.buffer(data, size))))

        io = board.native.session.io
        io.label = self._label = ffi.callback("int32_t(void *)", teacher)
        io.write = self._send = ffi.callback("egg_frame_write", send)
        io.clock = self._ticks = ffi.callback(
            "uint32_t(void *)", lambda user: self.board_at % 2**32
        )

    def write(self, data: bytes) -> None:
        self._line_free = max(self._line_free, self.host)
        for byte in data:
            self._line_free += BYTE_US
            while self._taken and self._taken[0] <= self._line_free:
                self._taken.popleft()
            self.board_at = max(self.board_at, self._line_free)
            self._taken.append(self.board_at)
            self.most_in_ring = max(self.most_in_ring, len(self._taken))
            self._board.receive(bytes((byte,)))

    def read(self, timeout: float) -> bytes:
        if not self._answers:
            return b""
        at, answer = self._answers.popleft()
        self.host = max(self.host, at)
        return answer


def recordings(net: NetConfig, n: int) -> list[Recording]:
    rng = np.random.default_rng(5)
    density = [np.flatnonzero(rng.random(net.inputs) < 0.2).tolist() for _ in range(n * net.ticks)]
    return [
        (reference.encode(density[i : i + net.ticks]), int(rng.integers(net.outputs)))
        for i in range(0, n * net.ticks, net.ticks)
    ]


def learn(
    net: NetConfig, compute_us: int, n: int, ahead: int, window: int = 1024
) -> tuple[int, int, Throughput]:
    """(microseconds for a recording, most bytes in the ring, throughput).

    Asserts that the weights are those of the reference model.

    ahead: recordings that are sent before the reply to the first of them.
    """
    data = recordings(net, n)
    board = HostBoard(window=window)
    line = SlowLine(board, compute_us, data)
    session = Session(lambda: line)
    session.configure(DeviceConfig(net, ONLINE, True, SEED, STD, STD))
    session.begin(0, SAMPLE_STEPS)
    meter, begun, sent = Meter(session), line.host, []
    for stream, _ in data:
        sent.append(session.send_recording(stream, None))
        while len(sent) > ahead:
            session.result(sent.pop(0))
    for each in sent:
        session.result(each)
    took = (line.host - begun) // n
    used = meter.read()
    ref, es = model(ONLINE, SAMPLE_STEPS, net)
    for g, sample in enumerate(data):
        reference.generation_sample(ref, es, SEED, g, [sample], *SAMPLE_STEPS.rate)
    assert session.digest() == (n, ref.digest())
    assert session.retries == 0
    assert line.most_in_ring <= window
    return took, line.most_in_ring, used


def line_us(net: NetConfig, n: int) -> int:
    """Microseconds that the line takes for a recording, without the frames around it."""
    return BYTE_US * sum(len(stream) for stream, _ in recordings(net, n)) // n


@pytest.mark.parametrize("share", [0.3, 1.0, 3.0], ids=["line-bound", "balanced", "compute-bound"])
def test_the_next_one_arrives_while_the_last_is_learnt(share: float) -> None:
    """One after the other takes line + compute; overlapped, only the longer of the two."""
    n, frame, reply = 40, 14 * BYTE_US, 33 * BYTE_US
    line = line_us(SMALL, n)
    compute = int(share * line)
    alone, _, _ = learn(SMALL, compute, n, ahead=0)
    both, in_ring, _ = learn(SMALL, compute, n, ahead=1)
    assert alone >= line + compute
    assert both <= max(line + frame, compute + reply) * 1.1
    assert both < alone - 0.8 * min(line, compute)
    if share >= 1:
        assert in_ring >= line // BYTE_US // 2  # it was in the ring while the board computed


def test_recordings_of_several_frames() -> None:
    """The ring holds as much of the next recording as fits: here one frame of three."""
    n = 20
    line = line_us(LARGE, n)
    alone, _, _ = learn(LARGE, line, n, ahead=0, window=512)
    both, in_ring, _ = learn(LARGE, line, n, ahead=1, window=512)
    assert 250 <= in_ring <= 512
    assert both < alone - 200 * BYTE_US


@pytest.mark.parametrize(("share", "ahead"), [(0.25, 0), (0.25, 1), (4.0, 0), (4.0, 1)])
def test_stats_tell_what_the_time_went_by_with(share: float, ahead: int) -> None:
    n = 40
    line = line_us(SMALL, n)
    _, _, used = learn(SMALL, int(share * line), n, ahead)
    assert used.samples == n
    assert used.compute_s == pytest.approx(n * int(share * line) / 1e6)
    assert used.compute_s is not None
    assert used.link_s is not None
    compute, link = used.compute_s / used.seconds, used.link_s / used.seconds
    assert compute + link <= 1
    assert compute + link > 0.95  # this host is never slow
    if share < 1:
        assert link > 0.7
    else:
        assert compute > 0.7
        assert link < 0.1 or not ahead
    assert "bytes/recording to the device" in str(used)
