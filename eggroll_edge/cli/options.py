"""Options that several commands share.

The options for settings are made from TrainConfig. Each has the name of its field, and its value is
None if the user did not give it.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from functools import wraps
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.markup import escape

from eggroll_edge.training.config import TrainConfig
from eggroll_edge.training.settings import Setting, settings_of

Settings = Mapping[str, Any]
"""The settings that the user gave: name of a field of TrainConfig -> value."""

# fmt: off
Preset = Annotated[str | None, typer.Option("--preset", metavar="NAME", show_default=False,
    help="Start from a preset; `eggroll-edge presets` lists them. Other options override it.")]
Workers = Annotated[int | None, typer.Option("--workers", "-w", metavar="N", min=1,
    show_default=False, help="Threads, by default as many as cores. The result is the same.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print one line of JSON on stdout, at the "
    "end; all other text goes to stderr.")]
Run = Annotated[Path, typer.Argument(metavar="RUN", show_default=False,
    help="Run directory, the name that `train` shows.")]
OtherData = Annotated[str | None, typer.Option("--data", "-d", metavar="SPEC", show_default=False,
    help="Take the recordings from here instead of from the data of the run.")]
# fmt: on


def takes_settings(*names: str) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Decorator: gives a command an option for each of these settings, or for all of them.

    The options stand in place of the command's parameter `settings`, which receives what the user
    gave as a dict.
    """
    known = settings_of(TrainConfig)
    chosen = [known[name] for name in names or known]

    def decorate(command: Callable[..., None]) -> Callable[..., None]:
        @wraps(command)
        def with_settings(**given: Any) -> None:
            values = {one.name: given.pop(one.name) for one in chosen}
            settings = {name: value for name, value in values.items() if value is not None}
            if "hidden" in settings:
                settings["hidden"] = layers(settings["hidden"])
            command(**given, settings=settings)

        parameters: list[inspect.Parameter] = []
        for parameter in inspect.signature(command, eval_str=True).parameters.values():
            parameters += map(_option, chosen) if parameter.name == "settings" else [parameter]
        by_name = [one.replace(kind=inspect.Parameter.KEYWORD_ONLY) for one in parameters]
        # typer reads the options from these two.
        with_settings.__signature__ = inspect.Signature(by_name)  # type: ignore[attr-defined]
        with_settings.__annotations__ = {one.name: one.annotation for one in by_name}
        return with_settings

    return decorate


def _option(one: Setting) -> inspect.Parameter:
    """The command-line option of a setting."""
    info = typer.Option(
        *one.options,
        help=escape(one.explanation),
        metavar=None if one.type is bool else one.metavar,
        rich_help_panel=one.panel,
        show_default=False,
    )
    of_type: Any = one.type if one.type in (int, float, bool) else str
    return inspect.Parameter(
        one.name,
        inspect.Parameter.KEYWORD_ONLY,
        default=None,
        annotation=Annotated[of_type | None, info],
    )


def layers(text: str) -> list[str]:
    """Entries of `hidden` from text such as "128,64" or "conv 16 k5 s2, 64"; none from "none".

    The config checks them.
    """
    return [] if text == "none" else text.replace("-", ",").split(",")
