"""Checks of single values; their messages say what is allowed."""

from __future__ import annotations

from eggroll_edge.errors import ConfigError


def check_int(where: str, value: object, low: int, high: int) -> None:
    """ConfigError unless `value` is an integer in low..high."""
    if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
        raise ConfigError(f"{where} is {value!r}: use an integer {low}..{high}")


def check_choice(where: str, value: object, choices: tuple[str, ...]) -> None:
    """ConfigError unless `value` is one of `choices`."""
    if value not in choices:
        raise ConfigError(f"{where} is {value!r}: use {', '.join(choices[:-1])} or {choices[-1]}")
