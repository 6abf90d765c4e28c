"""The records of a run: what each generation and each evaluation left."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass, fields
from typing import Any

import numpy as np
import numpy.typing as npt

from eggroll_edge.core.config import Hyperparameters
from eggroll_edge.core.population import RunCounts


@dataclass(frozen=True)
class Throughput:
    """Between two readings of a device's STATS; telemetry, no result depends on it."""

    port: str
    board: str
    samples: int
    """That trained."""
    bytes_in: int
    """On the line to the device, all commands and retries included."""
    bytes_out: int
    bad: int
    """Frames that the device dropped: torn or damaged."""
    repeated: int
    """Frames that it answered from memory."""
    retries: int
    """Frames that the host sent again."""
    reconnects: int
    seconds: float
    """By the device's clock if it has one, else by the host's."""
    compute_s: float | None = None
    """In commands; None: the device has no clock, or its 32 bits may have gone round more than once
    (after 71 minutes at 1 MHz)."""
    link_s: float | None = None
    """Waiting for the rest of a frame, and for the line to take a reply. What is left of `seconds`
    is the host's: the device waits for a frame to begin."""

    def to_dict(self) -> dict[str, Any]:
        """Ready for JSON; without what is None."""
        return {name: value for name, value in asdict(self).items() if value is not None}

    @staticmethod
    def from_dict(values: dict[str, Any]) -> Throughput:
        """From to_dict(); TypeError if a field is missing or unknown."""
        return Throughput(**values)

    def __str__(self) -> str:
        each, unit = max(1, self.samples), "bytes/sample" if self.samples else "bytes"
        to, back = self.bytes_in / each, self.bytes_out / each
        parts = [f"{self.samples} samples", f"{to:.0f} {unit} to the device, {back:.0f} back"]
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
    """Sums for each port, in the order in which ports first appear."""
    sums: dict[str, Throughput] = {}
    for part in parts:
        sums[part.port] = _add(sums[part.port], part) if part.port in sums else part
    return list(sums.values())


def _add(a: Throughput, b: Throughput) -> Throughput:
    values: dict[str, Any] = {"port": a.port, "board": a.board}
    for field in fields(Throughput)[2:]:
        x, y = getattr(a, field.name), getattr(b, field.name)
        values[field.name] = None if x is None or y is None else x + y
    return Throughput(**values)


@dataclass(frozen=True)
class GenerationLine:
    """One generation, or one chunk of `online`."""

    line: int
    """Line number in the file, the header being line 1."""
    generation: int
    """Generations done before it."""
    generations: int
    """1, or how many an online chunk has."""
    samples: int
    epoch: int
    offset: int
    """Where in the epoch's order its first sample is."""
    sigma: tuple[int, int]
    rate: tuple[tuple[int, int], tuple[int, int]]
    f: bytes
    e: bytes
    """Exponents, a byte a sample (estimator sample; else empty)."""
    active: bytes | None
    """Bit map of the active rows of matrix 0 (batch, full)."""
    loss: int
    """1/4096 bit, summed over the samples."""
    correct: int
    spikes: int
    saturated: float
    """Share of weights at +/-127, as last measured."""
    dead_units: int
    """LIF neurons without a spike in the latest window of 50 generations (or one online chunk)."""
    digest: int
    seconds: float
    """Of training since the start of the run."""
    link: tuple[Throughput, ...] = ()
    """What devices and their links took, one for each."""

    @property
    def steps(self) -> Hyperparameters:
        """Sigmas and learning rates."""
        return Hyperparameters(self.sigma, self.rate)

    @property
    def counts(self) -> RunCounts:
        """Sums over the unperturbed runs."""
        return RunCounts(self.loss, self.correct, self.spikes, self.samples)


@dataclass(frozen=True)
class EvalLine:
    """One evaluation on the test split."""

    line: int
    generation: int
    test_accuracy: float
    """Percent."""
    loss_bits: float
    firing_rate: tuple[float, ...]
    dead_outputs: int
    """Classes that were never predicted on the test split."""


@dataclass(frozen=True)
class Header:
    """The first line: what the run depends on."""

    values: dict[str, Any]
    """format, version, core, config, seed, dataset, net, es, initial_digest, created, host."""


@dataclass(frozen=True)
class Telemetry:
    """Measured now and then, logged in every line."""

    saturated: float = 0.0
    dead_units: int = 0


@dataclass(frozen=True)
class Outcome:
    """What a generation, or a chunk of online generations, left beside the weights."""

    generation: int
    """Generations before it."""
    generations: int
    epoch: int
    offset: int
    steps: Hyperparameters
    f: bytes
    """Fitness bytes: [pairs], or [samples][pairs] for sample."""
    e: bytes
    """Exponents [samples] for sample; else empty."""
    active: bytes | None
    """Bit map of the active rows of matrix 0 (batch, full)."""
    counts: RunCounts
    link: tuple[Throughput, ...] = ()
    """What devices and their links took since this was last told, one for each; else empty."""


@dataclass(frozen=True, eq=False)
class EvalResult:
    """What a net made of a dataset."""

    accuracy: float
    """Percent, 0..100."""
    loss_bits: float
    """Mean cross-entropy."""
    confusion: npt.NDArray[np.int64]
    """[K, K]: samples of class (row) that were taken for class (column)."""
    predictions: npt.NDArray[np.uint8]
    """[n]: the class of each sample, as predicted."""
    firing_rate: tuple[float, ...]
    """Share of neuron-ticks with a spike, 0..1, for each LIF layer."""
    samples: int
    seconds: float

    @property
    def dead_outputs(self) -> int:
        """Classes that were never predicted."""
        return int((self.confusion.sum(axis=0) == 0).sum())

    def to_dict(self) -> dict[str, Any]:
        """Ready for JSON; without the predictions."""
        return {
            "accuracy": self.accuracy,
            "loss_bits": self.loss_bits,
            "confusion": self.confusion.tolist(),
            "firing_rate": list(self.firing_rate),
            "samples": self.samples,
            "seconds": self.seconds,
        }
