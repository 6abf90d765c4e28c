"""A typed client of a device's session: requests, replies, retries (runtime_c/PROTOCOL.md).

A request that is not answered in time goes out again with the same sequence number, and a device
answers such a one from memory, so nothing is executed twice. A cable that was pulled is waited for.
Several requests may be on the way; never more of them than the device keeps replies for, and never
more bytes than fit its receive window.
"""

from __future__ import annotations

import contextlib
import secrets
import struct
import time
from collections.abc import Iterator
from dataclasses import dataclass

from eggroll_edge._core import lib
from eggroll_edge.core import Steps
from eggroll_edge.errors import DeviceError, LinkError
from eggroll_edge.netconfig import ESTIMATORS, FITNESSES, READOUTS, EsConfig, NetConfig, status_text
from eggroll_edge.transport import Opener, Transport
from eggroll_edge.wire import LABEL_ASK, PROTOCOL, REPLY, Command, Decoder, Frame, encode

MODES = ("infer", "generations", "online")
_BACKOFF = 8
"""A retry waits twice as long as the one before, at most so many times the timeout."""
_HINTS = {
    lib.EGG_E_PROTOCOL: "flash firmware of this version",
    lib.EGG_E_SESSION: "it has been switched off meanwhile: connect again",
    lib.EGG_E_ESTIMATOR: "devices do batch, sample and online",
    lib.EGG_E_EMPTY: "save one first",
    lib.EGG_E_COMMAND: "flash newer firmware",
}


@dataclass(frozen=True)
class Hello:
    """What a device says of itself."""

    protocol: int
    replies: int
    """Requests that may be unanswered at once."""
    ceiling: int
    """Longest payload, bytes."""
    window: int
    """Bytes that may be unanswered at once."""
    has_store: bool
    has_ticks: bool
    has_selftest: bool
    has_label: bool
    configured: bool
    arena: int
    """Bytes for a net and its training."""
    free: int
    generation: int
    digest: int
    """CRC-32 of the weights; 0 without a net."""
    board: str

    @staticmethod
    def parse(body: bytes) -> Hello:
        """From a reply's body."""
        protocol, replies, ceiling, window, has, arena, free, generation, digest = (
            _HELLO.unpack_from(body)
        )
        return Hello(
            protocol, replies, ceiling, window, bool(has & 1), bool(has & 2), bool(has & 4),
            bool(has & 8), bool(has & 16), arena, free, generation, digest,
            body[_HELLO.size :].decode("ascii", "replace"),
        )  # fmt: skip


@dataclass(frozen=True)
class DeviceConfig:
    """What CONFIG sets: net, estimator, and how weights begin."""

    net: NetConfig
    es: EsConfig | None = None
    """None: mode infer."""
    online: bool = False
    seed: int = 0
    init_std: int = 0
    readout_std: int = 0
    stream_max: int = 0
    """Longest recording, bytes; 0: the longest that the net could have."""

    def pack(self) -> bytes:
        """CONFIG's payload."""
        net, es = self.net, self.es or EsConfig("batch", 1)
        mode = "infer" if self.es is None else "online" if self.online else "generations"
        payload = struct.pack(
            "<BBHHBBBBBBBBBBHHII",
            MODES.index(mode), len(net.layers), net.inputs, net.outputs, net.ticks,
            READOUTS.index(net.readout), net.gain, ESTIMATORS.index(es.estimator), es.rank,
            es.segments, FITNESSES.index(es.fitness), self.init_std, self.readout_std, 0,
            es.pairs, es.penalty, self.seed, self.stream_max,
        )  # fmt: skip
        for layer in net.layers:
            payload += struct.pack(
                "<HHBB", layer.size, layer.threshold, layer.leak_shift, layer.refractory
            )
        return payload


@dataclass(frozen=True)
class RunReply:
    """Of SAMPLE and INFER: the unperturbed net on a recording."""

    predicted: int
    label: int
    """As given, or as the board's buttons said."""
    loss: int
    """1/4096 bit; INFER without a label: 0."""
    spikes: int
    e: int = 0
    """Exponent (estimator sample)."""
    f: bytes = b""
    """Fitness bytes of the pairs (estimator sample)."""


@dataclass(frozen=True)
class Loaded:
    """A checkpoint that a device took up."""

    generation: int
    digest: int
    config: bytes
    """As DeviceConfig.pack()."""


