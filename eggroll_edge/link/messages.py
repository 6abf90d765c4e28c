"""The payloads of the link's frames as small frozen dataclasses (runtime_c/PROTOCOL.md)."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Any

from eggroll_edge.core.config import (
    ESTIMATORS,
    FITNESSES,
    READOUTS,
    WITHOUT_PAIRS,
    EsConfig,
    NetConfig,
)

MODES = ("infer", "generations", "online")
_HELLO = struct.Struct("<BBHHBIIII")
_RUN = struct.Struct("<BBiI")
_JSON_NAMES = {
    "max_outstanding": "replies",
    "max_payload": "ceiling",
    "receive_window": "window",
    "has_clock": "has_ticks",
}


@dataclass(frozen=True)
class Hello:
    """What a device says about itself."""

    protocol: int
    """Version of the protocol that the device speaks."""
    max_outstanding: int
    """Largest number of requests that may wait for their replies at once."""
    max_payload: int
    """Longest payload of a frame, bytes."""
    receive_window: int
    """Bytes of waiting requests that the device's receive buffer can take."""
    has_store: bool
    """Whether the device can keep a checkpoint."""
    has_clock: bool
    """Whether the device has a clock for its counters."""
    has_selftest: bool
    """Whether the device's firmware contains the selftest."""
    has_label: bool
    """Whether the device has buttons, which it can ask for a label."""
    configured: bool
    """Whether the device has a net."""
    has_baud: bool
    """Whether the baud rate of its line can change."""
    arena: int
    """Bytes of RAM for a net and its training."""
    free: int
    """Bytes of the arena that are unused."""
    generation: int
    """Generations done; 0 without a net."""
    digest: int
    """CRC-32 of the weights; 0 without a net."""
    board: str
    """Name of the board."""

    @staticmethod
    def parse(body: bytes) -> Hello:
        """From the body of a reply to HELLO."""
        protocol, outstanding, payload, window, has, arena, free, generation, digest = (
            _HELLO.unpack_from(body)
        )
        return Hello(
            protocol, outstanding, payload, window, bool(has & 1), bool(has & 2), bool(has & 4),
            bool(has & 8), bool(has & 16), bool(has & 32), arena, free, generation, digest,
            body[_HELLO.size :].decode("ascii", "replace"),
        )  # fmt: skip

    def to_dict(self) -> dict[str, Any]:
        """All fields, ready for JSON, with the shorter keys that `devices --json` prints."""
        return {_JSON_NAMES.get(name, name): value for name, value in vars(self).items()}


@dataclass(frozen=True)
class DeviceConfig:
    """What CONFIG sets: the net, the estimator, and the initial weights."""

    net: NetConfig
    es: EsConfig | None = None
    """The estimator's settings; None if the device is only to infer."""
    online: bool = False
    """Whether the device changes the weights after each recording."""
    seed: int = 0
    init_std: int = 0
    """Standard deviation of the initial weights of the LIF matrices, 0..64 weight units."""
    readout_std: int = 0
    """The same for the readout matrix."""
    stream_max: int = 0
    """Bytes of the longest recording; 0: the longest that the net could have."""

    def pack(self) -> bytes:
        """The payload of CONFIG."""
        net, es = self.net, self.es or EsConfig("batch", 1)
        mode = "infer" if self.es is None else "online" if self.online else "generations"
        pairs = es.learn_above if es.estimator in WITHOUT_PAIRS else es.pairs
        payload = struct.pack(
            "<BBHHBBBBBBBBBBHHII",
            MODES.index(mode), len(net.layers), net.inputs, net.outputs, net.ticks,
            READOUTS.index(net.readout), net.gain, ESTIMATORS.index(es.estimator), es.rank,
            es.segments, FITNESSES.index(es.fitness), self.init_std, self.readout_std,
            0 if net.layers else net.input_segments,
            pairs, es.penalty, self.seed, self.stream_max,
        )  # fmt: skip
        for layer in net.layers:
            payload += struct.pack(
                "<HHBB", layer.size, layer.threshold, layer.leak_shift, layer.refractory
            )
        if es.shift or net.has_convolution:
            payload += struct.pack("<BHHB", *(net.input_shape or (0, 0, 0)), es.shift)
        if net.has_convolution:
            payload += struct.pack("<B", net.readout_pool)
            for layer in net.layers:
                payload += struct.pack("<BBB", layer.kernel, layer.stride, layer.padding)
        return payload


@dataclass(frozen=True)
class RunReply:
    """The reply to SAMPLE and INFER: the run of the unperturbed net on a recording."""

    predicted: int
    """The predicted class."""
    label: int
    """The label that the host sent, or that the board's buttons gave."""
    loss: int
    """Cross-entropy in 1/4096 bit; 0 from INFER without a label."""
    spikes: int
    """Spikes of all LIF neurons."""
    exponent: int = 0
    """Exponent of the fitness bytes (estimator `sample`)."""
    fitness_bytes: bytes = b""
    """int8 [pairs], or the first of them (estimator `sample`)."""

    @staticmethod
    def parse(body: bytes) -> RunReply:
        """From the body of a reply, which holds as many fitness bytes as fit into it."""
        predicted, label, loss, spikes = _RUN.unpack_from(body)
        rest = body[_RUN.size :]
        return RunReply(predicted, label, loss, spikes, *((rest[0], rest[1:]) if rest else ()))


@dataclass(frozen=True)
class Loaded:
    """A checkpoint that a device has loaded."""

    generation: int
    """Generations done."""
    digest: int
    """CRC-32 of the weights."""
    config: bytes
    """The configuration in the form of DeviceConfig.pack()."""


@dataclass(frozen=True)
class Stats:
    """The counters of a device since its start, each modulo 2^32."""

    bytes_in: int
    """Bytes received."""
    bytes_out: int
    """Bytes sent."""
    frames: int
    """Whole frames received."""
    bad: int
    """Frames dropped because they were torn or damaged."""
    repeated: int
    """Requests answered from memory, because they had been executed before."""
    out_of_order: int
    """Requests refused because the one before them had not arrived."""
    samples: int
    """Recordings that the device trained on."""
    updates: int
    """Generations that changed the weights."""
    busy_clock: int
    """Clock cycles spent on executing commands."""
    link_clock: int
    """Clock cycles spent on waiting for the rest of a frame, or for the line to take a reply."""
    clock: int
    """Clock cycles since its start."""
    clock_hz: int
    """Frequency of the clock in Hz; 0 if the device has none."""

    @staticmethod
    def parse(body: bytes) -> Stats:
        """From the body of a reply to STATS."""
        return Stats(*struct.unpack("<12I", body))

    def since(self, before: Stats) -> Stats:
        """The growth of each counter since `before`; clock_hz is that of this reading."""
        now, then = vars(self), vars(before)
        grown = {name: (now[name] - then[name]) % 2**32 for name in now}
        return Stats(**{**grown, "clock_hz": self.clock_hz})
