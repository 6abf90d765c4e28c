"""Work for the counts of instructions: a net, an estimator, recordings, and the expected digest.

Recordings and weights are random. A recording has about as many events as one of N-MNIST with 2 x 2
pooling.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from eggroll_edge._core import ffi, lib
from eggroll_edge.core.arrays import I8, aligned
from eggroll_edge.core.config import EsConfig, Hyperparameters, NetConfig
from eggroll_edge.core.net import Net, active_bytes, padded
from eggroll_edge.core.population import Population, shape_fitness
from eggroll_edge.core.recordings import Recordings
from eggroll_edge.core.workspace import Workspace
from eggroll_edge.planning.instructions import EVENT_RATE, perturbed_runs


@dataclass(frozen=True)
class Work:
    """A generation to be counted; with `sample`, `sweep` and `eprop`, one for each recording."""

    name: str
    net: NetConfig
    es: EsConfig
    hyperparameters: Hyperparameters
    weights: I8
    recordings: tuple[tuple[bytes, int], ...]
    """(stream, label) of each recording."""
    seed: int = 1

    @property
    def generations(self) -> int:
        """Generations; all but `batch` and `full` are online, so each recording is one."""
        return 1 if self.es.estimator in ("batch", "full") else len(self.recordings)

    @property
    def members(self) -> int:
        """Member evaluations, or (sweep) perturbed runs; each is on one recording."""
        return perturbed_runs(self.es) * len(self.recordings)

    @property
    def events(self) -> float:
        """Mean events of a recording."""
        return float(np.mean([_events(stream) for stream, _ in self.recordings]))


def make_work(
    name: str,
    net: NetConfig,
    es: EsConfig,
    recordings: int,
    *,
    std: int = 40,
    seed: int = 1,
    event_rate: float = EVENT_RATE,
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
    return Work(name, net, es, hyperparameters, trained.weights.copy(), recorded, seed)


def expected_digest(work: Work) -> int:
    """CRC-32 of the weights after the same work on the host."""
    return run_on_host(work)[0]


def run_on_host(work: Work) -> tuple[int, float]:
    """The same work on the host: CRC-32 of the weights, and weights that a generation changes."""
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
    population.at(0, work.hyperparameters)
    n, pairs = len(recordings), work.es.pairs
    index = np.arange(n, dtype=np.uint32)
    if work.es.estimator not in ("batch", "full"):
        fitness_bytes, exponent = np.zeros(pairs, np.int8), np.zeros(1, np.uint8)
        moved = 0
        for i in range(n):
            population.at(i, work.hyperparameters)
            before, one = net.weights.copy(), index[i : i + 1]
            if work.es.estimator == "sample":
                population.online(workspace, recordings, one, False, fitness_bytes, exponent)
            else:
                population.credit_online(workspace, recordings, one)
            moved += int((net.weights != before).sum())
        return net.digest, moved / n
    fitness_diff, active = np.zeros(pairs, np.int32), np.zeros(active_bytes(work.net), np.uint8)
    fitness_bytes = np.zeros(pairs, np.int8)
    if work.es.estimator == "batch":
        population.eval_batch(workspace, recordings, index, fitness_diff, active)
        shape_fitness(fitness_diff, fitness_bytes)
        population.update_batch(workspace, fitness_bytes, active)
        return net.digest, float((net.weights != work.weights).sum())
    base = aligned(2 * n * work.net.ticks * padded(work.net.layers[0].size))
    currents = base.view(np.int16)
    population.share_full(workspace, recordings, index, currents, active)
    population.eval_full(workspace, recordings, index, currents, 0, pairs, fitness_diff)
    shape_fitness(fitness_diff, fitness_bytes)
    total = np.zeros(work.net.parameters, np.int32)
    for m, (rows, _) in enumerate(work.net.shapes):
        population.steps_full(workspace, fitness_bytes, active, m, 0, rows, total)
        population.apply(workspace, m, 0, rows, total)
    return net.digest, float((net.weights != work.weights).sum())


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
