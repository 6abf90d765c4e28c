"""Presets: partial TrainConfigs in TOML, each with a line that says what it is for."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from importlib.resources import files
from typing import Any

from eggroll_edge.core.config import WITH_CREDIT
from eggroll_edge.errors import ConfigError, unknown
from eggroll_edge.training.config import TrainConfig
from eggroll_edge.training.settings import defaults_for

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib  # type: ignore[import-not-found, unused-ignore]


def preset_names() -> list[str]:
    """The names of all presets, sorted."""
    found = (entry.name for entry in files(__package__).iterdir())
    return sorted(name.removesuffix(".toml") for name in found if name.endswith(".toml"))


def load_preset(name: str) -> dict[str, Any]:
    """Read a preset.

    Args:
        name: Name of the preset; `eggroll-edge presets` lists them.

    Returns:
        The fields of TrainConfig that the preset sets, for merge().

    Raises:
        ConfigError: There is no preset of this name.
    """
    values = _read(name)
    del values["description"]
    return values


def merge(preset: Mapping[str, Any], overrides: Mapping[str, Any]) -> TrainConfig:
    """Make a config from the defaults, a preset, and settings that override both.

    If the overrides choose another estimator than the preset, or no hidden layer, some of the
    preset's values are dropped: those of the fields whose defaults depend on the estimator.

    Args:
        preset: Fields of TrainConfig, as from load_preset(); may be empty.
        overrides: Fields of TrainConfig that take precedence over the preset.

    Returns:
        The config.

    Raises:
        ConfigError: A field is unknown, a value is out of range, or values do not fit together.
    """

    def kind(values: Mapping[str, Any]) -> tuple[Any, Any, Any]:
        online, linear = bool(values.get("online", False)), not values.get("hidden", True)
        return values.get("estimator", TrainConfig.estimator), online, linear

    base = dict(preset)
    if "estimator" in overrides and overrides["estimator"] not in WITH_CREDIT:
        base.pop("online", None)
    if overrides.get("batch", 1) != 1 and not overrides.get("online"):
        base.pop("online", None)
    both = {**base, **overrides}
    if kind(both) != kind(preset):
        dependent = defaults_for(TrainConfig, "sample")
        both = {k: v for k, v in both.items() if k in overrides or k not in dependent}
    return TrainConfig.from_dict(both)


def preset_description(name: str) -> str:
    """One line that says what a preset is for. ConfigError if there is no preset of this name."""
    return str(_read(name)["description"])


def _read(name: str) -> dict[str, Any]:
    names = preset_names()
    if name not in names:
        raise ConfigError(unknown("preset", name, names))
    text = files(__package__).joinpath(f"{name}.toml").read_text(encoding="utf-8")
    values: dict[str, Any] = tomllib.loads(text)
    return values
