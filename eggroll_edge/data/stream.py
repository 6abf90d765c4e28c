"""Decoding a stream, the bytes of one recording; binning.py describes and encodes it."""

from __future__ import annotations

import numpy as np

from eggroll_edge.core.arrays import I64, U8
from eggroll_edge.data.binning import Binning
from eggroll_edge.errors import DataError


def unpack_stream(stream: U8) -> tuple[I64, I64]:
    """(tick, input index) of every event of a stream, or of many streams laid end to end.

    Both are int64 [events]. The tick counts on from stream to stream: with T ticks in each, an
    event belongs to recording tick // T. The stream is not checked.
    """
    end = stream == 0
    jump = stream.astype(np.int64)
    jump[stream == 255] = 254
    total = np.cumsum(jump)
    base = np.maximum.accumulate(np.where(end, total, 0))  # total at the latest end of a tick
    event = ~end & (stream != 255)
    tick = np.cumsum(end)
    return tick[event], (total - base - 1)[event]


def check_stream(stream: U8, ticks: int, n_in: int, where: str = "") -> None:
    """DataError unless `stream` is one recording of `ticks` ticks with inputs below `n_in`.

    where: names the recording in the message.
    """
    prefix = f"{where}: " if where else ""
    zeros = int(np.count_nonzero(stream == 0))
    if zeros != ticks:
        raise DataError(f"{prefix}stream has {zeros} ends of tick, {ticks} expected: it is torn")
    if stream[-1] != 0:
        raise DataError(f"{prefix}stream goes on after its last tick: it is torn")
    tick, index = unpack_stream(stream)
    if index.size and index.max() >= n_in:
        at = int(np.flatnonzero(index >= n_in)[0])
        raise DataError(
            f"{prefix}event {at} (tick {tick[at]}) is input {index[at]}, but there are {n_in}"
            " inputs: the stream was made with another binning"
        )


def decode_stream(stream: U8, ticks: int) -> list[I64]:
    """For each tick, the indices of the inputs that fired, ascending; DataError if it is torn."""
    check_stream(stream, ticks, np.iinfo(np.int64).max)
    tick, index = unpack_stream(stream)
    return np.split(index, np.searchsorted(tick, np.arange(1, ticks)))


def to_frames(stream: U8, binning: Binning) -> U8:
    """The stream as pictures: uint8 [ticks, channels, rows, columns] of 0 and 1.

    DataError if the stream was not made with this binning.
    """
    check_stream(stream, binning.ticks, binning.n_in)
    frames = np.zeros((binning.ticks, binning.n_in), np.uint8)
    frames[unpack_stream(stream)] = 1
    return frames.reshape(binning.ticks, *binning.shape)
