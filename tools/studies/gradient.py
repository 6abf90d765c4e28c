"""Bias and variance of every estimator, against the true gradient of small smoothed nets.

    python -m tools.studies.gradient          results/gradient-study.json, and the table of the
                                              documentation; about five minutes
    python -m tools.studies.gradient --table  only the table

The estimates come from the C core. The truth comes from smoothed_net.py, which shares no code with
the core. Each estimator smooths the fitness in a different way, so there are two truths: the
gradient of the fitness as the estimator smooths it, and, common to all, that of the fitness as
`full` smooths it. Bias is measured by the cosine between the mean estimate and a truth. Noise is
the variance of an estimate over its squared mean, times the member evaluations that it took: the
number of evaluations at which noise and signal are equal. `sweep` and `eprop` draw nothing, so they
have no noise. `eprop` smooths no fitness, so it has only the common truth. The documentation of the
design explains all of this.
"""

from __future__ import annotations

import json
import sys
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from eggroll_edge.bench.report import record, save
from tools.lib.paths import DESIGN_PAGE, RESULTS
from tools.lib.tables import only_tables, table, write_section
from tools.studies.small_estimates import RANDOM, Case, CoreNet, small_net
from tools.studies.smoothed_net import F64, SmallNet

RESULT = RESULTS / "gradient-study.json"
GENERATIONS, DRAWS, DEEP_DRAWS, NETS = 1000, 1000, 300, 5
STEP = 6.0
"""Of the central differences, in weight units: as large as the noise of the weights."""
COMMON = Case("full")
"""How the fitness is smoothed for the truth that all estimators are compared with."""


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
    truth = true_gradient(net, case, draws, seed) if draws and case.smooths else None
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


def eprop(width: float, ticks: int = 12) -> Case:
    """A case of `eprop`; width: of half the surrogate, in thresholds of small_net()."""
    return Case("eprop", 1, segments=ticks, sigma=40 * width)


ESTIMATORS = [
    Case("full"), Case("batch"), Case("batch", rank=4),
    sample(1), sample(3), sample(5), sample(8),
    sweep(1), sweep(3), sweep(5), sweep(8), eprop(1),
]  # fmt: skip
SIGMAS = [sweep(3, sigma) for sigma in (8.0, 15.0, 22.0, 40.0, 60.0)]
SIGMAS += [eprop(width) for width in (0.25, 0.5, 2)]
PAIRS = [Case("batch", pairs=p) for p in (4, 64)] + [sample(3, pairs=p) for p in (4, 64)]
LOGIT_NOISE = [sample(3, sigma_o=s) for s in (0.5, 1.0, 1.95)]
DEEP = [Case("full"), Case("batch"), sample(3), sweep(1), sweep(3), sweep(5), eprop(1)]
"""On nets of two LIF layers."""


@dataclass(frozen=True)
class Plan:
    """What is studied on the five nets."""

    group: str
    case: Case
    inputs: int = 8
    hidden: tuple[int, ...] = (6,)
    draws: int = DRAWS
    """Of the common truth; 0: no truth at all."""

    @property
    def smoothed_draws(self) -> int:
        """Of the truth that is the estimator's: it is slow, and only one table has it."""
        return self.draws if self.group == "estimators" else 0


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
            each.append(study(net, plan.case, GENERATIONS, plan.smoothed_draws, seed, common))
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
            f"{row['cosine_hidden']:.3f}" if "cosine_hidden" in row else "-",
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
    if not only_tables(__doc__):
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
