"""N-MNIST: its files, folders of them, and the full set through tonic."""

from __future__ import annotations

import sys
import tempfile
import types
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eggroll_edge.data import nmnist
from eggroll_edge.data.binning import Binning, Events, bin_events
from eggroll_edge.data.loading import open_dataset
from eggroll_edge.errors import DataError
from tests.data.recording_files import folder, record
from tests.helpers.real_data import NMNIST_SMALL, needs_real_data

# ---- the 5-byte format -------------------------------------------------------------------------


def test_golden_file(tmp_path: Path) -> None:
    path = tmp_path / "a.bin"
    path.write_bytes(bytes.fromhex("010200000321208123450000ffffff"))
    got = nmnist.read_bin(path)
    rows = list(zip(got.x.tolist(), got.y.tolist(), got.t.tolist(), got.p.tolist(), strict=True))
    assert rows == [(1, 2, 3, 0), (33, 32, 0x12345, 1), (0, 0, 0x7FFFFF, 1)]


def test_overflow_marks_add_8192_each(tmp_path: Path) -> None:
    path = tmp_path / "a.bin"
    mark = record(0, 240, 0)
    path.write_bytes(record(1, 1, 5) + mark + record(2, 1, 6) + mark + mark + record(3, 1, 7))
    got = nmnist.read_bin(path)
    assert got.x.tolist() == [1, 2, 3]
    assert got.t.tolist() == [5, 6 + 8192, 7 + 3 * 8192]


def test_overflow_marks_stay_within_their_file() -> None:
    marked = record(0, 240, 0) + record(1, 1, 5)
    got, offsets = nmnist.decode_bins([marked, record(2, 2, 6), marked], ["a", "b", "c"])
    assert offsets.tolist() == [0, 1, 2, 3]
    assert got.t.tolist() == [5 + 8192, 6, 5 + 8192]


GOOD = record(1, 1, 10)


def written(root: Path, blobs: dict[str, bytes]) -> list[Path]:
    """Files of these names and contents."""
    paths = [root / name for name in blobs]
    for path, blob in zip(paths, blobs.values(), strict=True):
        path.write_bytes(blob)
    return paths


@pytest.mark.parametrize(
    ("blob", "message"),
    [
        (b"", "bad.bin: the file is empty"),
        (GOOD + b"xyz", r"bad.bin: 8 bytes is no multiple of 5, cut off in event 1"),
        (GOOD + record(34, 0, 20), r"bad.bin: event 1 \(x 34.*x is beyond 33"),
        (GOOD + record(0, 34, 20), r"bad.bin: event 1 .*y is beyond 33"),
        (GOOD + record(0, 0, 9), r"bad.bin: event 1 .*time runs backwards"),
    ],
)
def test_bad_files(tmp_path: Path, blob: bytes, message: str) -> None:
    with pytest.raises(DataError, match=message):
        nmnist.decode_bins([GOOD, blob], ["good.bin", "bad.bin"])
    with pytest.raises(DataError, match=message):
        nmnist.bin_chunk(written(tmp_path, {"good.bin": GOOD, "bad.bin": blob}), Binning())


def test_a_fault_behind_the_window(tmp_path: Path) -> None:
    blob = record(1, 1, 320_000) + record(1, 1, 319_999)
    with pytest.raises(DataError, match=r"bad.bin: event 1 .*time runs backwards"):
        nmnist.bin_chunk(written(tmp_path, {"bad.bin": blob}), Binning())


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    for name in ("absent.bin", "."):
        paths = [*written(tmp_path, {"good.bin": GOOD}), tmp_path / name]
        with pytest.raises(DataError, match="cannot be read"):
            nmnist.bin_chunk(paths, Binning())


@st.composite
def chunks(draw: st.DrawFn) -> tuple[Binning, list[list[tuple[int, int, int, int]]]]:
    """A binning, and the records of some files: mostly good, with overflow marks in between."""
    binning = Binning(
        ticks=draw(st.integers(1, 32)),
        window_us=draw(st.integers(1, 400_000)),
        height=draw(st.integers(34, 50)),
        width=draw(st.integers(34, 50)),
        pool=draw(st.integers(1, 2)),
        polarity=draw(st.sampled_from(["split", "merged", "on", "off"])),
        first_saccade_only=draw(st.booleans()),
        stabilize=draw(st.booleans()),
    )
    pixel = st.one_of(st.integers(0, 33), st.sampled_from([240, 33, 34, 255]))
    files = []
    for _ in range(draw(st.integers(1, 4))):
        gaps = draw(st.lists(st.integers(0, 30_000), min_size=1, max_size=25))
        x = draw(st.lists(st.integers(0, 33), min_size=len(gaps), max_size=len(gaps)))
        y = draw(st.lists(pixel, min_size=len(gaps), max_size=len(gaps)))
        p = draw(st.lists(st.integers(0, 1), min_size=len(gaps), max_size=len(gaps)))
        times = np.cumsum(gaps) & nmnist.MAX_US
        files.append(list(zip(x, y, times.tolist(), p, strict=True)))
    return binning, files


