"""Augmentation: training recordings shifted by whole pixels, drawn anew each epoch."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from eggroll_edge._core import lib
from eggroll_edge.core import U32, Samples
from eggroll_edge.events import I64, EventDataset, _encode, unpack_stream

_SHIFT_RANK = 1  # the epoch's order has rank 0 of the same stream


def _words(seed: int, epoch: int, index: U32) -> U32:
    """A random word a sample: runtime_c/DESIGN.md, section 2."""
    key = lib.egg_rng_key(seed, epoch, 0, 0, lib.EGG_STREAM_SHUFFLE, _SHIFT_RANK)
    x: U32 = index * np.uint32(key.k0 | 1) + np.uint32(key.k1)
    x ^= x >> np.uint32(16)
    x *= np.uint32(0x7FEB352D)
    x ^= x >> np.uint32(15)
    x *= np.uint32(0x846CA68B)
    x ^= x >> np.uint32(16)
    return x


def draw_shifts(seed: int, epochs: I64, index: U32, most: int) -> tuple[I64, I64]:
    """(dy, dx) of each sample, in -most..most: a function of seed, epoch and sample."""
    words = np.empty(len(index), np.uint32)
    for epoch in np.unique(epochs):
        now = epochs == epoch
        words[now] = _words(seed, int(epoch), index[now])
    low, high = (
        (words & np.uint32(0xFFFF)).astype(np.int64),
        (words >> np.uint32(16)).astype(np.int64),
    )
    return (low * (2 * most + 1) >> 16) - most, (high * (2 * most + 1) >> 16) - most


def shifted(dataset: EventDataset, index: U32, epochs: I64, seed: int, most: int) -> Samples:
    """dataset[index], each recording moved by its draw_shifts(); events that leave are dropped.

    A pixel is one of the binning's, after pooling.
    """
    streams = np.concatenate([dataset[int(i)] for i in index])
    tick, event = unpack_stream(streams)
    _, rows, columns = dataset.binning.shape
    down, right = draw_shifts(seed, epochs, index, most)
    owner = tick // dataset.ticks
    y = event // columns % rows + down[owner]
    x = event % columns + right[owner]
    kept = (y >= 0) & (y < rows) & (x >= 0) & (x < columns)
    hits: npt.NDArray[np.int64] = tick * dataset.n_in + event + down[owner] * columns + right[owner]
    moved, offsets = _encode(hits[kept], len(index), dataset.ticks, dataset.n_in)
    return Samples(moved, offsets, dataset.labels[index])
