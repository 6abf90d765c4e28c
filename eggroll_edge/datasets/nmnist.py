"""N-MNIST recordings: the 5-byte .bin format, its folders, and the full set through tonic.

N-MNIST: Orchard, Jayawant, Cohen, Thakor, "Converting Static Image Datasets to Spiking Neuromorphic
Datasets Using Saccades", Frontiers in Neuroscience 9:437, 2015.

A file is a run of 5-byte events: x, y, then 24 bits, most significant byte first, of which the top
one is the polarity and the other 23 are microseconds. A record whose y is 240 is no event: it adds
2^13 microseconds to its own and all later times. The sensor crop is 34 x 34.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np

from eggroll_edge.datasets.cache import cache_dir
from eggroll_edge.errors import DataError
from eggroll_edge.events import I64, U8, Binning, Events, bin_many

SIDE = 34
OVERFLOW_Y = 240
OVERFLOW_US = 1 << 13
MAX_US = (1 << 23) - 1
LAYOUT = "<folder>/Train/<digit>/<number>.bin and <folder>/Test/<digit>/<number>.bin"
_CHUNK = 32  # files decoded at once


def decode_bins(blobs: Sequence[bytes], names: Sequence[object]) -> tuple[Events, I64]:
    """Decode files given as bytes; (events of all, int64 offsets [n + 1]). `names` is for errors.

    DataError, naming file and event: a size that is no multiple of 5, no event, x or y beyond 33,
    time that runs backwards.
    """
    for blob, name in zip(blobs, names, strict=True):
        if len(blob) == 0:
            raise DataError(f"{name}: the file is empty; fetch it again")
        if len(blob) % 5:
            raise DataError(
                f"{name}: {len(blob)} bytes is no multiple of 5, cut off in event {len(blob) // 5};"
                " fetch it again"
            )
    offsets = np.cumsum([0] + [len(blob) // 5 for blob in blobs])
    raw = np.frombuffer(b"".join(blobs), np.uint8).reshape(-1, 5)
    x, y, high, middle, low = np.ascontiguousarray(raw.T)
    t = (high & 127).astype(np.int32)
    for byte in (middle, low):
        t <<= 8
        t |= byte
    events = Events(x, y, t, high >> 7)

    marks = y == OVERFLOW_Y
    if marks.any():
        before = np.concatenate(([0], np.cumsum(marks)))
        seen = before[1:] - np.repeat(before[offsets[:-1]], np.diff(offsets))
        events = events._replace(t=t + (seen * OVERFLOW_US).astype(np.int32)).take(~marks)
        offsets = offsets - before[offsets]

    backwards = np.diff(events.t, prepend=0) < 0
    backwards[offsets[:-1][np.diff(offsets) > 0]] = False  # each file starts its own clock
    for bad, what in (
        (events.x >= SIDE, f"x is beyond {SIDE - 1}"),
        (events.y >= SIDE, f"y is beyond {SIDE - 1}"),
        (backwards, "time runs backwards"),
    ):
        if bad.any():
            at = int(np.flatnonzero(bad)[0])
            file = int(np.searchsorted(offsets, at, side="right")) - 1
            raise DataError(
                f"{names[file]}: event {at - offsets[file]} (x {events.x[at]}, y {events.y[at]}, "
                f"t {events.t[at]} us): {what}; this is no N-MNIST recording, or it is damaged"
            )
    return events, offsets


def _read_bytes(path: Path | str) -> bytes:
    try:
        with open(path, "rb", buffering=0) as file:
            return file.read()
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror})") from error


def read_bin(path: Path | str) -> Events:
    """Read one recording."""
    return decode_bins([_read_bytes(path)], [path])[0]


def write_bin(path: Path | str, events: Events) -> None:
    """Write one recording in N-MNIST's format; the inverse of `read_bin`.

    Times need 0..8,388,607 us (23 bits; no overflow marks are written), x and y 0..255 but y != 240
    """
    t = events.t.astype(np.int64)
    if t.size and (t.min() < 0 or t.max() > MAX_US):
        raise DataError(f"{path}: a time is outside 0..{MAX_US} us, which the format cannot hold")
    if events.y.size and (events.y == OVERFLOW_Y).any():
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


def bin_files(
    files: Sequence[Path], binning: Binning, workers: int = 2
) -> Iterator[tuple[U8, I64]]:
    """Read and bin files, some at a time; yields (streams, int64 offsets [n + 1]) of each lot."""

    def work(chunk: Sequence[Path]) -> tuple[U8, I64]:
        return bin_many(*decode_bins([_read_bytes(path) for path in chunk], chunk), binning)

    with ThreadPoolExecutor(max(1, workers)) as pool:
        yield from pool.map(work, [files[at : at + _CHUNK] for at in range(0, len(files), _CHUNK)])


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
