"""Event-camera simulator: images shown to a moving camera, as N-MNIST was recorded.

Orchard, Jayawant, Cohen, Thakor (Frontiers in Neuroscience 9:437, 2015) showed each MNIST image on
a monitor and moved an ATIS sensor in three saccades. The model here follows the light:

1. The image is dark ink on a bright ground, blurred by the optics. It moves over the 34 x 34 pixels
   along a path that was measured from recordings.
2. Each pixel sees the logarithm of its light through a low-pass filter that is slower in the dark.
3. When that value has risen (or fallen) by a threshold since the pixel's latest event, the pixel
   fires with polarity 1 (or 0). It is then blind for a refractory time, and starts again from the
   value at its end.
4. Some pixels fire without a cause.

Thresholds differ from pixel to pixel; position and timing differ from recording to recording. The
defaults were fitted to 800 recordings by tools/studies/calibrate_camera.py; the documentation
says how close they come. An event depends only on the image, its index, the seed and the config,
not on how many images are simulated at once or by how many processes.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import lru_cache, partial
from itertools import pairwise
from multiprocessing import get_context
from typing import Any

import numpy as np
import numpy.typing as npt

from eggroll_edge.core.arrays import I64, U8
from eggroll_edge.data.binning import Binning, Events, bin_many
from eggroll_edge.errors import ConfigError, DataError

F32 = npt.NDArray[np.float32]
F64 = npt.NDArray[np.float64]

SIDE = 34
"""Rows and columns of the sensor."""
IMAGE_SIDE = 28
"""Rows and columns of an image on the sensor; others are scaled to it."""
DURATION_US = 315_000
"""Length of a recording, microseconds."""
PIXELS = SIDE * SIDE
CHUNK = 128
"""Images simulated at once: few enough for the second-level cache, enough for numpy."""
_PHASES = 64  # positions within a pixel at which an image is rendered
_KNOT_MS = 5.0  # time between two positions of the path
# A leg is the part of the path around one saccade. The times are the end of leg 1, the begin and
# end of leg 2, and the begin of leg 3. Between two legs, the delay of a recording changes linearly
# from that of the one to that of the other.
_LEG_KNOTS_US = (85_000, 112_000, 200_000, 226_000)

# fmt: off
PATH = (
    (1.24, 0.49), (1.42, 0.46), (1.56, 0.43), (1.72, 0.41), (1.97, 0.38), (2.34, 0.35),
    (2.84, 0.33), (3.43, 0.33), (4.09, 0.36), (4.77, 0.45), (5.39, 0.64), (5.91, 0.96),
    (6.30, 1.30), (6.57, 1.62), (6.72, 1.88), (6.77, 2.03), (6.76, 2.09), (6.70, 2.12),
    (6.59, 2.15), (6.49, 2.20), (6.44, 2.27), (6.42, 2.35), (6.44, 2.44), (6.46, 2.55),
    (6.43, 2.72), (6.30, 2.98), (6.01, 3.31), (5.58, 3.67), (5.02, 4.02), (4.38, 4.30),
    (3.71, 4.46), (3.07, 4.57), (2.47, 4.70), (1.95, 4.90), (1.56, 5.11), (1.35, 5.27),
    (1.25, 5.39), (1.25, 5.48), (1.31, 5.57), (1.39, 5.66), (1.44, 5.78), (1.46, 5.89),
    (1.45, 5.96), (1.42, 5.97), (1.38, 5.89), (1.37, 5.71), (1.38, 5.39), (1.42, 4.94),
    (1.45, 4.42), (1.45, 3.89), (1.44, 3.35), (1.41, 2.78), (1.36, 2.22), (1.32, 1.73),
    (1.27, 1.33), (1.21, 1.04), (1.17, 0.80), (1.17, 0.59), (1.18, 0.44), (1.20, 0.38),
    (1.22, 0.36), (1.23, 0.38), (1.23, 0.41),
)
# fmt: on
"""(row, column) of the image's corner, in pixels, at 2.5, 7.5, ... 312.5 ms."""


