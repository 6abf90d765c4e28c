"""How a dataset is opened: what the file of a dataset provides, and what all datasets share.

Each dataset is one file of this package. The file defines a Source, and sources.py lists it. From
that list come `open_dataset`, the checks of a name, help texts, and the table in the documentation.
Such a file has this outline:

    def _open(request: Request) -> EventDataset:
        events, labels = ...
        chosen = request.chosen(len(labels))
        ...
        return open_cached(request, "mine", key, ids, n_classes=10, chunks=chunks)

    MINE = Source(
        name="mine", usage="mine:DIR", note="my sensor", about="...", needs="nothing",
        open=per_split(_open), sensor=lambda _: Sensor(10, 64, 64, 500_000),
    )

Heavy libraries (scikit-learn, tonic, scipy) are imported inside the functions that need them: the
names, sensors and help texts of all datasets must be cheap to import.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from eggroll_edge.core.arrays import I64
from eggroll_edge.data import cache
from eggroll_edge.data.binning import Binning
from eggroll_edge.data.cache import Chunk, Progress
from eggroll_edge.data.dataset import EventDataset, joined
from eggroll_edge.errors import DataError

if TYPE_CHECKING:
    from eggroll_edge.data.event_camera import SaccadeConfig

Split = Literal["train", "test", "all"]


@dataclass(frozen=True)
class Sensor:
    """What the recordings of a dataset look like, known before any is opened."""

    classes: int
    """Classes, 1..64."""
    height: int
    """Rows, 1..1024."""
    width: int
    """Columns, 1..1024."""
    window_us: int
    """Microseconds of a recording that count; later events are dropped."""
    polarities: int = 2
    """2 or 1. With 1, events carry no polarity and make one channel."""


@dataclass(frozen=True, kw_only=True)
class Request:
    """The checked arguments of open_dataset()."""

    spec: str
    """The dataset as the user wrote it, for messages: "chirps:noise=9"."""
    argument: str
    """The part behind the colon: "noise=9"."""
    split: Split
    binning: Binning
    """Already adapted to the dataset's sensor."""
    skip_first: int
    limit: int | None
    seed: int
    workers: int
    progress: Progress | None
    simulator: SaccadeConfig | None

    def chosen(self, n: int) -> slice:
        """The wanted part of a split with n recordings; DataError if nothing is left.

        skip_first is ignored for the test split.
        """
        skip = 0 if self.split == "test" else self.skip_first
        if skip >= n:
            raise DataError(
                f"{self.spec}: skip_first {skip} leaves nothing of {n} recordings; use less"
            )
        return slice(skip, n if self.limit is None else min(n, skip + self.limit))


@dataclass(frozen=True, kw_only=True)
class Source:
    """A kind of dataset that open_dataset() knows."""

    name: str
    """The word before the colon of a spec."""
    usage: str
    """How to write it: "idx:DIR"."""
    note: str
    """A few words for the help of --data."""
    about: str
    """What it is, in Markdown, for the table in the documentation."""
    needs: str
    """What opening it requires, in Markdown, for the same table."""
    open: Callable[[Request], EventDataset]
    """Opens a split, from the cache if it has been opened before."""
    sensor: Callable[[str], Sensor | None] = lambda argument: None
    """Takes the part behind the colon and returns the sensor; ConfigError if that part is faulty.
    If it returns None, the recordings are those of N-MNIST's camera, and the size of the sensor and
    the window are those of the user's binning."""


def per_split(
    open_split: Callable[[Request], EventDataset],
) -> Callable[[Request], EventDataset]:
    """Extend an opener of the splits "train" and "test" to the split "all"."""

    def open_any(request: Request) -> EventDataset:
        if request.split != "all":
            return open_split(request)
        train = open_split(replace(request, split="train"))
        both = joined(train, open_split(replace(request, split="test")))
        return both if request.limit is None else both.subset(slice(0, request.limit))

    return open_any


def open_cached(
    request: Request,
    name: str,
    key: dict[str, Any],
    ids: I64,
    *,
    n_classes: int,
    chunks: Iterable[Chunk],
) -> EventDataset:
    """The wanted recordings from their cache file, which is made from `chunks` if it is missing.

    name: the name of the dataset, without its split. key: JSON values that determine, together with
    the binning, the bytes of all streams and labels. ids int64 [n]: as in EventDataset. chunks: all
    n recordings in order; a generator is not started if the cache file exists.
    """
    name, binning = f"{name}-{request.split}", request.binning

    def build(path: Path) -> None:
        cache.write_cache(
            path, cache.counted(chunks, len(ids), request.progress), ids,
            name=name, n_classes=n_classes, binning=binning,
        )  # fmt: skip

    path = cache.cache_path(name, {**key, "binning": asdict(binning)})
    return cache.load_or_build(path, build)
