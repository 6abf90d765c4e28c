"""The training commands behind the accuracies of `eggroll-edge bench accuracy`.

Simulated N-MNIST is the MNIST images seen by the calibrated simulated camera: 60,000 recordings to
train on and 10,000 to test on. Where the test uses the real recordings, training leaves out the
images that they show (the first 1,000).

A task is a net, its data and a number of recordings. Where a table has a row of an estimator of
ours, it also has the baselines of the same core on the same task: `eprop`, and a linear readout
without a hidden layer. Recipes of `sample` and `batch` name all their settings, so they stay what
they are when a preset changes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from eggroll_edge.training.config import TrainConfig
from eggroll_edge.training.presets import load_preset, merge

SEEDS = (1, 2, 3, 4, 5)
PENALTIES = (0.0, 0.0005, 0.005, 0.02)
"""Bits that a spike costs, for the curve of accuracy against firing rate."""
Settings = Mapping[str, Any]


@dataclass(frozen=True)
class Recipe:
    """A training command and its data."""

    name: str
    what: str
    data: str
    """mnist: simulated from the MNIST images; small: the 800 real recordings."""
    preset: str | None = None
    settings: Settings = field(default_factory=dict)

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
            shown = (",".join(map(str, value)) or "none") if isinstance(value, list) else value
            words.append(flag if value is True else f"{flag} {shown}")
        return " ".join([*words, f"--data {spec} --seed SEED"])


def beside(
    task: str,
    net: str,
    data: str,
    shared: Settings,
    *,
    sweep: Settings,
    eprop: Settings,
    linear: Settings,
) -> tuple[Recipe, ...]:
    """The recipes TASK sweep, TASK eprop and TASK linear: the same data, net and recordings.

    shared: the settings of the task. The others: those of the estimator. The learning rule of the
    linear readout is that of `sweep` for a readout, which is exact for cross-entropy.
    """
    flat = {**shared, "estimator": "sweep", "hidden": []}
    outer = f"{net.split('-')[0]}-{net.split('-')[-1]}"
    rows = {
        "sweep": (f"`sweep`, {net}", {**shared, "estimator": "sweep", **sweep}),
        "eprop": (f"baseline `eprop`, {net}", {**shared, "estimator": "eprop", **eprop}),
        "linear": (f"baseline without a hidden layer, {outer}", {**flat, **linear}),
    }
    where = "" if data == "mnist" else ", 700 real recordings"
    if "skip_first" in shared:
        where = ", simulated events alone, tested on all 800 real recordings"
    online = " online" if shared.get("online") else ""
    return tuple(
        Recipe(f"{task} {kind}".lstrip(), f"{what}{online}{where}", data, None, settings)
        for kind, (what, settings) in rows.items()
    )


_BEST = {
    "estimator": "sample", "threshold": 1400, "sigma": 500.0, "init_std": 28, "batch": 64,
    "gain": 4, "readout_std": 48,
    "lr": 30.0, "lr_readout": 9.0, "generations": 24000,
}  # fmt: skip
_FAST = {
    "estimator": "sample", "threshold": 1400, "sigma": 500.0, "init_std": 28, "generations": 8000,
}  # fmt: skip
_BATCH = {"estimator": "batch", "threshold": 900, "sigma": 6.0, "init_std": 28}
_ONLINE = {"estimator": "sample", "online": True, "generations": 300000}
_POOLED = {"pool": 2, "hidden": [64], "generations": 12000}
_PICO = {"online": True, "pool": 2, "stabilize": True, "ticks": 10, "hidden": [64]}
_DEEP = {"estimator": "sample", "hidden": [128, 64], "generations": 12000}
_SAMPLE_PICO = {
    "estimator": "sample", "threshold": 1800, "gain": 4, "init_std": 36, "readout_std": 36,
    "pairs": 32, "segments": 1,
    "sigma": 400.0, "sigma_readout": 1.0, "penalty_bits": 0.002, "lr": 0.5, "lr_readout": 0.06,
    "lr_final": 0.02, "generations": 40000,
}  # fmt: skip
_SAMPLE_BOARD = {
    "estimator": "sample", "threshold": 1400, "init_std": 36, "readout_std": 36,
    "pairs": 32, "segments": 1,
    "sigma": 400.0, "sigma_readout": 1.45, "penalty_bits": 0.0005, "lr": 0.7, "lr_readout": 0.04,
    "lr_final": 0.02, "generations": 7000,
}  # fmt: skip
_MICROBIT = {"online": True, "pool": 2, "stabilize": True, "ticks": 15, "hidden": [16]}
_SAMPLE_MICROBIT = {
    "estimator": "sample", "threshold": 1500, "init_std": 20, "readout_std": 12,
    "pairs": 16, "segments": 2,
    "sigma": 455.0, "sigma_readout": 1.35, "penalty_bits": 0.0005, "lr": 0.55, "lr_readout": 0.24,
    "lr_final": 0.02, "generations": 10500,
}  # fmt: skip
_EPROP_PICO = {
    "threshold": 594, "sigma": 671.0, "gain": 5, "lr": 1.85, "lr_readout": 0.845,
    "penalty_bits": 0.0005, "init_std": 28, "readout_std": 36, "lr_final": 0.02,
}  # fmt: skip
"""Chosen on 10,000 training recordings that were set aside, as the preset's for `sweep` were."""


