"""What a run tells while it goes on, and what it leaves: small frozen dataclasses.

Losses are cross-entropies in bits (base 2), accuracies in percent 0..100, firing rates shares 0..1
of neuron-ticks, times in seconds. A generation number says how many generations are done; with
`online` a generation is one sample.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from eggroll_edge.config import TrainConfig
from eggroll_edge.core import Net


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


@dataclass(frozen=True)
class RunResult:
    """What a run left. `to_dict()` is what result.json and --json hold."""

    test_accuracy: float | None
    """Percent, of the final weights on the test split; None if the run was interrupted."""
    train_loss: float
    """Bits, mean of the last twentieth of the generations, unperturbed net."""
    train_accuracy: float
    """Percent, of the same samples."""
    generations: int
    """Generations done."""
    seconds: float
    """Of training, evaluations excluded; earlier sittings of a resumed run included."""
    member_evals_per_s: float
    weights_digest: str
    """CRC-32 of the weights, eight hex digits."""
    run_dir: Path
    firing_rate: tuple[float, ...]
    """Share of neuron-ticks with a spike for each LIF layer: on the test split, or, if the run was
    interrupted, one number for all layers on the latest training samples."""
    stopped: str
    """finished, early_stop or interrupted."""

    def to_dict(self) -> dict[str, Any]:
        """Ready for JSON."""
        return {**asdict(self), "run_dir": str(self.run_dir), "firing_rate": list(self.firing_rate)}


@dataclass(frozen=True)
class Mismatch:
    """The first generation whose rebuilt weights are not those of the journal."""

    generation: int
    """Number of generations done where the digests differ."""
    line: int
    """Line of the journal, the header being line 1."""
    expected: str
    found: str


@dataclass(frozen=True)
class ReplayResult:
    """What a replay rebuilt."""

    net: Net
    """With the weights after `generations`."""
    generations: int
    checked: int
    """Digests compared."""
    weights_digest: str
    mismatch: Mismatch | None
    """None: every digest agreed."""
    torn: bool
    """The journal's last line was torn and is left out."""
    seconds: float

    def to_dict(self) -> dict[str, Any]:
        """Ready for JSON; without the weights."""
        values = {k: v for k, v in vars(self).items() if k not in ("net", "mismatch")}
        return {**values, "mismatch": asdict(self.mismatch) if self.mismatch else None}
