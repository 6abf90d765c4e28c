"""The training and the test split of a run."""

from __future__ import annotations

from collections.abc import Callable

from eggroll_edge.core.workers import worker_count
from eggroll_edge.data.cache import Progress
from eggroll_edge.data.dataset import EventDataset
from eggroll_edge.data.loading import open_dataset
from eggroll_edge.data.sources import Split
from eggroll_edge.errors import ConfigError
from eggroll_edge.training.config import TrainConfig

SPLITS: tuple[Split, ...] = ("train", "test")


def open_both(
    config: TrainConfig, counting: Callable[[str], Progress], workers: int | None
) -> tuple[EventDataset, EventDataset]:
    """The training and the test split of a run, as train() opens them, but with a count."""
    train, test = (
        open_split(config, split, worker_count(workers), counting(f"decoding {spec}, {split}"))
        for spec, split in zip((config.data, config.test_data or config.data), SPLITS, strict=True)
    )
    return train, test


def open_split(
    config: TrainConfig,
    split: str,
    threads: int = 2,
    progress: Progress | None = None,
) -> EventDataset:
    """The split "train", "test" or "all" that a config names; progress(done, total) on the way."""
    if split not in ("train", "test", "all"):
        raise ConfigError(f"split is {split!r}: use train, test or all")
    spec = config.test_data if split == "test" and config.test_data else config.data
    return open_dataset(
        spec,
        split,  # type: ignore[arg-type]  # checked above
        config.binning(),
        skip_first=0 if split == "test" else config.skip_first,
        workers=threads,
        progress=progress,
    )
