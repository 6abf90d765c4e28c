"""Datasets on disk: recordings are decoded once, then their streams are memory-mapped.

A cache file (*.events) holds the streams end to end, then offsets (int64), ids (int64) and labels
(uint8), then a JSON description with the dataset's digest, the length of the description (8 bytes)
and a magic number. All integers are little-endian. The description comes last because the streams
are written while they are made.

A cache file only repeats what its source holds, so a damaged one costs nothing but time:
`read_cache` raises CacheError, and `load_or_build` then warns and makes the file again.
"""

from __future__ import annotations

import hashlib
import json
import os
import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

import numpy as np
import numpy.typing as npt

from eggroll_edge.core.arrays import I64, U8
from eggroll_edge.data.binning import Binning
from eggroll_edge.data.dataset import EventDataset
from eggroll_edge.errors import CacheError, EggrollError
from eggroll_edge.files import atomic_file, reason

FORMAT = 1
"""Version of the cached bytes, part of each file's name. Raise it when streams change: by their
format, by the binning, or by the code of a simulated or synthetic dataset."""
_MAGIC = b"EGGCACHE"
_TAIL = 8 + len(_MAGIC)
_HINT = "; or set EGGROLL_CACHE to another folder"

Progress = Callable[[int, int], None]
"""Called as progress(recordings done, recordings in all) while a cache file is made."""


class Chunk(NamedTuple):
    """Some consecutive recordings of a dataset."""

    streams: U8
    """uint8 [bytes]: the streams end to end."""
    offsets: I64
    """int64 [k + 1]: recording i is streams[offsets[i]:offsets[i + 1]]."""
    labels: U8
    """uint8 [k]: classes."""


def cache_dir() -> Path:
    """The folder of all cache files: EGGROLL_CACHE, or ~/.cache/eggroll-edge."""
    chosen = os.environ.get("EGGROLL_CACHE")
    return Path(chosen) if chosen else Path.home() / ".cache" / "eggroll-edge"


def cache_path(name: str, key: dict[str, Any]) -> Path:
    """The cache file of a dataset.

    key: JSON values that determine the dataset's bytes, such as its source, binning and seed.
    Different keys give different files.
    """
    text = json.dumps({"format": FORMAT, **key}, sort_keys=True)
    return cache_dir() / f"{name}-{hashlib.sha256(text.encode()).hexdigest()[:24]}.events"


def stamp(files: Sequence[Path], root: Path | None = None) -> str:
    """A digest of the files, for a key: of each file's path (relative to `root`), size and mtime.

    These stand for the contents, which would take long to read.
    """
    sha = hashlib.sha256()
    for file in files:
        stat, path = file.stat(), file.relative_to(root) if root else file
        sha.update(f"{path} {stat.st_size} {stat.st_mtime_ns}\n".encode())
    return sha.hexdigest()


def load_or_build(path: Path, build: Callable[[Path], None]) -> EventDataset:
    """The dataset in `path`. If the file is missing or damaged, build(path) writes it first."""
    if path.exists():
        try:
            return read_cache(path)
        except CacheError as error:
            warnings.warn(f"{error}; making it anew", RuntimeWarning, stacklevel=3)
    build(path)
    return read_cache(path)


def counted(chunks: Iterable[Chunk], total: int, progress: Progress | None) -> Iterator[Chunk]:
    """The same chunks; calls progress(recordings so far, total) after each."""
    done = 0
    for chunk in chunks:
        yield chunk
        done += len(chunk.labels)
        if progress:
            progress(done, total)


def labelled(parts: Iterable[tuple[U8, I64]], labels: U8) -> Iterator[Chunk]:
    """Chunks from (streams, offsets) of consecutive recordings and the labels of all of them."""
    done = 0
    for streams, offsets in parts:
        first, done = done, done + len(offsets) - 1
        yield Chunk(streams, offsets, labels[first:done])


def write_cache(
    path: Path, chunks: Iterable[Chunk], ids: I64, *, name: str, n_classes: int, binning: Binning
) -> None:
    """Write a cache file: as a whole or not at all, even after a power cut or on a full disk.

    Only one chunk is held in memory at a time. ids [n]: as in EventDataset. CacheError if the file
    cannot be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise CacheError(f"{path}: cannot be written, {reason(error)}{_HINT}") from error
    with atomic_file(path, CacheError, _HINT) as file:
        sizes, classes = [np.zeros(1, np.int64)], [np.zeros(0, np.uint8)]
        for chunk in chunks:
            file.write(chunk.streams.data)
            sizes.append(np.diff(chunk.offsets))
            classes.append(chunk.labels)
        offsets, labels = np.cumsum(np.concatenate(sizes)), np.concatenate(classes)
        for array in (offsets.astype("<i8"), ids.astype("<i8"), labels):
            file.write(np.ascontiguousarray(array).data)
        text = _description(file, offsets, labels, ids, name, n_classes, binning)
        file.write(text + len(text).to_bytes(8, "little") + _MAGIC)


def _description(
    file: BinaryIO,
    offsets: I64,
    labels: U8,
    ids: I64,
    name: str,
    n_classes: int,
    binning: Binning,
) -> bytes:
    """The JSON description of a file whose arrays are written; leaves the file at its end."""
    file.flush()
    # The digest takes the streams after the labels, so they are read back from the file. The memory
    # map ends with this function, because some systems cannot replace a file that is mapped.
    streams = np.memmap(file, np.uint8, "r", shape=(int(offsets[-1]),))
    dataset = EventDataset(name, streams, offsets, labels, n_classes, binning, ids)
    description = {
        "name": name,
        "samples": len(labels),
        "n_classes": n_classes,
        "binning": asdict(binning),
        "digest": dataset.digest,
    }
    file.seek(0, os.SEEK_END)
    return json.dumps(description).encode()


def read_cache(path: Path) -> EventDataset:
    """Open a cache file, its streams memory-mapped; CacheError if any byte has changed."""
    try:
        size = path.stat().st_size
        with open(path, "rb") as file:
            file.seek(max(0, size - _TAIL))
            tail = file.read()
            length = int.from_bytes(tail[:8], "little")
            if tail[8:] != _MAGIC or length > size - _TAIL:
                raise CacheError(f"{path}: the cache file is cut off")
            file.seek(size - _TAIL - length)
            description = json.loads(file.read(length))
        n = int(description["samples"])
        body = size - _TAIL - length
        raw: npt.NDArray[np.uint8] = np.memmap(path, np.uint8, "r", shape=(body,))
        ends = np.cumsum([body - 17 * n - 8, 8 * (n + 1), 8 * n])
        streams, offsets, ids, labels = np.split(raw, ends)
        dataset = EventDataset(
            description["name"],
            streams,
            np.frombuffer(offsets.tobytes(), "<i8").astype(np.int64),
            np.array(labels),
            description["n_classes"],
            Binning(**description["binning"]),
            np.frombuffer(ids.tobytes(), "<i8").astype(np.int64),
        )
    except CacheError:
        raise
    except (OSError, ValueError, KeyError, TypeError, EggrollError) as error:
        raise CacheError(f"{path}: the cache file is damaged ({error})") from error
    if dataset.digest != description["digest"]:
        raise CacheError(f"{path}: the cache file is damaged (its checksum does not match)")
    return dataset
