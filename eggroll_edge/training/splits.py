"""The recordings of a run: its training split, those set aside for validation, its test split."""

from __future__ import annotations

from collections.abc import Callable
from typing import cast

import numpy as np

from eggroll_edge.core.workers import worker_count
from eggroll_edge.data.cache import Progress
from eggroll_edge.data.dataset import EventDataset, fixed_shuffle
from eggroll_edge.data.loading import open_dataset
from eggroll_edge.data.sources import Split
from eggroll_edge.errors import ConfigError
from eggroll_edge.training.config import TrainConfig

SPLITS: tuple[Split, ...] = ("train", "test")
"""The splits that a dataset has; "all" is both of them."""


def set_aside(config: TrainConfig, data: EventDataset) -> tuple[EventDataset, EventDataset | None]:
    """(recordings to train on, recordings for validation or None) of a training split.

    The choice depends on `validation` and on the labels alone, so it is the same for every seed.
    The recordings are ordered by class, and within a class by a fixed shuffle; the chosen ones are
    spread evenly over this order. Every class thus gives its share, to within one recording. Both
    parts keep the order of the split. ConfigError if nothing would be left to train on.
    """
    n, wanted = len(data), config.validation
    if wanted == 0:
        return data, None
    if wanted >= n:
        raise ConfigError(
            f"validation is {wanted}, but {data.name} has {n} recordings to train on: set fewer "
            "aside"
        )
    shuffled = fixed_shuffle(n)
    by_class = shuffled[np.argsort(data.labels[shuffled], kind="stable")]
    chosen = np.zeros(n, bool)
    chosen[by_class[(np.arange(wanted) * n + n // 2) // wanted]] = True
    return data.subset(~chosen), data.subset(chosen)


def open_both(
    config: TrainConfig, counting: Callable[[str], Progress], workers: int | None
) -> tuple[EventDataset, EventDataset]:
    """(training split, test split) of a run. The training split includes what is set aside.

    counting(text): returns the callback that shows the progress of the work that `text` names.
    """
    specs = (config.data, config.test_data or config.data)
    train, test = (
        open_split(config, split, worker_count(workers), counting(f"decoding {spec}, {split}"))
        for split, spec in zip(SPLITS, specs, strict=True)
    )
    return train, test


def open_split(
    config: TrainConfig,
    split: str,
    threads: int = 2,
    progress: Progress | None = None,
) -> EventDataset:
    """The split "train", "test" or "all" of a run's data; ConfigError for any other name.

    threads: number of threads that decode. progress(done, total): called while they decode.
    """
    spec = config.test_data if split == "test" and config.test_data else config.data
    return open_dataset(
        spec,
        cast(Split, split),  # open_dataset() checks it
        config.binning(),
        skip_first=0 if split == "test" else config.skip_first,
        workers=threads,
        progress=progress,
    )
