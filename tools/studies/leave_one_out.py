"""Antithetic pairs against independent members with a leave-one-out mean, at equal evaluations.

    python -m tools.studies.leave_one_out          results/leave-one-out-study.json, and the tables
                                                   of the documentation; about fifteen minutes
    python -m tools.studies.leave_one_out --table  only the tables

LOO-ROLL (E. C. Kaya, A. Hashemi, arXiv 2609.10980) evaluates each direction E once, and compares
the fitness F(W + sigma E) with the mean of the other members. A pair spends two evaluations on one
direction, and needs no mean. Split F(W + sigma E) into the part that is odd in E and the part that
is even. A pair measures the odd part alone, from half as many directions. A single member measures
both, and the even part is noise. So its noise, at equal evaluations, is that of pairs times
(1 + variance of the even part / variance of the odd part) / 2.

1. *Shares*: these two variances on trained nets, with a numpy model of the net.
2. *Training*: 2312-128-10 on simulated N-MNIST. The tool copies the package, changes the copy so
   that it evaluates one member of each pair, and compiles it. Learning rates are chosen for each
   estimator on 10,000 recordings of the training split that were set aside.

The datasets are in ../shared/data, or in the folder that EGGROLL_DATA names.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import mean
from typing import Any

import numpy as np

from eggroll_edge.bench.intervals import half_width, paired
from eggroll_edge.bench.report import data_folder, record, save
from eggroll_edge.data.loading import open_dataset
from tools.lib.paths import DESIGN_PAGE, RESULTS, ROOT
from tools.lib.tables import only_tables, table, write_section
from tools.studies.frozen_net import SETTINGS, Array, Frozen, Recording, frozen, load, settings

RESULT = RESULTS / "leave-one-out-study.json"
DIRECTIONS, RECORDINGS = 512, 128
"""Of the shares: directions drawn, and recordings of a mini-batch."""
FACTORS = (0.5, 1.0, 2.0)
"""Candidates for the learning rates, times those of the estimator's defaults. While the best one is
the least or the largest of them, one more is tried beyond it."""
SEEDS = (1, 2, 3, 4, 5)
"""The first one chooses among the candidates. All of them choose among those that are CLOSE."""
CLOSE = 0.1
"""Percentage points of the accuracy on the recordings set aside."""
VALIDATION = 10_000

PATCHES = {
    "runtime_c/host/egg_simd_pairs_impl.h": (
        "fitness_diff[p] += fitness[0][u][odd][lane] - fitness[1][u][odd][lane];",
        "fitness_diff[p] += fitness[0][u][odd][lane];",
    ),
    "runtime_c/host/egg_simd_pairs.c": (
        "    egg_sample_shape_fitness(ws->fitness_diff, gen->es.pairs,",
        "    int64_t sum = 0;\n"
        "    for (uint32_t p = 0; p < gen->es.pairs; p++) sum += ws->fitness_diff[p];\n"
        "    for (uint32_t p = 0; p < gen->es.pairs; p++)\n"
        "        ws->fitness_diff[p] -= (int32_t)(sum / (int64_t)gen->es.pairs);\n"
        "    egg_sample_shape_fitness(ws->fitness_diff, gen->es.pairs,",
    ),
    "eggroll_edge/core/population.py": (
        "    lib.egg_shape_fitness(",
        "    fitness_diff -= np.int32(np.rint(fitness_diff.mean()))\n    lib.egg_shape_fitness(",
    ),
}
"""In the copy: file -> (what stands there, what takes its place)."""


@dataclass(frozen=True)
class Task:
    """A training run, and the directions that pairs have in it."""

    estimator: str
    pairs: int
    batch: int
    generations: int

    @property
    def name(self) -> str:
        """In tables."""
        return f"`{self.estimator}`, {self.generations:,} generations of {self.batch}"

    def options(self, arm: str, factor: float, seed: int, folder: str) -> list[str]:
        """Options of `eggroll-edge train`; both arms make the same number of evaluations."""
        base = SETTINGS[self.estimator]
        values = {
            "data": f"idx:{data_folder()}/mnist", "estimator": self.estimator, **base,
            "pairs": self.pairs * (2 if arm == "leave-one-out" else 1), "batch": self.batch,
            "generations": self.generations, "eval_every": self.generations,
            "lr": round(factor * base["lr"], 4),
            "lr_readout": round(factor * base["lr_readout"], 4),
            "validation": VALIDATION, "seed": seed, "out": folder,
        }  # fmt: skip
        flags = {f"--{name.replace('_', '-')}": str(value) for name, value in values.items()}
        return [word for flag in flags.items() for word in flag]


TASKS = [
    Task("batch", 1024, 64, 300),
    Task("batch", 512, 32, 1200),
    Task("sample", 128, 32, 4000),
]
NETS: list[dict[str, Any]] = [
    {"estimator": "batch", "pairs": 2048, "generations": 30},
    {"estimator": "batch", "pairs": 2048, "generations": 300},
    {"estimator": "sample", "generations": 500},
    {"estimator": "sample", "generations": 6000},
]
"""The nets on which the shares are measured."""


def one_sided_copy(folder: Path) -> Path:
    """A compiled copy of the package whose pairs have no second member."""
    for name in ("eggroll_edge", "runtime_c"):
        ignored = shutil.ignore_patterns("*.so", "__pycache__")
        shutil.copytree(ROOT / name, folder / name, ignore=ignored)
    for name in ("setup.py", "pyproject.toml", "README.md"):
        shutil.copy(ROOT / name, folder)
    for name, (there, instead) in PATCHES.items():
        text = (folder / name).read_text()
        if text.count(there) != 1:
            raise SystemExit(
                f"{name} has changed: {there!r} stands there {text.count(there)} times"
            )
        (folder / name).write_text(text.replace(there, instead))
    build = [sys.executable, "setup.py", "-q", "build_ext", "--inplace"]
    subprocess.run(build, cwd=folder, check=True, stdout=sys.stderr)
    return folder


def run(package: Path, task: Task, arm: str, factor: float, seed: int) -> dict[str, Any]:
    """Train with the package in a folder. Returns its JSON line."""
    with tempfile.TemporaryDirectory() as folder:
        options = task.options(arm, factor, seed, f"{folder}/run")
        line = [sys.executable, "-m", "eggroll_edge", "train", *options, "--json"]
        done = subprocess.run(
            line, cwd=package, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
            check=True, env={**os.environ, "PYTHONPATH": str(package)},
        )  # fmt: skip
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    shown = f"{task.name}, {arm}, x {factor}, seed {seed}: "
    validated, tested = found["validation_accuracy"], found["test_accuracy"]
    print(f"{shown}{validated:.2f} %, test {tested:.2f} %", file=sys.stderr, flush=True)
    return {"validation": validated, "test": tested, "digest": found["weights_digest"]}


def train(package: Path, task: Task, arm: str) -> dict[str, Any]:
    """Choose the learning rates on the recordings set aside, then train with all seeds."""
    first: dict[float, dict[str, Any]] = {}
    candidates = list(FACTORS)
    while candidates:
        first |= {f: run(package, task, arm, f, SEEDS[0]) for f in candidates}
        best = max(first, key=lambda f: float(first[f]["validation"]))
        beyond = {min(first): best / 2, max(first): best * 2}
        candidates = [beyond[best]] if best in beyond else []
    finals = {
        factor: [one, *(run(package, task, arm, factor, seed) for seed in SEEDS[1:])]
        for factor, one in first.items()
        if one["validation"] > first[best]["validation"] - CLOSE
    }
    means = {f: mean(one["validation"] for one in finals[f]) for f in finals}
    factor = max(means, key=lambda f: means[f])
    final = finals[factor]
    test = [one["test"] for one in final]
    return {
        "arm": arm,
        "validation_of_seed_1": {str(f): round(one["validation"], 3) for f, one in first.items()},
        "validation_of_all_seeds": {str(f): round(value, 3) for f, value in means.items()},
        "factor": factor,
        "test": test,
        "mean": round(mean(test), 3),
        "half_width": round(half_width(test), 3),
        "digests": [one["digest"] for one in final],
    }


def training() -> list[dict[str, Any]]:
    """Both arms of each task."""
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        packages = {"pairs": ROOT, "leave-one-out": one_sided_copy(Path(folder))}
        for task in TASKS:
            arms = [train(package, task, arm) for arm, package in packages.items()]
            found = paired(arms[1]["test"], arms[0]["test"])
            rows.append(
                {
                    "task": task.name,
                    "evaluations_of_a_recording": 2 * task.pairs,
                    "arms": arms,
                    "leave_one_out_minus_pairs": round(found.mean, 3),
                    "half_width": round(found.half_width, 3),
                    "p": round(found.p, 4),
                }
            )
    return rows


def members(one: Recording, rng: np.random.Generator) -> Array:
    """Fitness [2, DIRECTIONS] of both members of random pairs on one recording (`sample`)."""
    c, net = one.net.config, one.net
    signs = rng.choice(np.array([-1, 1], np.int16), (DIRECTIONS, 1, net.hidden.shape[1]))
    segments = rng.choice(np.array([-1, 1], np.int16), (DIRECTIONS, c.segments, 1))
    logits = c.sigma_readout * rng.choice([-1, 1], (DIRECTIONS, net.readout.shape[1]))
    counts = net.counts(one.base, np.int16(c.sigma) * signs * segments)
    return np.stack([net.fitness(counts[k], one.label, (1 - 2 * k) * logits) for k in (0, 1)])


def members_together(net: Frozen, recordings: Sequence[Recording]) -> Array:
    """Fitness [2, DIRECTIONS] of both members of random pairs, summed over recordings (`batch`)."""
    c, rng = net.config, np.random.default_rng(1)
    (rows, hidden), (inner, outputs) = net.hidden.shape, net.readout.shape
    sign = np.array([-1, 1], np.int32)
    b, a = rng.choice(sign, (DIRECTIONS, rows)), rng.choice(sign, (DIRECTIONS, 1, hidden))
    b_out, a_out = rng.choice(sign, (DIRECTIONS, inner)), rng.choice(sign, (DIRECTIONS, outputs))
    total = np.zeros((2, DIRECTIONS))
    for one in recordings:
        projection = (b @ one.events.T)[..., None]  # [directions, ticks, 1]
        push = np.rint(c.sigma * projection * a).astype(np.int16)
        counts = net.counts(one.base, push)
        for k in (0, 1):
            bias = c.ticks * b_out[:, -1]
            size = c.sigma_readout * ((counts[k] * b_out[:, :-1]).sum(1) + bias)
            logits = (1 - 2 * k) * (size[:, None] * a_out) * 2.0**c.gain / 4096
            total[k] += net.fitness(counts[k], one.label, logits)
    return total


def shares() -> list[dict[str, Any]]:
    """The variances of the odd and the even part of the fitness, on each of NETS."""
    rows = []
    for chosen in NETS:
        net, result = frozen(settings(**chosen))
        dataset = open_dataset(net.config.data, "test", net.config.binning())
        recordings = load(net, dataset, RECORDINGS)
        if chosen["estimator"] == "batch":
            evaluated = [members_together(net, recordings)]
        else:
            rng = np.random.default_rng(1)
            evaluated = [members(one, rng) for one in recordings]
        odd = sum(float(((f[0] - f[1]) / 2).var(ddof=1)) for f in evaluated)
        even = sum(float(((f[0] + f[1]) / 2).var(ddof=1)) for f in evaluated)
        row = chosen | {
            "test_accuracy": result.test_accuracy,
            "even_over_odd_variance": round(even / odd, 3),
            "noise_over_that_of_pairs": round((1 + even / odd) / 2, 3),
        }
        print(json.dumps(row), file=sys.stderr, flush=True)
        rows.append(row)
    return rows


def tables() -> str:
    """The tables of the documentation."""
    report = json.loads(RESULT.read_text())
    of_shares = [
        [
            f"`{row['estimator']}`, after {row['generations']:,} generations",
            f"{row['even_over_odd_variance']:.2f}",
            f"{row['noise_over_that_of_pairs']:.2f}",
        ]
        for row in report["shares"]
    ]
    of_training = [
        [
            row["task"],
            f"{row['evaluations_of_a_recording']:,}",
            *(f"{arm['mean']:.2f} ± {arm['half_width']:.2f} %" for arm in row["arms"]),
            f"{row['leave_one_out_minus_pairs']:+.2f} ± {row['half_width']:.2f}",
            f"{row['p']:.2g}",
        ]
        for row in report["training"]
    ]
    head = [
        "test accuracy, 5 seeds", "evaluations of a recording", "pairs", "leave-one-out mean",
        "difference, points", "p",
    ]  # fmt: skip
    measured = "variance of the even over the odd part"
    return "\n\n".join(
        [
            table(["net", measured, "noise over that of pairs"], of_shares, "lrr"),
            table(head, of_training, "lrrrrr"),
        ]
    )


def main() -> None:
    if not only_tables(__doc__):
        report = {
            "what": "antithetic pairs against independent members with a leave-one-out mean",
            "seeds": SEEDS,
            "settings": SETTINGS,
            "shares": shares(),
            "training": training(),
        }
        command = "python -m tools.studies.leave_one_out"
        save(RESULT, record("study", command, False, report))
    write_section(DESIGN_PAGE, "leave-one-out", tables())


if __name__ == "__main__":
    main()
