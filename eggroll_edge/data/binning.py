"""From events to a stream: how a recording is cut into ticks and encoded.

An event camera reports *events*: at time `t` (microseconds) the pixel (`x`, `y`) became brighter or
darker (`p`). A net runs in *ticks*: the recording is cut into `Binning.ticks` equal slices of time,
and within a slice an input has either fired or not.

A *stream* encodes these binary pictures as bytes. The C core, the serial link, the cache and RAM
all hold it in this form. For each tick in order, `index` starts at -1; then, byte by byte:

    1..254   index += byte; the input `index` fired
    255      index += 254; nothing fired (so that longer jumps can be written)
    0        end of the tick

A stream therefore has exactly `ticks` zero bytes, inputs ascend strictly within a tick, and an
event takes about one byte. The input of a pixel is (channel * rows + y) * columns + x.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

import numpy as np
import numpy.typing as npt

from eggroll_edge._core import ffi, lib
from eggroll_edge.core.arrays import I64, U8, i32_ptr, i64_ptr, u8_ptr, u16_ptr, u64_ptr
from eggroll_edge.errors import ConfigError, DataError

POLARITIES = ("split", "merged", "on", "off")
"""In the order of the C core's numbers."""
FIRST_SACCADE_US = 100_000

# glibc would return the memory of freed arrays to the system, and the page faults of getting it
# back make the binning 2.5 times slower. Once glibc has freed a block of this size, it keeps the
# memory of smaller ones.
np.empty(31 << 20, np.uint8)


class Events(NamedTuple):
    """Events as parallel arrays of equal length. Other integer types are converted."""

    x: npt.NDArray[Any]  # uint16: column, 0 = left
    y: npt.NDArray[Any]  # uint16: row, 0 = top
    t: npt.NDArray[Any]  # int32: microseconds since the start of the recording
    p: npt.NDArray[Any]  # uint8: polarity bit as recorded, 0 or 1

    def take(self, which: npt.NDArray[Any] | slice) -> Events:
        """The events that a mask, indices or a slice selects."""
        return Events(self.x[which], self.y[which], self.t[which], self.p[which])


