"""`digits` and `idx`: images that the simulated event camera sees.

Images are uint8 [n, height, width], where 255 is full ink; labels are uint8 [n].
"""

from __future__ import annotations

import gzip
import hashlib
import zlib
from dataclasses import asdict
from pathlib import Path

import numpy as np

from eggroll_edge.core.arrays import U8
from eggroll_edge.data.binning import Binning
from eggroll_edge.data.cache import labelled
from eggroll_edge.data.dataset import EventDataset, fixed_shuffle
from eggroll_edge.data.event_camera import SaccadeConfig, resize, simulate_streams
from eggroll_edge.data.opening import Request, Source, open_cached, per_split
from eggroll_edge.errors import DataError

LAYOUT = (
    "train-images-idx3-ubyte, train-labels-idx1-ubyte, t10k-images-idx3-ubyte and "
    "t10k-labels-idx1-ubyte, each plain or with .gz, as MNIST is published"
)
_CLASSES = 10  # the least number of classes, even if the chosen images have fewer
_PREFIX = {"train": "train", "test": "t10k"}
_DIGITS_TRAIN = 1437  # of 1,797: four fifths


def read_idx(path: Path) -> U8:
    """Read an IDX file of unsigned bytes, plain or gzipped, as uint8 of the shape in its header.

    DataError if the file cannot be read or has another format.
    """
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
    """The files of a split, "train" or "test": (images, labels); DataError if one is missing."""
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
    """(images, labels) of a split, "train" or "test"; DataError if a file is faulty."""
    image_file, label_file = idx_files(root, split)
    images, labels = read_idx(image_file), read_idx(label_file)
    if images.ndim != 3 or labels.ndim != 1 or len(images) != len(labels) or not len(labels):
        raise DataError(
            f"{root}: images of shape {images.shape} and labels of shape {labels.shape} do not go "
            "together; expected [n, h, w] and [n], n > 0"
        )
    return images, labels


def load_digits(split: str) -> tuple[U8, U8]:
    """scikit-learn's 1,797 handwritten digits as (images, labels) of a split, "train" or "test".

    The source is 8 x 8 pixels of 0..16 (UCI "Optical Recognition of Handwritten Digits"). Each
    image is scaled to 20 x 20 in the middle of 28 x 28, where MNIST has its digits. A fixed
    shuffle, the same on every machine, makes 1,437 training and 360 test images. DataError if
    scikit-learn is missing.
    """
    try:
        from sklearn import datasets as sklearn_datasets
    except ImportError as error:
        raise DataError(
            "the digits need scikit-learn: pip install 'eggroll-edge[data]', or train on chirps "
            "(--data chirps), which need nothing"
        ) from error
    images, labels = sklearn_datasets.load_digits(return_X_y=True)
    order = fixed_shuffle(len(labels))
    order = order[:_DIGITS_TRAIN] if split == "train" else order[_DIGITS_TRAIN:]
    small = np.rint(images.reshape(-1, 8, 8)[order] * (255 / 16)).astype(np.uint8)
    framed = np.zeros((len(order), 28, 28), np.uint8)
    framed[:, 4:24, 4:24] = resize(small, 20)
    return framed, labels[order].astype(np.uint8)


def simulator_seed(seed: int, split: str) -> int:
    """The camera's seed for a split: training and test image i must not have the same noise."""
    return 2 * seed + (split == "test")


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
    """Make a dataset from images: recordings of a simulated event camera that looks at them.

    Args:
        pictures: uint8 [n, height, width], 255 is full ink. Each is scaled to 28 x 28 pixels.
        labels: uint8 [n], the class of each image, from 0.
        binning: How recordings are cut into ticks. Its sensor must have 34 x 34 pixels.
        name: Name of the dataset.
        seed: Seed of the camera's noise, 0 or more.
        workers: Processes that simulate, at most. The result does not depend on it.
        simulator: Parameters of the simulated camera. None takes the calibrated ones.

    Returns:
        The recordings, in RAM. They are not written to the cache.

    Raises:
        ConfigError: The sensor of `binning` does not have 34 x 34 pixels.
        DataError: The pictures are not uint8 [n, height, width].
    """
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


def _open_images(request: Request, name: str, pictures: U8, labels: U8) -> EventDataset:
    """The wanted pictures of a split, seen by the simulated camera."""
    chosen = request.chosen(len(labels))
    pictures, labels = pictures[chosen], labels[chosen]
    config = request.simulator or SaccadeConfig()
    key = {
        "images": hashlib.sha256(np.ascontiguousarray(pictures).data).hexdigest(),
        "labels": hashlib.sha256(np.ascontiguousarray(labels).data).hexdigest(),
        "first": chosen.start,
        "split": request.split,
        "seed": request.seed,
        "simulator": asdict(config),
    }
    parts = simulate_streams(
        pictures,
        request.binning,
        config,
        seed=simulator_seed(request.seed, request.split),
        first_index=chosen.start,
        workers=request.workers,
    )
    ids = np.arange(chosen.start, chosen.stop, dtype=np.int64)
    n_classes = max(_CLASSES, int(labels.max()) + 1)
    return open_cached(request, name, key, ids, n_classes=n_classes, chunks=labelled(parts, labels))


def _open_digits(request: Request) -> EventDataset:
    if request.argument:
        raise DataError(f"{request.spec}: digits takes nothing behind a colon; say digits")
    return _open_images(request, "digits", *load_digits(request.split))


def _open_idx(request: Request) -> EventDataset:
    if not request.argument:
        raise DataError(f"idx needs a folder: say idx:DIR; expected {LAYOUT}")
    folder = Path(request.argument)
    return _open_images(request, folder.name, *load_idx(folder.expanduser(), request.split))


DIGITS = Source(
    name="digits",
    usage="digits",
    note="small images, simulated, no download",
    about="scikit-learn's 1,797 small digits, seen by the simulated camera: 1,437 for training, "
    "360 for the test, a fixed split",
    needs="`pip install 'eggroll-edge[data]'`, no network",
    open=per_split(_open_digits),
)
IDX = Source(
    name="idx",
    usage="idx:DIR",
    note="images, simulated",
    about="Images as MNIST is published (IDX files, gzipped or not), seen by the simulated camera",
    needs="nothing",
    open=per_split(_open_idx),
)
