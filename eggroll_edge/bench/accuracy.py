"""`eggroll-edge bench accuracy`: test accuracies of training recipes, over several seeds.

Simulated N-MNIST is the MNIST images seen by the calibrated simulated camera: 60,000 recordings to
train on and 10,000 to test on. Where the test uses the real recordings, training leaves out the
images that they show (the first 1,000). Every accuracy is that of the last weights.
"""

from __future__ import annotations

import statistics
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from eggroll_edge.bench import baselines as bench_baselines
from eggroll_edge.bench.report import Notify, Rows, data_folder
from eggroll_edge.data.dataset import EventDataset
from eggroll_edge.planning.memory import plan_of
from eggroll_edge.training.config import TrainConfig
from eggroll_edge.training.derivation import derive_without_data
from eggroll_edge.training.evaluation import evaluate
from eggroll_edge.training.presets import load_preset, merge
from eggroll_edge.training.results import RunResult
from eggroll_edge.training.run import train
from eggroll_edge.training.run_dir import load
from eggroll_edge.training.splits import open_split

SEEDS = (1, 2, 3, 4, 5)
OUTPUTS = 10  # digits
PENALTIES = (0.0, 0.0005, 0.005, 0.02)
"""Bits that a spike costs, for the curve of accuracy against firing rate."""


@dataclass(frozen=True)
class Recipe:
    """A training command and its data."""

    name: str
    what: str
    data: str
    """mnist: simulated from the MNIST images; small: the 800 real recordings."""
    preset: str | None = None
    settings: Mapping[str, Any] = field(default_factory=dict)

    def config(self, folder: Path, seed: int, **more: Any) -> TrainConfig:
        """The recipe's configuration with the data in `folder`; `more` overrides its settings."""
        spec = f"idx:{folder}/mnist" if self.data == "mnist" else f"{folder}/nmnist_small"
        preset = load_preset(self.preset) if self.preset else {}
        return merge(preset, {"data": spec, "seed": seed, **self.settings, **more})

    @property
    def command(self) -> str:
        """The command that gives the same weights."""
        spec = "idx:../shared/data/mnist" if self.data == "mnist" else "../shared/data/nmnist_small"
        words = ["eggroll-edge train", *([f"--preset {self.preset}"] if self.preset else [])]
        for name, value in self.settings.items():
            flag = f"--{name.replace('_', '-')}"
            shown = ",".join(map(str, value)) if isinstance(value, list) else value
            words.append(flag if value is True else f"{flag} {shown}")
        return " ".join([*words, f"--data {spec} --seed SEED"])


_FULL = Recipe(
    "full", "full-rank ES of ours, 2312-128-10", "mnist", None,
    {"estimator": "full", "pairs": 2048, "batch": 32, "generations": 1000},
)  # fmt: skip
"""The baseline of `batch`. It takes longer than any recipe."""
_POOLED = {"pool": 2, "hidden": [64], "generations": 12000}
RECIPES = (
    Recipe("sample", "`sample`, 2312-128-10", "mnist", "nmnist-best"),
    Recipe("fast", "the same, a sixth as long", "mnist", "nmnist-fast"),
    Recipe("batch", "`batch`, 2312-128-10", "mnist", None, {"estimator": "batch"}),
    Recipe(
        "online", "`sample` online, int8 in place, 2312-128-10, one thread", "mnist", None,
        {"online": True, "generations": 300000},
    ),
    Recipe("pooled", "`sample`, 578-64-10", "mnist", "nmnist-best", _POOLED),
    Recipe("small", "`sample`, 700 real recordings", "small", "nmnist-small"),
    Recipe("pico", "`sample` online, 578-64-10, as a board learns", "mnist", "pico"),
    Recipe("board-small", "the same, 700 real recordings", "small", "board-small"),
    Recipe("microbit", "`sample` online, 578-16-10, 700 real recordings", "small", "microbit"),
)  # fmt: skip
_REAL = Recipe(
    "sim_to_real", "trained on simulated events alone, tested on all 800 real recordings", "mnist",
    "nmnist-best", {"skip_first": 1000, "generations": 12000},
)  # fmt: skip
_BOARD = {**_POOLED, "stabilize": True}
_BEFORE = Recipe(
    "before", "578-64-10 for a board, simulated events alone", "mnist", "nmnist-best",
    {**_BOARD, "skip_first": 1000},
)  # fmt: skip
_ADAPT = Recipe(
    "adapted", "then online, 10 times the 700 real training recordings", "small", None,
    {
        **_BOARD, "gain": 4, "online": True, "pairs": 64, "lr": 0.03, "lr_readout": 0.015,
        "penalty_bits": 0.001, "generations": 7000,
    },
)  # fmt: skip


