"""Accuracies of other methods on the recordings, nets and tests of `bench accuracy`.

The scripts of tools/peers do the work: a surrogate gradient in torch (with float weights, or with
int8 weights that are tested in our core), and the full-rank strategies of evosax.
"""

from __future__ import annotations

import os
import statistics
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from eggroll_edge.bench.report import Notify, Rows
from eggroll_edge.bench.scripts import run_script, why_not

_SURROGATE = "torch_surrogate.py --threads 1 --batch 128 --lr 0.002 --init 0.05 --epochs 10"
_SMALL = "torch_surrogate.py --threads 1 --batch 32 --epochs 40"
_SECONDS = 150
"""Training time that a full-rank strategy gets: more than `batch` takes for its recipe."""


@dataclass(frozen=True)
class Baseline:
    """A script with its arguments, which runs once for each seed."""

    name: str
    what: str
    command: str
    seeds: int = 5
    small: bool = False
    """Whether it is trained on the real recordings, not on simulated ones."""
    real: bool = False
    """Whether it is tested on the real recordings, not on the test split of its training data."""
    needs: tuple[str, ...] = ("torch", "snntorch", "scipy")


BASELINES = (
    Baseline("surrogate", "surrogate gradient, 2312-128-10", f"{_SURROGATE} --hidden 128"),
    Baseline("surrogate int8", "surrogate gradient, 2312-128-10, int8 weights",
             f"{_SURROGATE} --hidden 128 --weights int8"),
    Baseline("surrogate pooled", "surrogate gradient, 578-64-10",
             f"{_SURROGATE} --hidden 64 --pool 2"),
    Baseline("surrogate real",
             "surrogate gradient, 2312-128-10, simulated events alone, tested on all 800 real "
             "recordings", f"{_SURROGATE} --hidden 128 --skip-first 1000", real=True),
    Baseline("surrogate small", "surrogate gradient, 2312-128-10, 700 real recordings",
             f"{_SMALL} --lr 0.002 --init 0.02", small=True),
    Baseline("surrogate small int8",
             "surrogate gradient, 2312-128-10, 700 real recordings, int8 weights",
             f"{_SMALL} --lr 0.0005 --init 0.05 --weights int8", small=True),
    Baseline("Open_ES", f"evosax Open_ES, 2312-128-10, {_SECONDS} s",
             f"jax_evosax.py --algorithm Open_ES --pairs 64 --generations 100000 --seconds "
             f"{_SECONDS} --eval-every 20 --stop-at 100", 1, needs=("evosax", "scipy")),
    Baseline("CR_FM_NES", f"evosax CR-FM-NES, 2312-128-10, {_SECONDS} s",
             f"jax_evosax.py --algorithm CR_FM_NES --pairs 64 --generations 100000 --seconds "
             f"{_SECONDS} --eval-every 20 --stop-at 100", 1, needs=("evosax", "scipy")),
)  # fmt: skip


def measure(folder: Path, notify: Notify) -> Rows:
    """A row for each of BASELINES. If one cannot run, its row has `why` in place of figures."""
    return [_row(baseline, folder, notify) for baseline in BASELINES]


def _row(baseline: Baseline, folder: Path, notify: Notify) -> dict[str, Any]:
    real = str(folder / "nmnist_small")
    spec = real if baseline.small else f"idx:{folder / 'mnist'}"
    row: dict[str, Any] = {"name": baseline.name, "what": baseline.what}
    row["command"] = f"tools/peers/{baseline.command} --seed SEED"
    why = why_not(baseline.needs)
    if why is not None:
        return row | {"why": why}
    also = f" --also {real}" if baseline.real else ""

    def run(seed: int) -> dict[str, Any]:
        return run_script(f"{baseline.command}{also} --seed {seed}", spec, notify)

    with ThreadPoolExecutor(
        len(os.sched_getaffinity(0))
    ) as pool:  # the torch scripts use one thread each
        lines = list(pool.map(run, range(1, baseline.seeds + 1)))
    for line in lines:
        if "error" in line:
            return row | {"why": line["error"]}
    accuracy = [_accuracy(baseline, line, real) for line in lines]
    row |= {"accuracy": accuracy, "mean": round(statistics.mean(accuracy), 3)}
    if "firing_rate" in lines[0]:
        row["firing_rate"] = round(statistics.mean(line["firing_rate"] for line in lines), 5)
    if "generations_done" in lines[0]:
        of = lines[0]["settings"]
        done = statistics.mean(line["generations_done"] for line in lines)
        row["member_evaluations"] = round(2 * of["pairs"] * of["batch"] * done)
    seconds = statistics.mean(line["train_seconds"] for line in lines)
    return row | {"seconds": round(seconds, 2), "versions": lines[0]["versions"]}


def _accuracy(baseline: Baseline, line: dict[str, Any], real: str) -> float:
    """Percent, of the last weights that the script tested."""
    if baseline.real:
        return float(line["also"][real])
    return float(line["test_accuracy"] if "test_accuracy" in line else line["history"][-1][2])
