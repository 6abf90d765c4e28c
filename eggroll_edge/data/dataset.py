"""A dataset in memory: the streams of all recordings, end to end."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from eggroll_edge.core.config import NetConfig
from eggroll_edge.core.recordings import Recordings
from eggroll_edge.data.binning import I64, U8, Binning
from eggroll_edge.data.stream import unpack_stream
from eggroll_edge.errors import DataError


@dataclass(frozen=True, eq=False)
class EventDataset:
    """n labelled sample streams, in RAM or memory-mapped. Two with equal `digest` hold the same."""

    name: str
    streams: U8
    """uint8 [bytes]: all streams end to end; may be a read-only memory map."""
    offsets: I64
    """int64 [n + 1]: sample i is streams[offsets[i]:offsets[i + 1]]."""
    labels: U8
    """uint8 [n]: class of each sample, 0..n_classes - 1."""
    n_classes: int
    binning: Binning
    ids: I64
    """int64 [n]: where a sample came from: the number in a recording's file name, or the index of
    an image in its split."""

    def __post_init__(self) -> None:
        n = len(self.labels)
        if not len(self.offsets) == n + 1 == len(self.ids) + 1:
            raise DataError(
                f"{self.name}: {n} labels need {n + 1} offsets and {n} ids, but there are "
                f"{len(self.offsets)} and {len(self.ids)}"
            )
        if self.offsets[0] != 0 or self.offsets[-1] != len(self.streams):
            raise DataError(f"{self.name}: offsets do not span the {len(self.streams)} bytes")
        if (np.diff(self.offsets) < self.ticks).any():
            raise DataError(f"{self.name}: a stream is shorter than its {self.ticks} ends of tick")
        if n and self.labels.max() >= self.n_classes:
            raise DataError(
                f"{self.name}: label {self.labels.max()} in a set of {self.n_classes} classes"
            )

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, index: int) -> U8:
        """The stream of one sample."""
        return self.streams[self.offsets[index] : self.offsets[index + 1]]

    @property
    def n_in(self) -> int:
        """Inputs of a network that eats these streams."""
        return self.binning.n_in

    @property
    def ticks(self) -> int:
        """Ticks of every stream."""
        return self.binning.ticks

    @cached_property
    def digest(self) -> str:
        """SHA-256, hex, of binning, labels, offsets and streams (not of name or ids)."""
        sha = hashlib.sha256(json.dumps(asdict(self.binning), sort_keys=True).encode())
        for array in (self.labels, self.offsets.astype("<i8"), self.streams):
            sha.update(np.ascontiguousarray(array).data)
        return sha.hexdigest()

    def subset(self, which: slice | npt.ArrayLike) -> EventDataset:
        """Some of the samples, by slice, indices or mask; streams are copied."""
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
        """Figures for people and reports, ready for JSON."""
        per_tick = np.zeros(self.ticks, np.int64)
        for first in range(0, len(self), 512):  # unpacking takes some 30 bytes for each event
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


def fixed_shuffle(n: int) -> I64:
    """A permutation of range(n) that no library version can change: sorted by a mixing hash."""
    keys: npt.NDArray[np.uint64] = np.arange(1, n + 1, dtype=np.uint64)
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
