"""Figures: each is drawn from small and from unusual data, and shows the right things."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

from eggroll_edge.data.binning import Binning
from eggroll_edge.errors import ConfigError
from eggroll_edge.plots import figures

pytest.importorskip("matplotlib")


def is_png(path: Path) -> bool:
    return path.read_bytes()[:8] == b"\x89PNG\r\n\x1a\n"


def test_averaged_keeps_the_mean_and_the_order() -> None:
    x, y = np.arange(1000), np.random.default_rng(0).normal(size=1000)
    less_x, less_y = figures.averaged(x, y, 50)
    assert len(less_x) == len(less_y) == 50
    assert np.all(np.diff(less_x) > 0)
    assert np.isclose(less_y.mean(), y.mean())
    for short in ([], [3], [3, 5]):
        assert figures.averaged(short, short)[1].tolist() == short


@pytest.mark.parametrize("n", [1, 3, 700])
def test_curves(tmp_path: Path, n: int) -> None:
    g = np.arange(1, n + 1)
    tests = [(n, 91.5)] if n > 1 else []
    curve = figures.learning_curve(
        tmp_path / "c.png", g, 3.0 / g, 100 - 9 / g, tests, "test split", "run"
    )
    assert is_png(curve)
    quiet = np.zeros(n)
    assert is_png(figures.firing_curve(tmp_path / "f.png", g, 0.1 / g, quiet, quiet, 8, "run"))


def test_confusion_of_a_class_that_never_comes(tmp_path: Path) -> None:
    counts = np.array([[5, 1, 0], [0, 0, 0], [2, 0, 7]])
    assert is_png(figures.confusion_matrix(tmp_path / "deep" / "confusion.png", counts, "run"))


def test_tiles_are_where_they_belong() -> None:
    page = figures.tiled(np.arange(1, 4)[:, None, None] * np.ones((3, 2, 2)), 2, gap=1, head=1)
    assert page.shape == (6, 5)
    assert np.nan_to_num(page[[1, 1, 4], [0, 3, 0]]).tolist() == [1, 2, 3]
    assert np.isnan(page[0]).all()
    assert np.isnan(page[4:, 3:]).all()


@pytest.mark.parametrize("below", [(2, 17, 17), (1, 17, 17), (2, 5, 5), (40, 3, 3), (256, 1, 1)])
@pytest.mark.parametrize("neurons", [1, 13, 200])
def test_weights(tmp_path: Path, below: tuple[int, int, int], neurons: int) -> None:
    weights = np.zeros((neurons, *below), np.int8)
    assert is_png(figures.weight_images(tmp_path / "w.png", weights, "run", "each channel"))


@pytest.mark.parametrize("polarity", ["split", "on"])
def test_movie_has_a_frame_for_each_tick(tmp_path: Path, polarity: str) -> None:
    pillow = pytest.importorskip("PIL.Image")
    binning = Binning(ticks=3, polarity="split" if polarity == "split" else "on")
    frames = np.random.default_rng(0).integers(0, 2, (3, *binning.shape)).astype(np.uint8)
    path = figures.event_movie(tmp_path / "movie.gif", frames, binning, "a 7")
    assert pillow.open(path).n_frames == 3
    assert is_png(figures.event_strip(tmp_path / "strip.png", frames, binning, "a 7"))


def test_without_matplotlib(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("matplotlib", "matplotlib.figure", "matplotlib.backends.backend_agg"):
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(ConfigError, match=r"eggroll-edge\[plot\]"):
        figures.confusion_matrix(tmp_path / "c.png", np.eye(2, dtype=np.int64), "run")
