"""Accuracy of a net on a dataset."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from eggroll_edge.core import Net
from eggroll_edge.events import EventDataset


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


def evaluate(net: Net, dataset: EventDataset, workers: int | None = None) -> EvalResult:
    """Run the unperturbed net on every sample. DataError if the data do not fit the net."""
    raise NotImplementedError
