"""Presets: partial TrainConfigs in TOML, each with a line that says what it is for."""

from __future__ import annotations

import difflib
import sys
from importlib.resources import files
from typing import Any

from eggroll_edge.errors import ConfigError

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib  # type: ignore[import-not-found, unused-ignore]


def preset_names() -> list[str]:
    """Names of all presets, sorted."""
    found = (entry.name for entry in files(__package__).iterdir())
    return sorted(name.removesuffix(".toml") for name in found if name.endswith(".toml"))


def load_preset(name: str) -> dict[str, Any]:
    """The TrainConfig fields that a preset sets, for config.merge(); ConfigError if unknown."""
    values = _read(name)
    del values["description"]
    return values


def preset_description(name: str) -> str:
    """What a preset is for, one line."""
    return str(_read(name)["description"])


def _read(name: str) -> dict[str, Any]:
    names = preset_names()
    if name not in names:
        near = difflib.get_close_matches(name, names, 1)
        hint = f" (did you mean {near[0]}?)" if near else ""
        raise ConfigError(f"there is no preset {name!r}{hint}: use one of {', '.join(names)}")
    text = files(__package__).joinpath(f"{name}.toml").read_text(encoding="utf-8")
    values: dict[str, Any] = tomllib.loads(text)
    return values
