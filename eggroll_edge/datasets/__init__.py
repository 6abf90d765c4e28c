"""Datasets of sample streams: recordings, images seen by a simulated camera, words of tones."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Literal

import numpy as np

from eggroll_edge.chirps import CLASSES as WORDS
from eggroll_edge.chirps import ChirpConfig, chirp_streams
from eggroll_edge.datasets import cache, fetched, images, nmnist
from eggroll_edge.errors import ConfigError, DataError
from eggroll_edge.events import I64, U8, Binning, EventDataset
from eggroll_edge.saccade import SaccadeConfig, simulate_streams
from eggroll_edge.sources import FETCHED, fit, split_spec

__all__ = ["Progress", "Split", "from_images", "open_dataset"]

Split = Literal["train", "test", "all"]
Progress = Callable[[int, int], None]
"""Called as progress(samples done, samples in all), while a cache file is made."""

CLASSES = 10
CHIRPS = {"train": 10_000, "test": 2_000}
"""Words in each split."""


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
    binning = fit(spec, binning or Binning())
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
    """Simulated recordings, in RAM, of your own images: uint8 [n, h, w], labels uint8 [n]."""
    binning = binning or Binning()
    lots = simulate_streams(
        pictures, binning, simulator or SaccadeConfig(), seed=seed, workers=workers
    )
    parts = list(lots)
    sizes = np.concatenate([np.zeros(1, np.int64)] + [np.diff(starts) for _, starts in parts])
    streams = np.concatenate([part for part, _ in parts] or [np.zeros(0, np.uint8)])
    classes = int(labels.max()) + 1 if len(labels) else 1
    ids = np.arange(len(labels), dtype=np.int64)
    return EventDataset(name, streams, np.cumsum(sizes), labels, classes, binning, ids)


def _open_images(
    spec: str,
    split: str,
    binning: Binning,
    config: SaccadeConfig,
    seed: int,
    skip_first: int,
    limit: int | None,
    workers: int,
    progress: Progress | None,
) -> EventDataset:
    if spec == "digits":
        pictures, labels = images.load_digits(split)
    else:
        pictures, labels = images.load_idx(Path(spec[4:]).expanduser(), split)
    chosen = _chosen(len(labels), skip_first if split == "train" else 0, limit, spec)
    pictures, labels = pictures[chosen], labels[chosen]
    name = "digits" if spec == "digits" else Path(spec[4:]).name
    parts = {
        "images": hashlib.sha256(np.ascontiguousarray(pictures).data).hexdigest(),
        "labels": hashlib.sha256(np.ascontiguousarray(labels).data).hexdigest(),
        "first": chosen.start,
        "split": split,
        "seed": seed,
        "simulator": asdict(config),
        "binning": asdict(binning),
    }

    def make(path: Path) -> None:
        # Train and test images of one index must not share their noise.
        lots = simulate_streams(
            pictures,
            binning,
            config,
            seed=2 * seed + (split == "test"),
            first_index=chosen.start,
            workers=workers,
        )
        ids = np.arange(chosen.start, chosen.stop, dtype=np.int64)
        cache.write_cache(
            path,
            _counted(lots, len(labels), progress),
            labels,
            ids,
            name=f"{name}-{split}",
            n_classes=max(CLASSES, int(labels.max()) + 1),
            binning=binning,
        )

    return cache.through_cache(cache.cache_path(f"{name}-{split}", parts), make)


def _open_recordings(
    spec: str,
    split: Split,
    binning: Binning,
    skip_first: int,
    limit: int | None,
    workers: int,
    progress: Progress | None,
) -> EventDataset:
    root = nmnist.fetch(split) if spec == "nmnist" else Path(spec).expanduser()
    files, labels, ids = nmnist.list_folder(root, split)
    chosen = _chosen(len(files), 0 if split == "test" else skip_first, limit, spec)
    files, labels, ids = files[chosen], labels[chosen], ids[chosen]
    sha = hashlib.sha256()
    for file in files:  # size and time of change stand for the content: reading it all takes long
        stat = file.stat()
        sha.update(f"{file.relative_to(root)} {stat.st_size} {stat.st_mtime_ns}\n".encode())
    parts = {"files": sha.hexdigest(), "root": str(root.resolve()), "binning": asdict(binning)}

    def make(path: Path) -> None:
        cache.write_cache(
            path,
            _counted(nmnist.bin_files(files, binning, workers), len(files), progress),
            labels,
            ids,
            name=f"{root.name}-{split}",
            n_classes=CLASSES,
            binning=binning,
        )

    return cache.through_cache(cache.cache_path(f"{root.name}-{split}", parts), make)


def _open_chirps(
    config: ChirpConfig,
    split: str,
    binning: Binning,
    seed: int,
    skip_first: int,
    limit: int | None,
    progress: Progress | None,
) -> EventDataset:
    chosen = _chosen(CHIRPS[split], skip_first if split == "train" else 0, limit, "chirps")
    labels = np.zeros(chosen.stop - chosen.start, np.uint8)
    parts = {
        "chirps": asdict(config), "split": split, "seed": seed, "first": chosen.start,
        "last": chosen.stop, "binning": asdict(binning),
    }  # fmt: skip

    def make(path: Path) -> None:
        def lots() -> Iterator[tuple[U8, I64]]:
            part = int(split == "test")
            for streams, starts, classes, ids in chirp_streams(config, binning, chosen, seed, part):
                labels[ids - chosen.start] = classes
                yield streams, starts

        cache.write_cache(
            path, _counted(lots(), len(labels), progress), labels,
            np.arange(chosen.start, chosen.stop, dtype=np.int64),
            name=f"chirps-{split}", n_classes=WORDS, binning=binning,
        )  # fmt: skip

    return cache.through_cache(cache.cache_path(f"chirps-{split}", parts), make)


def _open_fetched(
    name: str,
    home: str,
    split: str,
    binning: Binning,
    skip_first: int,
    limit: int | None,
    progress: Progress | None,
) -> EventDataset:
    made = fetched.open_fetched(name, home, split)
    chosen = _chosen(len(made.order), skip_first if split == "train" else 0, limit, name)
    labels = np.zeros(chosen.stop - chosen.start, np.uint8)
    parts = {
        "source": name, "files": _stamp(made.files), "split": split, "first": chosen.start,
        "last": chosen.stop, "binning": asdict(binning),
    }  # fmt: skip

    def make(path: Path) -> None:
        lots = fetched.fetched_streams(name, made, chosen, binning, labels)
        cache.write_cache(
            path, _counted(lots, len(labels), progress), labels, made.order[chosen],
            name=f"{name}-{split}", n_classes=FETCHED[name].classes, binning=binning,
        )  # fmt: skip

    return cache.through_cache(cache.cache_path(f"{name}-{split}", parts), make)


def _stamp(files: Sequence[Path]) -> str:
    """Name, size and time of change stand for the content: reading it all takes long."""
    sha = hashlib.sha256()
    for file in files:
        stat = file.stat()
        sha.update(f"{file} {stat.st_size} {stat.st_mtime_ns}\n".encode())
    return sha.hexdigest()


def _chosen(n: int, skip: int, limit: int | None, spec: str) -> slice:
    if skip >= n:
        raise DataError(f"{spec}: skip_first {skip} leaves nothing of {n} samples; use less")
    return slice(skip, n if limit is None else min(n, skip + limit))


def _counted(lots: cache.Lots, total: int, progress: Progress | None) -> Iterator[tuple[U8, I64]]:
    done = 0
    for streams, starts in lots:
        yield streams, starts
        done += len(starts) - 1
        if progress:
            progress(done, total)


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