def plainly_decoded(rows: list[tuple[int, int, int, int]]) -> Events | None:
    """A file as its format says it, one record at a time; None if it must be refused."""
    added, before, found = 0, 0, []
    for x, y, t, p in rows:
        if y == 240:
            added += 8192
            continue
        if x > 33 or y > 33 or t + added < before:
            return None
        before = t + added
        found.append((x, y, before, p))
    return Events(*np.array(found, np.int64).reshape(-1, 4).T)


@settings(max_examples=150, deadline=None)
@given(chunks())
def test_files_to_streams_equal_the_definition(
    case: tuple[Binning, list[list[tuple[int, int, int, int]]]],
) -> None:
    binning, files = case
    blobs = {f"{k}.bin": b"".join(record(*row) for row in rows) for k, rows in enumerate(files)}
    expected = [plainly_decoded(rows) for rows in files]
    with tempfile.TemporaryDirectory() as root:
        paths = written(Path(root), blobs)
        if any(one is None for one in expected):
            with pytest.raises(DataError, match=r"beyond 33|backwards") as binned:
                nmnist.bin_chunk(paths, binning)
            with pytest.raises(DataError) as decoded:
                nmnist.decode_bins(list(blobs.values()), paths)
            assert str(binned.value) == str(decoded.value)
            return
        streams, ends = nmnist.bin_chunk(paths, binning)
    for i, one in enumerate(expected):
        assert one is not None
        assert streams[ends[i] : ends[i + 1]].tobytes() == bin_events(one, binning).tobytes()


def test_a_clock_that_overflows_31_bits(tmp_path: Path) -> None:
    blob = record(0, 240, 0) * 262_144 + record(1, 1, 5)
    with pytest.raises(DataError, match=r"long.bin: event 0 .* overflows 31 bits"):
        nmnist.bin_chunk(written(tmp_path, {"long.bin": blob}), Binning())


def test_files_larger_than_a_buffer(tmp_path: Path) -> None:
    def blob(n: int) -> bytes:
        return b"".join(record(k % 34, 1, 5 * k) for k in range(n))

    paths = written(tmp_path, {f"{n}.bin": blob(n) for n in (30_000, 1, 60_000)})
    got = nmnist.read_files(paths)
    assert [bytes(got.data[got.starts[k] : got.starts[k + 1]]) for k in range(3)] == [
        path.read_bytes() for path in paths
    ]
    streams, ends = nmnist.bin_chunk(paths, Binning())
    for k, path in enumerate(paths):
        alone = bin_events(nmnist.read_bin(path), Binning())
        assert streams[ends[k] : ends[k + 1]].tobytes() == alone.tobytes()


