"""The estimators on the host: one generation, sharded over threads.

Shards are contiguous and what they give is summed in int32, so any number of threads gives the same
bits. All arrays are allocated once; `Outcome` holds bytes, so a later generation changes none.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable

import numpy as np

from eggroll_edge.core.arrays import I8, U8
from eggroll_edge.core.config import EsConfig, Hyperparameters
from eggroll_edge.core.net import Net, active_bytes, padded
from eggroll_edge.core.population import Credit, Population, shape_fitness
from eggroll_edge.core.workers import Task, WorkerPool, shards_of
from eggroll_edge.journal.records import Outcome
from eggroll_edge.training.batches import Batch
from eggroll_edge.training.config import TrainConfig


class Estimator(ABC):
    """Moves a net's weights from one generation to the next."""

    needs_data = False
    """Whether a replay needs the samples, too."""

    def __init__(self, net: Net, es: EsConfig, seed: int, batch: int, pool: WorkerPool) -> None:
        self.net, self.pool, self.batch = net, pool, batch
        self.population = Population(net, es, seed)
        self.pairs = es.pairs
        self._rows = [shards_of(rows, len(pool)) for rows, _ in net.config.shapes]

    @abstractmethod
    def step(self, generation: int, steps: Hyperparameters, batch: Batch, overlap: Task) -> Outcome:
        """One generation (online: len(batch) of them).

        `meanwhile` is called once, before any weight changes: while the threads evaluate.
        """

    @abstractmethod
    def replay(
        self, generation: int, steps: Hyperparameters, batch: Batch | None, f: I8, e: U8, active: U8
    ) -> None:
        """Change the weights as step() did, from its bytes; no member is evaluated."""


