"""The frames of the link as a pure codec: bytes in, frames out (runtime_c/PROTOCOL.md).

A frame consists of its type (u8), its sequence number (u8), its payload, and the CRC-32 of all
these (little-endian). On the line a frame is encoded by COBS, which leaves no zero byte in it, and
ends with a zero byte.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from enum import IntEnum

from cobs import cobs

from eggroll_edge._core import lib

PROTOCOL: int = lib.EGG_PROTOCOL_VERSION
"""Version of the protocol."""
REPLY: int = lib.EGG_CMD_REPLY
"""Bit that is set in the type of a reply."""
LABEL_ASK: int = lib.EGG_LABEL_ASK
"""Stands in place of a label: the device shall ask its buttons."""
_LONGEST = 1 << 16
"""A longer run of bytes without a zero cannot be a frame."""


class Command(IntEnum):
    """Type of a request. The type of its reply is type | REPLY."""

    HELLO = lib.EGG_CMD_HELLO
    CONFIG = lib.EGG_CMD_CONFIG
    WEIGHTS_READ = lib.EGG_CMD_WEIGHTS_READ
    WEIGHTS_WRITE = lib.EGG_CMD_WEIGHTS_WRITE
    GENERATION = lib.EGG_CMD_GENERATION
    SAMPLE = lib.EGG_CMD_SAMPLE
    FITNESS_READ = lib.EGG_CMD_FITNESS_READ
    SHAPED_WRITE = lib.EGG_CMD_SHAPED_WRITE
    UPDATE = lib.EGG_CMD_UPDATE
    INFER = lib.EGG_CMD_INFER
    SAVE = lib.EGG_CMD_SAVE
    LOAD = lib.EGG_CMD_LOAD
    STATS = lib.EGG_CMD_STATS
    SELFTEST = lib.EGG_CMD_SELFTEST
    RESET = lib.EGG_CMD_RESET
    DIGEST = lib.EGG_CMD_DIGEST
    BAUD = lib.EGG_CMD_BAUD


@dataclass(frozen=True)
class Frame:
    """A request or a reply."""

    type: int
    """A Command, or a Command | REPLY."""
    sequence: int
    """Sequence number, 0..255."""
    payload: bytes = b""


def encode(frame: Frame) -> bytes:
    """The bytes of a frame on the line, the zero byte at its end included."""
    body = bytes((frame.type, frame.sequence)) + frame.payload
    return bytes(cobs.encode(body + zlib.crc32(body).to_bytes(4, "little"))) + b"\0"


def line_bytes(payload: int) -> int:
    """The most bytes that a frame with `payload` bytes of payload takes on the line."""
    body = payload + 6
    return body + body // 254 + 2


class Decoder:
    """Cuts received bytes into frames. Torn and damaged frames are dropped and counted."""

    def __init__(self) -> None:
        self.bad = 0
        """Frames dropped."""
        self.text_lines: list[str] = []
        """Lines of text between the frames: a board that trains by itself prints its progress."""
        self._rest = b""

    def feed(self, data: bytes) -> list[Frame]:
        """The frames that end within these bytes."""
        *ended, self._rest = (self._rest + data).split(b"\0")
        if len(self._rest) > _LONGEST:
            self._rest = self._rest[:1]  # enough for it to be dropped and counted at its end
        return [frame for piece in ended if piece and (frame := self._frame(piece))]

    def _frame(self, piece: bytes) -> Frame | None:
        try:
            body = bytes(cobs.decode(piece))
        except cobs.DecodeError:
            body = b""
        if len(body) < 6 or zlib.crc32(body[:-4]) != int.from_bytes(body[-4:], "little"):
            if piece.endswith(b"\n") and piece[:-1].isascii() and piece[:-1].decode().isprintable():
                self.text_lines.append(piece[:-1].decode())
            else:
                self.bad += 1
            return None
        return Frame(body[0], body[1], body[2:-4])
