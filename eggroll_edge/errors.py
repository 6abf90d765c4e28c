"""One exception tree: whatever goes wrong, `except EggrollError` catches it.

Every message says what is wrong, where, and how to mend it.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class EggrollError(Exception):
    """Base of every error that this package raises on purpose."""


class ConfigError(EggrollError):
    """A configuration that cannot run: a value out of range, or over a ceiling of the core."""


class DataError(EggrollError):
    """A dataset that is missing, empty, torn, or not what its layout promises."""


class CacheError(DataError):
    """A cached event file that is corrupt, or that cannot be written."""


class JournalError(EggrollError):
    """A training journal that cannot be read, written, continued or replayed."""


class LinkError(EggrollError):
    """A link that does not open, or that does not answer in time."""


class DeviceError(LinkError):
    """A device that answered, but refused; `status` is its code, a key of PROTOCOL.md's table."""

    def __init__(self, text: str, status: int = 0) -> None:
        super().__init__(text)
        self.status = status


def unknown(kind: str, name: str, known: Iterable[str]) -> str:
    """The message for a name that is none of `known`, with the nearest of them as a suggestion."""
    names = list(known)
    return f"there is no {kind} {name!r}{did_you_mean(name, names)}: use one of {', '.join(names)}"


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """ " (did you mean pico?)", for the name of `known` that is nearest to `name`; or nothing."""
    near = difflib.get_close_matches(name.lower(), list(known), 1, 0.5)
    return f" (did you mean {near[0]}?)" if near else ""
