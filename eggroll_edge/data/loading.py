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
    """Open a dataset, from the cache where it has been opened before.

    spec: the name of a dataset, if need be with an argument ("digits", "chirps:noise=40,drop=0.3",
    "idx:DIR"; the documentation lists all), or a folder of N-MNIST recordings.
    split: "train", "test", or "all": the training split, then the test split.
    binning: how recordings become ticks. Sensor size and window are those of the dataset, except
    for recordings of N-MNIST's camera, real or simulated.
    skip_first: leave out this many recordings at the front of the training split.
    seed: of simulated and synthetic recordings; real ones do not depend on it.
    limit: at most this many recordings, from the front.
    workers: threads or processes that decode or simulate; the result does not depend on it.
    progress: called as progress(recordings done, recordings in all), unless the cache has them.
    simulator: parameters of the simulated camera, by default the calibrated ones.

    ConfigError for an argument out of range; DataError if the dataset is missing or damaged;
    CacheError if the cache cannot be written.
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
