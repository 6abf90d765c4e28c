"""What a run tells while it goes on, and what it leaves: small frozen dataclasses.

Losses are cross-entropies in bits (base 2), accuracies in percent 0..100, firing rates shares 0..1
of neuron-ticks, times in seconds. A generation number says how many generations are done; with
`online` a generation is one sample.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from eggroll_edge.training.config import TrainConfig


@dataclass(frozen=True)
class Started:
    """The data are open, the first generation is about to begin."""

    run_dir: Path
    config: TrainConfig
    generation: int
    """0, or where a resumed run goes on."""
    total: int
    train_samples: int
    test_samples: int
    parameters: int
    """Weights of the net, biases included."""
    workers: int


@dataclass(frozen=True)
class GenerationDone:
    """How it goes: sent about ten times a second and after the last generation, not each time."""

    generation: int
    total: int
    loss_bits: float
    """Mean over the samples since the previous event of this kind; unperturbed net."""
    train_accuracy: float
    """Percent, of the same samples."""
    firing_rate: float
    """Share of neuron-ticks with a spike, of the same samples, 0..1."""
    member_evals_per_s: float
    """Runs of population members on one sample, a second (both signs of a pair count)."""
    eta_s: float


@dataclass(frozen=True)
class Evaluated:
    """The current weights were run on the test split."""

    generation: int
    test_accuracy: float
    """Percent."""


@dataclass(frozen=True)
class Note:
    """Something a user should know, one line: a torn journal line was dropped, and so on."""

    text: str


@dataclass(frozen=True)
class Replayed:
    """Sent by replay about ten times a second and at the end: generations rebuilt and checked."""

    generation: int
    total: int


@dataclass(frozen=True)
class Stopped:
    """The last event of a run."""

    reason: str
    """finished, early_stop or interrupted."""
    generation: int


Event = Started | GenerationDone | Evaluated | Note | Replayed | Stopped
OnEvent = Callable[[Event], None]
