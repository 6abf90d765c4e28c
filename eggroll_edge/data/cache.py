"""Binned datasets on disk: decoded once, then memory-mapped.

A cache file is the sample streams, then offsets (int64), ids (int64) and labels (uint8), then a
JSON description with the digest of it all, its length (8 bytes) and a magic number. The description
comes last because streams are written as they are made. All little-endian.

A cache file is a copy of what the source holds, so a damaged one costs nothing but time:
`read_cache` raises CacheError, and `through_cache` then warns and makes the file anew.
"""

from __future__ import annotations

import errno
import hashlib
import json
import os
import tempfile
import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import numpy.typing as npt

from eggroll_edge.data.binning import I64, U8, Binning
from eggroll_edge.data.dataset import EventDataset
from eggroll_edge.errors import CacheError, DataError, EggrollError

FORMAT = 1
"""Raise it when the stream format, the binning or the simulator's code changes its output."""
_MAGIC = b"EGGCACHE"
_TAIL = 8 + len(_MAGIC)

Chunks = Iterable[tuple[U8, I64]]
"""(streams, offsets [k + 1]) of some samples at a time."""


def cache_dir() -> Path:
    """EGGROLL_CACHE, or ~/.cache/eggroll-edge."""
    chosen = os.environ.get("EGGROLL_CACHE")
    return Path(chosen) if chosen else Path.home() / ".cache" / "eggroll-edge"


def cache_path(name: str, parts: dict[str, Any]) -> Path:
    """The file for a dataset that `parts` (source, binning, simulator: JSON values) determine."""
    key = json.dumps({"format": FORMAT, **parts}, sort_keys=True)
    return cache_dir() / f"{name}-{hashlib.sha256(key.encode()).hexdigest()[:24]}.events"


def load_or_build(path: Path, make: Callable[[Path], None]) -> EventDataset:
    """The dataset in `path`; `make(path)` is called first if the file is missing or damaged."""
    if path.exists():
        try:
            return read_cache(path)
        except CacheError as error:
            warnings.warn(f"{error}; making it anew", RuntimeWarning, stacklevel=3)
    make(path)
    return read_cache(path)


def write_cache(
    path: Path, chunks: Chunks, labels: U8, ids: I64, *, name: str, n_classes: int, binning: Binning
) -> None:
    """Write a cache file: all of it or nothing, also after a power cut or on a full disk."""
    temporary: Path | None = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, text = tempfile.mkstemp(dir=path.parent, prefix=".making-")
        temporary = Path(text)
        with os.fdopen(handle, "wb") as file:
            _write(file, chunks, labels, ids, name, n_classes, binning, temporary)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except OSError as error:
        why = "the disk is full" if error.errno == errno.ENOSPC else error.strerror or str(error)
        raise CacheError(
            f"{path}: cannot be written, {why}; free some space, or set EGGROLL_CACHE to a folder "
            "that has some"
        ) from error
    finally:
        if temporary is not None:
            temporary.unlink(missing_ok=True)  # already gone after the rename


def _write(
    file: BinaryIO,
    chunks: Chunks,
    labels: U8,
    ids: I64,
    name: str,
    n_classes: int,
    binning: Binning,
    temporary: Path,
) -> None:
    sizes = [np.zeros(1, np.int64)]
    for streams, starts in chunks:
        file.write(streams.data)
        sizes.append(np.diff(starts))
    offsets = np.cumsum(np.concatenate(sizes))
    for array in (offsets.astype("<i8"), ids.astype("<i8"), labels):
        file.write(np.ascontiguousarray(array).data)
    file.flush()
    written = np.memmap(temporary, np.uint8, "r", shape=(int(offsets[-1]),))
    dataset = EventDataset(name, written, offsets, labels, n_classes, binning, ids)
    about = {
        "name": name,
        "samples": len(labels),
        "n_classes": n_classes,
        "binning": asdict(binning),
        "digest": dataset.digest,
    }
    text = json.dumps(about).encode()
    file.write(text + len(text).to_bytes(8, "little") + _MAGIC)


def read_cache(path: Path) -> EventDataset:
    """Open a cache file; CacheError if any byte that matters has changed."""
    try:
        size = path.stat().st_size
        with open(path, "rb") as file:
            file.seek(max(0, size - _TAIL))
            tail = file.read()
            length = int.from_bytes(tail[:8], "little")
            if tail[8:] != _MAGIC or length > size - _TAIL:
                raise CacheError(f"{path}: the cache file is cut off")
            file.seek(size - _TAIL - length)
            about = json.loads(file.read(length))
        n = int(about["samples"])
        body = size - _TAIL - length
        raw: npt.NDArray[np.uint8] = np.memmap(path, np.uint8, "r", shape=(body,))
        shards_of = np.cumsum([body - 17 * n - 8, 8 * (n + 1), 8 * n])
        streams, offsets, ids, labels = np.split(raw, shards_of)
        dataset = EventDataset(
            about["name"],
            streams,
            np.frombuffer(offsets.tobytes(), "<i8").astype(np.int64),
            np.array(labels),
            about["n_classes"],
            Binning(**about["binning"]),
            np.frombuffer(ids.tobytes(), "<i8").astype(np.int64),
        )
    except CacheError:
        raise
    except (OSError, ValueError, KeyError, TypeError, EggrollError) as error:
        raise CacheError(f"{path}: the cache file is damaged ({error})") from error
    if dataset.digest != about["digest"]:
        raise CacheError(f"{path}: the cache file is damaged (its checksum does not match)")
    return dataset


Progress = Callable[[int, int], None]
"""Called as progress(samples done, samples in all), while a cache file is made."""


def _stamp(files: Sequence[Path]) -> str:
    """Name, size and time of change stand for the content: reading it all takes long."""
    sha = hashlib.sha256()
    for file in files:
        stat = file.stat()
        sha.update(f"{file} {stat.st_size} {stat.st_mtime_ns}\n".encode())
    return sha.hexdigest()


def _chosen(n: int, skip: int, limit: int | None, spec: str) -> slice:
    if skip >= n:
        raise DataError(f"{spec}: skip_first {skip} leaves nothing of {n} samples; use less")
    return slice(skip, n if limit is None else min(n, skip + limit))


def _counted(chunks: Chunks, total: int, progress: Progress | None) -> Iterator[tuple[U8, I64]]:
    done = 0
    for streams, starts in chunks:
        yield streams, starts
        done += len(starts) - 1
        if progress:
            progress(done, total)
