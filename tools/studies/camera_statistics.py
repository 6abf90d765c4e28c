"""Real N-MNIST recordings, simulated ones of the same images, and statistics to compare them."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from eggroll_edge.data import event_camera as camera
from eggroll_edge.data import images as image_files
from eggroll_edge.data import nmnist
from eggroll_edge.data.binning import Binning, Events, bin_many
from eggroll_edge.data.event_camera import PIXELS, SIDE, SaccadeConfig
from eggroll_edge.data.stream import unpack_stream

KNOT_US = 5000
"""Microseconds between two of the KNOTS points at which the camera's path is given."""
KNOTS = 63
GAPS_MS = (0, 1, 2, 3, 4, 5, 6, 8, 10, 13, 17, 22, 30, 45, 70, 120, 320)
"""Limits of a histogram: the time between two events of a pixel."""


class Recordings(NamedTuple):
    """Events of n recordings, the recording that each belongs to, and the images shown."""

    events: Events
    owner: npt.NDArray[np.int32]
    images: npt.NDArray[np.uint8]

    @property
    def pixel(self) -> npt.NDArray[np.int64]:
        """Of each event: recording * PIXELS + pixel."""
        e = self.events
        index: npt.NDArray[np.int64] = self.owner.astype(np.int64) * PIXELS
        index += e.y.astype(np.int64) * SIDE + e.x
        return index


def load_real(data: Path, step: int) -> Recordings:
    """Every `step`-th of the real recordings."""
    files, _, ids = nmnist.list_folder(data / "nmnist_small", "all")
    files, ids = files[::step], ids[::step]
    events, offsets = nmnist.decode_bins([file.read_bytes() for file in files], files)
    owner = np.repeat(np.arange(len(files), dtype=np.int32), np.diff(offsets))
    return Recordings(events, owner, image_files.load_idx(data / "mnist", "train")[0][ids - 1])


def simulated(config: SaccadeConfig, images: npt.NDArray[np.uint8], seed: int = 0) -> Recordings:
    """Recordings of images by the simulated camera."""
    parts, owners = [], []
    for at in range(0, len(images), camera.CHUNK):
        chunk = images[at : at + camera.CHUNK]
        events, owner = camera.simulate_chunk(chunk, config, seed, at)
        parts.append(events)
        owners.append(owner + np.int32(at))
    joined = [np.concatenate(columns) for columns in zip(*parts, strict=True)]
    return Recordings(Events(*joined), np.concatenate(owners), images)


def frames(recordings: Recordings) -> npt.NDArray[np.float32]:
    """Recordings in the default binning: [n, ticks, inputs], 1 where there is an event, else 0."""
    binning, n = Binning(), len(recordings.images)
    order = np.argsort(recordings.owner, kind="stable")
    offsets = np.concatenate(([0], np.cumsum(np.bincount(recordings.owner, minlength=n))))
    stream, _ = bin_many(recordings.events.take(order), offsets, binning)
    picture = np.zeros((n * binning.ticks, binning.n_in), np.float32)
    picture[unpack_stream(stream)] = 1
    return picture.reshape(n, binning.ticks, binning.n_in)


def measure(recordings: Recordings) -> dict[str, Any]:
    """Statistics of recordings, for each recording or as a mean over them."""
    events, n = recordings.events, len(recordings.images)
    pixel = recordings.pixel
    order = np.lexsort((events.t, pixel))
    gap = np.diff(events.t[order].astype(np.int64)) / 1000
    here = np.diff(pixel[order]) == 0
    same = here & (np.diff(events.p[order].astype(np.int8)) == 0)
    clock = np.minimum(events.t // KNOT_US, KNOTS - 1)
    profile = np.stack([np.bincount(clock[events.p == p], minlength=KNOTS) / n for p in (0, 1)])
    reach = np.zeros((n, SIDE, SIDE), bool)  # pixels that the digit can touch
    for shown, mask in zip(recordings.images, reach, strict=True):
        rows, columns = np.nonzero(shown)
        mask[
            max(0, rows.min() - 1) : rows.max() + 10, max(0, columns.min() - 2) : columns.max() + 10
        ] = True
    far = ~reach.ravel()[pixel]
    seconds = (~reach).sum() * camera.DURATION_US / 1e6
    quiet = np.isin(clock, (0, 1, 16, 17, 18, 43, 44, 45))
    return {
        "events": np.bincount(recordings.owner, minlength=n),
        "on": np.bincount(recordings.owner[events.p == 1], minlength=n),
        "profile": profile,
        "gap_same": np.histogram(gap[same], GAPS_MS)[0] / n,
        "gap_other": np.histogram(gap[here & ~same], GAPS_MS)[0] / n,
        "per_pixel": np.bincount(
            np.minimum(np.bincount(pixel, minlength=n * PIXELS), 15), minlength=16
        )
        / n,
        "map": np.bincount(pixel % PIXELS, minlength=PIXELS) / n,
        "far_hz": [float((far & (events.p == p)).sum() / seconds) for p in (0, 1)],
        "quiet": float(quiet.sum() / n),
        "frames": frames(recordings),
    }


def distance(real: dict[str, Any], fake: dict[str, Any]) -> float:
    """One figure to minimise: shares of squared error. Histograms by square roots (Hellinger)."""

    def histogram(name: str) -> float:
        a, b = real[name][1:], fake[name][1:]
        return float(((np.sqrt(a) - np.sqrt(b)) ** 2).sum() / a.sum())

    profile = ((real["profile"] - fake["profile"]) ** 2).sum() / (real["profile"] ** 2).sum()
    ratio = fake["events"] / real["events"]
    return (
        histogram("gap_same")
        + histogram("gap_other")
        + histogram("per_pixel")
        + 2 * float(profile)
        + 2 * (1 - correlation(real["frames"], fake["frames"]))
        + abs(float(np.log(ratio.mean())))
        + float(ratio.std())
    )


def correlation(a: npt.NDArray[Any], b: npt.NDArray[Any]) -> float:
    """Pearson's correlation."""
    return float(np.corrcoef(a.ravel(), b.ravel())[0, 1])