@dataclass(frozen=True)
class SaccadeConfig:
    """The simulated camera. Lengths are in pixels of the sensor, thresholds in nats of log light.

    Raises:
        ConfigError: A value is negative, or it is 0 and must not be.
    """

    path: tuple[tuple[float, float], ...] = PATH
    """(row, column) of the image's corner at 2.5, 7.5, ... 312.5 ms, linear in between; at most 14
    pixels from 0. The default was measured."""
    dark: float = 0.2535
    """Light of full ink, above 0. The ground is brighter by 1: 0.25 is a contrast of 5 to 1."""
    blur_px: float = 0.5622
    """Standard deviation of the optics' Gaussian blur."""
    threshold_on: float = 0.2039
    """Rise that fires a pixel."""
    threshold_off: float = 0.2035
    """Fall that fires a pixel."""
    threshold_spread: float = 0.2785
    """Standard deviation of thresholds over pixels, as a fraction."""
    refractory_us: float = 774.0
    """Microseconds for which a pixel is blind after an event."""
    tau_us: float = 1167.0
    """Time constant of the low-pass filter at light 1, microseconds; it is inversely proportional
    to the light."""
    leak_hz: float = 0.376
    """Events of polarity 1 without a cause, per pixel and second."""
    noise_hz: float = 0.0159
    """Events of polarity 0 without a cause, per pixel and second."""
    vary_threshold: float = 0.035
    """Standard deviation over recordings of the log of a factor on all thresholds."""
    vary_row_px: float = 0.079
    """Standard deviation over recordings of the image's row."""
    vary_column_px: float = 0.067
    """Standard deviation over recordings of the image's column."""
    vary_leg_us: tuple[float, float, float] = (610.0, 3330.0, 2300.0)
    """Standard deviations over recordings of when each saccade happens, microseconds."""
    step_px: float = 0.15
    """Largest motion of the image in a time step."""
    step_us: float = 4000.0
    """Longest time step, microseconds."""

    def __post_init__(self) -> None:
        positive = ("dark", "threshold_on", "threshold_off", "step_px", "step_us")
        for name, value in vars(self).items():
            low = min(value) if name == "vary_leg_us" else value
            if name != "path" and not low >= 0:
                raise ConfigError(f"simulator.{name} is {value!r}: it must not be negative")
            if name in positive and not value > 0:
                raise ConfigError(f"simulator.{name} is {value!r}: it must be above 0")
        if len(self.path) < 2 or not np.isfinite(self.path).all():
            raise ConfigError("simulator.path needs two or more finite (row, column) positions")
        if np.abs(self.path).max() > IMAGE_SIDE / 2:
            raise ConfigError(
                f"simulator.path leaves +-{IMAGE_SIDE // 2} pixels, where the image is no longer "
                "on the sensor: use positions within"
            )


def position(config: SaccadeConfig, when_us: F64) -> tuple[F64, F64]:
    """(row, column) of the image's corner at the times when_us [n]; both are [n], in pixels."""
    knots = (np.arange(len(config.path)) + 0.5) * (_KNOT_MS * 1000)
    row, column = np.array(config.path).T
    return np.interp(when_us, knots, row), np.interp(when_us, knots, column)


def step_times(config: SaccadeConfig) -> F64:
    """The times at which a simulation step begins or ends, 0..DURATION_US; dense in fast motion."""
    grid = np.arange(0.0, DURATION_US + 1, 500)
    row, column = position(config, grid)
    speed = np.hypot(np.diff(row), np.diff(column))
    # A saccade may come some milliseconds early or late: widen the dense steps to both sides.
    reach = 10
    padded = np.pad(speed, reach)
    speed = np.lib.stride_tricks.sliding_window_view(padded, 2 * reach + 1).max(axis=1)
    need = np.maximum(speed / config.step_px, 500 / config.step_us)
    done = np.concatenate(([0.0], np.cumsum(need)))
    ends: F64 = np.interp(np.linspace(0, done[-1], int(np.ceil(done[-1])) + 1), done, grid)
    return ends


@lru_cache(maxsize=2)
def _resampler(blur_px: float) -> tuple[F32, F32]:
    """Weights that shift and blur: `down` [shift, SIDE, IMAGE_SIDE], and `across`, its transpose.

    Entry s moves an image by s / _PHASES - IMAGE_SIDE pixels. What the sensor sees of an image is
    down[row shift] @ image @ across[column shift].
    """
    shift = np.arange(2 * IMAGE_SIDE * _PHASES, dtype=np.float32) / _PHASES - IMAGE_SIDE
    place = np.arange(SIDE, dtype=np.float32)[:, None] - np.arange(IMAGE_SIDE, dtype=np.float32)
    variance = blur_px**2 + 1 / 12  # the second term: a pixel of an image is a box one pixel wide
    distance = (place - shift[:, None, None]).astype(np.float32)
    weight: F32 = np.exp(distance**2 * np.float32(-0.5 / variance))
    weight[weight < 1e-6] = 0  # denormal numbers would slow the products tenfold
    weight *= np.float32((2 * np.pi * variance) ** -0.5)
    return weight, np.ascontiguousarray(weight.transpose(0, 2, 1))


