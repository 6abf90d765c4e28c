"""One tree of exceptions: `except EggrollError` catches all that this package raises on purpose.

Every message says what is wrong, where, and how to mend it.
"""


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
