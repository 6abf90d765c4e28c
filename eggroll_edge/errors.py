"""One exception tree: whatever goes wrong, `except EggrollError` catches it.

Every message says what is wrong, where, and how to mend it.
"""


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
