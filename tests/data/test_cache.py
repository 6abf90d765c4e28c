"""The cache: its names, its bytes, and what happens if a file is damaged or the disk is full."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import stat
import warnings
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from eggroll_edge.data import cache, nmnist
from eggroll_edge.data.binning import Binning
from eggroll_edge.data.event_camera import SaccadeConfig
from eggroll_edge.data.loading import open_dataset
from eggroll_edge.errors import CacheError
from tests.data.recording_files import folder, record


def only_file(cache_folder: Path) -> Path:
    files = list(cache_folder.iterdir())
    assert len(files) == 1
    return files[0]


def test_cache_is_used_and_mapped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = str(folder(tmp_path / "set"))
    first = open_dataset(root, "train")

    def forbidden(*_: object, **__: object) -> None:
        raise AssertionError("decoded again")

    monkeypatch.setattr(nmnist, "bin_chunk", forbidden)
    second = open_dataset(root, "train")
    assert isinstance(second.streams, np.memmap)
    assert not second.streams.flags.writeable
    assert second.digest == first.digest
    assert second.ids.tolist() == first.ids.tolist()


def test_cache_key_sees_source_and_binning(tmp_path: Path) -> None:
    root = folder(tmp_path / "set")
    first = open_dataset(str(root), "train")
    assert open_dataset(str(root), "train", Binning(ticks=5)).ticks == 5
    (root / "Train" / "2" / "00002.bin").write_bytes(record(9, 9, 9) * 2)
    assert open_dataset(str(root), "train").digest != first.digest


@pytest.mark.parametrize("where", ["first", "middle", "last", "cut", "empty"])
def test_damaged_cache(tmp_path: Path, cache_folder: Path, where: str) -> None:
    root = str(folder(tmp_path / "set"))
    first = open_dataset(root, "train")
    path = only_file(cache_folder)
    blob = bytearray(path.read_bytes())
    if where == "cut":
        blob = blob[: len(blob) // 2]
    elif where == "empty":
        blob = bytearray()
    else:
        # "middle" hits the first label, behind 4 streams, 5 offsets and 4 ids.
        at = {"first": 0, "middle": len(first.streams) + 8 * 9, "last": len(blob) - 1}[where]
        blob[at] ^= 1
    path.unlink()
    path.write_bytes(blob)
    with pytest.raises(CacheError, match=r"cut off|damaged"):
        cache.read_cache(path)
    with pytest.warns(RuntimeWarning, match="making it anew"):
        again = open_dataset(root, "train")
    assert again.digest == first.digest
    assert cache.read_cache(path).digest == first.digest


def test_full_disk_leaves_no_junk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = str(folder(tmp_path / "set"))

    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        with pytest.raises(CacheError, match=r"the disk is full.*EGGROLL_CACHE"):
            open_dataset(root, "train")
    assert list((tmp_path / "cache").iterdir()) == []
    assert len(open_dataset(root, "train")) == 4


def test_cache_folder_that_is_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("EGGROLL_CACHE", str(tmp_path / "file"))
    with pytest.raises(CacheError, match="cannot be written"):
        open_dataset(str(folder(tmp_path / "set")), "train")


def file_name(name: str, key: dict[str, Any]) -> str:
    """The name of a cache file since the first version of the format."""
    text = json.dumps({"format": 1, **key}, sort_keys=True)
    return f"{name}-{hashlib.sha256(text.encode()).hexdigest()[:24]}.events"


def test_caches_of_earlier_versions_are_found(tmp_path: Path, cache_folder: Path) -> None:
    """Keys and bytes are as they always were, so that an old file serves a new version."""
    open_dataset("chirps", "train", limit=700, seed=1)
    assert only_file(cache_folder).name == "chirps-train-fa940530dc9fd3c932a8c518.events"
    only_file(cache_folder).unlink()

    root = folder(tmp_path / "set")
    for file in root.rglob("*.bin"):
        os.utime(file, (1_000_000_000, 1_000_000_000))
    listed = "".join(f"Train/{k}/{k:05d}.bin 5 {10**18}\n" for k in (1, 2, 3, 4))
    key = {
        "files": hashlib.sha256(listed.encode()).hexdigest(),
        "root": str(root.resolve()),
        "binning": asdict(Binning()),
    }
    open_dataset(str(root), "train")
    path = only_file(cache_folder)
    assert path.name == file_name("set-train", key)
    assert hashlib.sha256(path.read_bytes()).hexdigest()[:16] == "9b287d96191f5d9e"


@pytest.mark.parametrize(
    ("split", "name"), [("train", "pictures-train"), ("test", "pictures-test")]
)
def test_the_key_of_images(tmp_path: Path, cache_folder: Path, split: Any, name: str) -> None:
    pictures, labels = np.full((2, 28, 28), 9, np.uint8), np.array([3, 4], np.uint8)
    where = tmp_path / "pictures"
    where.mkdir()
    prefix = "train" if split == "train" else "t10k"
    shape = b"".join(n.to_bytes(4, "big") for n in pictures.shape)
    (where / f"{prefix}-images-idx3-ubyte").write_bytes(
        b"\0\0\x08\x03" + shape + pictures.tobytes()
    )
    (where / f"{prefix}-labels-idx1-ubyte").write_bytes(
        b"\0\0\x08\x01\0\0\0\x02" + labels.tobytes()
    )
    open_dataset(f"idx:{where}", split, seed=5)
    key = {
        "images": hashlib.sha256(pictures.tobytes()).hexdigest(),
        "labels": hashlib.sha256(labels.tobytes()).hexdigest(),
        "first": 0,
        "split": split,
        "seed": 5,
        "simulator": asdict(SaccadeConfig()),
        "binning": asdict(Binning()),
    }
    assert only_file(cache_folder).name == file_name(f"pictures-{split}", key)


def test_others_may_read_a_cache_file(tmp_path: Path, cache_folder: Path) -> None:
    before = os.umask(0o022)
    try:
        open_dataset(str(folder(tmp_path / "set")), "train")
    finally:
        os.umask(before)
    assert stat.S_IMODE(only_file(cache_folder).stat().st_mode) == 0o644


def test_a_good_cache_file_gives_no_warning(tmp_path: Path) -> None:
    root = str(folder(tmp_path / "set"))
    open_dataset(root, "train")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert len(open_dataset(root, "train")) == 4
