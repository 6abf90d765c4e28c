"""Files that are replaced as a whole, or not at all."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path

import pytest

from eggroll_edge.errors import CacheError, DataError, JournalError
from eggroll_edge.files import atomic_file, write_atomically


def test_a_file_is_replaced(tmp_path: Path) -> None:
    path = tmp_path / "a.bin"
    for body in (b"old", b"new and longer", b""):
        write_atomically(path, body, JournalError)
        assert path.read_bytes() == body
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize(("umask", "mode"), [(0o022, 0o644), (0o077, 0o600)])
def test_the_umask_says_who_may_read_it(tmp_path: Path, umask: int, mode: int) -> None:
    before = os.umask(umask)
    try:
        write_atomically(tmp_path / "a", b"x", JournalError)
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "a").stat().st_mode) == mode


def test_a_large_file_is_written_in_pieces_and_can_be_read_back(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes(b"old")
    with atomic_file(path, CacheError) as file:
        for piece in (b"one", b"two"):
            file.write(piece)
        file.seek(0)
        assert file.read() == b"onetwo"
        assert path.read_bytes() == b"old"
    assert path.read_bytes() == b"onetwo"


def half_of(path: Path) -> None:
    with atomic_file(path, CacheError) as file:
        file.write(b"half")
        raise DataError("torn")


def test_a_failed_write_leaves_the_old_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a"
    path.write_bytes(b"old")

    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(CacheError, match="a: cannot be written, the disk is full: free some space"):
        write_atomically(path, b"new", CacheError)
    with pytest.raises(JournalError, match="free some space; or use another folder"):
        write_atomically(path, b"new", JournalError, "; or use another folder")
    monkeypatch.undo()
    with pytest.raises(DataError, match="torn"):
        half_of(path)
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_folder_that_does_not_exist(tmp_path: Path) -> None:
    with pytest.raises(JournalError, match=r"absent/a: cannot be written, No such file"):
        write_atomically(tmp_path / "absent" / "a", b"x", JournalError)