class _Scene:
    """n images, each before a camera: the light that each pixel sees at a given time.

    images uint8 [n, 28, 28]. traits float32 [n, 6]: how a recording differs from the mean one.
    """

    def __init__(self, images: U8, config: SaccadeConfig, traits: F32) -> None:
        self.config = config
        self.ink: F32 = (images / 255).astype(np.float32)
        self.down, self.across = _resampler(config.blur_px)
        self.row = config.vary_row_px * traits[:, 0]
        self.column = config.vary_column_px * traits[:, 1]
        self.late = traits[:, 2:5] * np.array(config.vary_leg_us)

    def light(self, t: float) -> F32:
        """float32 [n, PIXELS] at time t (microseconds): from `dark`, full ink, to `dark` + 1."""
        a, b, c, d = _LEG_KNOTS_US
        share = np.interp(t, (a, b), (0, 1)), np.interp(t, (c, d), (0, 1))
        late = self.late @ np.array([1 - share[0], share[0] - share[1], share[1]])
        row, column = position(self.config, t - late)
        down = self._index(row + self.row)
        across = self._index(column + self.column)
        shown = np.matmul(np.matmul(self.down[down], self.ink), self.across[across])
        seen: F32 = shown.reshape(-1, PIXELS)
        np.minimum(seen, 1, out=seen)
        np.subtract(np.float32(1 + self.config.dark), seen, out=seen)
        return seen

    def _index(self, shift: F64) -> npt.NDArray[np.intp]:
        inside = np.clip(shift, -IMAGE_SIDE, IMAGE_SIDE - 1)
        return np.rint((inside + IMAGE_SIDE) * _PHASES).astype(np.intp)


def _generators(n: int, seed: int, first_index: int) -> list[np.random.Generator]:
    keys = [np.array([seed, first_index + i], np.uint64) for i in range(n)]
    return [np.random.Generator(np.random.Philox(key=key)) for key in keys]


def simulate_chunk(
    images: U8, config: SaccadeConfig, seed: int = 0, first_index: int = 0
) -> tuple[Events, npt.NDArray[np.int32]]:
    """Simulate a few images, uint8 [n, 28, 28].

    Returns the events of all recordings, in no order, and the recording 0..n-1 that each event
    belongs to, int32 [events].
    """
    n = len(images)
    rngs = _generators(n, seed, first_index)
    traits = np.stack([rng.standard_normal(6, np.float32) for rng in rngs])
    scale = np.exp(config.vary_threshold * traits[:, 5])[:, None]
    spread = np.stack([rng.standard_normal((2, PIXELS), np.float32) for rng in rngs], axis=1)
    spread = np.maximum(1 + config.threshold_spread * spread, 0.2) * scale
    theta_on = (config.threshold_on * spread[0]).astype(np.float32)
    theta_off = (-config.threshold_off * spread[1]).astype(np.float32)

    scene = _Scene(images, config, traits)
    times = step_times(config)
    old = np.log(scene.light(0.0))
    memory = old.copy()  # the value from which each pixel measures its change
    blind = np.zeros(0, np.int64)  # pixels in their refractory time
    until = np.zeros(0, np.float32)  # when that time ends
    found: list[tuple[I64, npt.NDArray[Any], U8]] = []
    for t0, t1 in pairwise(times.tolist()):
        light = scene.light(t1)
        new = np.log(light)
        light *= np.float32((t1 - t0) / max(config.tau_us, 1e-3))
        new -= old
        new *= light / (1 + light)  # implicit Euler step of the low-pass filter
        new += old

        # A pixel that recovers in this step starts from its value at that moment. A pixel that
        # stays blind starts from its newest value, so that its change is 0 and it cannot fire.
        share = np.clip((until - t0) / (t1 - t0), 0, 1)
        before, after = old.ravel()[blind], new.ravel()[blind]
        memory.ravel()[blind] = before + (after - before) * share
        blind, until = blind[until > t1], until[until > t1]

        change = new - memory
        rose = np.flatnonzero(change > theta_on)
        fell = np.flatnonzero(change < theta_off)
        at = np.concatenate((rose, fell))
        theta = np.concatenate((theta_on.ravel()[rose], theta_off.ravel()[fell]))
        # Within a step, values change linearly: the share `excess` of the step came after the
        # threshold was reached.
        excess = (change.ravel()[at] - theta) / (new.ravel()[at] - old.ravel()[at])
        fired = (t1 - (t1 - t0) * np.clip(excess, 0, 1)).astype(np.float32)
        up = np.arange(len(at)) < len(rose)
        found.append((at, fired, up.astype(np.uint8)))
        blind = np.concatenate((blind, at))
        until = np.concatenate((until, fired + np.float32(config.refractory_us)))
        old = new

    for i, rng in enumerate(rngs):
        for hz, p in ((config.leak_hz, 1), (config.noise_hz, 0)):
            count = rng.poisson(hz * PIXELS * DURATION_US / 1e6)
            at = i * PIXELS + rng.integers(0, PIXELS, count)
            found.append((at, rng.random(count) * DURATION_US, np.full(count, p, np.uint8)))
    owner, place = np.divmod(np.concatenate([f[0] for f in found]).astype(np.int32), PIXELS)
    y, x = np.divmod(place.astype(np.uint16), SIDE)
    t = np.concatenate([f[1] for f in found]).astype(np.int32)
    polarity = np.concatenate([f[2] for f in found])
    return Events(x.astype(np.uint8), y.astype(np.uint8), t, polarity), owner


