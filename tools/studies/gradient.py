"""Bias and variance of every estimator, against the true gradient of small smoothed nets.

    python -m tools.studies.gradient          results/gradient-study.json, and the table of the
                                              documentation; about five minutes
    python -m tools.studies.gradient --table  only the table

The estimates come from the C core. The truth comes from smoothed_net.py, which shares no code with
the core. Each estimator smooths the fitness in a different way, so there are two truths: the
gradient of the fitness as the estimator smooths it, and, common to all, that of the fitness as
`full` smooths it. Bias is measured by the cosine between the mean estimate and a truth. Noise is
the variance of an estimate over its squared mean, times the member evaluations that it took: the
number of evaluations at which noise and signal are equal. `sweep` draws nothing, so it has no
noise. The documentation of the design explains all of this.
"""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import asdict, dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt

from eggroll_edge.bench.report import record, save
from eggroll_edge.core.config import EsConfig, Hyperparameters, LifConfig, NetConfig
from eggroll_edge.core.net import Net, active_bytes, padded
from eggroll_edge.core.population import Credit, Population, shape_fitness
from eggroll_edge.core.recordings import Recordings
from eggroll_edge.core.workspace import Workspace
from eggroll_edge.training.units import learning_rate
from tools.lib.paths import DESIGN_PAGE, RESULTS
from tools.lib.tables import table, write_section
from tools.studies.smoothed_net import F64, Noise, SmallNet, signs

RESULT = RESULTS / "gradient-study.json"
GENERATIONS, DRAWS, DEEP_DRAWS, NETS = 1000, 1000, 400, 5
STEP = 6.0
"""Of the central differences, in weight units: as large as the noise of the weights."""
BIT = 4096
"""One bit, in the units of the core's fitness."""
RANDOM = ("batch", "full", "sample")
"""The estimators that draw noise, and so have members."""


@dataclass(frozen=True)
class Case:
    """An estimator and its settings."""

    estimator: str
    pairs: int = 16
    """Not used by sweep."""
    rank: int = 1
    segments: int = 1
    sigma: float = 6.0
    """In weight units. batch, full: standard deviation of a weight's noise; sample, sweep: a
    current."""
    sigma_o: float = 2.0
    """Of the readout. batch, full: like sigma; sample: of a logit, in bits."""

    @property
    def name(self) -> str:
        """In tables and figures."""
        detail = {"batch": f" rank {self.rank}"}
        detail |= dict.fromkeys(("sample", "sweep"), f" {self.segments} seg.")
        return self.estimator + detail.get(self.estimator, "")

    @property
    def lif_runs(self) -> int:
        """How often an estimate runs a LIF layer on a recording."""
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


COMMON = Case("full")
"""How the fitness is smoothed for the truth that all estimators are compared with."""


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
            population.sweep(ws, self.samples, self.index[i : i + 1], credit)
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


def cosine(a: F64, b: F64) -> float:
    """The cosine of the angle between two vectors."""
    return float(a @ b / np.sqrt((a @ a) * (b @ b)))


def noise(estimates: F64, evaluations: int) -> float:
    """Variance over squared mean, times the member evaluations of an estimate."""
    mean, variance = estimates.mean(0), float(estimates.var(0, ddof=1).sum())
    signal = mean @ mean - variance / len(estimates)  # without the noise of the mean
    return float(variance / signal * evaluations)


def true_gradient(net: SmallNet, case: Case, draws: int, seed: int) -> F64:
    """The gradient of the fitness as an estimator smooths it, flat."""
    rng = np.random.default_rng(seed)
    parts = net.gradient(lambda n: case.noise(net, rng, n), draws, STEP)
    return np.concatenate([part.ravel() for part in parts])


def study(
    net: SmallNet, case: Case, generations: int, draws: int, seed: int, common: F64 | None = None
) -> dict[str, float]:
    """Bias and noise of one estimator on one net, separately for each matrix.

    common: the true_gradient() that all estimators are compared with.
    """
    core = CoreNet(net)
    estimates = core.estimates(case, generations if case.estimator in RANDOM else 2)
    truth = true_gradient(net, case, draws, seed) if draws else None
    result = {}
    for part, which in core.parts().items():
        found = estimates[:, which]
        if truth is not None:
            result[f"cosine_{part}"] = cosine(found.mean(0), truth[which])
        if common is not None:
            result[f"common_{part}"] = cosine(found.mean(0), common[which])
            ones = [cosine(one, common[which]) for one in found if one.any()]
            result[f"one_{part}"] = float(np.sum(ones)) / len(found)
        result[f"noise_{part}"] = noise(found, 2 * case.pairs * len(net.labels))
    return result


def sample(segments: int, sigma_o: float = 0.25, pairs: int = 16, inputs: int = 8) -> Case:
    """A case of `sample`, whose sigma is three eighths of the threshold of small_net()."""
    sigma = round(15 * np.sqrt(inputs / 8))
    return Case("sample", pairs, segments=segments, sigma=sigma, sigma_o=sigma_o)


def sweep(segments: int, sigma: float = 32.0) -> Case:
    """A case of `sweep`, whose sigma is four fifths of the threshold of small_net()."""
    return Case("sweep", 1, segments=segments, sigma=sigma)


