"""Accuracy of a net on a dataset."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from eggroll_edge.core import Net, Samples
from eggroll_edge.crew import Crew, cuts
from eggroll_edge.errors import ConfigError, DataError
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


def worker_count(workers: int | None) -> int:
    """`workers`, or the cores that this process may use; ConfigError unless 1..256."""
    if workers is None:
        allowed = getattr(os, "sched_getaffinity", None)
        return min(256, len(allowed(0)) if allowed else os.cpu_count() or 1)
    if not 1 <= workers <= 256:
        raise ConfigError(f"workers is {workers}: use 1..256, or leave it out for all cores")
    return workers


def evaluate(net: Net, dataset: EventDataset, workers: int | None = None) -> EvalResult:
    """Run the unperturbed net on every sample. DataError if the data do not fit the net."""
    if len(dataset) == 0:
        raise DataError(f"{dataset.name} is empty: there is nothing to evaluate on")
    crew = Crew(net.config, None, min(worker_count(workers), len(dataset)))
    try:
        return Evaluator(net, dataset, crew)()
    finally:
        crew.close()


class Evaluator:
    """evaluate(), ready to be called again and again: the data are checked once."""

    def __init__(self, net: Net, dataset: EventDataset, crew: Crew) -> None:
        self._net, self._crew = net, crew
        self._samples = Samples.of(dataset, net.config)
        self._index = np.arange(len(dataset), dtype=np.uint32)

    def __call__(self) -> EvalResult:
        """Run the net as it is now."""
        begun = time.perf_counter()
        n, config = len(self._index), self._net.config
        predictions = np.zeros(n, np.uint8)

        def run(worker: int, start: int, stop: int) -> None:
            ws = self._crew.workspaces[worker]
            ws.unit_spikes.fill(0)
            ws.run(self._net, self._samples, self._index[start:stop], predictions[start:stop])

        shards = enumerate(cuts(n, len(self._crew)))
        self._crew.run([lambda w=w, c=c: run(w, *c) for w, c in shards])  # type: ignore[misc]
        tally = self._crew.take_tally()
        labels = self._samples.labels.astype(np.int64)
        confusion = np.bincount(
            labels * config.outputs + predictions, minlength=config.outputs**2
        ).reshape(config.outputs, config.outputs)
        spikes = np.sum([ws.unit_spikes for ws in self._crew.workspaces], axis=0, dtype=np.int64)
        sizes = [layer.size for layer in config.layers]
        layers = np.split(spikes, np.cumsum(sizes)[:-1])
        return EvalResult(
            accuracy=100 * tally.correct / n,
            loss_bits=tally.loss / 4096 / n,
            confusion=confusion,
            predictions=predictions,
            firing_rate=tuple(
                float(part.sum()) / (n * config.ticks * size)
                for part, size in zip(layers, sizes, strict=True)
            ),
            samples=n,
            seconds=time.perf_counter() - begun,
        )
