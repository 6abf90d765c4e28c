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
    near = nearest(name, names)
    hint = f" (did you mean {near}?)" if near else ""
    return f"there is no {kind} {name!r}{hint}: use one of {', '.join(names)}"


def nearest(name: str, known: Iterable[str]) -> str | None:
    """The one of `known` that is spelled most like `name`; None if none is like it."""
    by_lower = {one.lower(): one for one in known}
    found = difflib.get_close_matches(name.lower(), by_lower, 1, 0.5)
    return by_lower[found[0]] if found else None
