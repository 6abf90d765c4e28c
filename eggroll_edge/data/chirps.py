"""A task made of nothing but time: words of two gliding tones, as events of a silicon cochlea.

A cochlea splits sound into channels of pitch; a channel fires while there is energy in it. A word
here is two formants at once, a low one and a high one, and each glides in one of four ways over the
same channels, at constant speed:

    rise   low to high          peak   low to high and back
    fall   high to low          dip    high to low and back

The class is 4 * (way of the low formant) + (way of the high one): 16 words. All four ways visit
each channel for the same share of the time, so events summed over time say nothing about the
class: only their order does. Speakers differ in pitch, range, loudness and tempo; a word starts
anywhere in the window; events get lost, and others fire without cause.

A sample depends only on (its index, seed, config), not on how many are made at once.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

import numpy as np
import numpy.typing as npt

from eggroll_edge.data import cache
from eggroll_edge.data.binning import I64, U8, Binning, Events, bin_many
from eggroll_edge.data.cache import Progress, _chosen, _counted
from eggroll_edge.data.dataset import EventDataset
from eggroll_edge.data.sources import WORD_US, WORDS, ChirpConfig

F32 = npt.NDArray[np.float32]

BLOCK = 512  # samples drawn at once, from a key of their own


def _contour(way: I64, u: F32) -> F32:
    """Height 0..1 at time u 0..1 of each sample's way, [n] and [n, k] to [n, k]."""
    there_and_back = 1 - np.abs(2 * u - 1)
    height = np.where((way // 2)[:, None] == 0, u, there_and_back)
    falling: F32 = np.where((way % 2)[:, None] == 0, height, 1 - height)
    return falling


def _block(config: ChirpConfig, seed: int, part: int, block: int) -> tuple[Events, I64, U8]:
    """(events of BLOCK words in no order, whose each is, classes)."""
    key = np.array([seed * 2 + part, block], np.uint64)
    rng = np.random.Generator(np.random.Philox(key=key))
    n = BLOCK
    label = rng.integers(0, WORDS, n)

    def vary(share: float, size: tuple[int, ...] = (n, 1)) -> F32:
        drawn: F32 = (share * (2 * rng.random(size, np.float32) - 1)).astype(np.float32)
        return drawn

    pitch, stretch = vary(config.pitch), 1 + vary(config.stretch)
    length = 1 - config.tempo * rng.random((n, 1), np.float32)
    start = (1 - length) * rng.random((n, 1), np.float32)
    power = np.exp(vary(config.warp))
    most = int(np.ceil(config.events * (1 + config.loudness)))
    found = []
    for way, centre in ((label // 4, 0.28), (label % 4, 0.72)):
        u = rng.random((n, most), np.float32)
        height = _contour(way, u**power)
        place = centre + pitch + config.span * stretch * (height - np.float32(0.5))
        place += np.float32(config.width) * rng.standard_normal((n, most), np.float32)
        share = config.events * (1 + vary(config.loudness)) * (1 - config.drop) / most
        kept = (rng.random((n, most), np.float32) < share) & (place >= 0) & (place < 1)
        found.append((place, start + length * u, kept))
    most = 2 * int(np.ceil(config.noise))
    place, when = rng.random((2, n, most), np.float32)
    found.append((place, when, rng.random((n, most), np.float32) < 0.5))

    places, whens, kepts = (np.concatenate(columns, axis=1) for columns in zip(*found, strict=True))
    owner, _ = np.nonzero(kepts)
    x = (places[kepts] * config.channels).astype(np.uint16)
    t = (whens[kepts] * WORD_US).astype(np.int32)
    nothing = np.zeros(len(x), np.uint8)
    return Events(x, nothing, t, nothing), owner, label.astype(np.uint8)


def chirp_streams(
    config: ChirpConfig, binning: Binning, chosen: slice, seed: int, part: int
) -> Iterator[tuple[U8, I64, U8, I64]]:
    """Words chosen.start..chosen.stop - 1 of a part (0 = train, 1 = test), some at a time.

    Yields (streams, offsets, classes, indices). `binning`: 1 x channels, merged, of WORD_US, as
    sources.fit() makes it.
    """
    for block in range(chosen.start // BLOCK, -(-chosen.stop // BLOCK)):
        first = max(chosen.start - block * BLOCK, 0)
        last = min(chosen.stop - block * BLOCK, BLOCK)
        events, owner, label = _block(config, seed, part, block)
        starts = np.concatenate(([0], np.cumsum(np.bincount(owner, minlength=BLOCK))))
        streams, ends = bin_many(events, starts[first : last + 1], binning)
        yield streams, ends, label[first:last], block * BLOCK + np.arange(first, last)


CHIRPS = {"train": 10_000, "test": 2_000}
"""Words in each split."""


def _open_chirps(
    config: ChirpConfig,
    split: str,
    binning: Binning,
    seed: int,
    skip_first: int,
    limit: int | None,
    progress: Progress | None,
) -> EventDataset:
    chosen = _chosen(CHIRPS[split], skip_first if split == "train" else 0, limit, "chirps")
    labels = np.zeros(chosen.stop - chosen.start, np.uint8)
    parts = {
        "chirps": asdict(config), "split": split, "seed": seed, "first": chosen.start,
        "last": chosen.stop, "binning": asdict(binning),
    }  # fmt: skip

    def make(path: Path) -> None:
        def chunks() -> Iterator[tuple[U8, I64]]:
            part = int(split == "test")
            for streams, starts, classes, ids in chirp_streams(config, binning, chosen, seed, part):
                labels[ids - chosen.start] = classes
                yield streams, starts

        cache.write_cache(
            path, _counted(chunks(), len(labels), progress), labels,
            np.arange(chosen.start, chosen.stop, dtype=np.int64),
            name=f"chirps-{split}", n_classes=WORDS, binning=binning,
        )  # fmt: skip

    return cache.load_or_build(cache.cache_path(f"chirps-{split}", parts), make)