_REAL = {"online": True, "shift": 2, "hidden": [256], "generations": 60000, "lr_final": 0.02}
_EPROP_REAL = {"learn_above": 0.0}
_LINEAR_REAL = {"learn_above": 0.0}
"""The linear readout's were chosen by cross-validation on the 700 training recordings; those of
`eprop` are its defaults."""


def _of_preset(name: str) -> Settings:
    """The settings of `sweep` in a preset, without those that belong to the task."""
    task = ("description", "estimator", "online", "pool", "stabilize", "ticks", "hidden", "data")
    return {key: value for key, value in load_preset(name).items() if key not in task}


def with_convolution(
    name: str, what: str, preset: str, eprop: Settings, data: str = "mnist", **more: Any
) -> tuple[Recipe, ...]:
    """The recipes NAME and NAME eprop: a preset with a convolution, and the baseline on its net.

    eprop: the settings that the baseline has in the place of the preset's. more: those of both.
    """
    unlike = ("description", "data", "estimator", "segments")
    shared = {key: value for key, value in load_preset(preset).items() if key not in unlike}
    return (
        Recipe(name, f"`sweep`, {what}", data, preset, more),
        Recipe(
            f"{name} eprop", f"baseline `eprop`, {what}", data, None,
            {"estimator": "eprop", **shared, **more, **eprop},
        ),
    )  # fmt: skip


CONVOLUTIONS = (
    *with_convolution(
        "conv-small", "conv 14 k7 s2, 4,896 weights", "nmnist-conv-small",
        {"sigma": 280.0, "lr": 40.0},
    ),
    *with_convolution(
        "conv", "conv 16 k8 s2, 9,914 weights", "nmnist-conv", {"sigma": 370.0, "lr": 50.0},
    ),
    *with_convolution(
        "conv-large", "conv 48 k8 s2, 29,722 weights", "nmnist-conv-large",
        {"sigma": 370.0, "lr": 50.0},
    ),
    *with_convolution(
        "microbit-conv", "conv 8 k5 on 17 x 17 x 2 inputs, online", "microbit-conv", {},
    ),
    *with_convolution("pico-conv", "conv 16 k5 s2, online", "pico-conv",
        {"lr": 0.25, "lr_readout": 0.8, "learn_above": 0.03},
    ),
    *with_convolution(
        "real-conv", "conv 16 k5 s2 online, 700 real recordings", "nmnist-real",
        {"lr": 0.25, "lr_readout": 0.8}, "small",
    ),
)  # fmt: skip
"""Nets with a convolution. All settings were chosen on training recordings that were set aside."""

RECIPES = (
    Recipe("sample", "`sample`, 2312-128-10", "mnist", None, _BEST),
    Recipe("fast", "the same, a sixth as long", "mnist", None, _FAST),
    Recipe("batch", "`batch`, 2312-128-10", "mnist", None, _BATCH),
    *beside("", "2312-128-10", "mnist", {"generations": 16000}, sweep={}, eprop={}, linear={}),
    Recipe("best", "`sweep` online, 2312-128-10, 2,400,000 recordings", "mnist", "nmnist-best"),
    Recipe("best deep", "`sweep` online, 2312-128-64-10", "mnist", "nmnist-deep"),
    Recipe(
        "online", "`sample` online, int8 in place, 2312-128-10, one thread", "mnist", None,
        {**_ONLINE, "threshold": 1400, "sigma": 500.0, "init_std": 28},
    ),
    *beside(
        "online", "2312-128-10", "mnist", {"online": True, "generations": 600000},
        sweep={}, eprop={}, linear={},
    ),
    Recipe("deep", "`sample`, 2312-128-64-10", "mnist", None, _DEEP),
    *beside("deep", "2312-128-64-10", "mnist", _DEEP, sweep={}, eprop={}, linear={})[:2],
    Recipe("pooled", "`sample`, 578-64-10", "mnist", None, {**_BEST, **_POOLED}),
    *beside("pooled", "578-64-10", "mnist", _POOLED, sweep={}, eprop={}, linear={}),
    Recipe("small", "`sample`, 700 real recordings", "small", None, {**_FAST, "generations": 1500}),
    *beside(
        "small", "2312-128-10", "small", {"generations": 1500}, sweep={}, eprop={}, linear={}
    ),
    Recipe(
        "best small", "`sweep` online, 2312-256-10, 700 real recordings", "small", "nmnist-small",
    ),
    *beside(
        "real", "2312-256-10", "small", _REAL, sweep={}, eprop=_EPROP_REAL, linear=_LINEAR_REAL
    )[1:],
    Recipe(
        "pico", "`sample` online, 578-64-10, as a board learns", "mnist", None,
        {**_PICO, **_SAMPLE_PICO},
    ),
    *beside(
        "pico", "578-64-10", "mnist", {**_PICO, "ticks": 15, "generations": 40000},
        sweep=_of_preset("pico"), eprop=_EPROP_PICO, linear={"lr_final": 0.02},
    ),
    Recipe(
        "board-small", "`sample` online, 578-64-10, 700 real recordings", "small", None,
        {**_PICO, **_SAMPLE_BOARD},
    ),
    *beside(
        "board-small", "578-64-10", "small", {**_PICO, "ticks": 15, "generations": 7000},
        sweep=_of_preset("board-small"), eprop=_EPROP_PICO, linear={"lr_final": 0.02},
    ),
    Recipe(
        "microbit", "`sample` online, 578-16-10, 700 real recordings", "small", None,
        {**_MICROBIT, **_SAMPLE_MICROBIT},
    ),
    *beside(
        "microbit", "578-16-10", "small", {**_MICROBIT, "generations": 10500},
        sweep=_of_preset("microbit"), eprop=_EPROP_PICO, linear={"lr_final": 0.02},
    ),
    *CONVOLUTIONS,
)  # fmt: skip

