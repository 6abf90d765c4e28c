"""The events that a run sends while it is going on: small frozen dataclasses.

Losses are cross-entropies of a recording in bits, accuracies are in percent 0..100, firing rates
are shares 0..1 of neuron-ticks with a spike, times are in seconds. A generation number is the
number of generations done; with `online`, a generation is one recording.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from eggroll_edge.journal.records import EvalSplit
from eggroll_edge.training.config import TrainConfig


@dataclass(frozen=True)
class Started:
    """The data are open and the first generation is about to begin."""

    run_dir: Path
    config: TrainConfig
    generation: int
    """Generations done already: 0, unless the run is resumed."""
    total: int
    """Generations of the whole run."""
    train_recordings: int
    validation_recordings: int
    """0: evaluations during training are on the test split."""
    test_recordings: int
    parameters: int
    """Weights of the net, biases included."""
    workers: int
    """Threads that evaluate the population."""
    derived: tuple[str, ...] = ()
    """Names of the settings in `config` that were derived from the first training recordings."""


@dataclass(frozen=True)
class GenerationDone:
    """Progress of the training: sent about ten times a second, and after the last generation."""

    generation: int
    total: int
    loss_bits: float
    """Mean over the recordings since the previous event of this kind, of the unperturbed net."""
    train_accuracy: float
    """On the same recordings."""
    firing_rate: float
    """On the same recordings, over all LIF layers."""
    member_evals_per_s: float
    """Runs of a population member on a recording, per second; both members of a pair count."""
    eta_s: float
    """Estimated time until the last generation."""


@dataclass(frozen=True)
class Evaluated:
    """The current weights were evaluated."""

    generation: int
    accuracy: float
    split: EvalSplit
    """On which recordings: "test", or "validation" for those set aside."""


@dataclass(frozen=True)
class Note:
    """One line that a user should know, such as: a torn line of the journal was left out."""

    text: str


@dataclass(frozen=True)
class Replayed:
    """Progress of a replay: sent about ten times a second and at the end."""

    generation: int
    """Generations rebuilt and checked."""
    total: int


@dataclass(frozen=True)
class Stopped:
    """A run has ended or was stopped: the last event of a train() or resume()."""

    reason: str
    """finished, early_stop or interrupted."""
    generation: int


Event = Started | GenerationDone | Evaluated | Note | Replayed | Stopped
OnEvent = Callable[[Event], None]


def ignore(event: Event) -> None:
    """An OnEvent for callers who want no events."""