def measure(quick: bool, notify: Notify, data: str | None = None) -> dict[str, Any]:
    """Every recipe with five seeds, the firing curve and the baselines. data: as for data_folder().

    quick: one seed, and only our recipes.
    """
    folder, seeds = data_folder(data), SEEDS[:1] if quick else SEEDS
    runner = RecipeRunner(folder, seeds, notify)
    rows: Rows = [runner.row(recipe) for recipe in RECIPES]
    rows += [runner.sim_to_real(), *runner.adapted()]
    baselines: Rows = []
    if not quick:
        rows += [*runner.curve(), runner.one_seed().row(_FULL)]
        baselines = bench_baselines.measure(folder, notify)
    means = {row["name"]: row["mean"] for row in rows}
    return {
        "rows": rows,
        "baselines": baselines,
        "summary": {
            "sample_mean": means["sample"],
            "batch_mean": means["batch"],
            "pooled_mean": means["pooled"],
            "sim_to_real": means["sim_to_real"],
            "adapted": means["adapted"],
            "firing_rate": rows[0]["firing_rate"],
        },
    }


class RecipeRunner:
    """Trains and tests recipes over some seeds, and opens their data only once."""

    def __init__(self, folder: Path, seeds: tuple[int, ...], notify: Notify) -> None:
        self._folder, self._seeds, self._notify = folder, seeds, notify
        self._opened: dict[tuple[object, ...], EventDataset] = {}

    def row(self, recipe: Recipe, **more: Any) -> dict[str, Any]:
        """The recipe over all seeds, tested on the test split of its data."""
        runs = []
        for seed in self._seeds:
            with tempfile.TemporaryDirectory() as run:
                result = self._train(recipe.config(self._folder, seed, **more), Path(run))
            runs.append(result)
            self._notify(f"{recipe.name}, seed {seed}: {result.test_accuracy:.2f} %")
        return _row(recipe, runs, [_accuracy(run) for run in runs])

    def sim_to_real(self) -> dict[str, Any]:
        """Trained on simulated recordings, tested on the real ones."""
        runs, scores = [], []
        for seed in self._seeds[:3]:
            with tempfile.TemporaryDirectory() as run:
                config = _REAL.config(self._folder, seed)
                runs.append(self._train(config, Path(run)))
                scores.append(self._test(Path(run), self._real(config), "all"))
            self._notify(f"sim_to_real, seed {seed}: {scores[-1]:.2f} %")
        return _row(_REAL, runs, scores)

    def adapted(self) -> Iterator[dict[str, Any]]:
        """A net for a board, before and after it has learned from real recordings."""
        befores, afters, before, after, kept, forgot = [], [], [], [], [], []
        for seed in self._seeds:
            with tempfile.TemporaryDirectory() as folder:
                first, second = Path(folder, "first"), Path(folder, "second")
                config = _BEFORE.config(self._folder, seed)
                befores.append(self._train(config, first))
                before.append(self._test(first, self._real(config), "test"))
                kept.append(_accuracy(befores[-1]))
                config = _ADAPT.config(self._folder, seed, start_from=str(first))
                afters.append(self._train(config, second))
                after.append(_accuracy(afters[-1]))
                forgot.append(
                    kept[-1] - self._test(second, _BEFORE.config(self._folder, 1), "test")
                )
            self._notify(
                f"adapted, seed {seed}: {before[-1]:.1f} -> {after[-1]:.1f} % of real recordings, "
                f"{forgot[-1]:+.2f} points of simulated ones forgotten"
            )
        yield _row(_BEFORE, befores, before) | {"simulated": kept}
        yield _row(_ADAPT, afters, after) | {"forgotten": forgot}

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


def _training_bytes(config: TrainConfig) -> int | None:
    """RAM in which a device trains this net, without the buffer of a recording; None: it cannot."""
    if config.estimator == "full":
        return None
    net = derive_without_data(config).net_config(config.binning().n_in, OUTPUTS)
    plan = plan_of(net, config.es_config(), online=config.online)
    return plan.ram_training - plan.sample_buffer


def _row(recipe: Recipe, runs: list[RunResult], scores: list[float]) -> dict[str, Any]:
    config = recipe.config(Path(), 1)
    recordings = config.batch * config.generations
    sent = config.pairs * config.generations
    if config.estimator == "sample":
        sent = (config.pairs + 1) * recordings
    return {
        "name": recipe.name,
        "what": recipe.what,
        "command": recipe.command,
        "accuracy": scores,
        "mean": round(statistics.mean(scores), 3),
        "firing_rate": round(statistics.mean(statistics.mean(run.firing_rate) for run in runs), 5),
        "member_evaluations": 2 * config.pairs * recordings,
        "exchanged_bytes": sent,
        "training_bytes": _training_bytes(config),
        "seconds": round(statistics.mean(run.seconds for run in runs), 2),
        "digests": [run.weights_digest for run in runs],
    }