FULL = Recipe(
    "full", "full-rank ES of ours, 2312-128-10", "mnist", None,
    {"estimator": "full", "pairs": 2048, "batch": 32, "generations": 1000},
)  # fmt: skip
"""The baseline of `batch`. It takes longer than any recipe."""

_FOLDED = {
    "best small": "sweep", "real eprop": "eprop", "real linear": "linear",
    "real-conv": "conv", "real-conv eprop": "conv eprop",
}  # fmt: skip
FOLDS = tuple(
    replace(
        recipe,
        name=f"real_folds {_FOLDED[recipe.name]}",
        what=recipe.what.replace("700 real recordings", "8 folds of the 800 real recordings"),
    )
    for recipe in RECIPES
    if recipe.name in _FOLDED
)
"""Trained on seven eighths of all real recordings and tested on the rest, in eight folds."""

_UNSEEN = {"skip_first": 1000, "generations": 12000}
SIM_TO_REAL = (
    Recipe(
        "sim_to_real", "trained on simulated events alone, tested on all 800 real recordings",
        "mnist", None, {**_BEST, **_UNSEEN},
    ),
    *beside("sim_to_real", "2312-128-10", "mnist", _UNSEEN, sweep={}, eprop={}, linear={}),
    Recipe(
        "sim_to_real conv", "conv 16 k5 s2, simulated events alone, tested on all 800 real ones",
        "mnist", "pico-conv",
        {"skip_first": 1000, "lr": 0.5, "learn_above": 0.1, "generations": 300000},
    ),
)  # fmt: skip
"""Trained on simulated recordings of other images, and tested on all real ones."""

_BOARD = {**_BEST, **_POOLED, "stabilize": True, "skip_first": 1000}
_ADAPT = {
    "estimator": "sample", "pool": 2, "hidden": [64], "stabilize": True, "threshold": 1400,
    "sigma": 500.0, "gain": 4,
    "online": True, "pairs": 64, "lr": 0.03, "lr_readout": 0.015, "penalty_bits": 0.001,
    "generations": 7000,
}  # fmt: skip
ADAPTED = (
    (
        Recipe("before", "578-64-10 for a board, simulated events alone", "mnist", None, _BOARD),
        Recipe(
            "adapted", "then online, 10 times the 700 real training recordings", "small", None,
            _ADAPT,
        ),
    ),
)  # fmt: skip
"""Trained on simulated recordings, then online on real ones."""

COMPARISONS = (
    ("sweep", "sample"), ("sweep", "surrogate"), ("sweep", "surrogate int8"), ("sweep", "eprop"),
    ("sweep", "linear"), ("sample", "batch"), ("sample", "surrogate"),
    ("online sweep", "online"), ("online sweep", "online eprop"), ("online sweep", "surrogate"),
    ("online sweep", "online linear"), ("deep sweep", "deep"), ("deep sweep", "deep eprop"),
    ("deep sweep", "sweep"), ("pooled sweep", "pooled"), ("pooled sweep", "surrogate pooled"),
    ("pooled sweep", "pooled eprop"), ("small sweep", "small"), ("small sweep", "small eprop"),
    ("small sweep", "small linear"), ("small", "surrogate small"),
    ("sim_to_real sweep", "sim_to_real"),
    ("sim_to_real sweep", "surrogate real"), ("pico sweep", "pico"),
    ("pico sweep", "pico eprop"), ("pico sweep", "pico linear"), ("adapted", "board-small"),
    ("best small", "real eprop"), ("best small", "real linear"),
    ("real_folds sweep", "real_folds eprop"), ("real_folds sweep", "real_folds linear"),
    ("conv-small", "conv-small eprop"), ("conv", "conv eprop"), ("real-conv", "best small"),
    ("microbit-conv", "microbit-conv eprop"), ("pico-conv", "pico-conv eprop"),
    ("real-conv", "real-conv eprop"), ("sim_to_real conv", "sim_to_real sweep"),
)  # fmt: skip
"""Rows that a paired test over the seeds compares, if both were measured."""
