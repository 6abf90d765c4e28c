"""`nmnist` and folders of recordings: N-MNIST's .bin files, and the full set through tonic.

N-MNIST: Orchard, Jayawant, Cohen, Thakor, "Converting Static Image Datasets to Spiking Neuromorphic
Datasets Using Saccades", Frontiers in Neuroscience 9:437, 2015.

A file is a sequence of 5-byte records: x, y, then 24 bits with the most significant byte first, of
which the highest bit is the polarity and the other 23 are microseconds. A record with y = 240 is no
event but a clock overflow: it adds 2^13 microseconds to the time of this record and all later ones.
The sensor is 34 x 34 pixels, two polarities.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np

from eggroll_edge._core import ffi, lib
from eggroll_edge.core.arrays import I64, U8, i64_ptr, u8_ptr, u64_ptr
from eggroll_edge.data.binning import Binning, Events, bin_many, native_events
from eggroll_edge.data.cache import cache_dir, labelled, stamp
from eggroll_edge.data.dataset import EventDataset
from eggroll_edge.data.opening import Request, Source, open_cached
from eggroll_edge.errors import DataError

SIDE = 34
"""Rows and columns of the sensor."""
CLASSES = 10
OVERFLOW_Y = 240
"""In place of y: the record is a clock overflow."""
MAX_US = (1 << 23) - 1
"""Latest time of a record, microseconds."""
LAYOUT = "<folder>/Train/<digit>/<number>.bin and <folder>/Test/<digit>/<number>.bin"
_CHUNK = 64  # files that a thread decodes at once; with fewer, the hand-over takes longer
_ROOM = 1 << 16  # bytes of the buffer for one file: most recordings are shorter
_FAULTS = {
    lib.EGG_RECORDING_X: f"x is beyond {SIDE - 1}",
    lib.EGG_RECORDING_Y: f"y is beyond {SIDE - 1}",
    lib.EGG_RECORDING_BACKWARDS: "time runs backwards",
    lib.EGG_RECORDING_CLOCK: "its clock then overflows 31 bits of microseconds",
}


class Files(NamedTuple):
    """The bytes of n files, end to end."""

    data: U8
    starts: I64
    """int64 [n + 1]: file i is data[starts[i]:starts[i + 1]]."""
    names: Sequence[object]
    """For messages."""


def decode_bins(blobs: Sequence[bytes], names: Sequence[object]) -> tuple[Events, I64]:
    """Decode n files given as bytes; returns (events of all files, int64 offsets [n + 1]).

    names [n]: the files' names, for messages. DataError, which names a file and an event, if the
    size of a file is 0 or no multiple of 5, if x or y is beyond 33, or if time runs backwards or
    overflows 31 bits.
    """
    starts = np.cumsum([0, *map(len, blobs)])
    return _decode(Files(np.frombuffer(b"".join(blobs), np.uint8), starts, names))


def _decode(files: Files) -> tuple[Events, I64]:
    _check_sizes(files)
    n, records = len(files.names), int(files.starts[-1]) // 5
    events = Events(
        np.empty(records, np.uint16),
        np.empty(records, np.uint16),
        np.empty(records, np.int32),
        np.empty(records, np.uint8),
    )
    ends = np.zeros(n + 1, np.int64)
    file = ffi.new("uint32_t *")
    fault = lib.egg_recordings_decode(
        u8_ptr(files.data), i64_ptr(files.starts), n, SIDE, native_events(events), i64_ptr(ends),
        file,
    )  # fmt: skip
    if fault != lib.EGG_RECORDING_OK:
        at = ends[file[0] + 1]
        raise DataError(
            f"{files.names[file[0]]}: event {at - ends[file[0]]} (x {events.x[at]}, "
            f"y {events.y[at]}, t {events.t[at]} us): {_FAULTS[fault]}; this is no N-MNIST "
            "recording, or it is damaged"
        )
    return events.take(slice(0, ends[-1])), ends


def _check_sizes(files: Files) -> None:
    sizes = np.diff(files.starts)
    for size, name in zip(sizes, files.names, strict=True):
        if size == 0:
            raise DataError(f"{name}: the file is empty; fetch it again")
        if size % 5:
            raise DataError(
                f"{name}: {size} bytes is no multiple of 5, cut off in event {size // 5};"
                " fetch it again"
            )


def read_files(paths: Sequence[Path | str]) -> Files:
    """Read whole files; DataError if one cannot be read.

    The function calls the system directly, because Python's file objects take twice as long.
    """
    data: U8 = np.empty(_ROOM * len(paths), np.uint8)
    starts = np.zeros(len(paths) + 1, np.int64)
    at = 0
    for i, path in enumerate(paths):
        try:
            file = os.open(path, os.O_RDONLY)
            try:
                at += os.readv(file, [data[at:].data])
                while at == len(data):  # there may be more
                    data = np.concatenate((data, np.empty_like(data)))
                    at += os.readv(file, [data[at:].data])
            finally:
                os.close(file)
        except OSError as error:
            raise DataError(f"{path}: cannot be read ({error.strerror})") from error
        starts[i + 1] = at
    return Files(data, starts, paths)


def read_bin(path: Path | str) -> Events:
    """Read one recording. DataError if the file cannot be read, or as in decode_bins()."""
    return _decode(read_files([path]))[0]


def write_bin(path: Path | str, events: Events) -> None:
    """Write one recording in N-MNIST's format, so that read_bin() gives the same events.

    DataError unless all times are 0..8,388,607 us (23 bits, because no clock overflow is written),
    all x are 0..255, and all y are 0..255 but not 240.
    """
    t = events.t.astype(np.int64)
    if t.size and (t.min() < 0 or t.max() > MAX_US):
        raise DataError(f"{path}: a time is outside 0..{MAX_US} us, which the format cannot hold")
    if t.size and max(events.x.max(), events.y.max()) > 255:
        raise DataError(f"{path}: a coordinate is beyond 255, which the format cannot hold")
    if (events.y == OVERFLOW_Y).any():
        raise DataError(f"{path}: y = {OVERFLOW_Y} cannot be written, it marks a clock overflow")
    raw = np.empty((len(t), 5), np.uint8)
    raw[:, 0], raw[:, 1] = events.x, events.y
    raw[:, 2] = (t >> 16) | (events.p.astype(np.int64) << 7)
    raw[:, 3], raw[:, 4] = (t >> 8) & 255, t & 255
    Path(path).write_bytes(raw.tobytes())


def list_folder(root: Path, split: str) -> tuple[list[Path], U8, I64]:
    """(files, labels uint8 [n], ids int64 [n]) of a split "train", "test" or "all".

    The id of a recording is the number in its file's name. A split is in order of id, not of
    digit, so that each prefix has all classes. DataError if the folder has another layout.
    """
    if not root.is_dir():
        raise DataError(f"{root}: no such folder; expected {LAYOUT}")
    rows: list[tuple[int, int, int, Path]] = []
    for order, folder in enumerate(part.capitalize() for part in _parts(split)):
        if not (root / folder).is_dir():
            raise DataError(f"{root}: has no folder {folder}; expected {LAYOUT}")
        found = [
            (order, int(file.stem), int(digit.name), file)
            for digit in (root / folder).iterdir()
            if re.fullmatch(r"\d", digit.name) and digit.is_dir()
            for file in digit.iterdir()
            if file.suffix == ".bin" and file.stem.isdecimal()
        ]
        if not found:
            raise DataError(f"{root / folder}: holds no recording; expected {LAYOUT}")
        rows += found
    rows.sort()
    labels = np.array([row[2] for row in rows], np.uint8)
    return [row[3] for row in rows], labels, np.array([row[1] for row in rows], np.int64)


def bin_chunk(paths: Sequence[Path], binning: Binning) -> tuple[U8, I64]:
    """Read and bin n files: (streams, int64 offsets [n + 1]); DataError as from read_bin()."""
    if not binning.stabilize and min(binning.height, binning.width) >= SIDE:
        native, n = binning.native(), len(paths)
        names = os.fsencode("\0".join(map(str, paths)))
        data = np.empty(_ROOM, np.uint8)
        bit_map = np.zeros(lib.egg_recordings_map_words(native), np.uint64)
        stream = np.empty(lib.egg_recordings_bytes(native, n * (_ROOM // 5), n), np.uint8)
        ends = np.zeros(n + 1, np.int64)
        if lib.egg_recordings_bin_files(
            native, names, n, SIDE, u8_ptr(data), _ROOM, u64_ptr(bit_map), u8_ptr(stream),
            i64_ptr(ends),
        ):  # fmt: skip
            return stream[: ends[-1]].copy(), ends
    # The fast call refuses rare cases. These separate steps cover them, and find each faulty file.
    return bin_many(*_decode(read_files(paths)), binning)


def bin_files(
    files: Sequence[Path], binning: Binning, workers: int = 2
) -> Iterator[tuple[U8, I64]]:
    """Read and bin files on threads; yields (streams, int64 offsets [k + 1]) for k files each."""
    chunks = [files[at : at + _CHUNK] for at in range(0, len(files), _CHUNK)]
    with ThreadPoolExecutor(max(1, workers)) as pool:
        yield from pool.map(partial(bin_chunk, binning=binning), chunks)


def fetch(split: str) -> Path:
    """The folder of the full N-MNIST, which tonic downloads (about 1.2 GB) if it is missing.

    DataError if tonic is missing or fails.
    """
    try:
        from tonic.datasets import NMNIST
    except ImportError as error:
        raise DataError(
            "the full N-MNIST is fetched through tonic, which is not installed: "
            "pip install 'eggroll-edge[data]', or give a folder of recordings instead of 'nmnist'"
        ) from error
    home = cache_dir() / "tonic"
    try:
        sets = [NMNIST(str(home), train=part == "train") for part in _parts(split)]
    except Exception as error:  # network, disk, a changed address: tonic lets all errors through
        raise DataError(
            f"tonic could not fetch N-MNIST into {home} ({type(error).__name__}: {error}); check "
            "the network, or unpack it yourself and give the folder instead of 'nmnist'"
        ) from error
    if not sets[0].data:
        raise DataError(f"{home}: tonic found no recording; remove that folder and try again")
    return Path(sets[0].data[0]).parents[2]


def _parts(split: str) -> tuple[str, ...]:
    return ("train", "test") if split == "all" else (split,)


def _open(request: Request) -> EventDataset:
    """The wanted recordings of the full set or of a folder; also opens the split "all"."""
    root = fetch(request.split) if request.spec == "nmnist" else Path(request.spec).expanduser()
    files, labels, ids = list_folder(root, request.split)
    chosen = request.chosen(len(files))
    files, labels, ids = files[chosen], labels[chosen], ids[chosen]
    key = {"files": stamp(files, root), "root": str(root.resolve())}
    chunks = labelled(bin_files(files, request.binning, request.workers), labels)
    return open_cached(request, root.name, key, ids, n_classes=CLASSES, chunks=chunks)


NMNIST = Source(
    name="nmnist",
    usage="nmnist",
    note="1.2 GB through tonic",
    about="The full N-MNIST, 60,000 + 10,000 real recordings, fetched once through tonic (about "
    "1.2 GB)",
    needs="network, `pip install 'eggroll-edge[data]'`",
    open=_open,
)
FOLDER = Source(
    name="",
    usage="a folder of recordings",
    note="N-MNIST's files",
    about="Real recordings: `<folder>/Train/<digit>/<number>.bin` and `<folder>/Test/...`",
    needs="nothing",
    open=_open,
)
"""The source for every spec that names no dataset: such a spec is the path of a folder."""
