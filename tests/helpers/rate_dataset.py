"""Datasets of any size for tests: each input has an event in a tick with a given probability."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from eggroll_edge.data.binning import Binning
from eggroll_edge.data.dataset import EventDataset
from tests.helpers.tiny_dataset import stream


def dataset(rates: npt.NDArray[np.float64], n: int, seed: int) -> EventDataset:
    """n recordings. rates [classes, ticks, rows, columns]: the probabilities of events."""
    classes, ticks, rows, columns = rates.shape
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, classes, n).astype(np.uint8)
    flat = rates.reshape(classes, ticks, -1)
    streams = [
        stream([np.flatnonzero(tick).tolist() for tick in rng.random(flat.shape[1:]) < flat[label]])
        for label in labels
    ]
    return EventDataset(
        name=f"rates-{seed}",
        streams=np.frombuffer(b"".join(streams), np.uint8),
        offsets=np.concatenate(([0], np.cumsum([len(one) for one in streams]))),
        labels=labels,
        n_classes=classes,
        binning=Binning(ticks=ticks, height=rows, width=columns, polarity="merged"),
        ids=np.arange(n),
    )


def buttons(n: int, seed: int) -> EventDataset:
    """6 inputs, 3 classes, about 6 events a recording: each class has two busy inputs."""
    rates = np.full((3, 10, 6), 0.02)
    for label in range(3):
        rates[label, :, 2 * label : 2 * label + 2] = 0.25
    return dataset(rates.reshape(3, 10, 2, 3), n, seed)


def crowd(n: int, seed: int, side: int = 128) -> EventDataset:
    """side * side inputs, of which a sixth have an event in a tick; each of 3 classes is a blob."""
    y, x = np.mgrid[:side, :side] / side
    places = (np.array((0.3, 0.7, 0.5)), np.array((0.3, 0.3, 0.7)))
    blobs = [
        np.exp(-((x - left) ** 2 + (y - top) ** 2) / 0.06)
        for left, top in zip(*places, strict=True)
    ]
    return dataset(np.repeat(0.02 + 0.88 * np.array(blobs)[:, None], 8, axis=1), n, seed)


def digits_like(n: int, seed: int) -> EventDataset:
    """2312 inputs, of which about 140 have an event in a tick, as N-MNIST has; 4 classes."""
    rates = np.random.default_rng(3).random((4, 1, 34, 68)) ** 8 * 0.55
    return dataset(np.repeat(rates, 15, axis=1), n, seed)
