"""Faults of the line between a session and a device, for tests."""

from __future__ import annotations

import random
import time
from collections import Counter

from eggroll_edge.link.transport import Transport


class BadLine:
    """A Transport that damages bytes in both directions, each with the probability `rate`.

    A damaged byte is dropped, has one bit flipped, or comes twice. Or it is held back with what
    follows it, or what follows it is cut off, or everything since the last write is repeated.
    """

    KINDS = ("drop", "flip", "double", "delay", "truncate", "repeat")

    def __init__(self, inner: Transport, rate: float, seed: int) -> None:
        self._inner, self._rate, self._random = inner, rate, random.Random(seed)
        self._late = {"to": b"", "from": b""}
        self._due = {"to": 0.0, "from": 0.0}
        self.faults: Counter[str] = Counter()

    def write(self, data: bytes) -> None:
        self._inner.write(self._through("to", data))

    def read(self, timeout: float) -> bytes:
        end = time.monotonic() + timeout
        while True:
            late = self._through("to", b"")
            if late:
                self._inner.write(late)
            wait = 0.001 if self._late["to"] or self._late["from"] else timeout
            data = self._through("from", self._inner.read(min(wait, timeout)))
            if data or time.monotonic() >= end:
                return data
            time.sleep(0.0002)

    def set_baud(self, baud: int) -> None:
        self._inner.set_baud(baud)

    def close(self) -> None:
        self._inner.close()

    def missing(self) -> list[str]:
        """Kinds of faults that have not happened. A test should end with none."""
        return [kind for kind in self.KINDS if not self.faults[kind]]

    def _through(self, way: str, data: bytes) -> bytes:
        """What comes out at the other end at this moment."""
        out = bytearray()
        if self._late[way]:
            if time.monotonic() < self._due[way]:
                self._late[way] += data
                return b""
            out += self._late[way]
            self._late[way] = b""
        for at, byte in enumerate(data):
            kind = self._random.choice(self.KINDS) if self._random.random() < self._rate else ""
            self.faults[kind] += 1
            if kind == "drop":
                continue
            if kind == "truncate":
                break
            if kind == "delay":
                self._late[way] = data[at:]
                self._due[way] = time.monotonic() + self._random.uniform(0, 0.01)
                break
            if kind == "repeat":
                out += data[: at + 1] + b"\0"
            if kind == "double":
                out.append(byte)
            out.append(byte ^ (1 << self._random.randrange(8)) if kind == "flip" else byte)
        return bytes(out)


class Cable:
    """A Transport whose cable is pulled after some bytes. The bytes before that still arrive."""

    def __init__(self, inner: Transport, bytes_left: int) -> None:
        self._inner, self._left = inner, bytes_left

    def pull_after(self, bytes_left: int) -> None:
        self._left = bytes_left

    def write(self, data: bytes) -> None:
        self._inner.write(data[: max(0, self._left)])
        self._left -= len(data)
        if self._left < 0:
            raise OSError("cable pulled")

    def read(self, timeout: float) -> bytes:
        data = self._inner.read(timeout)
        self._left -= len(data)
        if self._left < 0:
            raise OSError("cable pulled")
        return data

    def set_baud(self, baud: int) -> None:
        self._inner.set_baud(baud)

    def close(self) -> None:
        pass  # the device keeps its power
