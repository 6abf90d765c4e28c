"""The records of a run: what a generation, an evaluation and a device leave behind."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass, field, fields
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from eggroll_edge.core.config import Hyperparameters
from eggroll_edge.core.counts import RunCounts

EvalSplit = Literal["validation", "test"]
"""Recordings that a run is evaluated on: those it set aside, or the test split."""


@dataclass(frozen=True)
class Header:
    """The first line of a journal: everything that the run depends on."""

    values: dict[str, Any]
    """format, version, core, config, seed, dataset, test_dataset, net, es, initial_digest, created
    and host. training/header.py writes and reads them."""

    @property
    def online(self) -> bool:
        """Whether the run is online: each line of the journal is then a chunk of generations."""
        return bool(self.values.get("config", {}).get("online"))


@dataclass(frozen=True)
class Telemetry:
    """Health of the net: measured at intervals, logged with every generation."""

    saturated: float = 0.0
    """Share of weights at +127 or -127, 0..1."""
    dead_units: int = 0
    """LIF neurons without a spike in the latest 50 generations (`online`: in the latest chunk)."""


@dataclass(frozen=True)
class GenerationRecord:
    """What a generation, or a chunk of `online` generations, leaves beside the weights.

    The estimator makes the record; the trainer adds the fields from `telemetry` on; the journal
    holds all of them.
    """

    generation: int
    """Generations done before it."""
    generations: int
    """1, or the number of generations in a chunk."""
    epoch: int
    offset: int
    """Position of its first recording in the order of that epoch."""
    hyperparameters: Hyperparameters
    fitness_bytes: bytes
    """int8 [pairs] (batch, full), or [recordings, pairs] (sample); else empty."""
    exponents: bytes
    """uint8 [recordings] (sample); else empty."""
    active: bytes | None
    """Bit map of the active rows of matrix 0 (batch, full)."""
    counts: RunCounts
    """Sums over the runs of the unperturbed net, one run for each recording."""
    link: tuple[Throughput, ...] = ()
    """One for each device whose counters were read after this generation."""
    telemetry: Telemetry = Telemetry()
    digest: int = 0
    """CRC-32 of the weights after it."""
    seconds: float = 0.0
    """Time spent on training since the start of the run."""
    line: int = field(default=0, compare=False)
    """Line of the journal that holds the record; the header is line 1. 0: not in a journal yet."""

    @property
    def end(self) -> int:
        """Generations done after it."""
        return self.generation + self.generations


@dataclass(frozen=True)
class EvalRecord:
    """An evaluation."""

    generation: int
    """Generations done when it was made."""
    accuracy: float
    """Percent, 0..100."""
    loss_bits: float
    """Mean cross-entropy of a recording, in bits."""
    firing_rate: tuple[float, ...]
    """Share of neuron-ticks with a spike, 0..1, for each LIF layer."""
    dead_outputs: int
    """Classes that were never predicted."""
    split: EvalSplit = "test"
    line: int = field(default=0, compare=False)
    """As in GenerationRecord."""


@dataclass(frozen=True, eq=False)
class EvalResult:
    """How well a net classifies a dataset."""

    accuracy: float
    """Percent, 0..100."""
    loss_bits: float
    """Mean cross-entropy of a recording, in bits."""
    confusion: npt.NDArray[np.int64]
    """int64 [classes, classes]: recordings of the class (row) that were predicted as the class
    (column)."""
    predictions: npt.NDArray[np.uint8]
    """uint8 [recordings]: the predicted classes."""
    firing_rate: tuple[float, ...]
    """Share of neuron-ticks with a spike, 0..1, for each LIF layer."""
    samples: int
    """Recordings evaluated."""
    seconds: float
    """Time that the evaluation took."""

    @property
    def dead_outputs(self) -> int:
        """Classes that were never predicted."""
        return int((self.confusion.sum(axis=0) == 0).sum())

    def to_dict(self) -> dict[str, Any]:
        """All fields but the predictions, ready for JSON."""
        return {
            "accuracy": self.accuracy,
            "loss_bits": self.loss_bits,
            "confusion": self.confusion.tolist(),
            "firing_rate": list(self.firing_rate),
            "samples": self.samples,
            "seconds": self.seconds,
        }


@dataclass(frozen=True)
class Throughput:
    """What a device and its link did between two readings of the device's counters (STATS).

    This is telemetry: no result depends on it. The field names are those of the journal.
    """

    port: str
    board: str
    samples: int
    """Recordings that the device trained on."""
    bytes_in: int
    """Bytes that the device received, all commands and retries included."""
    bytes_out: int
    """Bytes that the device sent."""
    bad: int
    """Frames that the device dropped because they were torn or damaged."""
    repeated: int
    """Requests that the device answered from memory, because it had executed them before."""
    retries: int
    """Frames that the host sent again."""
    reconnects: int
    seconds: float
    """Time between the two readings, by the device's clock if it has one, else by the host's."""
    compute_s: float | None = None
    """Time in which the device executed commands. None if it has no clock, or if its 32-bit counter
    may have wrapped more than once (after 71 minutes at 1 MHz)."""
    link_s: float | None = None
    """Time in which the device waited for the rest of a frame, or for the line to take a reply. In
    the rest of `seconds` it waited for the host to begin a frame."""

    def to_dict(self) -> dict[str, Any]:
        """Ready for JSON; fields that are None are left out."""
        return {name: value for name, value in asdict(self).items() if value is not None}

    @staticmethod
    def from_dict(values: dict[str, Any]) -> Throughput:
        """The inverse of to_dict(); TypeError if a field is missing or unknown."""
        return Throughput(**values)

    def __str__(self) -> str:
        each, unit = max(1, self.samples), "bytes/recording" if self.samples else "bytes"
        to, back = self.bytes_in / each, self.bytes_out / each
        parts = [f"{self.samples} recordings", f"{to:.0f} {unit} to the device, {back:.0f} back"]
        if self.compute_s is not None and self.link_s is not None:
            whole = max(self.seconds, self.compute_s + self.link_s, 1e-9)
            compute, link = 100 * self.compute_s / whole, 100 * self.link_s / whole
            parts.append(
                f"computing {compute:.0f} %, link {link:.0f} %, waiting for the host "
                f"{max(0.0, 100 - compute - link):.0f} %"
            )
        faults = ((self.bad, "bad frames"), (self.retries, "retries"))
        more = (*faults, (self.reconnects, "reconnects"))
        return ", ".join([*parts, *(f"{count} {name}" for count, name in more if count)])


def total(parts: Iterable[Throughput]) -> list[Throughput]:
    """The sum for each port, in the order in which the ports first appear."""
    sums: dict[str, Throughput] = {}
    for part in parts:
        sums[part.port] = _add(sums[part.port], part) if part.port in sums else part
    return list(sums.values())


def _add(a: Throughput, b: Throughput) -> Throughput:
    values: dict[str, Any] = {"port": a.port, "board": a.board}
    for one in fields(Throughput)[2:]:
        x, y = getattr(a, one.name), getattr(b, one.name)
        values[one.name] = None if x is None or y is None else x + y
    return Throughput(**values)