@dataclass(frozen=True)
class Binning:
    """How a recording is cut into ticks. The same binning always gives the same bytes.

    Raises:
        ConfigError: A value is out of range.
    """

    ticks: int = 15
    """Number of ticks, which are equal slices of the time window; 1..32."""
    window_us: int = 315_000
    """Length of the time window in microseconds, 1..60,000,000; later events are dropped. The
    default covers N-MNIST's three saccades (movements of the camera) of 105 ms each."""
    height: int = 34
    """Rows of the sensor, 1..1024."""
    width: int = 34
    """Columns of the sensor, 1..1024."""
    pool: int = 1
    """1 keeps every pixel; 2 merges 2 x 2 pixels into one input, so 34 x 34 becomes 17 x 17."""
    polarity: Literal["split", "merged", "on", "off"] = "split"
    """split: one channel for each polarity. merged: one channel for both. on: only events with
    polarity 1 (brighter). off: only events with polarity 0 (darker)."""
    first_saccade_only: bool = False
    """Keep only events before 100 ms. The ticks still divide the whole time window; set window_us
    to 100,000 as well to spend all ticks on these events."""
    stabilize: bool = False
    """Undo the nominal motion of N-MNIST's camera: each event is shifted so that the digit stands
    still. An event that is shifted off the sensor is dropped."""

    def __post_init__(self) -> None:
        for name, low, high in (
            ("ticks", 1, lib.EGG_TICKS_MAX),
            ("window_us", 1, 60_000_000),
            ("height", 1, 1024),
            ("width", 1, 1024),
            ("pool", 1, 2),
        ):
            value = getattr(self, name)
            if not isinstance(value, int) or not low <= value <= high:
                raise ConfigError(f"binning.{name} is {value!r}: use an integer {low}..{high}")
        if self.polarity not in POLARITIES:
            raise ConfigError(
                f"binning.polarity is {self.polarity!r}: use split, merged, on or off"
            )

    @property
    def shape(self) -> tuple[int, int, int]:
        """Channels, rows and columns after pooling."""
        channels = 2 if self.polarity == "split" else 1
        return channels, -(-self.height // self.pool), -(-self.width // self.pool)

    @property
    def n_in(self) -> int:
        """Inputs of a net that runs these streams."""
        channels, rows, columns = self.shape
        return channels * rows * columns

    def native(self) -> Any:
        """A new `egg_binning *`."""
        first = self.first_saccade_only
        return ffi.new(
            "egg_binning *",
            {
                "window_us": self.window_us,
                "before_us": min(self.window_us, FIRST_SACCADE_US) if first else self.window_us,
                "height": self.height,
                "width": self.width,
                "ticks": self.ticks,
                "pool": self.pool,
                "polarity": POLARITIES.index(self.polarity),
                "stabilize": self.stabilize,
            },
        )


def _require_on_sensor(events: Events, binning: Binning) -> None:
    """DataError unless every event lies on the sensor and no time is negative."""
    for name, values, limit in (
        ("x", events.x, binning.width),
        ("y", events.y, binning.height),
        ("p", events.p, 2),
        ("t", events.t, None),
    ):
        if values.size and (values.min() < 0 or (limit is not None and values.max() >= limit)):
            bad = values < 0 if limit is None else (values < 0) | (values >= limit)
            at, last = int(np.flatnonzero(bad)[0]), limit - 1 if limit else "inf"
            raise DataError(
                f"event {at} has {name} = {values[at]}, outside 0..{last}: set "
                "the binning's height and width to those of the sensor, or mend the recording"
            )


def _column(values: npt.ArrayLike, dtype: type[np.generic]) -> npt.NDArray[Any]:
    return np.ascontiguousarray(values, dtype)


def native_events(events: Events) -> Any:
    """A new `egg_events *` that points to the arrays.

    The arrays must have exactly the types of `Events`, and must outlive the pointer.
    """
    return ffi.new(
        "egg_events *",
        {
            "x": u16_ptr(events.x),
            "y": u16_ptr(events.y),
            "t": i32_ptr(events.t),
            "p": u8_ptr(events.p),
        },
    )


def bin_many(events: Events, offsets: npt.ArrayLike, binning: Binning) -> tuple[U8, I64]:
    """Bin n recordings at once; their events need not be in order of time.

    events: the events of all recordings, one recording after the other. offsets: n + 1 integers;
    recording i is events offsets[i]:offsets[i + 1]. Returns the streams end to end, uint8 [bytes],
    and their offsets, int64 [n + 1]. DataError if an event lies outside the binning's sensor.
    """
    _require_on_sensor(events, binning)
    # Limit times to the core's int32. Events that late are after the window and dropped anyway.
    t = events.t if events.t.dtype == np.int32 else np.minimum(events.t, 2**31 - 1)
    columns = Events(
        _column(events.x, np.uint16),
        _column(events.y, np.uint16),
        _column(t, np.int32),
        _column(events.p, np.uint8),
    )
    starts = _column(offsets, np.int64)
    native, n = binning.native(), len(starts) - 1
    counted = int(starts[-1] - starts[0])
    stream = np.empty(lib.egg_recordings_bytes(native, counted, n), np.uint8)
    bit_map = np.zeros(lib.egg_recordings_map_words(native), np.uint64)
    ends = np.zeros(n + 1, np.int64)
    lib.egg_recordings_bin(
        native, native_events(columns), i64_ptr(starts), n, u64_ptr(bit_map), u8_ptr(stream),
        i64_ptr(ends),
    )  # fmt: skip
    return stream[: ends[-1]], ends


def bin_events(events: Events, binning: Binning) -> U8:
    """The stream of one recording, uint8 [bytes]."""
    return bin_many(events, [0, len(events.t)], binning)[0]
