"""A dataset: the streams of all its recordings, end to end."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from eggroll_edge.core.arrays import I64, U8, U64
from eggroll_edge.core.config import NetConfig
from eggroll_edge.core.recordings import Recordings
from eggroll_edge.data.binning import Binning
from eggroll_edge.data.stream import unpack_stream
from eggroll_edge.errors import DataError


@dataclass(frozen=True, eq=False)
class EventDataset:
    """n labelled recordings, in RAM or memory-mapped.

    Two datasets with the same `digest` hold the same recordings.

    Raises:
        DataError: The arrays do not fit together.
    """

    name: str
    """Name for messages and reports."""
    streams: U8
    """uint8 [bytes]: all streams end to end; may be a read-only memory map."""
    offsets: I64
    """int64 [n + 1]: recording i is streams[offsets[i]:offsets[i + 1]]."""
    labels: U8
    """uint8 [n]: class of each recording, 0..n_classes - 1."""
    n_classes: int
    """Number of classes, 1..64."""
    binning: Binning
    """How the recordings were cut into ticks."""
    ids: I64
    """int64 [n]: the origin of each recording, which is the number in the name of its file, or the
    index of its image or word in the split."""

    def __post_init__(self) -> None:
        n = len(self.labels)
        if not len(self.offsets) == n + 1 == len(self.ids) + 1:
            raise DataError(
                f"{self.name}: {n} labels need {n + 1} offsets and {n} ids, but there are "
                f"{len(self.offsets)} and {len(self.ids)}"
            )
        if self.offsets[0] != 0 or self.offsets[-1] != len(self.streams):
            raise DataError(
                f"{self.name}: offsets do not span the {len(self.streams)} bytes of the streams"
            )
        if (np.diff(self.offsets) < self.ticks).any():
            raise DataError(f"{self.name}: a stream is shorter than its {self.ticks} ends of tick")
        if n and self.labels.max() >= self.n_classes:
            raise DataError(
                f"{self.name}: label {self.labels.max()} in a set of {self.n_classes} classes"
            )

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, index: int) -> U8:
        """The stream of one recording, uint8 [bytes]."""
        return self.streams[self.offsets[index] : self.offsets[index + 1]]

    @property
    def n_in(self) -> int:
        """Inputs of a net that runs these recordings."""
        return self.binning.n_in

    @property
    def shape(self) -> tuple[int, int, int]:
        """Channels, rows and columns of the inputs."""
        return self.binning.shape

    @property
    def ticks(self) -> int:
        """Ticks of every recording."""
        return self.binning.ticks

    @cached_property
    def digest(self) -> str:
        """SHA-256 (hex) of binning, labels, offsets and streams, but not of name and ids."""
        sha = hashlib.sha256(json.dumps(asdict(self.binning), sort_keys=True).encode())
        for array in (self.labels, self.offsets.astype("<i8"), self.streams):
            sha.update(np.ascontiguousarray(array).data)
        return sha.hexdigest()

    def subset(self, which: slice | npt.ArrayLike) -> EventDataset:
        """Copy some of the recordings.

        Args:
            which: A slice, indices, or a mask [n] of booleans.

        Returns:
            A dataset of these recordings, in RAM.
        """
        indices = np.arange(len(self))[which if isinstance(which, slice) else np.asarray(which)]
        sizes = np.diff(self.offsets)[indices]
        offsets = np.concatenate(([0], np.cumsum(sizes)))
        streams = np.empty(offsets[-1], np.uint8)
        for at, index in enumerate(indices):
            streams[offsets[at] : offsets[at + 1]] = self[index]
        return replace(
            self,
            streams=streams,
            offsets=offsets,
            labels=self.labels[indices],
            ids=self.ids[indices],
        )

    def info(self) -> dict[str, Any]:
        """Sizes and counts, ready for JSON: recordings, bytes, events in each tick, classes."""
        per_tick = np.zeros(self.ticks, np.int64)
        for first in range(0, len(self), 512):  # unpacking takes some 30 bytes of memory per event
            last = min(first + 512, len(self))
            tick, _ = unpack_stream(self.streams[self.offsets[first] : self.offsets[last]])
            per_tick += np.bincount(tick % self.ticks, minlength=self.ticks)
        n = max(1, len(self))
        return {
            "name": self.name,
            "samples": len(self),
            "n_in": self.n_in,
            "ticks": self.ticks,
            "bytes": len(self.streams),
            "bytes_per_sample": len(self.streams) / n,
            "events_per_sample": float(per_tick.sum()) / n,
            "events_per_tick": (per_tick / n).tolist(),
            "class_counts": np.bincount(self.labels, minlength=self.n_classes).tolist(),
            "digest": self.digest,
        }


def joined(first: EventDataset, second: EventDataset) -> EventDataset:
    """The recordings of two datasets with the same binning, in RAM."""
    return EventDataset(
        f"{first.name}+{second.name}",
        np.concatenate((first.streams, second.streams)),
        np.concatenate((first.offsets, second.offsets[1:] + first.offsets[-1])),
        np.concatenate((first.labels, second.labels)),
        max(first.n_classes, second.n_classes),
        first.binning,
        np.concatenate((first.ids, second.ids)),
    )


def fixed_shuffle(n: int) -> I64:
    """A permutation of range(n), made by a hash so that it is the same in every library version."""
    keys: U64 = np.arange(1, n + 1, dtype=np.uint64)
    keys *= np.uint64(0x9E3779B97F4A7C15)
    keys ^= keys >> np.uint64(29)
    keys *= np.uint64(0xBF58476D1CE4E5B9)
    return np.argsort(keys, kind="stable")


def recordings_for(dataset: EventDataset, net: NetConfig) -> Recordings:
    """The recordings of a dataset, checked against a net; DataError if they do not fit it."""
    if dataset.ticks != net.ticks or dataset.n_in != net.inputs:
        raise DataError(
            f"{dataset.name} has {dataset.n_in} inputs and {dataset.ticks} ticks, the net "
            f"{net.inputs} and {net.ticks}: open the data with the binning of the net"
        )
    recordings = Recordings(dataset.streams, dataset.offsets, dataset.labels)
    recordings.check(net, dataset.name)
    return recordings
