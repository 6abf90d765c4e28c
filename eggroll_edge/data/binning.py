"""Events, binning, and the sample stream.

An event camera reports *events*: at time `t` (microseconds) the pixel (`x`, `y`) became brighter or
darker (`p`). The runtime wants *ticks*: the recording is cut into `Binning.ticks` equal slices of
time, and in a slice an input has fired or it has not.

The sample stream is that binary picture as bytes; the C core, the wire, the cache and RAM all use
it as it is. For each tick in order, `index` starts at -1 and then, byte by byte:

    1..254   index += byte; the input `index` fired
    255      index += 254; nothing fired (so that far jumps can be spelt)
    0        end of the tick

So a stream has exactly `ticks` zero bytes, inputs ascend strictly within a tick by construction,
and an event costs about one byte. The input index is (channel * H + y) * W + x.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

import numpy as np
import numpy.typing as npt

from eggroll_edge._core import ffi, lib
from eggroll_edge.errors import ConfigError, DataError

U8 = npt.NDArray[np.uint8]
I64 = npt.NDArray[np.int64]

MAX_TICKS = 32
POLARITIES = ("split", "merged", "on", "off")  # as the C core numbers them
FIRST_SACCADE_US = 100_000
# Otherwise glibc hands freed arrays back to the system, and the page faults of getting them again
# cost more than the work itself (2.5 times slower). Having freed one large block, it keeps them.
np.empty(31 << 20, np.uint8)


class Events(NamedTuple):
    """Events as parallel arrays of equal length, 9 bytes an event. Other integer types will do."""

    x: npt.NDArray[Any]  # uint16: column, 0 = left
    y: npt.NDArray[Any]  # uint16: row, 0 = top
    t: npt.NDArray[Any]  # int32: microseconds since the start of the recording
    p: npt.NDArray[Any]  # uint8: polarity bit as recorded, 0 or 1

    def take(self, which: npt.NDArray[Any] | slice) -> Events:
        """The events selected by a mask, indices or a slice."""
        return Events(self.x[which], self.y[which], self.t[which], self.p[which])


@dataclass(frozen=True)
class Binning:
    """How a recording becomes ticks. Equal binnings give equal bytes."""

    ticks: int = 15
    """Slices of time, 1..32."""
    window_us: int = 315_000
    """Length of the recording that counts, microseconds; later events are dropped. Three saccades
    of 105 ms; 99 % of the N-MNIST recordings here end between 297 and 315 ms."""
    height: int = 34
    """Rows of the sensor, 1..1024."""
    width: int = 34
    """Columns of the sensor, 1..1024."""
    pool: int = 1
    """1, or 2 to merge 2 x 2 pixels into one input (34 -> 17): coordinates // 2."""
    polarity: Literal["split", "merged", "on", "off"] = "split"
    """split: a channel for each polarity bit; merged: one channel; on: p == 1; off: p == 0."""
    first_saccade_only: bool = False
    """Keep only events before 100 ms. The window stays: set window_us=100_000 to spend all ticks
    on them."""
    stabilize: bool = False
    """Shift each event against the nominal camera motion, so that the digit stands still; an event
    that leaves the sensor is dropped. For N-MNIST's saccades only."""

    def __post_init__(self) -> None:
        for name, low, high in (
            ("ticks", 1, MAX_TICKS),
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
        """Number of inputs of a network that eats these streams."""
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
    """DataError unless every event lies on the sensor, at a time that is not negative."""
    for name, values, limit in (
        ("x", events.x, binning.width),
        ("y", events.y, binning.height),
        ("p", events.p, 2),
        ("t", events.t, None),
    ):
        if values.size and (values.min() < 0 or (limit is not None and values.max() >= limit)):
            bad = values < 0 if limit is None else (values < 0) | (values >= limit)
            at = int(np.flatnonzero(bad)[0])
            raise DataError(
                f"event {at} has {name} = {values[at]}, outside 0..{limit - 1 if limit else 'inf'}:"
                " set the binning's height and width to the sensor's, or mend the recording"
            )


def _column(values: npt.ArrayLike, dtype: type[np.generic]) -> npt.NDArray[Any]:
    return np.ascontiguousarray(values, dtype)


def native_events(events: Events) -> Any:
    """An `egg_events *` on the arrays, which must have the types of `Events` and stay alive."""
    return ffi.new(
        "egg_events *",
        {
            "x": ffi.from_buffer("uint16_t[]", events.x),
            "y": ffi.from_buffer("uint16_t[]", events.y),
            "t": ffi.from_buffer("int32_t[]", events.t),
            "p": ffi.from_buffer("uint8_t[]", events.p),
        },
    )


def bin_many(events: Events, offsets: npt.ArrayLike, binning: Binning) -> tuple[U8, I64]:
    """Bin n recordings at once.

    `events` holds all recordings one after the other, recording i being events
    offsets[i]:offsets[i + 1] (n + 1 integers). Returns (streams, stream offsets): uint8, and int64
    [n + 1] in the same sense. Events need not be in order of time.
    """
    _require_on_sensor(events, binning)
    # Times behind every window are all alike; cut them so that they fit the core's int32.
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
    stream = np.empty(lib.egg_events_bytes(native, counted, n), np.uint8)
    bit_map = np.zeros(lib.egg_events_map_words(native), np.uint64)
    ends = np.zeros(n + 1, np.int64)
    lib.egg_events_bin(
        native, native_events(columns), ffi.from_buffer("int64_t[]", starts), n,
        ffi.from_buffer("uint64_t[]", bit_map), ffi.from_buffer("uint8_t[]", stream),
        ffi.from_buffer("int64_t[]", ends),
    )  # fmt: skip
    return stream[: ends[-1]], ends


def bin_events(events: Events, binning: Binning) -> U8:
    """The stream of one recording, uint8 [bytes]."""
    return bin_many(events, [0, len(events.t)], binning)[0]
