"""How well a net classifies a dataset."""

from __future__ import annotations

import time
from contextlib import closing

import numpy as np

from eggroll_edge.core.net import Net
from eggroll_edge.core.workers import WorkerPool, shards_of, worker_count
from eggroll_edge.data.dataset import EventDataset, recordings_for
from eggroll_edge.errors import DataError
from eggroll_edge.journal.records import EvalResult
from eggroll_edge.training.units import BIT


def evaluate(net: Net, dataset: EventDataset, workers: int | None = None) -> EvalResult:
    """Run the unperturbed net on every recording of a dataset.

    Args:
        net: The net with its weights.
        dataset: Recordings with as many inputs and ticks as the net.
        workers: Number of threads; None takes one for each core. The result does not depend on it.

    Returns:
        Accuracy, loss, confusion matrix, predictions and firing rates.

    Raises:
        ConfigError: `workers` is out of range.
        DataError: The dataset is empty or does not fit the net.
    """
    if len(dataset) == 0:
        raise DataError(f"{dataset.name} is empty: there is nothing to evaluate on")
    threads = min(worker_count(workers), len(dataset))
    with closing(WorkerPool(net.config, None, threads)) as pool:
        return Evaluator(net, dataset, pool)()


class Evaluator:
    """evaluate() for repeated calls: the data are checked once, and the worker pool is kept."""

    def __init__(self, net: Net, dataset: EventDataset, pool: WorkerPool) -> None:
        self._net, self._pool = net, pool
        self._recordings = recordings_for(dataset, net.config)
        self._index = np.arange(len(dataset), dtype=np.uint32)

    def __call__(self) -> EvalResult:
        """Evaluate the net with its present weights."""
        begun = time.perf_counter()
        n, config = len(self._index), self._net.config
        predictions = np.zeros(n, np.uint8)

        def run(worker: int, start: int, stop: int) -> None:
            workspace = self._pool.workspaces[worker]
            workspace.unit_spikes.fill(0)
            index = self._index[start:stop]
            workspace.run(self._net, self._recordings, index, predictions[start:stop])

        shards = enumerate(shards_of(n, len(self._pool)))
        self._pool.run([lambda w=w, s=s: run(w, *s) for w, s in shards])  # type: ignore[misc]
        counts = self._pool.drain_counts()
        labels = self._recordings.labels.astype(np.int64)
        confusion = np.bincount(
            labels * config.outputs + predictions, minlength=config.outputs**2
        ).reshape(config.outputs, config.outputs)
        spikes = np.sum([w.unit_spikes for w in self._pool.workspaces], axis=0, dtype=np.int64)
        sizes = config.units
        ends = np.cumsum(sizes, dtype=np.int64)  # behind the last one nothing
        layers = np.split(spikes, ends)
        return EvalResult(
            accuracy=100 * counts.correct / n,
            loss_bits=counts.loss / BIT / n,
            confusion=confusion,
            predictions=predictions,
            firing_rate=tuple(
                float(part.sum()) / (n * config.ticks * size)
                for part, size in zip(layers, sizes, strict=False)
            ),
            samples=n,
            seconds=time.perf_counter() - begun,
        )
