"""Bias and variance of every estimator, against the true gradient of small smoothed nets.

    python -m tools.studies.gradient        writes results/gradient-study.json; about two minutes

The estimates come from the C core. The truth comes from smoothed_net.py, which shares no code with
the core. Bias is measured by the cosine between the mean estimate and the truth. Noise is the
variance of an estimate over its squared mean, times the member evaluations that it took: the number
of evaluations at which noise and signal are equal. The documentation of the design explains both.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from eggroll_edge.core.config import EsConfig, Hyperparameters, LifConfig, NetConfig
from eggroll_edge.core.net import Net, active_bytes, padded
from eggroll_edge.core.population import Credit, Population, shape_fitness
from eggroll_edge.core.recordings import Recordings
from eggroll_edge.core.workspace import Workspace
from eggroll_edge.training.units import learning_rate
from tools.lib.paths import RESULTS
from tools.studies.smoothed_net import F64, Noise, SmallNet

RESULT = RESULTS / "gradient-study.json"
GENERATIONS, DRAWS, NETS = 1000, 1000, 5
STEP = 6.0
"""Of the central differences, in weight units: as large as the noise of the weights."""
BIT = 4096
"""One bit, in the units of the core's fitness."""


@dataclass(frozen=True)
class Case:
    """An estimator and its settings."""

    estimator: str
    pairs: int = 16
    rank: int = 1
    segments: int = 1
    sigma: float = 6.0
    """In weight units. batch, full: standard deviation of a weight's noise; sample: a current."""
    sigma_o: float = 2.0
    """Of the readout. batch, full: like sigma; sample: of a logit, in bits."""

    @property
    def name(self) -> str:
        """In tables and figures."""
        detail = {"batch": f" rank {self.rank}", "sample": f" {self.segments} seg."}
        return self.estimator + detail.get(self.estimator, "")

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
        unit = 256 / np.sqrt(2 if self.estimator == "full" else self.rank)
        return Hyperparameters(
            (round(unit * self.sigma), round(unit * self.sigma_o)), ((1, 0), (1, 0))
        )

    def noise(self, net: SmallNet, rng: np.random.Generator, draws: int) -> Noise:
        """The noise of the estimator, drawn by numpy."""
        if self.estimator == "sample":
            return net.sample_noise(rng, draws, self.segments, self.sigma, self.sigma_o)
        rank = 0 if self.estimator == "full" else self.rank
        return net.weight_noise(rng, draws, rank, self.sigma, self.sigma_o)


def small_net(seed: int, inputs: int = 8, ticks: int = 12, recordings: int = 12) -> SmallNet:
    """A random net inputs-6-3, and noisy recordings of three patterns of events."""
    rng = np.random.default_rng(seed)
    labels = np.arange(recordings) % 3
    patterns = rng.random((3, ticks, inputs)) < 0.3
    x = (patterns[labels] ^ (rng.random((recordings, ticks, inputs)) < 0.1)).astype(np.float64)
    x = np.concatenate([x, np.ones((recordings, ticks, 1))], axis=2)
    hidden = np.rint(rng.normal(0, 28, (inputs + 1, 6))).clip(-127, 127)
    readout = np.rint(rng.normal(0, 24, (7, 3))).clip(-127, 127)
    hidden[-1] = readout[-1] = 0
    return SmallNet(x, labels, hidden, readout, round(40 * np.sqrt(inputs / 8)), gain=5)


class CoreNet:
    """The same net and recordings in the C core."""

    def __init__(self, small: SmallNet) -> None:
        n, ticks, rows = small.x.shape
        layer = LifConfig(small.hidden.shape[1], int(small.threshold), small.leak_shift)
        self.config = NetConfig(rows - 1, small.readout.shape[1], ticks, (layer,), gain=small.gain)
        self.net = Net(self.config)
        self.net.weights[:] = np.concatenate([small.hidden.ravel(), small.readout.ravel()])
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
        assert abs(steps).max() < 28672, "a step was limited: choose a smaller learning rate"
        return steps.astype(np.float64)


def cosine(a: F64, b: F64) -> float:
    """The cosine of the angle between two vectors."""
    return float(a @ b / np.sqrt((a @ a) * (b @ b)))


def noise(estimates: F64, evaluations: int) -> float:
    """Variance over squared mean, times the member evaluations of an estimate."""
    mean, variance = estimates.mean(0), float(estimates.var(0, ddof=1).sum())
    signal = mean @ mean - variance / len(estimates)  # without the noise of the mean
    return float(variance / signal * evaluations)


def study(net: SmallNet, case: Case, generations: int, draws: int, seed: int) -> dict[str, float]:
    """Bias and noise of one estimator on one net, separately for hidden and readout weights."""
    rng = np.random.default_rng(seed)
    estimates = CoreNet(net).estimates(case, generations)
    result = {}
    truth = net.gradient(lambda n: case.noise(net, rng, n), draws, STEP) if draws else None
    for part, which in (
        ("hidden", slice(net.hidden.size)),
        ("readout", slice(net.hidden.size, None)),
    ):
        if truth is not None:
            result[f"cosine_{part}"] = cosine(estimates[:, which].mean(0), truth[which])
        evaluations = 2 * case.pairs * len(net.labels)
        result[f"noise_{part}"] = noise(estimates[:, which], evaluations)
    return result


def sample(segments: int, sigma_o: float = 0.25, pairs: int = 16, inputs: int = 8) -> Case:
    """A case of `sample`, whose sigma is three eighths of the threshold of small_net()."""
    sigma = round(15 * np.sqrt(inputs / 8))
    return Case("sample", pairs, segments=segments, sigma=sigma, sigma_o=sigma_o)


ESTIMATORS = [
    Case("full"), Case("batch"), Case("batch", rank=4),
    sample(1), sample(3), sample(5), sample(8),
]  # fmt: skip
PAIRS = [Case("batch", pairs=p) for p in (4, 64)] + [sample(3, pairs=p) for p in (4, 64)]
LOGIT_NOISE = [sample(3, sigma_o=s) for s in (0.5, 1.0, 1.95)]


def main() -> None:
    argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    ).parse_args()
    plan = [(case, 8, DRAWS) for case in (*ESTIMATORS, *PAIRS, *LOGIT_NOISE)]
    for inputs in (32, 128, 250):
        plan += [(case, inputs, 0) for case in (Case("batch"), sample(3, inputs=inputs))]
    rows = []
    for case, inputs, draws in plan:
        each = [
            study(small_net(seed, inputs), case, GENERATIONS, draws, seed)
            for seed in range(1, NETS + 1)
        ]
        means = {key: round(float(np.mean([one[key] for one in each])), 3) for key in each[0]}
        nets = [{key: round(value, 3) for key, value in one.items()} for one in each]
        rows.append({"name": case.name, "inputs": inputs, **asdict(case), **means, "nets": nets})
        print(case.name, inputs, case.pairs, case.sigma_o, means, flush=True)
    report = {
        "what": "bias and noise of the estimators on nets INPUTS-6-3, 12 ticks, 12 recordings; "
        "noise: member evaluations at which noise and signal are equal",
        "command": "python -m tools.studies.gradient",
        "generations": GENERATIONS,
        "draws": DRAWS,
        "step": STEP,
        "rows": rows,
    }
    RESULT.write_text(json.dumps(report, indent=1) + "\n")


if __name__ == "__main__":
    main()
