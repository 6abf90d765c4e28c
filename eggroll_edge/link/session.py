"""A session with a device: a method for each command of runtime_c/PROTOCOL.md."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import replace

from eggroll_edge._core import lib
from eggroll_edge.core.config import Hyperparameters
from eggroll_edge.link.connection import Link, Pending
from eggroll_edge.link.frames import LABEL_ASK, Command
from eggroll_edge.link.messages import DeviceConfig, Hello, Loaded, RunReply, Stats

__all__ = ["DeviceConfig", "Hello", "Loaded", "RunReply", "Session", "Stats"]

_DIFFERENCES, _BYTES = 0, 1  # kinds of FITNESS_READ
_FITNESS_BYTES, _ACTIVE_ROWS = 0, 1  # kinds of SHAPED_WRITE


class Session(Link):
    """A session with one device. As a context manager it closes the link at the end.

        with Session(opener("/dev/ttyACM0")) as session:
            print(session.hello.board)

    Any method raises LinkError if the device does not answer, and DeviceError if the device refuses
    the command.

    Attributes:
        hello (Hello): What the device has said about itself.
    """

    def __enter__(self) -> Session:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def configure(self, config: DeviceConfig) -> int:
        """Give the device a net with initial weights.

        Args:
            config: The net, the estimator and the initial weights.

        Returns:
            Bytes of the device's RAM that the net and its training take.
        """
        needed, _ = struct.unpack("<II", self.request(Command.CONFIG, config.pack()))
        return int(needed)

    def read_weights(self, size: int) -> bytes:
        """Read all weights.

        Args:
            size: Number of weights, NetConfig.parameters.

        Returns:
            int8 [size], in the order of Net.weights.
        """
        step = self.max_payload - 1
        spans = [(at, min(step, size - at)) for at in range(0, size, step)]
        sent = [self.submit(Command.WEIGHTS_READ, struct.pack("<IH", *span)) for span in spans]
        return b"".join(map(self.collect, sent))

    def write_weights(self, weights: bytes) -> None:
        """Replace all weights.

        Args:
            weights: int8 [parameters], in the order of Net.weights.
        """
        step = self.max_payload - 4
        sent = [
            self.submit(Command.WEIGHTS_WRITE, struct.pack("<I", at) + weights[at : at + step])
            for at in range(0, len(weights), step)
        ]
        for pending in sent:
            self.collect(pending)

    def begin(self, generation: int, hyperparameters: Hyperparameters) -> None:
        """Begin a generation. In online training this sets the hyperparameters from here on.

        Args:
            generation: Number of the generation, from 0.
            hyperparameters: Sigmas and learning rates, in the units of the core.
        """
        rates = bytes(value for rate in hyperparameters.rate for value in rate)
        payload = struct.pack("<IHH", generation, *hyperparameters.sigma) + rates
        self.request(Command.GENERATION, payload)

    def send_recording(
        self, stream: bytes, label: int | None, pos: int = 0, command: Command = Command.SAMPLE
    ) -> list[Pending]:
        """Send a recording in as many frames as it takes. result() waits for the reply.

        Args:
            stream: The recording's encoded bytes.
            label: The class. None asks the board's buttons; with INFER it means that there is none.
            pos: Position of the recording in its generation; 0 in online training.
            command: SAMPLE to train on the recording, INFER to run the unperturbed net only.

        Returns:
            The outstanding requests, for result().
        """
        step = self.max_payload - 4
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
        """Wait for the reply to a recording.

        Args:
            sent: What send_recording() returned.
            pairs: With the estimator `sample`, the number of fitness bytes to fetch. Those that did
                not fit into the reply take another command.

        Returns:
            The class that the net predicts, and what the recording contributed to the generation.
        """
        reply = RunReply.parse([self.collect(pending) for pending in sent][-1])
        missing = pairs - len(reply.fitness_bytes)
        if reply.fitness_bytes and missing > 0:
            rest = self.read_fitness_bytes(missing, len(reply.fitness_bytes))
            reply = replace(reply, fitness_bytes=reply.fitness_bytes + rest)
        return reply

    def one_reply(self, pairs: int) -> bool:
        """Whether a reply has room for the fitness bytes of all pairs.

        Only then may a recording be sent before the result of the previous one has arrived.

        Args:
            pairs: Number of pairs.
        """
        return pairs <= self.hello.max_payload - 12

    def train(self, stream: bytes, label: int | None, pos: int = 0, pairs: int = 0) -> RunReply:
        """Train on a recording: add it to the generation or, in online training, learn it at once.

        Args:
            stream: As in send_recording().
            label: As in send_recording().
            pos: As in send_recording().
            pairs: As in result().

        Returns:
            As from result().
        """
        return self.result(self.send_recording(stream, label, pos), pairs)

    def infer(self, stream: bytes, label: int | None = None) -> RunReply:
        """Run the unperturbed net on a recording.

        Args:
            stream: The recording's encoded bytes.
            label: The class, from which the device computes the loss; None if it is not known.

        Returns:
            The class that the net predicts, loss and spikes.
        """
        return self.result(self.send_recording(stream, label, 0, Command.INFER))

    def read_fitness_diff(self, pairs: int) -> list[int]:
        """Read the fitness differences of the present generation so far (estimator `batch`).

        Args:
            pairs: Number of pairs.

        Returns:
            One difference for each pair, in 1/4096 bit.
        """
        found: list[int] = []
        for first, count in _spans(0, pairs, (self.hello.max_payload - 2) // 4):
            payload = struct.pack("<BHH", _DIFFERENCES, first, count)
            found += struct.unpack(f"<{count}i", self.request(Command.FITNESS_READ, payload)[1:])
        return found

    def read_fitness_bytes(self, pairs: int, first: int = 0) -> bytes:
        """Read fitness bytes of the latest update (`batch`) or of the latest recording (`sample`).

        Args:
            pairs: Number of pairs to read.
            first: The first of these pairs.

        Returns:
            int8 [pairs].
        """
        sent = [
            self.submit(Command.FITNESS_READ, struct.pack("<BHH", _BYTES, *span))
            for span in _spans(first, first + pairs, self.hello.max_payload - 2)
        ]
        return b"".join(self.collect(pending)[1:] for pending in sent)

    def write_fitness_bytes(self, fitness_bytes: bytes) -> None:
        """Set the fitness bytes that update(from_host=True) uses.

        Args:
            fitness_bytes: int8 [pairs], of all pairs.
        """
        self._write_shaped(_FITNESS_BYTES, fitness_bytes)

    def write_active(self, active: bytes) -> None:
        """Add active rows of matrix 0 to those that the device has marked.

        Args:
            active: Bit map of the rows, uint8 [(inputs + 8) // 8]; bit i stands for row i.
        """
        self._write_shaped(_ACTIVE_ROWS, active)

    def _write_shaped(self, kind: int, data: bytes) -> None:
        for at, count in _spans(0, len(data), self.max_payload - 3):
            head = struct.pack("<BH", kind, at)
            self.request(Command.SHAPED_WRITE, head + data[at : at + count])

    def update(self, from_host: bool = False) -> int:
        """End a generation and change the weights.

        Args:
            from_host: Use the fitness bytes that the host has written, instead of those that the
                device makes from its fitness differences (estimator `batch`). The host needs this
                to combine the differences of several devices.

        Returns:
            Generations done.
        """
        return int.from_bytes(self.request(Command.UPDATE, bytes((from_host,))), "little")

    def digest(self) -> tuple[int, int]:
        """Read the digest; returns (generations done, CRC-32 of the weights)."""
        done, digest = struct.unpack("<II", self.request(Command.DIGEST))
        return done, digest

    def save(self) -> int:
        """Write a checkpoint on the device; returns the generations done."""
        return int.from_bytes(self.request(Command.SAVE), "little")

    def load(self) -> Loaded:
        """Load the newest checkpoint of the device."""
        body = self.request(Command.LOAD)
        generation, digest = struct.unpack_from("<II", body)
        return Loaded(generation, digest, body[8:])

    def stats(self) -> Stats:
        """Read the device's counters."""
        return Stats.parse(self.request(Command.STATS))

    def selftest(self) -> int:
        """Run the device's selftest; returns the number of faults. The net is lost."""
        return int.from_bytes(self.request(Command.SELFTEST), "little")

    def reset(self) -> None:
        """Remove the net; the session goes on."""
        self.request(Command.RESET)


def _spans(start: int, stop: int, most: int) -> Iterator[tuple[int, int]]:
    """(first, count) of consecutive pieces of [start, stop), each of at most `most`."""
    for first in range(start, stop, most):
        yield first, min(most, stop - first)
