"""What requests and replies of the link say (runtime_c/PROTOCOL.md): small frozen dataclasses."""

from __future__ import annotations

import struct
from dataclasses import dataclass

from eggroll_edge.core.config import ESTIMATORS, FITNESSES, READOUTS, EsConfig, NetConfig

MODES = ("infer", "generations", "online")
_HELLO = struct.Struct("<BBHHBIIII")
_RUN = struct.Struct("<BBiI")


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
    has_baud: bool
    """Whether the line's rate can change."""
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
            bool(has & 8), bool(has & 16), bool(has & 32), arena, free, generation, digest,
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

    @staticmethod
    def parse(body: bytes) -> RunReply:
        """From a reply's body; of f, what fitted into it."""
        predicted, label, loss, spikes = _RUN.unpack_from(body)
        rest = body[_RUN.size :]
        return RunReply(predicted, label, loss, spikes, *((rest[0], rest[1:]) if rest else ()))


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
    """Computing: in commands."""
    link_ticks: int
    """Waiting for the rest of a frame, and for the line to take a reply."""
    ticks: int
    ticks_hz: int
    """0: no clock."""

    @staticmethod
    def parse(body: bytes) -> Stats:
        """From a reply's body."""
        return Stats(*struct.unpack("<12I", body))

    def since(self, before: Stats) -> Stats:
        """What has been counted since `before`; ticks_hz as it is."""
        now, then = vars(self), vars(before)
        grown = {name: (now[name] - then[name]) % 2**32 for name in now}
        return Stats(**{**grown, "ticks_hz": self.ticks_hz})
