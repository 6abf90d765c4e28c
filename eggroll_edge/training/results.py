"""What a run and a replay give back."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from eggroll_edge.core.net import Net


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
