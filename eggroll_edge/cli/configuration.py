"""Makes a TrainConfig and the name of a run directory from the options of a command."""

from __future__ import annotations

from itertools import islice
from pathlib import Path

from eggroll_edge.cli.options import Settings
from eggroll_edge.data.sources import check_spec, split_spec
from eggroll_edge.training.config import TrainConfig
from eggroll_edge.training.presets import load_preset, merge

SMALL = 10000
"""Recordings below which a folder is trained on with the preset nmnist-small."""


def config_of(preset: str | None, settings: Settings) -> TrainConfig:
    """The config that the user asks for: defaults < preset < options."""
    for name in ("data", "test_data"):
        if name in settings:
            check_spec(settings[name])
    chosen = preset or _preset_for(settings.get("data", "digits"))
    return merge(load_preset(chosen) if chosen else {}, settings)


def run_dir_for(config: TrainConfig, preset: str | None, data: str | None) -> Path:
    """runs/<preset or data>-<estimator>-s<seed>, with -2, -3, ... appended if it is taken."""
    what = preset if preset and not data else _short(config.data)
    base = Path("runs") / f"{what or 'data'}-{config.kind}-s{config.seed}"
    path, number = base, 1
    while path.exists():
        number += 1
        path = base.with_name(f"{base.name}-{number}")
    return path


def _preset_for(data: str) -> str | None:
    """The preset for a dataset that needs fewer generations than the defaults; None for others.

    The defaults are made for 60,000 recordings.
    """
    name = split_spec(data)[0]
    if name in ("digits", "chirps"):
        return name
    folder = Path(data)
    small = folder.is_dir() and len(list(islice(folder.glob("Train/*/*.bin"), SMALL))) < SMALL
    return "nmnist-small" if small else None


def _short(spec: str) -> str:
    """A dataset's short name, for a folder's name."""
    name, rest = split_spec(spec)
    return Path(rest).name if name in ("", "idx") else name
