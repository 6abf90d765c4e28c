"""The exceptions of this package. `except EggrollError` catches all that it raises on purpose.

Every message says what is wrong, where, and how to mend it.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class EggrollError(Exception):
    """Base of every error that this package raises on purpose."""


class ConfigError(EggrollError):
    """A configuration that cannot run: a value is out of range, or values do not fit together."""


class DataError(EggrollError):
    """A dataset that is missing or empty, or whose files are damaged or of another format."""


class CacheError(DataError):
    """A cache file that is damaged or cannot be written."""


class JournalError(EggrollError):
    """A file of a run directory that cannot be read, written, continued or replayed."""


class LinkError(EggrollError):
    """A link to a device that cannot be opened or does not answer in time."""


class DeviceError(LinkError):
    """A device refused a command.

    `status` is the device's status code, as in the table of runtime_c/PROTOCOL.md.
    """

    def __init__(self, text: str, status: int = 0) -> None:
        super().__init__(text)
        self.status = status


def unknown(kind: str, name: str, known: Iterable[str]) -> str:
    """The message for a name that is not in `known`; it suggests the most similar known name."""
    names = list(known)
    near = nearest(name, names)
    hint = f" (did you mean {near}?)" if near else ""
    return f"there is no {kind} {name!r}{hint}: use one of {', '.join(names)}"


def nearest(name: str, known: Iterable[str]) -> str | None:
    """The known name that is spelled most like `name`; None if no spelling is similar."""
    by_lower = {one.lower(): one for one in known}
    found = difflib.get_close_matches(name.lower(), by_lower, 1, 0.5)
    return by_lower[found[0]] if found else None
