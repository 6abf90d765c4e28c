#!/usr/bin/env python3
"""Baselines of the task `chirps`, and the control task over five seeds; writes results/*.json.

    tools/measure_tasks.py                    both (some minutes)
    tools/measure_tasks.py chirps-baselines   only that: results/chirps-baselines.json
    tools/measure_tasks.py control            only that: results/control.json

The baselines see what the spiking nets see, 10,000 words in 20 ticks: logistic regression on counts
summed over time (a bag of events, which knows no order) and on counts in each tick, and a
multilayer perceptron on both. Needs scikit-learn. The nets' own accuracy: tools/measure.py.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import time
import warnings
from typing import Any

import numpy as np

from eggroll_edge.data.binning import Binning
from eggroll_edge.data.dataset import EventDataset
from eggroll_edge.data.loading import open_dataset
from eggroll_edge.data.stream import unpack_stream
from tools.results.measure import RESULTS, ROOT, command, machine

TICKS = 20
SEEDS = (1, 2, 3, 4, 5)


def pictures(data: EventDataset) -> Any:
    """float32 [n, ticks, channels] of 0 and 1."""
    out = np.zeros((len(data) * data.ticks, data.n_in), np.float32)
    out[unpack_stream(data.streams)] = 1
    return out.reshape(len(data), data.ticks, data.n_in)


def chirps_baselines() -> dict[str, Any]:
    """Test accuracy of each baseline, percent."""
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.linear_model import LogisticRegression
    from sklearn.neural_network import MLPClassifier

    warnings.simplefilter("ignore", ConvergenceWarning)  # ten epochs do
    train, test = (open_dataset("chirps", part, Binning(ticks=TICKS)) for part in ("train", "test"))
    x, y = pictures(train), pictures(test)
    views = {
        "summed": (x.sum(axis=1), y.sum(axis=1)),
        "binned": (x.reshape(len(x), -1), y.reshape(len(y), -1)),
    }
    found: dict[str, Any] = {"chance": 100 / train.n_classes}
    for view, (a, b) in views.items():
        models = {
            f"logistic_{view}": [LogisticRegression(C=0.01, max_iter=100)],
            f"perceptron_{view}": [
                MLPClassifier((256,), alpha=0.01, max_iter=10, random_state=seed)
                for seed in SEEDS[:1]
            ],
        }
        for name, each in models.items():
            begun = time.perf_counter()
            found[name] = [100 * float(m.fit(a, train.labels).score(b, test.labels)) for m in each]
            found[f"{name}_seconds"] = (time.perf_counter() - begun) / len(each)
    return found


def control() -> dict[str, Any]:
    """Five seeds of `eggroll-edge control`."""
    runs = [command(f"control --seed {seed}") | {"seed": seed} for seed in SEEDS]
    return {
        "command": "eggroll-edge control --seed SEED",
        "mean_reward": statistics.mean(run["mean_reward"] for run in runs),
        "least_mean_reward": min(run["mean_reward"] for run in runs),
        "runs": runs,
    }


def main() -> None:
    kinds = {"chirps-baselines": chirps_baselines, "control": control}
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("names", nargs="*", choices=[[], *kinds])
    names = parser.parse_args().names or list(kinds)
    commit = subprocess.run(
        ["git", "describe", "--always", "--dirty"], capture_output=True, text=True, cwd=ROOT
    ).stdout.strip()
    for name in names:
        report = {"command": f"tools/measure_tasks.py {name}", "machine": machine()}
        report |= {"commit": commit, **kinds[name]()}
        (RESULTS / f"{name}.json").write_text(json.dumps(report, indent=1) + "\n")


if __name__ == "__main__":
    main()
