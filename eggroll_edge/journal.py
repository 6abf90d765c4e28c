"""The training journal (signatures first; bodies follow)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any


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
    """Share of weights at +/-127."""
    dead_units: int
    digest: int
    seconds: float
    """Of training since the start of the run."""


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


@dataclass(frozen=True)
class Header:
    """The first line: what the run depends on."""

    values: dict[str, Any]
    """format, version, core, config, seed, dataset, net, es, initial_digest, created, host."""


class JournalReader:
    """A journal on disk, `path` the run directory. Iterating checks every line."""

    header: Header
    torn: bool

    def __init__(self, run_dir: Path) -> None:
        raise NotImplementedError

    def __iter__(self) -> Iterator[GenerationLine | EvalLine]:
        raise NotImplementedError
