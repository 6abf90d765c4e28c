"""Baselines of the task `chirps`, and the control task over five seeds; writes results/*.json.

    python -m tools.results.tasks                    both (some minutes)
    python -m tools.results.tasks chirps-baselines   only results/chirps-baselines.json
    python -m tools.results.tasks control            only results/control.json

The baselines see what the spiking nets see: 10,000 words in 20 ticks. They are logistic regression
and a multilayer perceptron, each on two views. One view has counts that are summed over time (a bag
of events, without their order), the other has counts in each tick. Needs scikit-learn. The accuracy
of the spiking nets comes from tools.results.measure.
"""

from __future__ import annotations

import argparse
import statistics
import time
import warnings
from typing import Any

import numpy as np

from eggroll_edge.bench.report import record, save
from eggroll_edge.data.binning import Binning
from eggroll_edge.data.dataset import EventDataset
from eggroll_edge.data.loading import open_dataset
from eggroll_edge.data.stream import unpack_stream
from tools.lib.paths import RESULTS
from tools.results.measure import command

TICKS = 20
SEEDS = (1, 2, 3, 4, 5)
COMMANDS = {
    "chirps-baselines": "python -m tools.results.tasks chirps-baselines",
    "control": "eggroll-edge control --seed SEED",
}
"""What the result files name as the command behind them."""


def pictures(data: EventDataset) -> Any:
    """The recordings as float32 [n, ticks, channels]: 1 where there is an event, else 0."""
    out = np.zeros((len(data) * data.ticks, data.n_in), np.float32)
    out[unpack_stream(data.streams)] = 1
    return out.reshape(len(data), data.ticks, data.n_in)


def chirps_baselines() -> dict[str, Any]:
    """Test accuracy of each baseline, in percent."""
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.linear_model import LogisticRegression
    from sklearn.neural_network import MLPClassifier

    warnings.simplefilter("ignore", ConvergenceWarning)  # ten epochs are enough
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
    """Run `eggroll-edge control` with five seeds."""
    runs = [command(f"control --seed {seed}") | {"seed": seed} for seed in SEEDS]
    return {
        "mean_reward": statistics.mean(run["mean_reward"] for run in runs),
        "least_mean_reward": min(run["mean_reward"] for run in runs),
        "runs": runs,
    }


def main() -> None:
    kinds = {"chirps-baselines": chirps_baselines, "control": control}
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("names", nargs="*", choices=[[], *kinds], help="by default both")
    names = parser.parse_args().names or list(kinds)
    for name in names:
        save(RESULTS / f"{name}.json", record(name, COMMANDS[name], False, kinds[name]()))


if __name__ == "__main__":
    main()
