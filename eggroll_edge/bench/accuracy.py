"""`eggroll-edge bench accuracy`: test accuracies of the recipes of recipes.py, over several seeds.

Every accuracy is that of the last weights. Means have a 95 % confidence interval, and methods that
are compared have a paired test over the seeds.
"""

from __future__ import annotations

import statistics
import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from eggroll_edge.bench import baselines as bench_baselines
from eggroll_edge.bench.intervals import half_width, paired
from eggroll_edge.bench.recipes import (
    ADAPTED,
    COMPARISONS,
    FOLDS,
    FULL,
    PENALTIES,
    RECIPES,
    SEEDS,
    SIM_TO_REAL,
    Recipe,
)
from eggroll_edge.bench.report import Notify, Rows, data_folder
from eggroll_edge.data.dataset import EventDataset, fixed_shuffle
from eggroll_edge.errors import ConfigError
from eggroll_edge.planning.instructions import cost
from eggroll_edge.planning.load import measured_load, modelled
from eggroll_edge.planning.memory import plan_of
from eggroll_edge.training.config import TrainConfig
from eggroll_edge.training.derivation import derive_without_data
from eggroll_edge.training.evaluation import evaluate
from eggroll_edge.training.results import RunResult
from eggroll_edge.training.run import train
from eggroll_edge.training.run_dir import load
from eggroll_edge.training.splits import open_split

T = TypeVar("T")
NAMES = (
    *(recipe.name for recipe in (*RECIPES, *FOLDS, *SIM_TO_REAL)),
    *(after.name for _, after in ADAPTED),
    "curve",
    FULL.name,
)
"""What can be measured, by the names of the rows. `curve` and those of ADAPTED give several."""


def measure(quick: bool, notify: Notify, data: str | None = None) -> dict[str, Any]:
    """Every recipe with five seeds, the firing curve and the baselines. data: as for data_folder().

    quick: one seed, and only our recipes.
    """
    folder, seeds = data_folder(data), SEEDS[:1] if quick else SEEDS
    runner = RecipeRunner(folder, seeds, notify)
    slow = ("curve", FULL.name)
    rows = [row for name in NAMES if not (quick and name in slow) for row in runner.rows(name)]
    baselines = [] if quick else bench_baselines.measure(folder, notify)
    means = {row["name"]: row["mean"] for row in rows}
    return {
        "rows": rows,
        "baselines": baselines,
        "comparisons": comparisons([*rows, *baselines]),
        "summary": {
            "sample_mean": means["sample"],
            "batch_mean": means["batch"],
            "pooled_mean": means["pooled"],
            "sim_to_real": means["sim_to_real"],
            "adapted": means["adapted"],
            "firing_rate": rows[0]["firing_rate"],
        },
    }


def comparisons(rows: Sequence[dict[str, Any]]) -> Rows:
    """A paired test over the seeds for each of COMPARISONS whose rows have two seeds or more."""
    found = {row["name"]: row for row in rows if len(row.get("accuracy", ())) > 1}
    out = []
    for first, second in COMPARISONS:
        if first in found and second in found:
            test = paired(found[first]["accuracy"], found[second]["accuracy"])
            out.append(
                {
                    "first": found[first]["what"],
                    "second": found[second]["what"],
                    "difference": round(test.mean, 3),
                    "half_width": round(test.half_width, 3),
                    "p": test.p,
                    "seeds": test.seeds,
                }
            )
    return out


