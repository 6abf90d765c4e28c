"""One tree of exceptions: `except EggrollError` catches all that this package raises on purpose.

Every message says what is wrong, where, and how to mend it.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class EggrollError(Exception):
    """Base of every error that this package raises on purpose."""


class ConfigError(EggrollError):
    """A configuration that cannot run: a value is out of range or exceeds a limit of the core."""


class DataError(EggrollError):
    """A dataset that is missing, empty or torn, or whose files do not have the promised format."""


class CacheError(DataError):
    """A cache file that is damaged or cannot be written."""


class JournalError(EggrollError):
    """A file of a run directory that cannot be read, written, continued or replayed."""


class LinkError(EggrollError):
    """A link to a device that cannot be opened or does not answer in time."""


class DeviceError(LinkError):
    """A device answered that it refuses a command.

    status: the device's status code, as in the table of runtime_c/PROTOCOL.md.
    """

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
