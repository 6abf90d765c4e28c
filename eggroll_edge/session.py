"""A typed client of a device's session: every command of runtime_c/PROTOCOL.md."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import replace

from eggroll_edge._core import lib
from eggroll_edge.core import Steps
from eggroll_edge.link import Link, Pending
from eggroll_edge.messages import DeviceConfig, Hello, Loaded, RunReply, Stats
from eggroll_edge.wire import LABEL_ASK, Command

__all__ = ["DeviceConfig", "Hello", "Loaded", "RunReply", "Session", "Stats"]


class Session(Link):
    """A conversation with one device. LinkError: it does not answer; DeviceError: it refuses."""

    def __enter__(self) -> Session:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def configure(self, config: DeviceConfig) -> int:
        """Carve the device's memory for a net; its bytes. Weights are random by the seed."""
        needed, _ = struct.unpack("<II", self.request(Command.CONFIG, config.pack()))
        return int(needed)

    def read_weights(self, size: int) -> bytes:
        """All weights, in the order of the core; `size` as NetConfig.parameters."""
        step = self.ceiling - 1
        spans = [(at, min(step, size - at)) for at in range(0, size, step)]
        sent = [self.submit(Command.WEIGHTS_READ, struct.pack("<IH", *span)) for span in spans]
        return b"".join(map(self.collect, sent))

    def write_weights(self, weights: bytes) -> None:
        """All weights."""
        step = self.ceiling - 4
        sent = [
            self.submit(Command.WEIGHTS_WRITE, struct.pack("<I", at) + weights[at : at + step])
            for at in range(0, len(weights), step)
        ]
        for pending in sent:
            self.collect(pending)

    def begin(self, generation: int, steps: Steps) -> None:
        """Begin a generation; online: set the rates from this one on."""
        payload = struct.pack("<IHH", generation, *steps.sigma)
        self.request(Command.GENERATION, payload + bytes((*steps.rate[0], *steps.rate[1])))

    def send_sample(
        self, stream: bytes, label: int | None, pos: int = 0, command: Command = Command.SAMPLE
    ) -> list[Pending]:
        """Send a recording, for result(); label None: ask the board (INFER: there is none)."""
        step = self.ceiling - 4
        label = LABEL_ASK if label is None else label
        sent = []
        for at in range(0, len(stream), step):
            flags = lib.EGG_CHUNK_FIRST * (at == 0) | lib.EGG_CHUNK_LAST * (
                at + step >= len(stream)
            )
            head = struct.pack("<BBH", flags, label, pos)
            sent.append(self.submit(command, head + stream[at : at + step]))
        return sent

    def result(self, sent: list[Pending], pairs: int = 0) -> RunReply:
        """What became of a recording. pairs: of the estimator sample, to fetch all their bytes."""
        reply = RunReply.parse([self.collect(pending) for pending in sent][-1])
        if reply.f and len(reply.f) < pairs:
            rest = self.read_f(pairs - len(reply.f), len(reply.f))
            reply = replace(reply, f=reply.f + rest)
        return reply

    def one_reply(self, pairs: int) -> bool:
        """Whether all bytes f come with the reply to a sample, so that the next may follow it."""
        return pairs <= self.hello.ceiling - 12

    def sample(self, stream: bytes, label: int | None, pos: int = 0, pairs: int = 0) -> RunReply:
        """Train on a recording (online), or add it to the generation."""
        return self.result(self.send_sample(stream, label, pos), pairs)

    def infer(self, stream: bytes, label: int | None = None) -> RunReply:
        """Run the unperturbed net."""
        return self.result(self.send_sample(stream, label, 0, Command.INFER))

    def read_diff(self, pairs: int) -> list[int]:
        """Fitness differences of the pairs so far in this generation (batch)."""
        found: list[int] = []
        for first, count in _spans(0, pairs, (self.hello.ceiling - 2) // 4):
            body = self.request(Command.FITNESS_READ, struct.pack("<BHH", 0, first, count))
            found += struct.unpack(f"<{count}i", body[1:])
        return found

    def read_f(self, pairs: int, first: int = 0) -> bytes:
        """Bytes f of the latest generation (batch) or sample."""
        spans = _spans(first, first + pairs, self.hello.ceiling - 2)
        sent = [self.submit(Command.FITNESS_READ, struct.pack("<BHH", 1, *s)) for s in spans]
        return b"".join(self.collect(pending)[1:] for pending in sent)

    def write_f(self, f: bytes) -> None:
        """Bytes f, for update(given=True): of several devices' differences summed up."""
        self._write_shaped(0, f)

    def write_active(self, active: bytes) -> None:
        """Rows of matrix 0 that other devices' samples touched: bits set are added."""
        self._write_shaped(1, active)

    def _write_shaped(self, kind: int, data: bytes) -> None:
        for at, count in _spans(0, len(data), self.ceiling - 3):
            head = struct.pack("<BH", kind, at)
            self.request(Command.SHAPED_WRITE, head + data[at : at + count])

    def update(self, given: bool = False) -> int:
        """End a generation; how many are done."""
        return int.from_bytes(self.request(Command.UPDATE, bytes((given,))), "little")

    def digest(self) -> tuple[int, int]:
        """Generations done, and CRC-32 of the weights."""
        done, digest = struct.unpack("<II", self.request(Command.DIGEST))
        return done, digest

    def save(self) -> int:
        """Write a checkpoint; the generations done that it holds."""
        return int.from_bytes(self.request(Command.SAVE), "little")

    def load(self) -> Loaded:
        """Take up the newest checkpoint."""
        body = self.request(Command.LOAD)
        generation, digest = struct.unpack_from("<II", body)
        return Loaded(generation, digest, body[8:])

    def stats(self) -> Stats:
        """Counters."""
        return Stats.parse(self.request(Command.STATS))

    def selftest(self) -> int:
        """Faults found; the net is lost."""
        return int.from_bytes(self.request(Command.SELFTEST), "little")

    def reset(self) -> None:
        """Forget the net; the session goes on."""
        self.request(Command.RESET)


def _spans(start: int, stop: int, most: int) -> Iterator[tuple[int, int]]:
    """(first, count) of pieces of [start, stop)."""
    for first in range(start, stop, most):
        yield first, min(most, stop - first)