def test_write_then_read(tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    t = np.sort(rng.integers(0, nmnist.MAX_US + 1, 500)).astype(np.int32)
    x, y = rng.integers(0, 34, (2, 500)).astype(np.uint8)
    written = Events(x, y, t, rng.integers(0, 2, 500).astype(np.uint8))
    nmnist.write_bin(tmp_path / "a.bin", written)
    for got, put in zip(nmnist.read_bin(tmp_path / "a.bin"), written, strict=True):
        np.testing.assert_array_equal(got, put)


def test_write_refuses_what_the_format_cannot_hold(tmp_path: Path) -> None:
    one = np.zeros(1, np.uint8)
    with pytest.raises(DataError, match="time is outside"):
        nmnist.write_bin(tmp_path / "a.bin", Events(one, one, np.array([1 << 23]), one))
    with pytest.raises(DataError, match="y = 240"):
        nmnist.write_bin(tmp_path / "a.bin", Events(one, one + np.uint8(240), np.array([0]), one))


@needs_real_data
def test_equals_tonic_on_real_files(tmp_path: Path) -> None:
    tonic_io = pytest.importorskip("tonic.io")
    dtype = np.dtype([("x", int), ("y", int), ("t", int), ("p", int)])
    marked = tmp_path / "marked.bin"
    marked.write_bytes(GOOD + record(0, 240, 30) + record(2, 2, 20) + record(0, 240, 1))
    for path in [*nmnist.list_folder(NMNIST_SMALL, "all")[0][::40], marked]:
        mine, theirs = nmnist.read_bin(path), tonic_io.read_mnist_file(str(path), dtype=dtype)
        for name in ("x", "y", "t", "p"):
            np.testing.assert_array_equal(getattr(mine, name), theirs[name], err_msg=str(path))


@needs_real_data
def test_stabilize_equals_tonic() -> None:
    tonic_nmnist = pytest.importorskip("tonic.datasets.nmnist")
    tonic_io = pytest.importorskip("tonic.io")
    dtype = np.dtype([("x", int), ("y", int), ("t", int), ("p", int)])
    for path in nmnist.list_folder(NMNIST_SMALL, "test")[0][:10]:
        theirs = tonic_nmnist.stabilize(tonic_io.read_mnist_file(str(path), dtype=dtype))
        columns = [theirs[name] for name in ("x", "y", "t", "p")]
        moved = bin_events(Events(*columns), Binning())
        mine = bin_events(nmnist.read_bin(path), Binning(stabilize=True))
        assert mine.tobytes() == moved.tobytes()


# ---- folders -----------------------------------------------------------------------------------


def test_folder_is_ordered_by_id(tmp_path: Path) -> None:
    opened = open_dataset(str(folder(tmp_path / "set", (12, 3))), "all")
    assert opened.ids.tolist() == list(range(1, 16))
    assert opened.labels.tolist() == [k % 10 for k in range(1, 16)]
    assert opened.n_classes == 10
    for k, number in enumerate(opened.ids):
        np.testing.assert_array_equal(opened[k], bin_events(_single(number), Binning()))


def _single(number: int) -> Events:
    return nmnist.decode_bins([record(number, 3, 1000 * number, 1)], ["x"])[0]


def test_skip_first_and_limit(tmp_path: Path) -> None:
    root = str(folder(tmp_path / "set", (6, 3)))
    assert open_dataset(root, "train", skip_first=2, limit=3).ids.tolist() == [3, 4, 5]
    assert open_dataset(root, "test", skip_first=2).ids.tolist() == [7, 8, 9]
    with pytest.raises(DataError, match="leaves nothing of 6"):
        open_dataset(root, "train", skip_first=6)


def test_bad_folders(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"no such folder; expected .*Train/<digit>"):
        open_dataset(str(tmp_path / "absent"), "train")
    with pytest.raises(DataError, match="has no folder Train"):
        open_dataset(str(tmp_path), "train")
    (tmp_path / "Train" / "7").mkdir(parents=True)
    with pytest.raises(DataError, match="holds no recording"):
        open_dataset(str(tmp_path), "train")
    with pytest.raises(DataError, match="has no folder Test"):
        open_dataset(str(folder(tmp_path / "set", (2, 0))), "test")


def test_a_damaged_recording_is_named_and_leaves_no_cache(tmp_path: Path) -> None:
    root = folder(tmp_path / "set")
    (root / "Train" / "2" / "00002.bin").write_bytes(b"1234567")
    with pytest.raises(DataError, match=r"00002\.bin: 7 bytes"):
        open_dataset(str(root), "train")
    assert list((tmp_path / "cache").iterdir()) == []


@needs_real_data
def test_real_recordings() -> None:
    train, test = (open_dataset(str(NMNIST_SMALL), split) for split in ("train", "test"))
    assert len(train) + len(test) == len(open_dataset(str(NMNIST_SMALL), "all"))
    assert set(train.ids).isdisjoint(test.ids)
    assert 1500 < train.info()["events_per_sample"] < 2600


# ---- tonic -------------------------------------------------------------------------------------


def test_nmnist_through_tonic(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class FakeNMNIST:
        def __init__(self, save_to: str, train: bool = True) -> None:
            root = folder(Path(save_to) / "NMNIST")
            self.data = [
                str(p) for p in sorted((root / ("Train" if train else "Test")).rglob("*.bin"))
            ]

    module: Any = types.ModuleType("tonic.datasets")
    module.NMNIST = FakeNMNIST
    monkeypatch.setitem(sys.modules, "tonic", types.ModuleType("tonic"))
    monkeypatch.setitem(sys.modules, "tonic.datasets", module)
    assert open_dataset("nmnist", "train").ids.tolist() == [1, 2, 3, 4]
    assert open_dataset("nmnist", "all").ids.tolist() == [1, 2, 3, 4, 5, 6]


def test_nmnist_without_tonic(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "tonic.datasets", None)
    with pytest.raises(DataError, match=r"eggroll-edge\[data\]"):
        open_dataset("nmnist", "train")


def test_nmnist_without_network(monkeypatch: pytest.MonkeyPatch) -> None:
    def offline(*_: object, **__: object) -> None:
        raise OSError("no route to host")

    module: Any = types.ModuleType("tonic.datasets")
    module.NMNIST = offline
    monkeypatch.setitem(sys.modules, "tonic", types.ModuleType("tonic"))
    monkeypatch.setitem(sys.modules, "tonic.datasets", module)
    with pytest.raises(DataError, match=r"no route to host.*check the network"):
        open_dataset("nmnist", "test")
