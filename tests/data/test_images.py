"""Images that the simulated camera sees: IDX folders and scikit-learn's digits."""

from __future__ import annotations

import gzip
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from eggroll_edge.data import images
from eggroll_edge.data.images import from_images
from eggroll_edge.data.loading import open_dataset
from eggroll_edge.errors import DataError
from tests.helpers.real_data import MNIST, needs_real_data


def idx(array: np.ndarray[Any, Any]) -> bytes:
    """An IDX file of bytes."""
    header = bytes((0, 0, 8, array.ndim)) + b"".join(n.to_bytes(4, "big") for n in array.shape)
    return header + array.astype(np.uint8).tobytes()


def idx_folder(root: Path, n: int = 6, side: int = 28) -> Path:
    root.mkdir(parents=True)
    rng = np.random.default_rng(0)
    pictures = np.zeros((n, side, side), np.uint8)
    pictures[:, side // 4 : side // 2] = rng.integers(0, 256, (n, side // 4, side))
    for prefix in ("train", "t10k"):
        (root / f"{prefix}-images-idx3-ubyte.gz").write_bytes(gzip.compress(idx(pictures)))
        (root / f"{prefix}-labels-idx1-ubyte").write_bytes(idx(np.arange(n) % 10))
    return root


def test_idx_folder(tmp_path: Path) -> None:
    spec = f"idx:{idx_folder(tmp_path / 'pictures')}"
    seen: list[tuple[int, int]] = []
    opened = open_dataset(spec, "train", progress=lambda done, total: seen.append((done, total)))
    assert opened.labels.tolist() == list(range(6))
    assert seen[-1] == (6, 6)
    assert opened.info()["events_per_sample"] > 100
    # What is left out in front does not change what remains, and test noise is not train noise.
    skipped = open_dataset(spec, "train", skip_first=4)
    assert skipped.ids.tolist() == [4, 5]
    assert skipped[0].tobytes() == opened[4].tobytes()
    assert open_dataset(spec, "test")[0].tobytes() != opened[0].tobytes()
    assert open_dataset(spec, "train", seed=1)[0].tobytes() != opened[0].tobytes()
    assert len(open_dataset(spec, "all")) == 12
    assert len(open_dataset(spec, "all", limit=7, skip_first=1)) == 7


PICTURE = idx(np.zeros((2, 3, 3)))


@pytest.mark.parametrize(
    ("blob", "message"),
    [
        (b"", "starts with nothing"),
        (b"\x89PNG....", "starts with 89504e47"),
        (PICTURE[:-1], r"holds 33 bytes, but its header promises 34"),
        (PICTURE + b"x", r"holds 35 bytes"),
        (PICTURE[:9], "cut off or damaged"),
        (gzip.compress(PICTURE, mtime=0)[:-9], "cannot be read"),
    ],
)
def test_bad_idx_files(tmp_path: Path, blob: bytes, message: str) -> None:
    (tmp_path / "a").write_bytes(blob)
    with pytest.raises(DataError, match=message):
        images.read_idx(tmp_path / "a")


def test_bad_idx_folders(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"no such folder; expected train-images"):
        open_dataset(f"idx:{tmp_path / 'absent'}", "train")
    with pytest.raises(DataError, match=r"has no train-images-idx3-ubyte\[.gz\]"):
        open_dataset(f"idx:{tmp_path}", "train")
    root = idx_folder(tmp_path / "pictures")
    (root / "train-labels-idx1-ubyte").write_bytes(idx(np.zeros(5)))
    with pytest.raises(DataError, match="do not go together"):
        open_dataset(f"idx:{root}", "train")


@needs_real_data
def test_mnist_images() -> None:
    pictures, labels = images.load_idx(MNIST, "test")
    assert pictures.shape == (10_000, 28, 28)
    assert np.bincount(labels).tolist()[:3] == [980, 1135, 1032]


def test_digits() -> None:
    pytest.importorskip("sklearn")
    train, train_labels = images.load_digits("train")
    test, test_labels = images.load_digits("test")
    assert (train.shape, test.shape) == ((1437, 28, 28), (360, 28, 28))
    assert np.bincount(np.concatenate((train_labels, test_labels))).min() > 170
    assert np.bincount(test_labels).min() > 20
    assert train[:, 4:24, 4:24].max() == 255
    assert train[:, :4].max() == 0
    # The split must be the same on every machine and with every numpy.
    assert test_labels[:12].tolist() == DIGITS_TEST_HEAD
    assert len(open_dataset("digits", "test", limit=20)) == 20


DIGITS_TEST_HEAD = [7, 0, 0, 5, 8, 6, 4, 5, 4, 7, 8, 5]


def test_images_from_arrays() -> None:
    pictures = np.zeros((3, 16, 20), np.uint8)
    pictures[:, 4:12, 5:15] = 255
    got = from_images(pictures, np.array([0, 1, 2], np.uint8))
    assert (len(got), got.n_classes, got.n_in) == (3, 3, 2312)


def test_specs_that_lack_a_folder_or_have_one_too_many() -> None:
    with pytest.raises(DataError, match=r"idx needs a folder: say idx:DIR"):
        open_dataset("idx", "train")
    with pytest.raises(DataError, match=r"digits:x: digits takes nothing behind a colon"):
        open_dataset("digits:x", "train")
