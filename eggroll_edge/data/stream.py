"""The stream of a recording, encoded and decoded."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from eggroll_edge.data.binning import I64, U8, Binning
from eggroll_edge.errors import DataError


def unpack_stream(stream: npt.NDArray[np.uint8]) -> tuple[I64, I64]:
    """(tick, input index) of every event of a stream, or of many streams laid end to end.

    The tick counts on over the streams: with T ticks a recording, recording = tick // T.
    """
    end = stream == 0
    jump = stream.astype(np.int64)
    jump[stream == 255] = 254
    total = np.cumsum(jump)
    base = np.maximum.accumulate(np.where(end, total, 0))  # total at the latest end of tick
    event = ~end & (stream != 255)
    tick = np.cumsum(end)
    return tick[event], (total - base - 1)[event]


def check_stream(stream: npt.NDArray[np.uint8], ticks: int, n_in: int, where: str = "") -> None:
    """DataError unless `stream` is one recording of `ticks` ticks whose inputs are below `n_in`."""
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
            f"{prefix}event {at} (tick {tick[at]}) is input {index[at]}, but there are {n_in}:"
            " the stream was made with another binning"
        )


def decode_stream(stream: npt.NDArray[np.uint8], ticks: int) -> list[I64]:
    """For each tick, the ascending input indices that fired."""
    check_stream(stream, ticks, np.iinfo(np.int64).max)
    tick, index = unpack_stream(stream)
    return np.split(index, np.searchsorted(tick, np.arange(1, ticks)))


def to_frames(stream: npt.NDArray[np.uint8], binning: Binning) -> U8:
    """The stream as pictures: uint8 [ticks, channels, rows, columns] of 0 and 1."""
    check_stream(stream, binning.ticks, binning.n_in)
    frames = np.zeros((binning.ticks, binning.n_in), np.uint8)
    frames[unpack_stream(stream)] = 1
    return frames.reshape(binning.ticks, *binning.shape)
