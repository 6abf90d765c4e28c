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

import hashlib
import json
from dataclasses import asdict, dataclass, replace
from functools import cached_property
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
    stream = np.empty(lib.egg_recordings_bytes(native, counted, n), np.uint8)
    bit_map = np.zeros(lib.egg_recordings_map_words(native), np.uint64)
    ends = np.zeros(n + 1, np.int64)
    lib.egg_recordings_bin(
        native, native_events(columns), ffi.from_buffer("int64_t[]", starts), n,
        ffi.from_buffer("uint64_t[]", bit_map), ffi.from_buffer("uint8_t[]", stream),
        ffi.from_buffer("int64_t[]", ends),
    )  # fmt: skip
    return stream[: ends[-1]], ends


def bin_events(events: Events, binning: Binning) -> U8:
    """The stream of one recording, uint8 [bytes]."""
    return bin_many(events, [0, len(events.t)], binning)[0]


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
