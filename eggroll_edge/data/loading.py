"""Opening a dataset by its spec."""

from __future__ import annotations

from eggroll_edge.data.binning import Binning
from eggroll_edge.data.cache import Progress
from eggroll_edge.data.dataset import EventDataset
from eggroll_edge.data.event_camera import SaccadeConfig
from eggroll_edge.data.opening import Request, Split
from eggroll_edge.data.sources import adapt_binning, find_source
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
    """Open one split of a dataset.

    The first call decodes or simulates the recordings and writes them to the cache; later calls
    memory-map the cache file.

    Args:
        spec: The name of a dataset, with an argument if it takes one: "digits",
            "chirps:noise=40,drop=0.3", "idx:DIR" (the page "Data and file formats" lists all). Or
            the path of a folder of N-MNIST recordings.
        split: "train", "test", or "all", which is the training split followed by the test split.
        binning: How recordings are cut into ticks. For recordings of N-MNIST's camera, real or
            simulated, it also gives the size of the sensor and the time window; all other datasets
            bring their sizes and windows.
        skip_first: Number of recordings to leave out at the front of the training split.
        seed: Seed of simulated and synthetic recordings, 0 or more. Real ones do not depend on it.
        limit: Largest number of recordings to open, counted from the front; 1 or more.
        workers: Threads or processes that decode or simulate. The result does not depend on it.
        progress: Called as `progress(done, total)`, in recordings, while the cache file is made.
        simulator: Parameters of the simulated camera. None takes the calibrated ones.

    Returns:
        The recordings. Their streams are memory-mapped, except those of the split "all" of some
        datasets, which are in RAM.

    Raises:
        ConfigError: An argument is out of range.
        DataError: The dataset is unknown, missing or damaged.
        CacheError: The cache file cannot be written.
    """
    if split not in ("train", "test", "all"):
        raise ConfigError(f"split is {split!r}: use train, test or all")
    if skip_first < 0 or seed < 0 or (limit is not None and limit < 1):
        raise ConfigError(
            f"skip_first is {skip_first}, seed {seed} and limit {limit}: use 0 or more for "
            "skip_first and seed, and 1 or more for limit"
        )
    source, argument = find_source(spec)
    request = Request(
        spec=spec,
        argument=argument,
        split=split,
        binning=adapt_binning(spec, binning or Binning()),
        skip_first=skip_first,
        limit=limit,
        seed=seed,
        workers=workers,
        progress=progress,
        simulator=simulator,
    )
    return source.open(request)
