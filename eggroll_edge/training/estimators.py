"""The estimators on the host: each turns a generation into an update of the weights.

Contiguous shards of the work go to the threads of a worker pool. The results are summed up in int32
and do not depend on the number of threads. All arrays are allocated once. A record holds copies of
them, so a later generation does not change it. core/population.py gives their shapes and units.
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
from eggroll_edge.journal.records import GenerationRecord
from eggroll_edge.training.batches import MiniBatch
from eggroll_edge.training.config import TrainConfig


class Estimator(ABC):
    """Moves a net's weights from one generation to the next."""

    @abstractmethod
    def step(
        self, generation: int, hyperparameters: Hyperparameters, batch: MiniBatch, overlap: Task
    ) -> GenerationRecord:
        """Carry out a generation (`online`: len(batch) of them).

        `overlap` is called once, before any weight changes, while the threads evaluate.
        """

    @abstractmethod
    def replay(self, record: GenerationRecord, batch: MiniBatch | None) -> None:
        """Change the weights as the generation of the record did; no member is evaluated.

        batch: the recordings of that generation. Only `sample`, `sweep` and `eprop` need them, also
        online.
        """


class HostEstimator(Estimator):
    """An estimator on the threads of this computer.

    batch_size: recordings in a generation, at most those of the dataset.
    """

    def __init__(
        self, net: Net, es: EsConfig, seed: int, batch_size: int, pool: WorkerPool
    ) -> None:
        self.net, self.pool, self.pairs = net, pool, es.pairs
        self.population = Population(net, es, seed)
        self._rows = [shards_of(rows, len(pool)) for rows, _ in net.config.shapes]


