"""`bench accuracy`: its recipes, paired tests and tables, without training on N-MNIST."""

from __future__ import annotations

from pathlib import Path

import pytest

from eggroll_edge.bench.accuracy import CORES, NAMES, RecipeRunner, comparisons, on_a_device
from eggroll_edge.bench.baselines import BASELINES
from eggroll_edge.bench.recipes import (
    ADAPTED,
    COMPARISONS,
    FOLDS,
    FULL,
    RECIPES,
    SIM_TO_REAL,
    Recipe,
)
from eggroll_edge.training.config import TrainConfig
from tests.helpers.tiny_dataset import dataset
from tools.results.accuracy import in_order, merged
from tools.results.rows import MEASUREMENTS, SESSIONS
from tools.results.tables import SHORT, SIDE_BY_SIDE, chance, scores

ALL = [*RECIPES, *FOLDS, *SIM_TO_REAL, *(recipe for pair in ADAPTED for recipe in pair), FULL]


def row(name: str, *accuracy: float) -> dict[str, object]:
    return {"name": name, "what": name, "accuracy": list(accuracy)}


def test_names_are_unique_and_known() -> None:
    names = [recipe.name for recipe in ALL]
    assert len(set(names)) == len(names)
    assert len(set(NAMES)) == len(NAMES)
    known = {*names, *(baseline.name for baseline in BASELINES)}
    assert {name for pair in COMPARISONS for name in pair} <= known
    assert {name for _, _, name, _ in SIDE_BY_SIDE} <= known
    assert set(SHORT) <= {name for _, _, name, _ in SIDE_BY_SIDE}
    files = [*(one.name for one in MEASUREMENTS), *(one.name for one in SESSIONS)]
    assert len(set(files)) == len(files)


def test_beside_each_task_of_ours_stand_the_baselines() -> None:
    names = {recipe.name for recipe in ALL}
    for task in ("", "online", "pooled", "small", "pico", "board-small", "microbit", "sim_to_real"):
        assert {f"{task} {kind}".strip() for kind in ("sweep", "eprop", "linear")} <= names
    by_name = {recipe.name: recipe for recipe in ALL}
    for kind in ("sweep", "eprop", "linear"):
        ours, other = by_name["pico"].settings, by_name[f"pico {kind}"].settings
        shared = ("online", "pool", "stabilize", "generations")  # ticks are chosen for each
        assert all(ours[name] == other[name] for name in shared)


@pytest.mark.parametrize("recipe", ALL, ids=lambda recipe: recipe.name)
def test_a_recipe_is_a_configuration(recipe: Recipe) -> None:
    config = recipe.config(Path("/d"), 2)
    assert config.seed == 2
    assert config.linear == recipe.name.endswith("linear")
    assert (config.estimator == "eprop") == recipe.name.endswith("eprop")


def test_a_command_has_all_settings() -> None:
    recipe = Recipe("x", "x", "small", "pico", {"online": True, "hidden": [], "lr_final": 0.02})
    assert recipe.command == (
        "eggroll-edge train --preset pico --online --hidden none --lr-final 0.02 "
        "--data ../shared/data/nmnist_small --seed SEED"
    )


def test_what_can_be_compared_is_compared() -> None:
    rows = [row("sample", 97.4, 97.2, 97.3), row("batch", 95.0, 94.9, 95.2), row("sweep", 98.0)]
    (found,) = comparisons([*rows, {"name": "surrogate", "what": "s", "why": "no torch"}])
    assert (found["first"], found["second"], found["seeds"]) == ("sample", "batch", 3)
    assert found["difference"] == pytest.approx(2.267, abs=1e-3)
    assert found["p"] < 0.01


def test_a_device_takes_ram_and_instructions() -> None:
    config, data = TrainConfig(hidden=(16,), online=True, estimator="sample"), dataset(8, 1)
    found = on_a_device(config, data, 1.0)
    assert found["training_bytes"] > found["inference_bytes"] > 0
    assert list(found["instructions"]) == list(CORES)
    assert found["instructions"]["Cortex-M0"] > found["instructions"]["Cortex-M4"] > 1000
    full = on_a_device(TrainConfig(estimator="full", hidden=(16,)), data, 1.0)
    assert set(full.values()) == {None}


def test_accuracies_have_an_interval() -> None:
    assert scores([97.0, 97.4, 97.2]) == "97.20 ± 0.50 % (3 seeds)"
    assert scores([97.0]) == "97.0 % (one seed)"
    assert chance(0.0123) == "0.012"
    assert chance(2e-7) == "< 0.001"


def test_rows_that_are_measured_again_take_their_places() -> None:
    old = [row("sample", 1), row("online", 2), row("full", 3)]
    new = merged(old, [row("online", 5), row("sweep", 6)])
    assert [(one["name"], one["accuracy"]) for one in in_order(new)] == [
        ("sample", [1]), ("sweep", [6]), ("online", [5]), ("full", [3]),
    ]  # fmt: skip


def test_each_row_has_its_recipe(tmp_path: Path) -> None:
    runner = RecipeRunner(tmp_path, (1,), print)
    for recipe in ALL:
        assert runner._recipe(recipe.name) is recipe


def test_data_of_a_recipe() -> None:
    small = Recipe("x", "x", "small").config(Path("/d"), 3)
    assert (small.data, small.seed) == ("/d/nmnist_small", 3)
    assert Recipe("x", "x", "mnist").config(Path("/d"), 1, pool=2).pool == 2