def resize(images: U8, side: int) -> U8:
    """Scale images uint8 [n, h, w] to [n, side, side], linearly between pixel centres."""

    def weights(size: int) -> F32:
        place = np.clip((np.arange(side) + 0.5) * size / side - 0.5, 0, size - 1)
        distance = np.abs(place[:, None] - np.arange(size))
        weight: F32 = np.maximum(0, 1 - distance).astype(np.float32)
        return weight

    scaled = weights(images.shape[1]) @ images.astype(np.float32) @ weights(images.shape[2]).T
    rounded: U8 = np.rint(scaled).astype(np.uint8)
    return rounded


def _prepared(images: U8) -> U8:
    """Images as [n, 28, 28]; DataError unless they are uint8 [n, h, w]."""
    if images.ndim != 3 or images.dtype != np.uint8 or 0 in images.shape[1:]:
        raise DataError(
            f"images are {images.dtype} of shape {images.shape}: the simulator needs uint8 "
            "[n, height, width], 255 for full ink"
        )
    return images if images.shape[1:] == (IMAGE_SIDE,) * 2 else resize(images, IMAGE_SIDE)


def simulate(
    images: U8, config: SaccadeConfig | None = None, *, seed: int = 0, first_index: int = 0
) -> tuple[Events, I64]:
    """Simulate images uint8 [n, h, w]; returns (events, int64 offsets [n + 1]).

    Recording i is events offsets[i]:offsets[i + 1], ascending in time; nmnist.write_bin() can store
    it. first_index: the index of the first image in its split. DataError if the images have another
    shape or type.
    """
    parts: list[Events] = []
    counts = [np.zeros(1, np.int64)]
    for at in range(0, len(images), CHUNK):
        chunk = _prepared(images[at : at + CHUNK])
        events, owner = simulate_chunk(chunk, config or SaccadeConfig(), seed, first_index + at)
        parts.append(events.take(np.lexsort((events.t, owner))))
        counts.append(np.bincount(owner, minlength=len(chunk)))
    joined = [np.concatenate(columns) for columns in zip(*parts, strict=True)]
    return Events(*joined), np.cumsum(np.concatenate(counts))


def simulate_streams(
    images: U8,
    binning: Binning,
    config: SaccadeConfig | None = None,
    *,
    seed: int = 0,
    first_index: int = 0,
    workers: int = 2,
) -> Iterator[tuple[U8, I64]]:
    """Simulate and bin images uint8 [n, h, w]; yields (streams, int64 offsets [k + 1]) of k images.

    workers: processes, at most. ConfigError unless the binning has the camera's 34 x 34 pixels.
    """
    if (binning.height, binning.width) != (SIDE, SIDE):
        raise ConfigError(
            f"binning is {binning.height} x {binning.width}, but the simulated sensor has "
            f"{SIDE} x {SIDE} pixels"
        )

    work = partial(_streams_of, config=config or SaccadeConfig(), seed=seed, binning=binning)
    places = range(0, len(images), CHUNK)
    chunks = (images[at : at + CHUNK] for at in places)
    indices = (first_index + at for at in places)
    # Processes, because threads would wait for each other in many short numpy calls. They are
    # forked, because any other way to start a process would run the user's script again.
    if workers > 1 and len(places) >= 8 and sys.platform == "linux":
        with ProcessPoolExecutor(workers, mp_context=get_context("fork")) as pool:
            yield from pool.map(work, chunks, indices)
    else:
        yield from map(work, chunks, indices)


def _streams_of(
    chunk: U8, first_index: int, *, config: SaccadeConfig, seed: int, binning: Binning
) -> tuple[U8, I64]:
    events, owner = simulate_chunk(_prepared(chunk), config, seed, first_index)
    order = np.argsort(owner.astype(np.uint16), kind="stable")  # a radix sort, at 16 bits
    counts = np.bincount(owner, minlength=len(chunk))
    return bin_many(events.take(order), np.concatenate(([0], np.cumsum(counts))), binning)
