"""Writing files so that a power cut leaves the old file or the new one."""

from __future__ import annotations

import errno
import os
import tempfile
from pathlib import Path

from eggroll_edge.errors import JournalError


def write_atomically(path: Path, body: bytes) -> None:
    """Replace a file by way of a temporary one; JournalError if that fails."""
    temporary: Path | None = None
    try:
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}-")
        temporary = Path(name)
        with os.fdopen(handle, "wb") as file:
            file.write(body)
            file.flush()
            os.fsync(file.fileno())
        os.chmod(temporary, 0o644)  # mkstemp's 0600 would shut out those who may read the folder
        os.replace(temporary, path)
        temporary = None
    except OSError as error:
        raise JournalError(f"{path}: cannot be written, {reason(error)}") from error
    finally:
        if temporary is not None:
            temporary.unlink(missing_ok=True)


def reason(error: OSError) -> str:
    """What a failed write says, for a message."""
    if error.errno == errno.ENOSPC:
        return "the disk is full: free some space"
    return error.strerror or str(error)