class RecipeRunner:
    """Trains and tests recipes over some seeds, and opens their data only once."""

    def __init__(self, folder: Path, seeds: tuple[int, ...], notify: Notify) -> None:
        self._folder, self._seeds, self._notify = folder, seeds, notify
        self._opened: dict[tuple[object, ...], EventDataset] = {}

    def rows(self, name: str) -> Rows:
        """The rows of one of NAMES."""
        if name == "curve":
            return list(self.curve())
        if name == FULL.name:
            return [self.one_seed().row(FULL)]
        kinds = ((RECIPES, self.row), (FOLDS, self.folds), (SIM_TO_REAL, self.sim_to_real))
        for recipes, measure_one in kinds:
            for recipe in recipes:
                if recipe.name == name:
                    return [measure_one(recipe)]
        (pair,) = (pair for pair in ADAPTED if pair[1].name == name)
        return list(self.adapted(*pair))

    def row(self, recipe: Recipe, **more: Any) -> dict[str, Any]:
        """The recipe over all seeds, tested on the test split of its data."""
        runs = []
        for seed in self._seeds:
            with tempfile.TemporaryDirectory() as run:
                result = self._train(recipe.config(self._folder, seed, **more), Path(run))
            runs.append(result)
            self._notify(f"{recipe.name}, seed {seed}: {result.test_accuracy:.2f} %")
        return self._row(recipe, runs, [_accuracy(run) for run in runs])

    def folds(self, recipe: Recipe) -> dict[str, Any]:
        """8-fold cross-validation over all real recordings: a seed's accuracy is over all folds.

        The recordings are ordered by class, and within a class by a fixed shuffle; fold k has every
        eighth of them, from the k-th on.
        """
        runs, scores = [], []
        for seed in self._seeds:
            config = recipe.config(self._folder, seed)
            whole = self._open(config, "all")
            shuffled = fixed_shuffle(len(whole))
            by_class = shuffled[np.argsort(whole.labels[shuffled], kind="stable")]
            right = 0.0
            for fold in range(8):
                held = np.zeros(len(whole), bool)
                held[by_class[fold::8]] = True
                data, test = whole.subset(~held), whole.subset(held)
                with tempfile.TemporaryDirectory() as run:
                    found = train(config, run, data=data, test_data=test, workers=1, force=True)
                runs.append(found)
                right += _accuracy(found) * len(test) / len(whole)
            scores.append(right)
            self._notify(f"{recipe.name}, seed {seed}: {right:.2f} %")
        command = f'python -m tools.results.accuracy "{recipe.name}"'
        return self._row(recipe, runs, scores) | {"command": command}

    def sim_to_real(self, recipe: Recipe) -> dict[str, Any]:
        """Trained on simulated recordings, tested on the real ones."""
        runs, scores = [], []
        for seed in self._seeds:
            with tempfile.TemporaryDirectory() as run:
                config = recipe.config(self._folder, seed)
                runs.append(self._train(config, Path(run)))
                scores.append(self._test(Path(run), self._real(config), "all"))
            self._notify(f"{recipe.name}, seed {seed}: {scores[-1]:.2f} %")
        return self._row(recipe, runs, scores)

    def adapted(self, before: Recipe, after: Recipe) -> Iterator[dict[str, Any]]:
        """A net for a board, before and after it has learned from real recordings."""
        first_runs, second_runs, real, adapted, kept, forgot = [], [], [], [], [], []
        for seed in self._seeds:
            with tempfile.TemporaryDirectory() as folder:
                first, second = Path(folder, "first"), Path(folder, "second")
                config = before.config(self._folder, seed)
                first_runs.append(self._train(config, first))
                real.append(self._test(first, self._real(config), "test"))
                kept.append(_accuracy(first_runs[-1]))
                config = after.config(self._folder, seed, start_from=str(first))
                second_runs.append(self._train(config, second))
                adapted.append(_accuracy(second_runs[-1]))
                forgot.append(kept[-1] - self._test(second, before.config(self._folder, 1), "test"))
            self._notify(
                f"{after.name}, seed {seed}: {real[-1]:.1f} -> {adapted[-1]:.1f} % of real "
                f"recordings, {forgot[-1]:+.2f} points of simulated ones forgotten"
            )
        yield self._row(before, first_runs, real) | {"simulated": kept}
        yield self._row(after, second_runs, adapted) | {"forgotten": forgot}

    def curve(self) -> Iterator[dict[str, Any]]:
        """Accuracy against spikes: one seed for each penalty."""
        fast = next(recipe for recipe in RECIPES if recipe.name == "fast")
        for penalty in PENALTIES:
            row = self.one_seed().row(fast, penalty_bits=penalty)
            yield row | {"name": f"curve-{penalty:g}", "penalty_bits": penalty}

    def one_seed(self) -> RecipeRunner:
        """A runner of the first seed alone, which shares the opened data."""
        runner = RecipeRunner(self._folder, self._seeds[:1], self._notify)
        runner._opened = self._opened
        return runner

    def on_a_device(self, name: str, learned: float) -> dict[str, Any]:
        """on_a_device() of the recipe of a row, as its row has it."""
        config = self._recipe(name).config(self._folder, 1)
        return on_a_device(config, self._open(config, "train"), learned)

    def trained(self, name: str, then: Callable[[Path, EventDataset, float], T]) -> T:
        """Train seed 1 of a row, and call `then` with the directory of the run, its recordings, and
        the share of them that it learned from."""
        config = self._recipe(name).config(self._folder, 1)
        with tempfile.TemporaryDirectory() as run:
            result = self._train(config, Path(run))
            share = result.learned / result.recordings
            return then(Path(run), self._open(config, "train"), share)

    def _recipe(self, name: str) -> Recipe:
        """Of a row. Those of the curve differ from `fast` in the penalty alone."""
        pairs = [recipe for pair in ADAPTED for recipe in pair]
        recipes = {recipe.name: recipe for recipe in (*RECIPES, *FOLDS, *SIM_TO_REAL, *pairs, FULL)}
        return recipes["fast" if name.startswith("curve-") else name]

    def _row(self, recipe: Recipe, runs: list[RunResult], scores: list[float]) -> dict[str, Any]:
        found = _row(recipe, runs, scores)
        return found | self.on_a_device(recipe.name, found["learned"])

    def _real(self, config: TrainConfig) -> TrainConfig:
        """The same net and binning on the real recordings."""
        values = config.to_dict() | {"data": f"{self._folder}/nmnist_small", "skip_first": 0}
        return TrainConfig.from_dict(values)

    def _train(self, config: TrainConfig, run: Path) -> RunResult:
        return train(
            config, run, data=self._open(config, "train"), test_data=self._open(config, "test"),
            workers=1 if config.online else None, force=True,
        )  # fmt: skip

    def _test(self, run: Path, config: TrainConfig, split: str) -> float:
        return evaluate(load(run), self._open(config, split)).accuracy

    def _open(self, config: TrainConfig, split: str) -> EventDataset:
        skipped = config.skip_first if split == "train" else 0
        key = (config.data, split, config.binning(), skipped)
        if key not in self._opened:
            self._opened[key] = open_split(config, split)
        return self._opened[key]


