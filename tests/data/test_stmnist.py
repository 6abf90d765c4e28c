"""ST-MNIST, from small MATLAB files in its format."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from eggroll_edge.data.binning import Binning
from eggroll_edge.data.loading import open_dataset
from eggroll_edge.data.stream import decode_stream
from eggroll_edge.errors import DataError


def touches(rows: list[tuple[int, int, float]]) -> np.ndarray[Any, Any]:
    """spiketrain of (taxel, sign, seconds) rows."""
    train = np.zeros((101, len(rows)))
    for k, (taxel, sign, seconds) in enumerate(rows):
        train[taxel, k], train[100, k] = sign, seconds
    return train


def test_st_mnist_from_mat_files(tmp_path: Path) -> None:
    scipy_io = pytest.importorskip("scipy.io")
    for digit in range(10):
        (tmp_path / str(digit)).mkdir()
        for k in range(3):
            train = touches([(digit, 1, 3.0), (99, -1, 3.0 + 0.1 * k)])
            scipy_io.savemat(tmp_path / str(digit) / f"{k}.mat", {"spiketrain": train})
        scipy_io.savemat(tmp_path / str(digit) / "LUT.mat", {"other": train})
    spec = f"stmnist:{tmp_path}"
    data, test = (open_dataset(spec, s, Binning(ticks=20)) for s in ("train", "test"))
    assert (data.n_in, len(data), len(test)) == (200, 25, 5)
    assert not set(data.ids.tolist()) & set(test.ids.tolist())
    for k, label in enumerate(data.labels.tolist()):
        late = int(data.ids[k]) % 3
        ticks = [t.tolist() for t in decode_stream(data[k], 20)]
        expected: list[list[int]] = [[] for _ in range(20)]
        expected[late].append(99)
        expected[0].append(100 + label)
        assert ticks == [sorted(tick) for tick in expected]


@pytest.mark.parametrize(
    ("content", "message"),
    [({"other": 1}, r"0.mat: cannot be read as ST-MNIST"),
     ({"spiketrain": np.zeros((100, 4))}, r"0.mat: spiketrain has the shape \(100, 4\)")],
)  # fmt: skip
def test_bad_st_mnist(tmp_path: Path, content: dict[str, Any], message: str) -> None:
    scipy_io = pytest.importorskip("scipy.io")
    (tmp_path / "0").mkdir()
    for k in range(2):
        scipy_io.savemat(tmp_path / "0" / f"{k}.mat", content | {"k": k})
        if k == 0:
            continue
        (tmp_path / "0" / "1.mat").unlink()
    with pytest.raises(DataError, match=message):
        open_dataset(f"stmnist:{tmp_path}", "test")


def test_st_mnist_without_a_folder(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"stmnist:DIR; expected <folder>/<digit>"):
        open_dataset("stmnist", "train")
    with pytest.raises(DataError, match="holds no recording"):
        open_dataset(f"stmnist:{tmp_path}", "train")
