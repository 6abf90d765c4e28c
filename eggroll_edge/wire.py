"""The frames of the link (runtime_c/PROTOCOL.md), as a pure codec: bytes in, frames out.

Before COBS a frame is: type u8, sequence u8, payload, CRC-32 of all before it (little-endian). A
zero byte ends it on the line.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from enum import IntEnum

from cobs import cobs

from eggroll_edge._core import lib

PROTOCOL: int = lib.EGG_PROTOCOL_VERSION
REPLY: int = lib.EGG_CMD_REPLY
LABEL_ASK: int = lib.EGG_LABEL_ASK
_LONGEST = 1 << 16
"""Bytes without a zero after which they cannot be a frame."""


class Command(IntEnum):
    """Type of a request; that of its reply is type | REPLY."""

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
    """What travels in one piece."""

    type: int
    """A Command, or a Command | REPLY."""
    sequence: int
    """0..255."""
    payload: bytes = b""


def encode(frame: Frame) -> bytes:
    """The frame's bytes on the line, its end included."""
    body = bytes((frame.type, frame.sequence)) + frame.payload
    return bytes(cobs.encode(body + zlib.crc32(body).to_bytes(4, "little"))) + b"\0"


def line_bytes(payload: int) -> int:
    """Most bytes that a frame with so long a payload takes on the line."""
    body = payload + 6
    return body + body // 254 + 2


class Decoder:
    """Cuts received bytes into frames; what is torn or damaged is dropped and counted."""

    def __init__(self) -> None:
        self.bad = 0
        self.said: list[str] = []
        """Lines of text between frames: a board that trains by itself tells how it goes."""
        self._rest = b""

    def feed(self, data: bytes) -> list[Frame]:
        """The frames that these bytes complete."""
        *ended, self._rest = (self._rest + data).split(b"\0")
        if len(self._rest) > _LONGEST:
            self._rest = self._rest[:1]  # enough to be dropped and counted at its end
        return [frame for piece in ended if piece and (frame := self._frame(piece))]

    def _frame(self, piece: bytes) -> Frame | None:
        try:
            body = bytes(cobs.decode(piece))
        except cobs.DecodeError:
            body = b""
        if len(body) < 6 or zlib.crc32(body[:-4]) != int.from_bytes(body[-4:], "little"):
            if piece.endswith(b"\n") and piece[:-1].isascii() and piece[:-1].decode().isprintable():
                self.said.append(piece[:-1].decode())
            else:
                self.bad += 1
            return None
        return Frame(body[0], body[1], body[2:-4])
