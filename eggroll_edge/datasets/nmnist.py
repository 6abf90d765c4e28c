"""N-MNIST recordings: the 5-byte .bin format, its folders, and the full set through tonic.

N-MNIST: Orchard, Jayawant, Cohen, Thakor, "Converting Static Image Datasets to Spiking Neuromorphic
Datasets Using Saccades", Frontiers in Neuroscience 9:437, 2015.

A file is a run of 5-byte events: x, y, then 24 bits, most significant byte first, of which the top
one is the polarity and the other 23 are microseconds. A record whose y is 240 is no event: it adds
2^13 microseconds to its own and all later times. The sensor crop is 34 x 34.
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
from eggroll_edge.datasets.cache import cache_dir
from eggroll_edge.errors import DataError
from eggroll_edge.events import I64, U8, Binning, Events, bin_many, native_events

SIDE = 34
OVERFLOW_Y = 240
OVERFLOW_US = 1 << 13
MAX_US = (1 << 23) - 1
LAYOUT = "<folder>/Train/<digit>/<number>.bin and <folder>/Test/<digit>/<number>.bin"
_CHUNK = 64  # files decoded at once: fewer cost more hand-overs between threads
_ROOM = 1 << 16  # bytes, more than most recordings have
_FAULTS = {
    lib.EGG_RECORDING_X: f"x is beyond {SIDE - 1}",
    lib.EGG_RECORDING_Y: f"y is beyond {SIDE - 1}",
    lib.EGG_RECORDING_BACKWARDS: "time runs backwards",
    lib.EGG_RECORDING_CLOCK: "its clock then overflows 31 bits of microseconds",
}


class Lot(NamedTuple):
    """Some files, one behind the other: file i is data[starts[i]:starts[i + 1]]."""

    data: U8
    starts: I64
    names: Sequence[object]  # for errors


def decode_bins(blobs: Sequence[bytes], names: Sequence[object]) -> tuple[Events, I64]:
    """Decode files given as bytes; (events of all, int64 offsets [n + 1]). `names` is for errors.

    DataError, naming file and event: a size that is no multiple of 5, no event, x or y beyond 33,
    time that runs backwards.
    """
    starts = np.cumsum([0, *map(len, blobs)])
    return _decode(Lot(np.frombuffer(b"".join(blobs), np.uint8), starts, names))


def _decode(lot: Lot) -> tuple[Events, I64]:
    _check_sizes(lot)
    n, records = len(lot.names), int(lot.starts[-1]) // 5
    events = Events(
        np.empty(records, np.uint16),
        np.empty(records, np.uint16),
        np.empty(records, np.int32),
        np.empty(records, np.uint8),
    )
    ends = np.zeros(n + 1, np.int64)
    file = ffi.new("uint32_t *")
    fault = lib.egg_recordings_decode(
        ffi.from_buffer("uint8_t[]", lot.data), ffi.from_buffer("int64_t[]", lot.starts), n, SIDE,
        native_events(events), ffi.from_buffer("int64_t[]", ends), file,
    )  # fmt: skip
    if fault != lib.EGG_RECORDING_OK:
        at = ends[file[0] + 1]
        raise DataError(
            f"{lot.names[file[0]]}: event {at - ends[file[0]]} (x {events.x[at]}, "
            f"y {events.y[at]}, t {events.t[at]} us): {_FAULTS[fault]}; this is no N-MNIST "
            "recording, or it is damaged"
        )
    return events.take(slice(0, ends[-1])), ends


def _check_sizes(lot: Lot) -> None:
    sizes = np.diff(lot.starts)
    for size, name in zip(sizes, lot.names, strict=True):
        if size == 0:
            raise DataError(f"{name}: the file is empty; fetch it again")
        if size % 5:
            raise DataError(
                f"{name}: {size} bytes is no multiple of 5, cut off in event {size // 5};"
                " fetch it again"
            )


def read_lot(paths: Sequence[Path | str]) -> Lot:
    """Read whole files, by bare calls: Python's file objects cost as much again as the reading."""
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
    return Lot(data, starts, paths)


def read_bin(path: Path | str) -> Events:
    """Read one recording."""
    return _decode(read_lot([path]))[0]


def write_bin(path: Path | str, events: Events) -> None:
    """Write one recording in N-MNIST's format; the inverse of `read_bin`.

    Times need 0..8,388,607 us (23 bits; no overflow marks are written), x and y 0..255 but y != 240
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
    """(files, labels, ids) of a split "train", "test" or "all"; in order of id within a split.

    The id is the number in the file's name. Recordings of a split are ordered by id, not by digit,
    so that a prefix of them is a fair sample.
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


def bin_lot(paths: Sequence[Path], binning: Binning) -> tuple[U8, I64]:
    """Read and bin some files; (streams, int64 offsets [n + 1])."""
    if not binning.stabilize and min(binning.height, binning.width) >= SIDE:
        native, n = binning.native(), len(paths)
        names = os.fsencode("\0".join(map(str, paths)))
        data = np.empty(_ROOM, np.uint8)
        bit_map = np.zeros(lib.egg_recordings_map_words(native), np.uint64)
        stream = np.empty(lib.egg_recordings_bytes(native, n * (_ROOM // 5), n), np.uint8)
        ends = np.zeros(n + 1, np.int64)
        if lib.egg_recordings_bin_files(
            native, names, n, SIDE, ffi.from_buffer("uint8_t[]", data), _ROOM,
            ffi.from_buffer("uint64_t[]", bit_map), ffi.from_buffer("uint8_t[]", stream),
            ffi.from_buffer("int64_t[]", ends),
        ):  # fmt: skip
            return stream[: ends[-1]].copy(), ends
    # The long way can do all that the short one refuses, or says what is wrong with which file.
    return bin_many(*_decode(read_lot(paths)), binning)


def bin_files(
    files: Sequence[Path], binning: Binning, workers: int = 2
) -> Iterator[tuple[U8, I64]]:
    """Read and bin files, some at a time; yields (streams, int64 offsets [n + 1]) of each lot."""
    lots = [files[at : at + _CHUNK] for at in range(0, len(files), _CHUNK)]
    with ThreadPoolExecutor(max(1, workers)) as pool:
        yield from pool.map(partial(bin_lot, binning=binning), lots)


def fetch(split: str) -> Path:
    """The folder of the full N-MNIST; tonic downloads it (about 1.2 GB) where it is not there."""
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
    except Exception as error:  # network, disk, a changed address: tonic lets anything through
        raise DataError(
            f"tonic could not fetch N-MNIST into {home} ({type(error).__name__}: {error}); check "
            "the network, or unpack it yourself and give the folder instead of 'nmnist'"
        ) from error
    if not sets[0].data:
        raise DataError(f"{home}: tonic found no recording; remove that folder and try again")
    return Path(sets[0].data[0]).parents[2]


def _parts(split: str) -> tuple[str, ...]:
    return ("train", "test") if split == "all" else (split,)
