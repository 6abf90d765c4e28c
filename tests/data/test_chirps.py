"""Words of gliding tones: only time tells them apart, and a net learns to do so."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from eggroll_edge.data.binning import Binning
from eggroll_edge.data.chirps import WORDS, ChirpConfig
from eggroll_edge.data.dataset import EventDataset
from eggroll_edge.data.loading import open_dataset
from eggroll_edge.data.stream import unpack_stream
from eggroll_edge.errors import ConfigError
from eggroll_edge.training.config import TrainConfig
from eggroll_edge.training.run import train

TICKS = 20
CLEAN = "chirps:noise=0,drop=0,pitch=0,stretch=0,tempo=0,warp=0,loudness=0,width=0.01,events=200"


def pictures(data: EventDataset) -> np.ndarray[Any, Any]:
    """uint8 [n, ticks, channels]."""
    tick, index = unpack_stream(data.streams)
    out = np.zeros((len(data) * data.ticks, data.n_in), np.uint8)
    out[tick, index] = 1
    return out.reshape(len(data), data.ticks, data.n_in)


def test_a_word_glides_as_its_class_says() -> None:
    data = open_dataset(CLEAN, "train", Binning(ticks=TICKS), limit=200)
    channel = np.arange(data.n_in)
    for picture, label in zip(pictures(data).astype(float), data.labels, strict=True):
        for half, way in ((slice(0, 32), label // 4), (slice(32, 64), label % 4)):
            mass = picture[:, half]
            centre = (mass * channel[half]).sum(axis=1) / mass.sum(axis=1)
            first, middle, last = centre[0], centre[TICKS // 2], centre[-1]
            assert [
                last > first + 8,
                last < first - 8,
                middle > max(first, last) + 8,
                middle < min(first, last) - 8,
            ] == [way == k for k in range(4)]


def test_sums_over_time_say_nothing_and_time_says_all() -> None:
    """Nearest mean of the class, on summed and on binned counts of clean words."""
    train_set = open_dataset(CLEAN, "train", Binning(ticks=TICKS), limit=2000)
    test_set = open_dataset(CLEAN, "test", Binning(ticks=TICKS), limit=500)
    score = {}
    for name, axis in (("summed", True), ("binned", False)):
        x, y = (pictures(d).astype(float) for d in (train_set, test_set))
        if axis:
            x, y = x.sum(axis=1), y.sum(axis=1)
        x, y = x.reshape(len(x), -1), y.reshape(len(y), -1)
        means = np.stack([x[train_set.labels == k].mean(axis=0) for k in range(WORDS)])
        nearest = ((y[:, None] - means) ** 2).sum(axis=2).argmin(axis=1)
        score[name] = float((nearest == test_set.labels).mean())
    assert score["summed"] < 0.2  # chance is 1/16
    assert score["binned"] > 0.98


def test_a_word_does_not_depend_on_how_many_are_made() -> None:
    binning = Binning(ticks=TICKS)
    whole = open_dataset("chirps", "train", binning, limit=700)
    part = open_dataset("chirps", "train", binning, skip_first=500, limit=100)
    assert part.ids.tolist() == list(range(500, 600))
    for k in range(100):
        assert part[k].tobytes() == whole[500 + k].tobytes()
    assert part.labels.tolist() == whole.labels[500:600].tolist()
    other = open_dataset("chirps", "train", binning, limit=100, seed=1)
    test = open_dataset("chirps", "test", binning, limit=100)
    assert len({d.digest for d in (other, test, whole.subset(slice(0, 100)))}) == 3
    assert (whole.n_in, whole.n_classes, whole.binning.polarity) == (64, 16, "merged")
    assert len(open_dataset("chirps", "all", binning, limit=50)) == 50


def test_difficulty_is_part_of_the_spec() -> None:
    wide = open_dataset("chirps:channels=128,noise=100,drop=1", "test", Binning(), limit=300)
    assert wide.n_in == 128
    assert 85 < wide.info()["events_per_sample"] < 105  # noise alone; a few fall together
    for spec, message in (
        ("chirps:nois=3", "'nois' is unknown"),
        ("chirps:noise=x", "not NAME=NUMBER"),
        ("chirps:channels=3", "channels is 3"),
    ):
        with pytest.raises(ConfigError, match=message):
            open_dataset(spec, "test")
    with pytest.raises(ConfigError, match="no saccades"):
        open_dataset("chirps", "test", Binning(stabilize=True))
    assert ChirpConfig.parse("") == ChirpConfig()
    assert TrainConfig(data="chirps:channels=32").binning().n_in == 32


def test_a_spiking_net_learns_the_order(tmp_path: Path) -> None:
    """Short; the preset's full run is in results/chirps-sample.json. Chance is 6.25 %."""
    easy = "chirps:noise=4,drop=0,pitch=0.03,tempo=0.1,warp=0.1,events=90"
    config = TrainConfig(
        data=easy, estimator="sample", ticks=TICKS, hidden=(64,), leak_shift=3, threshold=300,
        sigma=30.0, lr=30.0, penalty_bits=0.0, pairs=24, generations=900,
    )  # fmt: skip
    result = train(config, tmp_path / "run", workers=2)
    assert result.test_accuracy is not None
    assert result.test_accuracy > 55