class Credited(HostEstimator):
    """Common to `sample`, `sweep` and `eprop` with mini-batches: each recording credits its
    events.
    """

    def __init__(
        self, net: Net, es: EsConfig, seed: int, batch_size: int, pool: WorkerPool
    ) -> None:
        super().__init__(net, es, seed, batch_size, pool)
        share = min(Credit.MOST, -(-batch_size // len(pool)))
        self._credits = [Credit(net.config, es, share) for _ in pool.workspaces]
        self._part = share * len(pool)  # recordings that the credits can hold at once
        whole = batch_size <= self._part
        self._total = None if whole else np.zeros(len(net.weights), np.int32)

    def _generation(
        self, batch: MiniBatch, credit: Callable[[int, int, int], None], overlap: Task
    ) -> None:
        """Carry out a generation.

        credit(worker, start, stop): puts the steps of that part of the mini-batch into _credits.
        """
        workers = range(len(self.pool))
        for first in range(0, len(batch), self._part):
            n = min(self._part, len(batch) - first)
            shards = [(first + start, first + stop) for start, stop in shards_of(n, len(workers))]
            last = first + n == len(batch)
            self.pool.run([_task(credit, w, *shards[w]) for w in workers], overlap)
            self.pool.run([_task(self._learn, w, last) for w in workers])
            overlap = _nothing

    def _learn(self, worker: int, last: bool) -> None:
        """Take a share of the rows out of the credits of all workers."""
        workspace = self.pool.workspaces[worker]
        for matrix, rows in enumerate(self._rows):
            self.population.learn(
                workspace, self._credits, matrix, *rows[worker], self._total, last
            )


class Sample(Credited):
    """Estimator `sample` with mini-batches."""

    def __init__(
        self, net: Net, es: EsConfig, seed: int, batch_size: int, pool: WorkerPool
    ) -> None:
        super().__init__(net, es, seed, batch_size, pool)
        self._fitness_bytes: I8 = np.zeros(batch_size * es.pairs, np.int8)
        self._exponents: U8 = np.zeros(batch_size, np.uint8)

    def step(
        self, generation: int, hyperparameters: Hyperparameters, batch: MiniBatch, overlap: Task
    ) -> GenerationRecord:
        fitness_bytes, exponents = self._fitness_bytes, self._exponents
        self.population.at(generation, hyperparameters)
        self._evaluate(batch, False, fitness_bytes, exponents, overlap)
        return GenerationRecord(
            generation, 1, batch.epoch, batch.offset, hyperparameters,
            fitness_bytes.tobytes(), exponents.tobytes(), None, self.pool.drain_counts(),
        )  # fmt: skip

    def replay(self, record: GenerationRecord, batch: MiniBatch | None) -> None:
        assert batch is not None
        self.population.at(record.generation, record.hyperparameters)
        self._evaluate(batch, True, *_arrays(record), _nothing)

    def _evaluate(
        self,
        batch: MiniBatch,
        from_journal: bool,
        fitness_bytes: I8,
        exponents: U8,
        overlap: Task,
    ) -> None:
        pairs = self.pairs

        def credit(worker: int, start: int, stop: int) -> None:
            self.population.sample(
                self.pool.workspaces[worker], batch.recordings, batch.index[start:stop], start,
                from_journal, fitness_bytes[start * pairs : stop * pairs], exponents[start:stop],
                self._credits[worker],
            )  # fmt: skip

        self._generation(batch, credit, overlap)


class Chained(Credited):
    """Estimators `sweep` and `eprop` with mini-batches."""

    def step(
        self, generation: int, hyperparameters: Hyperparameters, batch: MiniBatch, overlap: Task
    ) -> GenerationRecord:
        self.population.at(generation, hyperparameters)

        def credit(worker: int, start: int, stop: int) -> None:
            self.population.credit(
                self.pool.workspaces[worker], batch.recordings, batch.index[start:stop],
                self._credits[worker], start,
            )  # fmt: skip

        self._generation(batch, credit, overlap)
        return GenerationRecord(
            generation, 1, batch.epoch, batch.offset, hyperparameters, b"", b"", None,
            self.pool.drain_counts(),
        )  # fmt: skip

    def replay(self, record: GenerationRecord, batch: MiniBatch | None) -> None:
        assert batch is not None
        self.step(record.generation, record.hyperparameters, batch, _nothing)


class Online(HostEstimator):
    """Estimator `sample`, one recording at a time. Each run uses the weights after the previous
    one.

    The recordings are therefore run in sequence, on one thread.
    """

    def step(
        self, generation: int, hyperparameters: Hyperparameters, batch: MiniBatch, overlap: Task
    ) -> GenerationRecord:
        overlap()
        n = len(batch)
        fitness_bytes, exponents = np.zeros(n * self.pairs, np.int8), np.zeros(n, np.uint8)
        self.population.at(generation, hyperparameters)
        self._chunk(batch, False, fitness_bytes, exponents)
        return GenerationRecord(
            generation, n, batch.epoch, batch.offset, hyperparameters,
            fitness_bytes.tobytes(), exponents.tobytes(), None, self.pool.drain_counts(),
        )  # fmt: skip

    def replay(self, record: GenerationRecord, batch: MiniBatch | None) -> None:
        assert batch is not None
        self.population.at(record.generation, record.hyperparameters)
        self._chunk(batch, True, *_arrays(record))

    def _chunk(
        self, batch: MiniBatch, from_journal: bool, fitness_bytes: I8, exponents: U8
    ) -> None:
        self.population.online(
            self.pool.workspaces[0], batch.recordings, batch.index, from_journal, fitness_bytes,
            exponents,
        )  # fmt: skip


class ChainedOnline(HostEstimator):
    """Estimators `sweep` and `eprop`, one recording at a time, and therefore on one thread."""

    def step(
        self, generation: int, hyperparameters: Hyperparameters, batch: MiniBatch, overlap: Task
    ) -> GenerationRecord:
        overlap()
        self.population.at(generation, hyperparameters)
        self.population.credit_online(self.pool.workspaces[0], batch.recordings, batch.index)
        return GenerationRecord(
            generation, len(batch), batch.epoch, batch.offset, hyperparameters, b"", b"", None,
            self.pool.drain_counts(),
        )  # fmt: skip

    def replay(self, record: GenerationRecord, batch: MiniBatch | None) -> None:
        assert batch is not None
        self.step(record.generation, record.hyperparameters, batch, _nothing)


class SharedFitness(HostEstimator):
    """Common to `batch` and `full`: a pair has one fitness byte for the whole generation."""

    def __init__(
        self, net: Net, es: EsConfig, seed: int, batch_size: int, pool: WorkerPool
    ) -> None:
        super().__init__(net, es, seed, batch_size, pool)
        self._fitness_bytes: I8 = np.zeros(es.pairs, np.int8)
        self._diffs = [np.zeros(es.pairs, np.int32) for _ in pool.workspaces]
        size = active_bytes(net.config)
        self._actives = [np.zeros(size, np.uint8) for _ in pool.workspaces]
        self._total = np.zeros(len(net.weights), np.int32)

    def step(
        self, generation: int, hyperparameters: Hyperparameters, batch: MiniBatch, overlap: Task
    ) -> GenerationRecord:
        self.population.at(generation, hyperparameters)
        for diff, active in zip(self._diffs, self._actives, strict=True):
            diff.fill(0)
            active.fill(0)
        self._evaluate(batch, overlap)
        diff, active = self._diffs[0], self._actives[0]
        for other in self._diffs[1:]:
            np.add(diff, other, out=diff)
        for marks in self._actives[1:]:
            np.bitwise_or(active, marks, out=active)
        shape_fitness(diff, self._fitness_bytes)
        self._update(self._fitness_bytes, active)
        return GenerationRecord(
            generation, 1, batch.epoch, batch.offset, hyperparameters,
            self._fitness_bytes.tobytes(), b"", active.tobytes(), self.pool.drain_counts(),
        )  # fmt: skip

    def replay(self, record: GenerationRecord, batch: MiniBatch | None) -> None:
        self.population.at(record.generation, record.hyperparameters)
        active: U8 = np.frombuffer(record.active or b"", np.uint8)
        self._update(np.frombuffer(record.fitness_bytes, np.int8), active)

    def _update(self, fitness_bytes: I8, active: U8) -> None:
        def update(worker: int) -> None:
            for matrix, rows in enumerate(self._rows):
                self._add_steps(worker, fitness_bytes, active, matrix, *rows[worker])
                workspace = self.pool.workspaces[worker]
                self.population.apply(workspace, matrix, *rows[worker], self._total)

        self.pool.run([_task(update, w) for w in range(len(self.pool))])

    @abstractmethod
    def _evaluate(self, batch: MiniBatch, overlap: Task) -> None:
        """Fill _diffs and _actives; call `overlap` while the threads evaluate."""

    @abstractmethod
    def _add_steps(
        self, worker: int, fitness_bytes: I8, active: U8, matrix: int, row0: int, row1: int
    ) -> None:
        """Put the steps of rows [row0, row1) of a matrix into _total."""


class LowRank(SharedFitness):
    """Estimator `batch`: EGGROLL as published."""

    def __init__(
        self, net: Net, es: EsConfig, seed: int, batch_size: int, pool: WorkerPool
    ) -> None:
        super().__init__(net, es, seed, batch_size, pool)
        self._noise = np.zeros(self.population.noise_words(), np.uint32)

    def _evaluate(self, batch: MiniBatch, overlap: Task) -> None:
        population, workspaces = self.population, self.pool.workspaces
        self.pool.run([_task(population.draw_noise, *rows, self._noise) for rows in self._rows[0]])
        population.use_noise(self._noise)

        def evaluate(worker: int, start: int, stop: int) -> None:
            population.eval_batch(
                workspaces[worker], batch.recordings, batch.index[start:stop],
                self._diffs[worker], self._actives[worker], start,
            )  # fmt: skip

        shards = enumerate(shards_of(len(batch), len(self.pool)))
        self.pool.run([_task(evaluate, w, *shard) for w, shard in shards], overlap)

    def _add_steps(
        self, worker: int, fitness_bytes: I8, active: U8, matrix: int, row0: int, row1: int
    ) -> None:
        workspace = self.pool.workspaces[worker]
        self.population.steps_batch(
            workspace, fitness_bytes, active, matrix, row0, row1, self._total
        )


class FullRank(SharedFitness):
    """Estimator `full`: one noise value for each weight.

    The threads share out the pairs, not the recordings.
    """

    def __init__(
        self, net: Net, es: EsConfig, seed: int, batch_size: int, pool: WorkerPool
    ) -> None:
        super().__init__(net, es, seed, batch_size, pool)
        self._currents = net.config.ticks * padded(net.config.layers[0].size)
        self._base = np.zeros(batch_size * self._currents, np.int16)

    def _evaluate(self, batch: MiniBatch, overlap: Task) -> None:
        population, workspaces, size = self.population, self.pool.workspaces, self._currents

        def share(worker: int, start: int, stop: int) -> None:
            population.share_full(
                workspaces[worker], batch.recordings, batch.index[start:stop],
                self._base[start * size : stop * size], self._actives[worker], start,
            )  # fmt: skip

        def evaluate(worker: int, pair0: int, pair1: int) -> None:
            population.eval_full(
                workspaces[worker], batch.recordings, batch.index, self._base, pair0, pair1,
                self._diffs[worker],
            )  # fmt: skip

        shards = enumerate(shards_of(len(batch), len(self.pool)))
        self.pool.run([_task(share, w, *shard) for w, shard in shards])
        shards = enumerate(shards_of(self.pairs, len(self.pool)))
        self.pool.run([_task(evaluate, w, *shard) for w, shard in shards], overlap)

    def _add_steps(
        self, worker: int, fitness_bytes: I8, active: U8, matrix: int, row0: int, row1: int
    ) -> None:
        workspace = self.pool.workspaces[worker]
        self.population.steps_full(
            workspace, fitness_bytes, active, matrix, row0, row1, self._total
        )


def host_estimator(
    config: TrainConfig, net: Net, batch_size: int, pool: WorkerPool
) -> HostEstimator:
    """The estimator that a config names, for `net` and on the threads of `pool`.

    batch_size: recordings in a generation, at most those of the dataset.
    """
    kinds: dict[str, type[HostEstimator]] = {
        "sample": Sample, "online": Online, "batch": LowRank, "full": FullRank,
        "sweep": Chained, "sweep-online": ChainedOnline,
        "eprop": Chained, "eprop-online": ChainedOnline,
    }  # fmt: skip
    return kinds[config.kind](net, config.es_config(), config.seed, batch_size, pool)


def _arrays(record: GenerationRecord) -> tuple[I8, U8]:
    """(fitness bytes, exponents) of a record; they are read-only."""
    fitness_bytes = np.frombuffer(record.fitness_bytes, np.int8)
    return fitness_bytes, np.frombuffer(record.exponents, np.uint8)


def _nothing() -> None:
    pass


def _task(function: Callable[..., None], *args: object) -> Task:
    return lambda: function(*args)
