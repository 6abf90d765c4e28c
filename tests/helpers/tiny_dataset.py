"""A small dataset for tests: noisy recordings of four random patterns, one for each class."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from eggroll_edge.data.binning import Binning
from eggroll_edge.data.dataset import EventDataset
from eggroll_edge.training.config import TrainConfig

TICKS, SIDE, CLASSES = 6, 6, 4
BINNING = Binning(ticks=TICKS, height=SIDE, width=SIDE, polarity="merged")

SETTINGS: dict[str, dict[str, Any]] = {
    "sample": {
        "estimator": "sample",
        "pairs": 8,
        "batch": 16,
        "generations": 120,
        "segments": 3,
        "lr": 3.0,
        "sigma": 128.0,
        "sigma_readout": 0.2,
        "lr_readout": 1.0,
        "penalty_bits": 0.0,
    },
    "online": {
        "estimator": "sample",
        "online": True,
        "pairs": 8,
        "generations": 1500,
        "segments": 3,
        "lr": 0.2,
        "sigma": 128.0,
        "sigma_readout": 0.2,
        "lr_readout": 0.2,
        "penalty_bits": 0.0,
    },
    "batch": {
        "estimator": "batch",
        "pairs": 64,
        "batch": 32,
        "generations": 120,
        "sigma": 8.0,
        "sigma_readout": 4.0,
        "lr": 1.0,
        "lr_readout": 1.0,
        "penalty_bits": 0.0,
    },
    "full": {
        "estimator": "full",
        "pairs": 32,
        "batch": 32,
        "generations": 80,
        "sigma": 8.0,
        "sigma_readout": 4.0,
        "lr": 1.0,
        "lr_readout": 1.0,
        "penalty_bits": 0.0,
    },
    "sweep": {
        "estimator": "sweep",
        "batch": 16,
        "generations": 120,
        "segments": 3,
        "lr": 3.0,
        "sigma": 128.0,
        "lr_readout": 3.0,
        "penalty_bits": 0.0,
    },
    "sweep-online": {
        "estimator": "sweep",
        "online": True,
        "generations": 1500,
        "segments": 3,
        "lr": 0.2,
        "sigma": 128.0,
        "lr_readout": 0.2,
        "penalty_bits": 0.0,
    },
    "eprop": {
        "estimator": "eprop",
        "batch": 16,
        "generations": 120,
        "lr": 3.0,
        "sigma": 128.0,
        "lr_readout": 3.0,
        "penalty_bits": 0.0,
    },
    "eprop-online": {
        "estimator": "eprop",
        "online": True,
        "generations": 1500,
        "lr": 0.2,
        "sigma": 128.0,
        "lr_readout": 0.2,
        "penalty_bits": 0.0,
    },
}
"""Settings with which each estimator learns the dataset within a second."""


def stream(ticks: list[list[int]]) -> bytes:
    """The stream of a recording, from the events of each tick."""
    out = bytearray()
    for events in ticks:
        index = -1
        for event in sorted(events):
            step, index = event - index, event
            out += b"\xff" * ((step - 1) // 254) + bytes([(step - 1) % 254 + 1])
        out.append(0)
    return bytes(out)


def dataset(n: int, seed: int = 0, flip: float = 0.08, side: int = SIDE) -> EventDataset:
    """n recordings. The patterns are the same for every seed; the noise is not."""
    n_in = side * side
    patterns = np.random.default_rng(99).random((CLASSES, TICKS, n_in)) < 0.25
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, CLASSES, n).astype(np.uint8)
    streams = []
    for label in labels:
        spikes = patterns[label] ^ (rng.random((TICKS, n_in)) < flip)
        streams.append(stream([np.flatnonzero(tick).tolist() for tick in spikes]))
    return EventDataset(
        name=f"synthetic-{seed}",
        streams=np.frombuffer(b"".join(streams), np.uint8),
        offsets=np.concatenate(([0], np.cumsum([len(s) for s in streams]))),
        labels=labels,
        n_classes=CLASSES,
        binning=replace(BINNING, height=side, width=side),
        ids=np.arange(n),
    )


def config(kind: str = "sample", **changes: Any) -> TrainConfig:
    """A configuration for dataset(); `kind` is a key of SETTINGS."""
    base = {
        "ticks": TICKS,
        "polarity": "merged",
        "hidden": (16,),
        "threshold": 160,
        "gain": 6,
        "init_std": 24,
    }
    both = {**base, **SETTINGS[kind], **changes}
    return TrainConfig.from_dict({"deep_threshold": both["threshold"], **both})


TRAIN, TEST = dataset(200, 1), dataset(100, 2)
