"""Images for the simulator: IDX folders as MNIST's, and scikit-learn's digits."""

from __future__ import annotations

import gzip
import zlib
from pathlib import Path

import numpy as np
import numpy.typing as npt

from eggroll_edge.errors import DataError
from eggroll_edge.events import I64, U8
from eggroll_edge.saccade import resize

LAYOUT = (
    "train-images-idx3-ubyte, train-labels-idx1-ubyte, t10k-images-idx3-ubyte and "
    "t10k-labels-idx1-ubyte, each plain or with .gz, as MNIST is published"
)
_PREFIX = {"train": "train", "test": "t10k"}
_DIGITS_TRAIN = 1437  # of 1,797: four fifths


def read_idx(path: Path) -> U8:
    """Read an IDX file of unsigned bytes, gzipped if it says so; uint8 of the shape it states."""
    try:
        data = path.read_bytes()
        if data[:2] == b"\x1f\x8b":
            data = gzip.decompress(data)
    except (OSError, EOFError, zlib.error) as error:
        raise DataError(f"{path}: cannot be read ({error}); fetch it again") from error
    # Magic: two zero bytes, the type (8 = unsigned byte), the number of dimensions; big-endian.
    if len(data) < 4 or data[:3] != b"\0\0\x08" or not 1 <= data[3] <= 3:
        raise DataError(
            f"{path}: starts with {data[:4].hex() or 'nothing'}, but an IDX file of bytes starts "
            "with 000008 and 1 to 3 dimensions"
        )
    header = 4 + 4 * data[3]
    sizes = data[4:header]
    shape = tuple(int.from_bytes(sizes[i : i + 4], "big") for i in range(0, len(sizes), 4))
    expected = header + int(np.prod(shape, dtype=np.int64))
    if len(data) != expected:
        raise DataError(
            f"{path}: holds {len(data)} bytes, but its header promises {expected} for {shape}; "
            "it is cut off or damaged, fetch it again"
        )
    return np.frombuffer(data, np.uint8, offset=header).reshape(shape)


def idx_files(root: Path, split: str) -> tuple[Path, Path]:
    """(images, labels) files of a split, "train" or "test"."""
    if not root.is_dir():
        raise DataError(f"{root}: no such folder; expected {LAYOUT}")
    found = []
    for kind in ("images-idx3-ubyte", "labels-idx1-ubyte"):
        plain = root / f"{_PREFIX[split]}-{kind}"
        files = [file for file in (plain, plain.with_name(plain.name + ".gz")) if file.is_file()]
        if not files:
            raise DataError(f"{root}: has no {plain.name}[.gz]; expected {LAYOUT}")
        found.append(files[0])
    return found[0], found[1]


def load_idx(root: Path, split: str) -> tuple[U8, U8]:
    """(images uint8 [n, h, w], labels uint8 [n]) of a split, "train" or "test"."""
    image_file, label_file = idx_files(root, split)
    images, labels = read_idx(image_file), read_idx(label_file)
    if images.ndim != 3 or labels.ndim != 1 or len(images) != len(labels) or not len(labels):
        raise DataError(
            f"{root}: images of shape {images.shape} and labels of shape {labels.shape} do not go "
            "together; expected [n, h, w] and [n], n > 0"
        )
    return images, labels


def load_digits(split: str) -> tuple[U8, U8]:
    """scikit-learn's 1,797 handwritten digits as (uint8 [n, 28, 28], labels uint8 [n]).

    The source is 8 x 8 with values 0..16 (UCI "Optical Recognition of Handwritten Digits"). Each
    is scaled to the 20 x 20 box in the middle of 28 x 28 in which MNIST has its digits. A fixed
    shuffle (the same on every machine) makes 1,437 train and 360 test images.
    """
    try:
        from sklearn import datasets as sklearn_datasets
    except ImportError as error:
        raise DataError(
            "the digits need scikit-learn: pip install 'eggroll-edge[data]', or open a folder"
        ) from error
    images, labels = sklearn_datasets.load_digits(return_X_y=True)
    order = fixed_shuffle(len(labels))
    order = order[:_DIGITS_TRAIN] if split == "train" else order[_DIGITS_TRAIN:]
    small = np.rint(images.reshape(-1, 8, 8)[order] * (255 / 16)).astype(np.uint8)
    framed = np.zeros((len(order), 28, 28), np.uint8)
    framed[:, 4:24, 4:24] = resize(small, 20)
    return framed, labels[order].astype(np.uint8)


def fixed_shuffle(n: int) -> I64:
    """A permutation of range(n) that no library version can change: sorted by a mixing hash."""
    keys: npt.NDArray[np.uint64] = np.arange(1, n + 1, dtype=np.uint64)
    keys *= np.uint64(0x9E3779B97F4A7C15)
    keys ^= keys >> np.uint64(29)
    keys *= np.uint64(0xBF58476D1CE4E5B9)
    return np.argsort(keys, kind="stable")
