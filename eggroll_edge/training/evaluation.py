"""Accuracy of a net on a dataset."""

from __future__ import annotations

import time

import numpy as np

from eggroll_edge.core.net import Net
from eggroll_edge.core.workers import WorkerPool, shards_of, worker_count
from eggroll_edge.data.dataset import EventDataset, recordings_for
from eggroll_edge.errors import DataError
from eggroll_edge.journal.records import EvalResult


def evaluate(net: Net, dataset: EventDataset, workers: int | None = None) -> EvalResult:
    """Run the unperturbed net on every sample. DataError if the data do not fit the net."""
    if len(dataset) == 0:
        raise DataError(f"{dataset.name} is empty: there is nothing to evaluate on")
    pool = WorkerPool(net.config, None, min(worker_count(workers), len(dataset)))
    try:
        return Evaluator(net, dataset, pool)()
    finally:
        pool.close()


class Evaluator:
    """evaluate(), ready to be called again and again: the data are checked once."""

    def __init__(self, net: Net, dataset: EventDataset, pool: WorkerPool) -> None:
        self._net, self._pool = net, pool
        self._samples = recordings_for(dataset, net.config)
        self._index = np.arange(len(dataset), dtype=np.uint32)

    def __call__(self) -> EvalResult:
        """Run the net as it is now."""
        begun = time.perf_counter()
        n, config = len(self._index), self._net.config
        predictions = np.zeros(n, np.uint8)

        def run(worker: int, start: int, stop: int) -> None:
            ws = self._pool.workspaces[worker]
            ws.unit_spikes.fill(0)
            ws.run(self._net, self._samples, self._index[start:stop], predictions[start:stop])

        shards = enumerate(shards_of(n, len(self._pool)))
        self._pool.run([lambda w=w, c=c: run(w, *c) for w, c in shards])  # type: ignore[misc]
        counts = self._pool.drain_counts()
        labels = self._samples.labels.astype(np.int64)
        confusion = np.bincount(
            labels * config.outputs + predictions, minlength=config.outputs**2
        ).reshape(config.outputs, config.outputs)
        spikes = np.sum([ws.unit_spikes for ws in self._pool.workspaces], axis=0, dtype=np.int64)
        sizes = [layer.size for layer in config.layers]
        layers = np.split(spikes, np.cumsum(sizes)[:-1])
        return EvalResult(
            accuracy=100 * counts.correct / n,
            loss_bits=counts.loss / 4096 / n,
            confusion=confusion,
            predictions=predictions,
            firing_rate=tuple(
                float(part.sum()) / (n * config.ticks * size)
                for part, size in zip(layers, sizes, strict=True)
            ),
            samples=n,
            seconds=time.perf_counter() - begun,
        )