ESTIMATORS = [
    Case("full"), Case("batch"), Case("batch", rank=4),
    sample(1), sample(3), sample(5), sample(8),
    sweep(1), sweep(3), sweep(5), sweep(8),
]  # fmt: skip
SIGMAS = [sweep(3, sigma) for sigma in (8.0, 15.0, 22.0, 40.0, 60.0)]
PAIRS = [Case("batch", pairs=p) for p in (4, 64)] + [sample(3, pairs=p) for p in (4, 64)]
LOGIT_NOISE = [sample(3, sigma_o=s) for s in (0.5, 1.0, 1.95)]
DEEP = [Case("full"), Case("batch"), sample(3), sweep(1), sweep(3), sweep(5)]
"""On nets of two LIF layers."""


@dataclass(frozen=True)
class Plan:
    """What is studied on the five nets."""

    group: str
    case: Case
    inputs: int = 8
    hidden: tuple[int, ...] = (6,)
    draws: int = DRAWS


def plans() -> list[Plan]:
    """All rows of the study."""
    rows = [Plan("estimators", case) for case in ESTIMATORS]
    rows += [Plan("sigma", case) for case in SIGMAS]
    rows += [Plan("pairs", case) for case in PAIRS]
    rows += [Plan("logit noise", case) for case in LOGIT_NOISE]
    rows += [Plan("two layers", case, hidden=(16, 8), draws=DEEP_DRAWS) for case in DEEP]
    for inputs in (8, 32, 128, 250):
        for case in (Case("batch"), sample(3, inputs=inputs)):
            rows.append(Plan("inputs", case, inputs, draws=0))
    return rows


def measure() -> list[dict[str, Any]]:
    """A row for each of plans(): the means over the nets, and the figures of each net."""
    rows, truths = [], dict[tuple[Any, ...], F64]()
    for plan in plans():
        each = []
        for seed in range(1, NETS + 1):
            net, common = small_net(seed, plan.inputs, hidden=plan.hidden), None
            if plan.draws:
                key = (seed, plan.inputs, plan.hidden)
                if key not in truths:
                    truths[key] = true_gradient(net, COMMON, plan.draws, seed + 100)
                common = truths[key]
            each.append(study(net, plan.case, GENERATIONS, plan.draws, seed, common))
        means = {key: round(float(np.mean([one[key] for one in each])), 3) for key in each[0]}
        nets = [{key: round(value, 3) for key, value in one.items()} for one in each]
        setup = {"name": plan.case.name, "lif_runs": plan.case.lif_runs, **asdict(plan.case)}
        shape = {"group": plan.group, "inputs": plan.inputs, "hidden": plan.hidden}
        rows.append(shape | setup | means | {"nets": nets})
        print(plan.group, plan.case.name, plan.inputs, means, file=sys.stderr, flush=True)
    return rows


def tables() -> str:
    """The tables of the documentation, from the saved rows."""
    rows = json.loads(RESULT.read_text())["rows"]
    one = [
        [
            row["name"],
            f"{row['cosine_hidden']:.3f}",
            f"{row['common_hidden']:.3f}",
            f"{row['noise_hidden']:,.0f}" if row["noise_hidden"] else "none",
            str(row["lif_runs"]),
            f"{row['one_hidden']:.3f}",
        ]
        for row in rows
        if row["group"] == "estimators"
    ]
    deep = [
        [
            row["name"],
            *(f"{row[f'common_{part}']:.3f}" for part in ("hidden1", "hidden2", "readout")),
            str(row["lif_runs"]),
            *(f"{row[f'one_{part}']:.3f}" for part in ("hidden1", "hidden2", "readout")),
        ]
        for row in rows
        if row["group"] == "two layers"
    ]
    mean, single = "mean of many estimates", "one estimate"
    return "\n\n".join(
        [
            table(
                [
                    "one layer, hidden weights",
                    f"{mean}: cosine with the gradient of its smoothed fitness",
                    "with the common one",
                    "noise (member evaluations)",
                    f"{single}: LIF runs of a recording",
                    "cosine with the common gradient",
                ],
                one,
                "lrrrrr",
            ),
            table(
                [
                    "two layers, cosine with the common gradient",
                    f"{mean}: first layer",
                    "second layer",
                    "readout",
                    f"{single}: LIF runs of a layer and recording",
                    "first layer",
                    "second layer",
                    "readout",
                ],
                deep,
                "lrrrrrrr",
            ),
        ]
    )


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--table", action="store_true", help="only write the tables again")
    if not parser.parse_args().table:
        report = {
            "what": "bias and noise of the estimators on nets INPUTS-HIDDEN-3, 12 ticks, 12 "
            "recordings; noise: member evaluations at which noise and signal are equal",
            "seeds": list(range(1, NETS + 1)),
            "generations": GENERATIONS,
            "draws": {"one layer": DRAWS, "two layers": DEEP_DRAWS},
            "step": STEP,
            "rows": measure(),
        }
        save(RESULT, record("study", "python -m tools.studies.gradient", False, report))
    write_section(DESIGN_PAGE, "gradients", tables())


if __name__ == "__main__":
    main()
