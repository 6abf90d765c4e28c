"""Estimators of the C core on small random nets, for the study of their bias and noise."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt

from eggroll_edge.core.config import EsConfig, Hyperparameters, LifConfig, NetConfig
from eggroll_edge.core.net import Net, active_bytes, padded
from eggroll_edge.core.population import Credit, Population, shape_fitness
from eggroll_edge.core.recordings import Recordings
from eggroll_edge.core.workspace import Workspace
from eggroll_edge.training.units import learning_rate
from tools.studies.smoothed_net import F64, Noise, SmallNet, signs

BIT = 4096
"""One bit, in the units of the core's fitness."""
RANDOM = ("batch", "full", "sample")
"""The estimators that draw noise, and so have members."""


@dataclass(frozen=True)
class Case:
    """An estimator and its settings."""

    estimator: str
    pairs: int = 16
    """Not used by sweep and eprop."""
    rank: int = 1
    segments: int = 1
    sigma: float = 6.0
    """In weight units. batch, full: standard deviation of a weight's noise; sample, sweep: a
    current; eprop: half the width of the surrogate."""
    sigma_o: float = 2.0
    """Of the readout. batch, full: like sigma; sample: of a logit, in bits."""

    @property
    def name(self) -> str:
        """In tables and figures."""
        detail = {"batch": f" rank {self.rank}"}
        detail |= dict.fromkeys(("sample", "sweep"), f" {self.segments} seg.")
        detail |= {"eprop": f", width {self.sigma / 40:g}"}
        return self.estimator + detail.get(self.estimator, "")

    @property
    def lif_runs(self) -> int:
        """How often an estimate runs a LIF layer on a recording."""
        if self.estimator == "eprop":
            return 1
        return 1 + 2 * (self.pairs if self.estimator in RANDOM else self.segments)

    @property
    def es(self) -> EsConfig:
        """The estimator in the core."""
        kind: Any = self.estimator
        return EsConfig(kind, self.pairs, rank=self.rank, segments=self.segments)

    @property
    def steps(self) -> Hyperparameters:
        """Sigmas in the core's units, and learning rates so large that no step rounds to zero."""
        if self.estimator == "sample":
            spread = BIT * max(self.sigma_o, self.sigma / 15)  # of fitness differences, about
            rates = (
                learning_rate(24 / np.sqrt(self.pairs) / spread, 4),
                learning_rate(60 / self.pairs / spread, 4),
            )
            return Hyperparameters((round(self.sigma), round(BIT * self.sigma_o)), rates)
        if self.estimator not in RANDOM:
            return Hyperparameters((round(self.sigma), 0), ((1, 2), (1, 2)))
        unit = 256 / np.sqrt(2 if self.estimator == "full" else self.rank)
        return Hyperparameters(
            (round(unit * self.sigma), round(unit * self.sigma_o)), ((1, 0), (1, 0))
        )

    @property
    def smooths(self) -> bool:
        """Whether the estimate is that of a smoothed fitness. A surrogate smooths none."""
        return self.estimator != "eprop"

    def noise(self, net: SmallNet, rng: np.random.Generator, draws: int) -> Noise:
        """The noise with which the estimator smooths the fitness, drawn by numpy.

        What `sweep` measures, F(I + sigma) - F(I - sigma) for a current I, is the derivative of F
        smoothed by a current that is uniform within +/- sigma.
        """

        def sign(*shape: int) -> F64:
            return signs(rng, *shape)

        def uniform(*shape: int) -> F64:
            return rng.uniform(-1, 1, shape)

        if self.estimator == "sample":
            sigmas = [self.sigma] * len(net.layers)
            logit = self.sigma_o * signs(rng, draws, len(net.labels), net.readout.shape[1])
            return net.current_noise(sign, draws, self.segments, sigmas, logit, shared=True)
        if self.estimator == "sweep":
            sigmas = [self.sigma * th // net.thresholds[0] for th in net.thresholds]
            none = np.zeros((1, 1, 1))
            return net.current_noise(uniform, draws, self.segments, sigmas, none, shared=False)
        rank = 0 if self.estimator == "full" else self.rank
        return net.weight_noise(rng, draws, rank, self.sigma, self.sigma_o)


def small_net(
    seed: int,
    inputs: int = 8,
    ticks: int = 12,
    recordings: int = 12,
    hidden: tuple[int, ...] = (6,),
) -> SmallNet:
    """A random net with 3 outputs, and noisy recordings of three patterns of events."""
    rng = np.random.default_rng(seed)
    labels = np.arange(recordings) % 3
    patterns = rng.random((3, ticks, inputs)) < 0.3
    x = (patterns[labels] ^ (rng.random((recordings, ticks, inputs)) < 0.1)).astype(np.float64)
    x = np.concatenate([x, np.ones((recordings, ticks, 1))], axis=2)
    sizes, matrices = (inputs, *hidden, 3), []
    for m, (before, after) in enumerate(pairwise(sizes)):
        std = 24 if m == len(hidden) else 28
        weights = np.rint(rng.normal(0, std, (before + 1, after))).clip(-127, 127)
        weights[-1] = 0
        matrices.append(weights)
    thresholds = [round(40 * np.sqrt(inputs / 8)), *(20 for _ in hidden[1:])]
    return SmallNet(x, labels, tuple(matrices[:-1]), matrices[-1], tuple(thresholds), gain=5)


class CoreNet:
    """The same net and recordings in the C core."""

    def __init__(self, small: SmallNet) -> None:
        n, ticks, rows = small.x.shape
        layers = tuple(
            LifConfig(weights.shape[1], int(threshold), small.leak_shift)
            for weights, threshold in zip(small.layers, small.thresholds, strict=True)
        )
        self.config = NetConfig(rows - 1, small.readout.shape[1], ticks, layers, gain=small.gain)
        self.net = Net(self.config)
        self.net.weights[:] = np.concatenate([m.ravel() for m in (*small.layers, small.readout)])
        streams = [self._stream(recording[:, :-1]) for recording in small.x]
        ends = np.cumsum([0, *map(len, streams)])
        self.samples = Recordings(
            np.frombuffer(b"".join(streams), np.uint8), ends, small.labels.astype(np.uint8)
        )
        self.samples.check(self.config)
        self.index = np.arange(n, dtype=np.uint32)

    @staticmethod
    def _stream(recording: F64) -> bytes:
        """The stream of a recording (SPEC.md section 3), for at most 254 inputs."""
        assert recording.shape[1] <= 254
        ticks = [np.diff(np.flatnonzero(tick), prepend=-1) for tick in recording]
        return b"".join(bytes(jumps.tolist()) + b"\0" for jumps in ticks)

    def estimates(self, case: Case, generations: int) -> npt.NDArray[np.float64]:
        """Steps [generations, weights] of generations that do not change the weights."""
        es, shapes = case.es, self.config.shapes
        ws, population = Workspace(self.config, es), Population(self.net, es, seed=1)
        steps = np.zeros((generations, self.config.parameters), np.int32)
        f = np.zeros(es.pairs * len(self.samples), np.int8)
        e = np.zeros(len(self.samples), np.uint8)
        base = np.zeros(len(self.samples) * self.config.ticks * padded(shapes[0][1]), np.int16)
        noise = np.zeros(population.noise_words(), np.uint32)
        credit = Credit(self.config, es, len(self.samples))
        for generation, total in enumerate(steps):
            population.at(generation, case.steps)
            if case.estimator not in RANDOM:
                total += self._by_recording(population, ws, credit)
                continue
            if case.estimator == "sample":
                population.sample(ws, self.samples, self.index, 0, False, f, e, credit)
                for m, (rows, _) in enumerate(shapes):
                    population.learn(ws, [credit], m, 0, rows, total, last=False)
                continue
            diff = np.zeros(es.pairs, np.int32)
            active = np.zeros(active_bytes(self.config), np.uint8)
            if case.estimator == "batch":
                population.draw_noise(0, shapes[0][0], noise)
                population.use_noise(noise)
                population.eval_batch(ws, self.samples, self.index, diff, active)
            else:
                population.share_full(ws, self.samples, self.index, base, active)
                population.eval_full(ws, self.samples, self.index, base, 0, es.pairs, diff)
            shape_fitness(diff, f[: es.pairs])
            for m, (rows, _) in enumerate(shapes):
                if case.estimator == "batch":
                    population.steps_batch(ws, f[: es.pairs], active, m, 0, rows, total)
                else:
                    population.steps_full(ws, f[: es.pairs], active, m, 0, rows, total)
        most = 28672 if case.estimator in RANDOM else 28672 * len(self.samples)
        assert abs(steps).max() < most, "a step was limited: choose a smaller learning rate"
        return steps.astype(np.float64)

    def _by_recording(
        self, population: Population, ws: Workspace, credit: Credit
    ) -> npt.NDArray[np.int32]:
        """The steps of all recordings, one by one, so that their sum cannot reach the limit."""
        total = np.zeros(self.config.parameters, np.int32)
        for i in self.index:
            step = np.zeros_like(total)
            population.credit(ws, self.samples, self.index[i : i + 1], credit)
            for m, (rows, _) in enumerate(self.config.shapes):
                population.learn(ws, [credit], m, 0, rows, step, last=False)
            total += step
        return total

    def parts(self) -> dict[str, slice]:
        """The weights of each matrix: hidden (or hidden1, hidden2) and readout."""
        sizes = [rows * columns for rows, columns in self.config.shapes]
        deep = len(sizes) > 2
        names = [f"hidden{m + 1}" if deep else "hidden" for m in range(len(sizes) - 1)]
        ends = np.cumsum([0, *sizes]).tolist()
        return {
            name: slice(first, last)
            for name, first, last in zip([*names, "readout"], ends, ends[1:], strict=False)
        }
