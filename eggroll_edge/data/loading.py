"""Datasets of sample streams: recordings, images seen by a simulated camera, words of tones."""

from __future__ import annotations

import numpy as np

from eggroll_edge.data.binning import Binning
from eggroll_edge.data.cache import Progress
from eggroll_edge.data.chirps import _open_chirps
from eggroll_edge.data.dataset import EventDataset
from eggroll_edge.data.event_camera import SaccadeConfig
from eggroll_edge.data.images import _open_images
from eggroll_edge.data.nmnist import _open_recordings
from eggroll_edge.data.sources import FETCHED, ChirpConfig, Split, adapt_binning, split_spec
from eggroll_edge.data.tonic_sets import _open_fetched
from eggroll_edge.errors import ConfigError

__all__ = ["open_dataset"]


def open_dataset(
    spec: str,
    split: Split,
    binning: Binning | None = None,
    *,
    skip_first: int = 0,
    seed: int = 0,
    limit: int | None = None,
    workers: int = 2,
    progress: Progress | None = None,
    simulator: SaccadeConfig | None = None,
) -> EventDataset:
    """Open a dataset, from the cache where it has been opened before.

    spec: "digits" (scikit-learn's, simulated), "nmnist" (the full set, fetched through tonic),
    "idx:DIR" (MNIST-like IDX images, simulated), "chirps" or "chirps:noise=40,drop=0.3" (words of
    tones, made), "shd", "dvsgesture" (through tonic; with :DIR, from there), "stmnist:DIR", or a
    folder of N-MNIST recordings. What is no N-MNIST has its own sensor and window (sources.py).
    skip_first: leave out the first so many of the training split (of an "all", too).
    seed: the simulator's, or that of the words; real recordings do not depend on it.
    limit: at most so many samples, from the front. workers: threads.
    simulator: parameters of the simulated camera, by default the calibrated ones.
    """
    if split not in ("train", "test", "all"):
        raise ConfigError(f"split is {split!r}: use train, test or all")
    if skip_first < 0 or seed < 0 or (limit is not None and limit < 1):
        raise ConfigError(
            f"skip_first {skip_first} and seed {seed} must not be negative, limit {limit} not below"
            " 1"
        )
    binning = adapt_binning(spec, binning or Binning())
    name, rest = split_spec(spec)
    parts = ("train", "test") if split == "all" else (split,)
    if name in ("digits", "idx"):
        config = simulator or SaccadeConfig()
        sets = [
            _open_images(spec, part, binning, config, seed, skip_first, limit, workers, progress)
            for part in parts
        ]
        return _joined(sets, limit)
    if name == "chirps":
        words = ChirpConfig.parse(rest)
        return _joined(
            [_open_chirps(words, p, binning, seed, skip_first, limit, progress) for p in parts],
            limit,
        )
    if name in FETCHED:
        return _joined(
            [_open_fetched(name, rest, p, binning, skip_first, limit, progress) for p in parts],
            limit,
        )
    return _open_recordings(spec, split, binning, skip_first, limit, workers, progress)


def _joined(sets: list[EventDataset], limit: int | None) -> EventDataset:
    if len(sets) == 1:
        return sets[0]
    first, second = sets
    both = EventDataset(
        f"{first.name}+{second.name}",
        np.concatenate((first.streams, second.streams)),
        np.concatenate((first.offsets, second.offsets[1:] + first.offsets[-1])),
        np.concatenate((first.labels, second.labels)),
        max(first.n_classes, second.n_classes),
        first.binning,
        np.concatenate((first.ids, second.ids)),
    )
    return both if limit is None else both.subset(slice(0, limit))
