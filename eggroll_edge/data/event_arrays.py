"""Recordings that come one by one as structured arrays of events, as tonic's datasets give them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from eggroll_edge.core.arrays import I64
from eggroll_edge.data.binning import Binning, Events, bin_many
from eggroll_edge.data.cache import Chunk, stamp
from eggroll_edge.data.dataset import EventDataset
from eggroll_edge.data.opening import Request, Sensor, open_cached
from eggroll_edge.errors import DataError

CHUNK = 16
"""Recordings in memory at once. One of DVS Gesture has some 400,000 events."""


class EventArrays(Protocol):
    """A sequence of recordings. Each is a tuple (events, class).

    The events are a structured array with the fields x, t (microseconds), p and perhaps y.
    """

    def __len__(self) -> int: ...

    def __getitem__(self, index: int, /) -> tuple[Any, Any]: ...


@dataclass(frozen=True)
class Collection:
    """A split of a dataset whose recordings have not been read yet."""

    recordings: EventArrays
    order: I64
    """Indices of the split's recordings, in a fixed shuffle, so that each prefix has all
    classes."""
    files: list[Path]
    """The files that hold the recordings."""


def open_collection(
    request: Request,
    name: str,
    sensor: Sensor,
    collection: Collection,
    *,
    shrink: int = 0,
    zero_time: bool = False,
) -> EventDataset:
    """The wanted recordings of a collection.

    shrink: shift coordinates right by this number of bits; the sensor of the files is 2^shrink
    times as wide and as high as `sensor`. zero_time: let the time of each recording start at 0 with
    its first event.
    """
    chosen = request.chosen(len(collection.order))
    order = collection.order[chosen]
    key = {
        "source": name, "files": stamp(collection.files), "split": request.split,
        "first": chosen.start, "last": chosen.stop,
    }  # fmt: skip

    def read(index: int) -> tuple[Events, int]:
        raw, label = collection.recordings[index]
        if not 0 <= int(label) < sensor.classes:
            raise DataError(
                f"{name}: recording {index} has the class {label}, outside 0..{sensor.classes - 1};"
                " the files are not of this dataset, or they are damaged"
            )
        t = raw["t"] - raw["t"].min() if zero_time and len(raw) else raw["t"]
        y = raw["y"] if "y" in raw.dtype.names else np.zeros(len(raw), np.int64)
        return Events(raw["x"] >> shrink, y >> shrink, t, raw["p"]), int(label)

    def chunks(binning: Binning) -> Iterator[Chunk]:
        for at in range(0, len(order), CHUNK):
            parts, labels = zip(*(read(int(i)) for i in order[at : at + CHUNK]), strict=True)
            starts = np.cumsum([0, *(len(one.t) for one in parts)])
            events = Events(*(np.concatenate(columns) for columns in zip(*parts, strict=True)))
            yield Chunk(*bin_many(events, starts, binning), np.array(labels, np.uint8))

    return open_cached(
        request, name, key, order, n_classes=sensor.classes, chunks=chunks(request.binning)
    )
