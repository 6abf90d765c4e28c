"""Work for the counts of instructions: a net, an estimator, recordings, and the expected digest.

Recordings and weights are random. A recording has about as many events as one of N-MNIST with 2 x 2
pooling.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from eggroll_edge._core import ffi, lib
from eggroll_edge.core.arrays import I8, U32, aligned
from eggroll_edge.core.config import WITH_CREDIT, EsConfig, Hyperparameters, NetConfig
from eggroll_edge.core.net import Net, active_bytes, padded
from eggroll_edge.core.population import Credit, Population, shape_fitness
from eggroll_edge.core.recordings import Recordings
from eggroll_edge.core.workspace import Workspace
from eggroll_edge.planning.load import EVENT_RATE, perturbed_runs


@dataclass(frozen=True)
class Work:
    """Generations to be counted."""

    name: str
    net: NetConfig
    es: EsConfig
    hyperparameters: Hyperparameters
    weights: I8
    recordings: tuple[tuple[bytes, int], ...]
    """(stream, label) of each recording."""
    seed: int = 1
    first: int = 0
    """Number of the first generation."""
    mini_batch: bool = False
    """Whether all recordings are one generation of an estimator that credits recordings. If not,
    each of them is one."""

    @property
    def credits(self) -> bool:
        """Whether each recording credits its events."""
        return self.es.estimator in WITH_CREDIT

    @property
    def generations(self) -> int:
        """Generations; online, each recording is one."""
        return 1 if self.mini_batch or not self.credits else len(self.recordings)

    @property
    def regions(self) -> int:
        """How many times an evaluation and an update are counted."""
        return len(self.recordings) if self.credits else 1

    @property
    def members(self) -> int:
        """Member evaluations, or (sweep) perturbed runs; each is on one recording."""
        return perturbed_runs(self.net, self.es) * len(self.recordings)

    @property
    def events(self) -> float:
        """Mean events of a recording."""
        return float(np.mean([_events(stream) for stream, _ in self.recordings]))


class HostRun(NamedTuple):
    """What the same work does on the host."""

    digest: int
    """CRC-32 of the weights after it."""
    moved: int
    """Weights that a generation changes, summed over the generations."""
    learned: int
    """Recordings that left credit."""
    weights: I8
    """The weights after it."""


def make_work(
    name: str,
    net: NetConfig,
    es: EsConfig,
    recordings: int,
    *,
    std: int = 40,
    seed: int = 1,
    event_rate: float = EVENT_RATE,
    mini_batch: bool = False,
) -> Work:
    """Work with random weights and recordings.

    std: standard deviation of the weights of LIF layers, in weight units.
    event_rate: mean events of an input in a tick, 0..1.
    """
    trained = Net(net)
    trained.randomize(seed, std, 24)
    threshold = net.layers[0].threshold if net.layers else 0
    hyperparameters = {
        "batch": Hyperparameters((1536, 512), ((120, 8), (120, 8))),
        "sample": Hyperparameters((500, 7987), ((110, 13), (110, 13))),
        "full": Hyperparameters((1086, 362), ((120, 9), (120, 9))),
        "sweep": Hyperparameters((threshold // 2, 0), ((96, 9), (96, 9))),
        "eprop": Hyperparameters((threshold, 0), ((115, 6), (77, 7))),
    }[es.estimator]
    recorded = random_recordings(net, recordings, seed, event_rate)
    return Work(
        name, net, es, hyperparameters, trained.weights.copy(), recorded, seed, 0, mini_batch
    )


def expected_digest(work: Work) -> int:
    """CRC-32 of the weights after the same work on the host."""
    return run_on_host(work).digest


def run_on_host(work: Work) -> HostRun:
    """The same work on the host."""
    net = Net(work.net)
    net.weights[:] = work.weights
    streams = [np.frombuffer(stream, np.uint8) for stream, _ in work.recordings]
    recordings = Recordings(
        np.concatenate(streams),
        np.cumsum([0, *map(len, streams)]),
        np.array([label for _, label in work.recordings], np.uint8),
    )
    recordings.check(work.net, work.name)
    population, workspace = Population(net, work.es, work.seed), Workspace(work.net, work.es)
    population.at(work.first, work.hyperparameters)
    index = np.arange(len(recordings), dtype=np.uint32)
    moved = 0
    if work.mini_batch:
        _mini_batch(population, workspace, recordings, index)
    elif work.credits:
        for i in index:
            before = net.weights.copy()
            population.at(work.first + int(i), work.hyperparameters)
            _online(population, workspace, recordings, index[i : i + 1])
            moved += int((net.weights != before).sum())
    elif work.es.estimator == "batch":
        _batch(population, workspace, recordings, index)
    else:
        _full(population, workspace, recordings, index)
    if not work.credits or work.mini_batch:
        moved = int((net.weights != work.weights).sum())
    learned = workspace.drain_counts().learned if work.credits else len(recordings)
    return HostRun(net.digest, moved, learned, net.weights)


def _online(population: Population, workspace: Workspace, recordings: Recordings, one: U32) -> None:
    if population.es.estimator != "sample":
        population.credit_online(workspace, recordings, one)
        return
    fitness_bytes, exponent = np.zeros(population.es.pairs, np.int8), np.zeros(1, np.uint8)
    population.online(workspace, recordings, one, False, fitness_bytes, exponent)


def _mini_batch(
    population: Population, workspace: Workspace, recordings: Recordings, index: U32
) -> None:
    net, es, n = population.net, population.es, len(index)
    credit = Credit(net.config, es, n)
    if es.estimator == "sample":
        fitness_bytes, exponents = np.zeros(n * es.pairs, np.int8), np.zeros(n, np.uint8)
        population.sample(workspace, recordings, index, 0, False, fitness_bytes, exponents, credit)
    else:
        population.credit(workspace, recordings, index, credit)
    for matrix, (rows, _) in enumerate(net.config.shapes):
        population.learn(workspace, [credit], matrix, 0, rows, None, True)


def _batch(
    population: Population, workspace: Workspace, recordings: Recordings, index: U32
) -> None:
    pairs, active = population.es.pairs, np.zeros(active_bytes(population.net.config), np.uint8)
    fitness_diff, fitness_bytes = np.zeros(pairs, np.int32), np.zeros(pairs, np.int8)
    population.eval_batch(workspace, recordings, index, fitness_diff, active)
    shape_fitness(fitness_diff, fitness_bytes)
    population.update_batch(workspace, fitness_bytes, active)


def _full(population: Population, workspace: Workspace, recordings: Recordings, index: U32) -> None:
    net, pairs = population.net, population.es.pairs
    active = np.zeros(active_bytes(net.config), np.uint8)
    fitness_diff, fitness_bytes = np.zeros(pairs, np.int32), np.zeros(pairs, np.int8)
    base = aligned(2 * len(index) * net.config.ticks * padded(net.config.layers[0].size))
    currents = base.view(np.int16)
    population.share_full(workspace, recordings, index, currents, active)
    population.eval_full(workspace, recordings, index, currents, 0, pairs, fitness_diff)
    shape_fitness(fitness_diff, fitness_bytes)
    total = np.zeros(net.config.parameters, np.int32)
    for m, (rows, _) in enumerate(net.config.shapes):
        population.steps_full(workspace, fitness_bytes, active, m, 0, rows, total)
        population.apply(workspace, m, 0, rows, total)


def random_recordings(
    net: NetConfig, n: int, seed: int, event_rate: float = EVENT_RATE
) -> tuple[tuple[bytes, int], ...]:
    """n random recordings, with an event at each input and tick with probability `event_rate`."""
    rng = np.random.default_rng(seed)
    found = []
    for _ in range(n):
        spikes = (rng.random((net.ticks, net.inputs)) < event_rate).astype(np.uint8)
        out = np.zeros(lib.egg_stream_bytes(net.ticks, net.inputs), np.uint8)
        size = lib.egg_stream_encode(
            ffi.from_buffer("uint8_t[]", spikes), net.ticks, net.inputs,
            ffi.from_buffer("uint8_t[]", out),
        )  # fmt: skip
        found.append((out[:size].tobytes(), int(rng.integers(net.outputs))))
    return tuple(found)


def _events(stream: bytes) -> int:
    """The events of a stream: all bytes except ends of ticks (0) and long gaps (255)."""
    data = np.frombuffer(stream, np.uint8)
    return int(((data > 0) & (data < 255)).sum())