@dataclass(frozen=True)
class Stats:
    """A device's counters since its start, modulo 2^32."""

    bytes_in: int
    bytes_out: int
    frames: int
    bad: int
    """Frames dropped: torn or damaged."""
    repeated: int
    early: int
    samples: int
    """That trained."""
    updates: int
    """Generations that changed the weights."""
    busy_ticks: int
    ticks: int
    ticks_hz: int
    """0: no clock."""


class Pending:
    """A request on its way."""

    def __init__(self, command: Command, sequence: int, line: bytes) -> None:
        self.command, self.sequence, self.line = command, sequence, line
        self.deadline, self.tries = 0.0, 0
        self.reply: bytes | None = None


_HELLO = struct.Struct("<BBHHBIIII")
_RUN = struct.Struct("<BBiI")


class Session:
    """A conversation with one device. LinkError: it does not answer; DeviceError: it refuses."""

    def __init__(
        self,
        open_transport: Opener,
        *,
        timeout: float = 1.0,
        patience: float = 60.0,
        ceiling: int | None = None,
    ) -> None:
        """Connect, and say HELLO.

        timeout: seconds before a first retry. patience: seconds without any answer, or without a
        cable, before giving up; a slow device computes for long. ceiling: longest payload to send,
        bytes; a bad line wants short frames.
        """
        self._open, self._timeout, self._patience = open_transport, timeout, patience
        self._most = ceiling
        self.retries = 0
        """Frames that were sent again."""
        self.reconnects = 0
        self.bytes_out = self.bytes_in = 0
        self._waiting: list[Pending] = []
        self._decoder = Decoder()
        self._transport: Transport = open_transport()
        self.hello = self.greet()

    # --- requests and replies

    def greet(self) -> Hello:
        """Begin a new session with the device; requests on their way are forgotten."""
        self._waiting.clear()
        self._sequence = secrets.randbelow(256)  # so that late replies to others do not fit
        self._replies, self._window = 1, 1 << 30
        self._heard = time.monotonic()
        self._renewed = 0.0
        nonce = struct.pack("<IB", secrets.randbits(32), PROTOCOL)
        self._decoder = Decoder()
        with contextlib.suppress(OSError):  # what others left on the line
            while self._transport.read(0):
                pass
        hello = Hello.parse(self.request(Command.HELLO, nonce))
        self._replies, self._window = hello.replies, hello.window
        self.ceiling = min(hello.ceiling, self._most or hello.ceiling)
        self.hello = hello
        return hello

    def close(self) -> None:
        """Let go of the port."""
        self._transport.close()

    def __enter__(self) -> Session:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def request(self, command: Command, payload: bytes = b"") -> bytes:
        """Send, wait, and give the reply's body."""
        return self.collect(self.submit(command, payload))

    def submit(self, command: Command, payload: bytes = b"") -> Pending:
        """Send without waiting for the reply; waits for credits if need be."""
        line = encode(Frame(command, self._sequence, payload))
        while not self._has_credit(len(line) + 1):
            self._pump()
        pending = Pending(command, self._sequence, line)
        self._sequence = (self._sequence + 1) & 255
        if not self._waiting:
            self._heard = time.monotonic()
        self._waiting.append(pending)
        if len(self._waiting) == 1 and command is Command.HELLO:
            line = b"\0" + line  # ends whatever was on the line before
        self._send(pending, line)
        return pending

    def collect(self, pending: Pending) -> bytes:
        """Wait for the reply to a request; its body."""
        while pending.reply is None:
            self._pump()
        status, body = pending.reply[0], pending.reply[1:]
        if status != lib.EGG_OK:
            raise self._refused(pending.command, status, body)
        return body

    def _has_credit(self, size: int) -> bool:
        if not self._waiting:
            return True
        open_bytes = sum(len(p.line) + 1 for p in self._waiting if p.reply is None)
        return len(self._waiting) < self._replies and open_bytes + size <= self._window

    def _send(self, pending: Pending, line: bytes) -> None:
        wait = self._timeout * min(_BACKOFF, 2**pending.tries)
        pending.tries += 1
        pending.deadline = time.monotonic() + wait
        self.bytes_out += len(line)
        try:
            self._transport.write(line)
        except OSError as error:
            self._reconnect(error)

    def _resend(self, pending: Pending) -> None:
        self.retries += 1
        self._send(pending, b"\0" + pending.line)

    def _pump(self) -> None:
        """Take what arrives; at the oldest request's deadline, send it again."""
        oldest = self._waiting[0]
        wait = oldest.deadline - time.monotonic()
        try:
            data = self._transport.read(min(max(wait, 0.0), 0.2))
        except OSError as error:
            self._reconnect(error)
            return
        self.bytes_in += len(data)
        for frame in self._decoder.feed(data):
            self._take(frame)
        now = time.monotonic()
        if self._waiting and self._waiting[0] is oldest and now >= oldest.deadline:
            if now - self._heard > self._patience:
                self._waiting.clear()
                raise LinkError(
                    f"no answer to {oldest.command.name} within {self._patience:g} s: is it the "
                    "right port and baud rate, and does the firmware run? Unplug the board, plug "
                    "it in and try again"
                )
            self._resend(oldest)

    def _take(self, frame: Frame) -> None:
        for pending in self._waiting:
            if (frame.type, frame.sequence) == (pending.command | REPLY, pending.sequence):
                break
        else:
            return  # an answer that came twice
        if pending.reply is not None or not frame.payload:
            return
        self._heard = time.monotonic()
        status = frame.payload[0]
        if status == lib.EGG_E_SESSION:
            self._waiting.clear()
            raise self._refused(pending.command, status, b"")
        if status == lib.EGG_E_SEQUENCE:  # one before it got lost: all again, but not each time
            if self._heard - self._renewed > self._timeout / 2:
                self._renewed = self._heard
                for each in self._waiting:
                    self._resend(each)
            return
        pending.reply = frame.payload
        while self._waiting and self._waiting[0].reply is not None:
            self._waiting.pop(0)
            if self._waiting:  # its time begins now
                self._waiting[0].deadline = self._heard + self._timeout

    def _reconnect(self, cause: OSError) -> None:
        """Open the port again, and repeat what was on its way."""
        self._transport.close()
        end = time.monotonic() + self._patience
        while True:
            try:
                self._transport = self._open()
                break
            except (OSError, LinkError) as error:
                if time.monotonic() > end:
                    raise LinkError(
                        f"the link broke ({cause}) and did not come back within "
                        f"{self._patience:g} s: plug the board in, then resume the run"
                    ) from error
                time.sleep(0.05)
        self.reconnects += 1
        self._decoder = Decoder()
        self._heard = time.monotonic()
        for pending in list(self._waiting):
            if pending.reply is None:
                self._resend(pending)

    def _refused(self, command: Command, status: int, body: bytes) -> DeviceError:
        name = self.hello.board if hasattr(self, "hello") else "the device"
        text = f"{name} refuses {command.name}: {status_text(status)} (status {status})"
        if command is Command.CONFIG and status == lib.EGG_E_MEMORY and len(body) == 8:
            needs, has = struct.unpack("<II", body)
            text += (
                f"; the net needs {needs} bytes, the board has {has}: use fewer hidden neurons, "
                "pool = 2, fewer pairs or ticks (`eggroll-edge plan` tells sizes)"
            )
        elif status in _HINTS:
            text += f"; {_HINTS[status]}"
        return DeviceError(text, status)

    def said(self) -> list[str]:
        """Lines that the device has said since the last call, beside its replies."""
        lines, self._decoder.said = self._decoder.said, []
        return lines

    # --- commands

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
            flags = lib.EGG_FIRST * (at == 0) | lib.EGG_LAST * (at + step >= len(stream))
            head = struct.pack("<BBH", flags, label, pos)
            sent.append(self.submit(command, head + stream[at : at + step]))
        return sent

    def result(self, sent: list[Pending], pairs: int = 0) -> RunReply:
        """What became of a recording. pairs: of the estimator sample, to fetch all their bytes."""
        bodies = [self.collect(pending) for pending in sent]
        predicted, label, loss, spikes = _RUN.unpack_from(bodies[-1])
        rest = bodies[-1][_RUN.size :]
        e, f = (rest[0], rest[1:]) if rest else (0, b"")
        if rest and len(f) < pairs:
            f += self.read_f(pairs - len(f), len(f))
        return RunReply(predicted, label, loss, spikes, e, f)

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
        return Stats(*struct.unpack("<11I", self.request(Command.STATS)))

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
