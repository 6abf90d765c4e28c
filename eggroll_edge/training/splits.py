"""Opening the training and the test split of a run."""

from __future__ import annotations

from collections.abc import Callable
from typing import cast

from eggroll_edge.core.workers import worker_count
from eggroll_edge.data.cache import Progress
from eggroll_edge.data.dataset import EventDataset
from eggroll_edge.data.loading import open_dataset
from eggroll_edge.data.sources import Split
from eggroll_edge.training.config import TrainConfig

SPLITS: tuple[Split, ...] = ("train", "test")
"""The splits that a dataset has; "all" is both of them."""


def open_both(
    config: TrainConfig, counting: Callable[[str], Progress], workers: int | None
) -> tuple[EventDataset, EventDataset]:
    """(training split, test split) of a run.

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
