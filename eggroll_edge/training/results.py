"""The results of a run and of a replay."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from eggroll_edge.core.net import Net


@dataclass(frozen=True)
class RunResult:
    """The result of a run. result.json and the option --json hold what to_dict() returns."""

    test_accuracy: float | None
    """Percent of the test split that the final weights classify correctly; None if the run was
    interrupted."""
    train_loss: float
    """Cross-entropy of a recording in bits: mean over the last twentieth of the generations,
    measured with the unperturbed net."""
    train_accuracy: float
    """Percent of the same recordings that were classified correctly."""
    generations: int
    """Generations done."""
    seconds: float
    """Time spent on training, without evaluations, in all sittings of the run together."""
    member_evals_per_s: float
    """Runs of a population member on a recording, per second."""
    weights_digest: str
    """CRC-32 of the weights, eight hex digits."""
    run_dir: Path
    """Directory of the run."""
    firing_rate: tuple[float, ...]
    """Share of neuron-ticks with a spike, 0..1, for each LIF layer on the test split. If the run
    was interrupted: one number for all layers together on the latest training recordings."""
    stopped: str
    """Why the run ended: finished, early_stop or interrupted."""
    learned: int = 0
    """Recordings that the net learned from, repetitions included; all, but those that left no
    credit (`learn_above`)."""
    recordings: int = 0
    """Recordings trained on, repetitions included."""
    validation_accuracy: float | None = None
    """Percent, of the final weights on the recordings set aside; None if there are none, or if the
    run was interrupted."""

    def to_dict(self) -> dict[str, Any]:
        """All fields, ready for JSON."""
        return {**asdict(self), "run_dir": str(self.run_dir), "firing_rate": list(self.firing_rate)}


@dataclass(frozen=True)
class Mismatch:
    """The first generation whose rebuilt weights differ from those of the run."""

    generation: int
    """Generations done when the digests first differ."""
    line: int
    """Line of the journal, the header being line 1."""
    expected: str
    """The digest in the journal, eight hex digits."""
    found: str
    """The digest of the rebuilt weights."""


@dataclass(frozen=True)
class ReplayResult:
    """What a replay rebuilt."""

    net: Net
    """With the weights after `generations`."""
    generations: int
    """Generations rebuilt."""
    checked: int
    """Digests compared."""
    weights_digest: str
    """CRC-32 of the weights, eight hex digits."""
    mismatch: Mismatch | None
    """The first digest that differs; None if all agree."""
    torn: bool
    """Whether the journal's last line is torn. A torn line is left out."""
    seconds: float
    """Time that the replay took."""

    def to_dict(self) -> dict[str, Any]:
        """All fields but the net, ready for JSON."""
        values = {k: v for k, v in vars(self).items() if k not in ("net", "mismatch")}
        return {**values, "mismatch": asdict(self.mismatch) if self.mismatch else None}
