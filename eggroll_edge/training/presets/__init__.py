"""Presets: partial TrainConfigs in TOML, each with a line that says what it is for."""

from __future__ import annotations

import sys
from importlib.resources import files
from typing import Any

from eggroll_edge.errors import ConfigError, unknown

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
