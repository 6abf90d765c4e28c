"""Writing a file so that a power cut leaves either the old file or the whole new one."""

from __future__ import annotations

import errno
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from eggroll_edge.errors import EggrollError


@contextmanager
def atomic_file(path: Path, error: type[EggrollError], hint: str = "") -> Iterator[BinaryIO]:
    """A binary file to write and read; it replaces `path` when the `with` block ends.

    The block writes to a temporary file in the same folder. If the block fails, `path` stays as it
    was and the temporary file is removed. An OSError of the block, or of the replacement, is raised
    as `error`; `hint` is appended to its message and says how to mend it.
    """
    temporary = path.with_name(f".{path.name}-{secrets.token_hex(4)}")
    try:
        try:
            with open(temporary, "x+b") as file:
                yield file
                file.flush()
                os.fsync(file.fileno())
            os.replace(temporary, path)
        finally:
            temporary.unlink(missing_ok=True)  # after a replacement it is gone
    except OSError as cause:
        raise error(f"{path}: cannot be written, {reason(cause)}{hint}") from cause


def write_atomically(path: Path, body: bytes, error: type[EggrollError], hint: str = "") -> None:
    """Make `body` the content of `path`; `error` and `hint` as in atomic_file()."""
    with atomic_file(path, error, hint) as file:
        file.write(body)


def reason(error: OSError) -> str:
    """Why a file could not be written, for a message."""
    if error.errno == errno.ENOSPC:
        return "the disk is full: free some space"
    return error.strerror or str(error)
