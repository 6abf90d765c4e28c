"""How the camera moves before the image, estimated from the events of recordings."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from eggroll_edge.data import event_camera as camera
from eggroll_edge.data.event_camera import PIXELS, SaccadeConfig
from tools.studies.camera_statistics import KNOT_US, KNOTS, Recordings

F64 = npt.NDArray[np.float64]


class Motion(NamedTuple):
    """Every KNOT_US: where the image is, how fast it moves, and how well the events fit this."""

    place: F64  # [KNOTS, 2] row, column in pixels
    speed: F64  # [KNOTS, 2] in events for a gradient of one
    fit: F64  # [KNOTS] explained share of the energy of the signed events


def gradients(
    config: SaccadeConfig, ink: npt.NDArray[np.float32], row: float, column: float
) -> list[npt.NDArray[np.float32]]:
    """Derivatives of log light by row and by column, with the images at a position.

    Each is [n * PIXELS].
    """
    down, across = camera._resampler(config.blur_px)

    def look(r: float, c: float) -> npt.NDArray[np.float32]:
        i, j = (round((v + camera.IMAGE_SIDE) * camera._PHASES) for v in (r, c))
        seen = np.minimum(down[i] @ ink @ across[j], 1)
        level: npt.NDArray[np.float32] = np.log(np.float32(1 + config.dark) - seen).ravel()
        return level

    h = 0.25
    return [
        (look(row + h, column) - look(row - h, column)) / (2 * h),
        (look(row, column + h) - look(row, column - h)) / (2 * h),
    ]


def signed_maps(recordings: Recordings) -> npt.NDArray[np.float32]:
    """Events of rising light minus events of falling light: [KNOTS, n * PIXELS]."""
    events, cells = recordings.events, len(recordings.images) * PIXELS
    clock = events.t // KNOT_US
    kept = clock < KNOTS
    key = clock.astype(np.int64)[kept] * cells + recordings.pixel[kept]
    sign = 2.0 * events.p[kept] - 1
    return np.bincount(key, sign, KNOTS * cells).reshape(KNOTS, cells).astype(np.float32)


def motion(recordings: Recordings, config: SaccadeConfig) -> Motion:
    """Find, at each knot, the position of the image whose gradient explains most of the events."""
    ink = (recordings.images / 255).astype(np.float32)
    place = np.array(config.path, np.float64)
    speed, fit = np.zeros((KNOTS, 2)), np.zeros(KNOTS)
    for knot, events in enumerate(signed_maps(recordings)):
        energy = float(events @ events) + 1e-9

        def explain(at: F64, events: Any = events, energy: float = energy) -> tuple[float, F64]:
            g = np.stack(gradients(config, ink, float(at[0]), float(at[1])))
            product = (g @ events).astype(np.float64)
            solved = np.linalg.solve((g @ g.T).astype(np.float64), product)
            return float(product @ solved) / energy, solved

        for step in (0.5, 0.25):
            for axis in np.eye(2):
                low, mid, high = (explain(place[knot] + s * step * axis)[0] for s in (-1, 0, 1))
                bend = low - 2 * mid + high
                best = 0.5 * (low - high) / bend if bend < 0 else np.sign(high - low)
                place[knot] += step * np.clip(best, -1, 1) * axis
        fit[knot], speed[knot] = explain(place[knot])
    return Motion(place, speed, fit)


def refined_path(config: SaccadeConfig, real: Motion, fake: Motion) -> SaccadeConfig:
    """A path that should make the simulated motion look like the real one.

    Speeds continue the path where there are few events. Positions keep it from drifting away.
    """
    path = np.array(config.path)
    true_speed = np.gradient(path, axis=0)
    gain = float((true_speed * fake.speed).sum() / (fake.speed**2).sum())
    wanted = true_speed + 0.7 * gain * (real.speed - fake.speed)
    drawn = np.cumsum(wanted, axis=0) - wanted / 2
    weight = real.fit * (real.fit > 0.1) * (fake.fit > 0.05)
    error = path + (real.place - fake.place) - drawn
    near = np.exp(-0.5 * (np.subtract.outer(np.arange(KNOTS), np.arange(KNOTS)) / 3.0) ** 2)
    near = near * weight + 1e-9
    drawn += (near @ error) / near.sum(axis=1, keepdims=True)
    return replace(config, path=tuple((round(r, 3), round(c, 3)) for r, c in drawn.tolist()))


def offsets_of(recordings: Recordings, config: SaccadeConfig) -> F64:
    """The distance of each recording's image from the path: [n, 2] in pixels (row, column)."""
    ink = (recordings.images / 255).astype(np.float32)
    maps = signed_maps(recordings).reshape(KNOTS, len(ink), PIXELS)
    path = np.array(config.path)
    speed = np.gradient(path, axis=0)
    busy = np.flatnonzero(np.hypot(*speed.T) > 0.3)
    reach, shifts = 0.8, ((0, 0), (-1, 0), (1, 0), (0, -1), (0, 1))
    score = []
    for shift in shifts:
        product, energy = np.zeros(len(ink)), np.zeros(len(ink))
        for knot in busy:
            row, column = path[knot] + reach * np.array(shift)
            g = gradients(config, ink, row, column)
            expected = (speed[knot, 0] * g[0] + speed[knot, 1] * g[1]).reshape(len(ink), PIXELS)
            product += (maps[knot] * expected).sum(axis=1)
            energy += (expected**2).sum(axis=1)
        score.append(product / np.sqrt(energy))
    mid = score[0]
    return np.stack(
        [reach * 0.5 * (a - b) / (a - 2 * mid + b) for a, b in (score[1:3], score[3:5])], axis=1
    )


def leg_times(recordings: Recordings) -> F64:
    """Mean time of the events of each recording in each saccade: [n, 3] in microseconds."""
    t, n, out = recordings.events.t, len(recordings.images), []
    for start, stop in ((0, 90_000), (110_000, 190_000), (222_000, 300_000)):
        leg = (t >= start) & (t < stop)
        count = np.bincount(recordings.owner[leg], minlength=n)
        out.append(np.bincount(recordings.owner[leg], t[leg], n) / np.maximum(count, 1))
    return np.stack(out, axis=1)
