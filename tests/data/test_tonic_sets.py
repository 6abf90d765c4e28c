"""SHD, DVS Gesture and ST-MNIST, from small files in the formats of their own."""

from __future__ import annotations

import sys
import types
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from eggroll_edge.data.binning import Binning
from eggroll_edge.data.loading import open_dataset
from eggroll_edge.data.stream import decode_stream
from eggroll_edge.errors import DataError


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EGGROLL_CACHE", str(tmp_path / "cache"))


def shd(home: Path, split: str = "train", n: int = 7) -> None:
    """The HDF5 file that tonic unpacks; word k has class k and one event in channel 100 k."""
    h5py = pytest.importorskip("h5py")
    where = home / "SHD"
    where.mkdir(parents=True, exist_ok=True)
    (where / f"shd_{split}.h5.zip").write_bytes(b"")  # tonic asks whether it is there
    with h5py.File(where / f"shd_{split}.h5", "w") as file:
        kinds = (("spikes/times", np.float16, 0.02), ("spikes/units", np.uint16, 100))
        for name, kind, scale in kinds:
            made = file.create_dataset(name, (n,), dtype=h5py.vlen_dtype(kind))
            for k in range(n):
                made[k] = np.array([scale * k], kind)
        file["labels"] = np.arange(n, dtype=np.uint16)
        file["extra/keys"] = np.array([b"zero", b"one"])
        file["extra/speaker"] = np.zeros(n, np.uint16)


def test_shd_through_tonic(tmp_path: Path) -> None:
    pytest.importorskip("tonic")
    shd(tmp_path)
    data = open_dataset(f"shd:{tmp_path}", "train", Binning(ticks=12))
    assert (data.n_in, data.n_classes, len(data)) == (700, 20, 7)
    assert sorted(data.labels.tolist()) == list(range(7))
    for k, label in enumerate(data.labels.tolist()):
        ticks = [t.tolist() for t in decode_stream(data[k], 12)]
        tick = int(float(np.float16(0.02 * label)) * 12 / 1.2)
        assert ticks == [[100 * label] if t == tick else [] for t in range(12)]
    halved = open_dataset(f"shd:{tmp_path}", "train", Binning(ticks=12, pool=2), limit=3)
    assert (halved.n_in, len(halved)) == (350, 3)


def test_dvs_gesture_through_tonic(tmp_path: Path) -> None:
    pytest.importorskip("tonic")
    where = tmp_path / "DVSGesture"
    (where).mkdir()
    (where / "ibmGestureTest.tar.gz").write_bytes(b"")  # tonic asks whether it is there
    for user in range(10):  # and for a hundred recordings
        folder = where / "ibmGestureTest" / f"user{user:02d}_lab"
        folder.mkdir(parents=True)
        for label in range(11):
            # x, y, p, t in ms; 500 ms of silence ahead, one event behind the window
            rows = [[127, 0, 1, 500], [4 * label, 8, 0, 500 + 100 * label], [0, 0, 0, 9000]]
            np.save(folder / f"{label}.npy", np.array(rows, np.int64))
    data = open_dataset(f"dvsgesture:{tmp_path}", "test", Binning(ticks=15))
    assert (data.n_in, data.n_classes, len(data)) == (2 * 32 * 32, 11, 110)
    assert np.bincount(data.labels).tolist() == [10] * 11
    assert len(set(data.labels[:11].tolist())) > 3  # shuffled
    for k in range(20):
        label = int(data.labels[k])
        ticks = [t.tolist() for t in decode_stream(data[k], 15)]
        expected: list[list[int]] = [[] for _ in range(15)]
        expected[0].append(1024 + 31)
        expected[label].insert(0, 2 * 32 + label)
        assert ticks == expected


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


def test_without_tonic_or_network(monkeypatch: pytest.MonkeyPatch) -> None:
    def offline(*_: object, **__: object) -> None:
        raise OSError("no route to host")

    module: Any = types.ModuleType("tonic.datasets")
    module.SHD = offline
    package: Any = types.ModuleType("tonic")
    package.datasets = module
    monkeypatch.setitem(sys.modules, "tonic", package)
    monkeypatch.setitem(sys.modules, "tonic.datasets", module)
    with pytest.raises(DataError, match=r"no route to host.*shd:DIR"):
        open_dataset("shd", "train")
    monkeypatch.setitem(sys.modules, "tonic.datasets", None)
    with pytest.raises(DataError, match=r"eggroll-edge\[data\]"):
        open_dataset("dvsgesture", "train")
