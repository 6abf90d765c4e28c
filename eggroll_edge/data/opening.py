"""How a dataset is opened: what its file provides, and what all of them share.

A dataset is one file of this package. It defines a Source, and sources.py lists it. All else is
made from that list: `open_dataset`, the checks of a name, help texts, and the table in the
documentation. In outline, such a file reads

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
    """2, or 1: events carry no polarity and are one channel."""


@dataclass(frozen=True, kw_only=True)
class Request:
    """What open_dataset() was asked for; its arguments have been checked."""

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
        """Which of the n recordings of this split are wanted; DataError if none is left.

        skip_first does not hold for the test split.
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
    """What must be there to open it, in Markdown, for the same table."""
    open: Callable[[Request], EventDataset]
    """Opens a split, from the cache where it has been opened before."""
    sensor: Callable[[str], Sensor | None] = lambda argument: None
    """From the part behind the colon, the sensor; ConfigError if that part has a fault. None: the
    camera of N-MNIST, whose size and window the user's binning gives."""


def per_split(
    open_split: Callable[[Request], EventDataset],
) -> Callable[[Request], EventDataset]:
    """An opener that also takes the split "all", from one that takes "train" and "test" only."""

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

    name: of the dataset, without its split. key: what, beside the binning, determines the bytes of
    all streams and labels (JSON values). ids int64 [n]: as in EventDataset. chunks: all n
    recordings in order; a generator, which is not started if the cache file is there.
    """
    name, binning = f"{name}-{request.split}", request.binning

    def build(path: Path) -> None:
        cache.write_cache(
            path, cache.counted(chunks, len(ids), request.progress), ids,
            name=name, n_classes=n_classes, binning=binning,
        )  # fmt: skip

    path = cache.cache_path(name, {**key, "binning": asdict(binning)})
    return cache.load_or_build(path, build)
