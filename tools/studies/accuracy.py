"""What each setting does to test accuracy: one is varied at a time, with three seeds each.

    python -m tools.studies.accuracy              all sweeps, about half an hour on two cores
    python -m tools.studies.accuracy sigma lr     some of them; the others stay in the file

The dataset is simulated N-MNIST, with 60,000 recordings to train and 10,000 to test. A run is a
quarter to a half as long as the run of the preset, so that the settings decide, and not the limit
of the task. After each sweep, its rows are saved in results/accuracy-study.json. The datasets are
in ../shared/data, or in the folder that EGGROLL_DATA names.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from eggroll_edge.bench.accuracy import RecipeRunner
from eggroll_edge.bench.recipes import Recipe
from eggroll_edge.bench.report import data_folder, record, save
from tools.lib.paths import RESULTS

RESULT = RESULTS / "accuracy-study.json"
SEEDS = (1, 2, 3)
Settings = dict[str, Any]

BASES: dict[str, Settings] = {
    "sample": {"estimator": "sample", "hidden": [128], "generations": 4000, "eval_every": 4000},
    "batch": {"estimator": "batch", "pairs": 2048, "generations": 300, "eval_every": 300},
}
"""What the sweeps of an estimator start from: nmnist-fast, and the defaults of `batch`, both with
fewer generations."""


def each(name: str, *values: Any) -> list[Settings]:
    """Several values of one setting."""
    return [{name: value} for value in values]


def budget(*splits: tuple[int, int, int]) -> list[Settings]:
    """Several (pairs, batch, generations) with the same number of member evaluations."""
    return [{"pairs": p, "batch": b, "generations": g, "eval_every": g} for p, b, g in splits]


SWEEPS: dict[str, tuple[str, list[Settings]]] = {
    "segments": ("sample", each("segments", 1, 2, 3, 4, 5)),
    "sigma": ("sample", each("sigma", 125.0, 250.0, 500.0, 1000.0)),
    "sigma_readout": ("sample", each("sigma_readout", 0.5, 1.0, 1.95, 4.0)),
    "sigma_final": ("sample", each("sigma_final", 1.0, 0.5, 0.25)),
    "lr": ("sample", each("lr", 5.0, 10.0, 20.0, 40.0)),
    "lr_readout": ("sample", each("lr_readout", 1.5, 3.0, 6.0, 12.0)),
    "lr_final": ("sample", each("lr_final", 0.005, 0.05, 0.3, 1.0)),
    "threshold": ("sample", each("threshold", 700, 1400, 2800)),
    "leak_shift": ("sample", each("leak_shift", 1, 2, 3)),
    "init_std": ("sample", each("init_std", 0, 7, 14, 28, 56)),
    "penalty_bits": ("sample", each("penalty_bits", 0.0, 0.0005, 0.0015, 0.005)),
    "pairs and batch": (
        "sample",
        budget((256, 32, 4000), (256, 128, 1000), (64, 128, 4000), (64, 32, 16000)),
    ),
    "hidden": ("sample", each("hidden", [32], [64], [128], [256], [512])),
    "layers": ("sample", each("hidden", [128], [128, 64])),
    "readout": ("sample", [{}, {"readout": "spikes"}]),
    "ticks": ("sample", each("ticks", 10, 15, 30)),
    "input": (
        "sample",
        [
            {}, {"stabilize": True}, {"polarity": "merged"}, {"pool": 2},
            {"pool": 2, "stabilize": True},
        ],
    ),
    "batch: sigma": ("batch", each("sigma", 1.5, 3.0, 6.0, 12.0)),
    "batch: lr": ("batch", each("lr", 1.0, 2.0, 3.5, 7.0)),
    "batch: rank": ("batch", each("rank", 1, 2, 4)),
    "batch: pairs and batch": (
        "batch",
        budget(
            (8192, 32, 300), (2048, 128, 300), (512, 512, 300), (2048, 32, 1200), (512, 128, 1200)
        ),
    ),
}  # fmt: skip


def recipe(estimator: str, settings: Settings) -> Recipe:
    """What a sweep runs: the base of an estimator with other values of some settings."""
    preset = None
    return Recipe(estimator, "", "mnist", preset, {**BASES[estimator], **settings})


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("sweeps", nargs="*", choices=[[], *SWEEPS], help="by default all")
    wanted = parser.parse_args().sweeps or list(SWEEPS)
    rows = json.loads(RESULT.read_text())["rows"] if RESULT.exists() else []

    def notify(text: str) -> None:
        print(text, file=sys.stderr, flush=True)

    bench, done = RecipeRunner(data_folder(), SEEDS, notify), {}
    for sweep in wanted:
        estimator, values = SWEEPS[sweep]
        found = []
        for settings in values:
            notify(f"{sweep}: {settings or 'as it is'}")
            one = recipe(estimator, settings)
            config = one.config(Path(), 1)
            if config not in done:  # the base is part of most sweeps
                done[config] = bench.row(one)
            found.append({"sweep": sweep, "settings": settings} | done[config])
        rows = [row for row in rows if row["sweep"] != sweep] + found
        save(RESULT, record("study", "python -m tools.studies.accuracy", False, {"rows": rows}))


if __name__ == "__main__":
    main()