class Sample(Estimator):
    """Estimator sample in mini-batches."""

    needs_data = True

    def __init__(self, net: Net, es: EsConfig, seed: int, batch: int, pool: WorkerPool) -> None:
        super().__init__(net, es, seed, batch, pool)
        self._f: I8 = np.zeros(batch * es.pairs, np.int8)
        self._e: U8 = np.zeros(batch, np.uint8)
        share = min(Credit.MOST, -(-batch // len(pool)))
        self._credits = [Credit(net.config, es, share) for _ in pool.workspaces]
        self._chunk = share * len(pool)
        self._total = np.zeros(len(net.weights), np.int32) if batch > self._chunk else None

    def step(self, generation: int, steps: Hyperparameters, batch: Batch, overlap: Task) -> Outcome:
        self._generation(generation, steps, batch, False, self._f, self._e, overlap)
        return Outcome(
            generation, 1, batch.epoch, batch.offset, steps,
            self._f.tobytes(), self._e.tobytes(), None, self.pool.drain_counts(),
        )  # fmt: skip

    def replay(
        self, generation: int, steps: Hyperparameters, batch: Batch | None, f: I8, e: U8, active: U8
    ) -> None:
        assert batch is not None
        self._generation(generation, steps, batch, True, f, e, _nothing)

    def _generation(
        self,
        generation: int,
        steps: Hyperparameters,
        batch: Batch,
        given: bool,
        f: I8,
        e: U8,
        overlap: Task,
    ) -> None:
        self.population.at(generation, steps)

        def credit(worker: int, start: int, stop: int) -> None:
            self.population.sample(
                self.pool.workspaces[worker], batch.samples, batch.index[start:stop], start, given,
                f[start * self.pairs : stop * self.pairs], e[start:stop], self._credits[worker],
            )  # fmt: skip

        workers = range(len(self.pool))
        for first in range(0, len(batch), self._chunk):
            n = min(self._chunk, len(batch) - first)
            shards = [(first + start, first + stop) for start, stop in shards_of(n, len(self.pool))]
            last = first + n == len(batch)
            self.pool.run([_task(credit, w, *shards[w]) for w in workers], overlap)
            self.pool.run([_task(self._learn, w, last) for w in workers])
            overlap = _nothing

    def _learn(self, worker: int, last: bool) -> None:
        """Take a share of the rows out of all workers' credit."""
        ws = self.pool.workspaces[worker]
        for m, rows in enumerate(self._rows):
            self.population.learn(ws, self._credits, m, *rows[worker], self._total, last)


class Online(Estimator):
    """Estimator sample, a sample a generation: each sees the weights that the one before left."""

    needs_data = True

    def step(self, generation: int, steps: Hyperparameters, batch: Batch, overlap: Task) -> Outcome:
        overlap()
        n = len(batch)
        f, e = np.zeros(n * self.pairs, np.int8), np.zeros(n, np.uint8)
        self._chunk(generation, steps, batch, False, f, e)
        return Outcome(
            generation, n, batch.epoch, batch.offset, steps, f.tobytes(), e.tobytes(), None,
            self.pool.drain_counts(),
        )  # fmt: skip

    def replay(
        self, generation: int, steps: Hyperparameters, batch: Batch | None, f: I8, e: U8, active: U8
    ) -> None:
        assert batch is not None
        self._chunk(generation, steps, batch, True, f, e)

    def _chunk(
        self, generation: int, steps: Hyperparameters, batch: Batch, given: bool, f: I8, e: U8
    ) -> None:
        self.population.at(generation, steps)
        ws = self.pool.workspaces[0]
        self.population.online(ws, batch.samples, batch.index, given, f, e)


class Batched(Estimator):
    """What batch and full share: one fitness byte a pair for the whole generation."""

    def __init__(self, net: Net, es: EsConfig, seed: int, batch: int, pool: WorkerPool) -> None:
        super().__init__(net, es, seed, batch, pool)
        self._f: I8 = np.zeros(es.pairs, np.int8)
        self._diffs = [np.zeros(es.pairs, np.int32) for _ in pool.workspaces]
        size = active_bytes(net.config)
        self._actives = [np.zeros(size, np.uint8) for _ in pool.workspaces]
        self._total = np.zeros(len(net.weights), np.int32)

    def step(self, generation: int, steps: Hyperparameters, batch: Batch, overlap: Task) -> Outcome:
        self.population.at(generation, steps)
        for diff, active in zip(self._diffs, self._actives, strict=True):
            diff.fill(0)
            active.fill(0)
        self._evaluate(batch, overlap)
        diff, active = self._diffs[0], self._actives[0]
        for other in self._diffs[1:]:
            np.add(diff, other, out=diff)
        for marks in self._actives[1:]:
            np.bitwise_or(active, marks, out=active)
        shape_fitness(diff, self._f)
        self._update(self._f, active)
        return Outcome(
            generation, 1, batch.epoch, batch.offset, steps, self._f.tobytes(), b"",
            active.tobytes(), self.pool.drain_counts(),
        )  # fmt: skip

    def replay(
        self, generation: int, steps: Hyperparameters, batch: Batch | None, f: I8, e: U8, active: U8
    ) -> None:
        self.population.at(generation, steps)
        self._update(f, active)

    def _update(self, f: I8, active: U8) -> None:
        def rows_of(worker: int) -> None:
            for m, rows in enumerate(self._rows):
                self._add_steps(worker, f, active, m, *rows[worker])
                ws = self.pool.workspaces[worker]
                self.population.apply(ws, m, *rows[worker], self._total)

        self.pool.run([_task(rows_of, w) for w in range(len(self.pool))])

    @abstractmethod
    def _evaluate(self, batch: Batch, overlap: Task) -> None:
        """Fill _diffs and _actives; meanwhile() while the threads are at it."""

    @abstractmethod
    def _add_steps(self, worker: int, f: I8, active: U8, m: int, row0: int, row1: int) -> None:
        """Steps of some rows of a matrix into _total."""


class LowRank(Batched):
    """Estimator batch: EGGROLL as published."""

    def __init__(self, net: Net, es: EsConfig, seed: int, batch: int, pool: WorkerPool) -> None:
        super().__init__(net, es, seed, batch, pool)
        self._noise = np.zeros(self.population.noise_words(), np.uint32)

    def _evaluate(self, batch: Batch, overlap: Task) -> None:
        population, spaces = self.population, self.pool.workspaces
        self.pool.run([_task(population.draw_noise, *rows, self._noise) for rows in self._rows[0]])
        population.use_noise(self._noise)

        def evaluate(worker: int, start: int, stop: int) -> None:
            population.eval_batch(
                spaces[worker], batch.samples, batch.index[start:stop],
                self._diffs[worker], self._actives[worker],
            )  # fmt: skip

        shards = enumerate(shards_of(len(batch), len(self.pool)))
        self.pool.run([_task(evaluate, w, *cut) for w, cut in shards], overlap)

    def _add_steps(self, worker: int, f: I8, active: U8, m: int, row0: int, row1: int) -> None:
        ws = self.pool.workspaces[worker]
        self.population.steps_batch(ws, f, active, m, row0, row1, self._total)


class FullRank(Batched):
    """Estimator full: one noise value a weight. Threads share out pairs, not samples."""

    def __init__(self, net: Net, es: EsConfig, seed: int, batch: int, pool: WorkerPool) -> None:
        super().__init__(net, es, seed, batch, pool)
        self._currents = net.config.ticks * padded(net.config.layers[0].size)
        self._base = np.zeros(batch * self._currents, np.int16)

    def _evaluate(self, batch: Batch, overlap: Task) -> None:
        population, spaces, size = self.population, self.pool.workspaces, self._currents

        def share(worker: int, start: int, stop: int) -> None:
            population.share_full(
                spaces[worker], batch.samples, batch.index[start:stop],
                self._base[start * size : stop * size], self._actives[worker],
            )  # fmt: skip

        def evaluate(worker: int, pair0: int, pair1: int) -> None:
            population.eval_full(
                spaces[worker], batch.samples, batch.index, self._base, pair0, pair1,
                self._diffs[worker],
            )  # fmt: skip

        workers = len(self.pool)
        self.pool.run(
            [_task(share, w, *cut) for w, cut in enumerate(shards_of(len(batch), workers))]
        )
        shards = enumerate(shards_of(self.pairs, workers))
        self.pool.run([_task(evaluate, w, *cut) for w, cut in shards], overlap)

    def _add_steps(self, worker: int, f: I8, active: U8, m: int, row0: int, row1: int) -> None:
        ws = self.pool.workspaces[worker]
        self.population.steps_full(ws, f, active, m, row0, row1, self._total)


def make_estimator(config: TrainConfig, net: Net, batch: int, pool: WorkerPool) -> Estimator:
    """The estimator that a config names; `batch`: samples a generation, at most the dataset's."""
    kinds: dict[str, type[Estimator]] = {
        "sample": Sample, "online": Online, "batch": LowRank, "full": FullRank,
    }  # fmt: skip
    return kinds[config.kind](net, config.es_config(), config.seed, batch, pool)


def _nothing() -> None:
    pass


def _task(function: Callable[..., None], *args: object) -> Task:
    return lambda: function(*args)