def _accuracy(run: RunResult) -> float:
    assert run.test_accuracy is not None  # a run that has ended has been tested
    return run.test_accuracy


CORES = ("Cortex-M0", "Cortex-M4")
"""Of the microcontrollers for which a row gives the instructions."""


def on_a_device(config: TrainConfig, data: EventDataset, learned: float) -> dict[str, Any]:
    """RAM and instructions with which a microcontroller trains a net; None where it cannot.

    RAM is without the buffer of a recording. Instructions are those of a recording, by the model
    of `plan`, for each of CORES; they are means over a run that learned from a share `learned` of
    its recordings.
    """
    net = derive_without_data(config).net_config(data.n_in, data.n_classes, data.shape)
    es = config.es_config()
    none = {"inference_bytes": None, "training_bytes": None, "instructions": None}
    try:
        plan = plan_of(net, es, online=config.online)
    except ConfigError:
        return none
    found: dict[str, Any] = {
        "inference_bytes": plan.ram_inference - plan.sample_buffer,
        "training_bytes": plan.ram_training - plan.sample_buffer,
    }
    if not modelled(net, es):
        return none | found
    load = measured_load(net, es, config.batch, data, learned, config.online)
    counts = {core: round(cost(core, load).generation / config.batch) for core in CORES}
    return found | {"instructions": counts}


def _row(recipe: Recipe, runs: list[RunResult], scores: list[float]) -> dict[str, Any]:
    config = recipe.config(Path(), 1)
    recordings = config.batch * config.generations
    member = config.estimator in ("sample", "batch", "full")
    sent = config.pairs * config.generations
    if config.estimator == "sample":
        sent = (config.pairs + 1) * recordings
    return {
        "name": recipe.name,
        "what": recipe.what,
        "command": recipe.command,
        "accuracy": scores,
        "mean": round(statistics.mean(scores), 3),
        "half_width": round(half_width(scores), 3) if len(scores) > 1 else None,
        "firing_rate": round(statistics.mean(_firing(run) for run in runs), 5),
        "recordings": recordings,
        "learned": round(statistics.mean(run.learned / run.recordings for run in runs), 5),
        "member_evaluations": 2 * config.pairs * recordings if member else 0,
        "exchanged_bytes": sent if member else 0,
        "seconds": round(statistics.mean(run.seconds for run in runs), 2),
        "digests": [run.weights_digest for run in runs],
    }


def _firing(run: RunResult) -> float:
    """Share of neuron-ticks with a spike, mean over the layers; 0 without a layer."""
    return statistics.mean(run.firing_rate) if run.firing_rate else 0.0
