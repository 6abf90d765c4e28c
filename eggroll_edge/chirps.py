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
from dataclasses import dataclass, fields

import numpy as np
import numpy.typing as npt

from eggroll_edge.errors import ConfigError
from eggroll_edge.events import I64, U8, Binning, Events, bin_many

F32 = npt.NDArray[np.float32]

WAYS = ("rise", "fall", "peak", "dip")
CLASSES = len(WAYS) ** 2
WINDOW_US = 600_000
BLOCK = 512  # samples drawn at once, from a key of their own


@dataclass(frozen=True)
class ChirpConfig:
    """How hard the words are to tell apart. Lengths are shares of what they stand for."""

    channels: int = 64
    """Inputs, 16..1024. The other figures scale with them."""
    events: float = 64
    """Mean events of a formant before losses, 1..400."""
    width: float = 0.03
    """Standard deviation of an event's channel about its formant, share of the channels."""
    pitch: float = 0.06
    """A speaker's pitch shifts both formants by up to so much, share of the channels."""
    span: float = 0.25
    """Channels that a formant glides over, share of all."""
    stretch: float = 0.3
    """A speaker's span differs by up to so much."""
    loudness: float = 0.4
    """A formant's number of events differs by up to so much."""
    tempo: float = 0.3
    """A word takes 1 - tempo to all of the window, and starts anywhere that it fits."""
    warp: float = 0.35
    """A word speeds up or slows down: time u becomes u to the power e^(-warp)..e^warp."""
    drop: float = 0.1
    """Share of events that is lost."""
    noise: float = 16
    """Mean events without cause in a recording, 0..400."""

    def __post_init__(self) -> None:
        for name, low, high in (
            ("channels", 16, 1024), ("events", 1, 400), ("width", 0, 1), ("pitch", 0, 0.5),
            ("span", 0, 1), ("stretch", 0, 1), ("loudness", 0, 1), ("tempo", 0, 0.95),
            ("warp", 0, 3), ("drop", 0, 1), ("noise", 0, 400),
        ):  # fmt: skip
            value = getattr(self, name)
            if not low <= value <= high:
                raise ConfigError(f"chirps: {name} is {value!r}: use {low}..{high}")
        if self.channels != int(self.channels):
            raise ConfigError(f"chirps: channels is {self.channels!r}: use an integer")

    @staticmethod
    def parse(text: str) -> ChirpConfig:
        """From "noise=40,drop=0.3"; ConfigError at an unknown name or no number."""
        values: dict[str, float] = {}
        known = [field.name for field in fields(ChirpConfig)]
        for part in text.split(",") if text else ():
            name, _, number = part.partition("=")
            if name not in known:
                raise ConfigError(f"chirps: {name!r} is unknown: use {', '.join(known)}")
            try:
                values[name] = int(number) if name == "channels" else float(number)
            except ValueError:
                raise ConfigError(f"chirps: {part!r} is no NAME=NUMBER") from None
        return ChirpConfig(**values)  # type: ignore[arg-type]  # only channels is an int


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
    label = rng.integers(0, CLASSES, n)

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
    t = (whens[kepts] * WINDOW_US).astype(np.int32)
    nothing = np.zeros(len(x), np.uint8)
    return Events(x, nothing, t, nothing), owner, label.astype(np.uint8)


def chirp_streams(
    config: ChirpConfig, binning: Binning, chosen: slice, seed: int, part: int
) -> Iterator[tuple[U8, I64, U8, I64]]:
    """Words chosen.start..chosen.stop - 1 of a part (0 = train, 1 = test), some at a time.

    Yields (streams, offsets, classes, indices). `binning`: 1 x channels, merged, of WINDOW_US, as
    sources.fit() makes it.
    """
    for block in range(chosen.start // BLOCK, -(-chosen.stop // BLOCK)):
        first = max(chosen.start - block * BLOCK, 0)
        last = min(chosen.stop - block * BLOCK, BLOCK)
        events, owner, label = _block(config, seed, part, block)
        starts = np.concatenate(([0], np.cumsum(np.bincount(owner, minlength=BLOCK))))
        streams, ends = bin_many(events, starts[first : last + 1], binning)
        yield streams, ends, label[first:last], block * BLOCK + np.arange(first, last)
