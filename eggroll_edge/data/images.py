"""Images for the simulator: IDX folders as MNIST's, and scikit-learn's digits."""

from __future__ import annotations

import gzip
import hashlib
import zlib
from dataclasses import asdict
from pathlib import Path

import numpy as np

from eggroll_edge.data import cache
from eggroll_edge.data.binning import U8, Binning
from eggroll_edge.data.cache import Progress, _chosen, _counted
from eggroll_edge.data.dataset import EventDataset, fixed_shuffle
from eggroll_edge.data.event_camera import SaccadeConfig, resize, simulate_streams
from eggroll_edge.data.sources import CLASSES
from eggroll_edge.errors import DataError

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


def from_images(
    pictures: U8,
    labels: U8,
    binning: Binning | None = None,
    *,
    name: str = "images",
    seed: int = 0,
    workers: int = 2,
    simulator: SaccadeConfig | None = None,
) -> EventDataset:
    """Simulated recordings, in RAM, of your own images: uint8 [n, h, w], labels uint8 [n]."""
    binning = binning or Binning()
    chunks = simulate_streams(
        pictures, binning, simulator or SaccadeConfig(), seed=seed, workers=workers
    )
    parts = list(chunks)
    sizes = np.concatenate([np.zeros(1, np.int64)] + [np.diff(starts) for _, starts in parts])
    streams = np.concatenate([part for part, _ in parts] or [np.zeros(0, np.uint8)])
    classes = int(labels.max()) + 1 if len(labels) else 1
    ids = np.arange(len(labels), dtype=np.int64)
    return EventDataset(name, streams, np.cumsum(sizes), labels, classes, binning, ids)


def _open_images(
    spec: str,
    split: str,
    binning: Binning,
    config: SaccadeConfig,
    seed: int,
    skip_first: int,
    limit: int | None,
    workers: int,
    progress: Progress | None,
) -> EventDataset:
    if spec == "digits":
        pictures, labels = load_digits(split)
    else:
        pictures, labels = load_idx(Path(spec[4:]).expanduser(), split)
    chosen = _chosen(len(labels), skip_first if split == "train" else 0, limit, spec)
    pictures, labels = pictures[chosen], labels[chosen]
    name = "digits" if spec == "digits" else Path(spec[4:]).name
    parts = {
        "images": hashlib.sha256(np.ascontiguousarray(pictures).data).hexdigest(),
        "labels": hashlib.sha256(np.ascontiguousarray(labels).data).hexdigest(),
        "first": chosen.start,
        "split": split,
        "seed": seed,
        "simulator": asdict(config),
        "binning": asdict(binning),
    }

    def make(path: Path) -> None:
        # Train and test images of one index must not share their noise.
        chunks = simulate_streams(
            pictures,
            binning,
            config,
            seed=2 * seed + (split == "test"),
            first_index=chosen.start,
            workers=workers,
        )
        ids = np.arange(chosen.start, chosen.stop, dtype=np.int64)
        cache.write_cache(
            path,
            _counted(chunks, len(labels), progress),
            labels,
            ids,
            name=f"{name}-{split}",
            n_classes=max(CLASSES, int(labels.max()) + 1),
            binning=binning,
        )

    return cache.load_or_build(cache.cache_path(f"{name}-{split}", parts), make)
