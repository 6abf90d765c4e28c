"""Sequence numbers, the send window, and lines that do not answer."""

from __future__ import annotations

import struct

import pytest
from eggroll_edge._core import lib

from eggroll_edge.boards.host_board import HostBoard, InProcess
from eggroll_edge.core.net import Net
from eggroll_edge.errors import LinkError
from eggroll_edge.link.frames import PROTOCOL, Command, Decoder, Frame, encode
from eggroll_edge.link.messages import DeviceConfig
from eggroll_edge.link.session import Session
from eggroll_edge.link.transport import opener
from tests.helpers.link import NET, ONLINE, device_config, recordings

VERSION = bytes((PROTOCOL,))


class Line:
    """Raw frames to a board."""

    def __init__(self) -> None:
        self.board = HostBoard()
        self.send(Command.HELLO, 9, b"\1\2\3\4" + VERSION)

    def send(self, kind: int, sequence: int, payload: bytes = b"") -> list[Frame]:
        return Decoder().feed(self.board.receive(encode(Frame(kind, sequence, payload))))


def test_a_payload_over_the_limit_is_refused_and_counts() -> None:
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
    stream, label = recordings(1)[0]
    first = line.send(Command.SAMPLE, 12, bytes((3, label, 0, 0)) + stream)
    digest = line.board.digest
    for _ in range(3):  # again the same frame: the same answer, and nothing is learnt
        assert line.send(Command.SAMPLE, 12, bytes((3, label, 0, 0)) + stream) == first
    assert line.board.digest == digest
    assert line.send(Command.GENERATION, 11, begin)[0].payload == b"\0"  # and the frame before it
    assert line.send(Command.CONFIG, 10) == []  # too old for an answer
    assert config
    ahead = line.send(Command.STATS, 14)
    assert ahead == [Frame(Command.STATS | 128, 14, bytes((lib.EGG_E_SEQUENCE, 13)))]
    assert line.board.native.session.stats.recordings == 1
    again = line.send(Command.HELLO, 9, b"\1\2\3\4" + VERSION)  # a late copy ends nothing
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
        Session(lambda: Silence(HostBoard()), reply_timeout=0.02, timeout=0.1)


def test_port_that_is_not_there() -> None:
    with pytest.raises(LinkError, match="is the board plugged in"):
        Session(opener("/dev/no-such-port"))


def test_the_send_window_is_kept() -> None:
    """No more bytes are outstanding than the window, and no more requests than replies kept."""

    class Slow(InProcess):
        """Answers only when asked, like a device that computes; counts outstanding requests."""

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
