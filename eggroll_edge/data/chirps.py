"""`chirps`: a synthetic task whose classes differ only in the order of their events.

A silicon cochlea splits sound into channels of pitch; a channel fires while there is energy in it.
A word here is two formants at once, a low one and a high one. Each glides over the same channels at
constant speed, in one of four ways:

    rise   low to high          peak   low to high and back
    fall   high to low          dip    high to low and back

The class is 4 * (way of the low formant) + (way of the high one), which makes 16 words. All four
ways spend the same time in each channel. Events summed over time therefore say nothing about the
class: only their order does. Speakers differ in pitch, range, loudness and tempo; a word starts
anywhere in the window; events get lost, and others fire without a cause.

A word depends only on its index, the seed and the ChirpConfig, not on how many are made at once.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass, fields

import numpy as np
import numpy.typing as npt

from eggroll_edge.core.arrays import I64, U8
from eggroll_edge.data.binning import Binning, Events, bin_many
from eggroll_edge.data.cache import Chunk
from eggroll_edge.data.dataset import EventDataset
from eggroll_edge.data.opening import Request, Sensor, Source, open_cached, per_split
from eggroll_edge.errors import ConfigError

F32 = npt.NDArray[np.float32]

WAYS = ("rise", "fall", "peak", "dip")
WORDS = len(WAYS) ** 2
"""Classes."""
WORD_US = 600_000
"""Window of a word, microseconds."""
SPLITS = {"train": 10_000, "test": 2_000}
"""Words in each split."""
BLOCK = 512
"""Words that are drawn at once. Each block has a separate key of the random generator."""


@dataclass(frozen=True)
class ChirpConfig:
    """How the words sound, and so how hard they are to tell apart.

    All values but `channels`, `events` and `noise` are shares. ConfigError if a value is out of
    range.
    """

    channels: int = 64
    """Inputs, 16..1024. All lengths below are shares of them."""
    events: float = 64
    """Mean number of events of a formant before some are lost, 1..400."""
    width: float = 0.03
    """Standard deviation of an event's channel about its formant: a share of the channels, 0..1."""
    pitch: float = 0.06
    """A speaker's pitch shifts both formants by up to this share of the channels, 0..0.5."""
    span: float = 0.25
    """Share of the channels that a formant glides over, 0..1."""
    stretch: float = 0.3
    """A speaker's span differs from `span` by up to this share of it, 0..1."""
    loudness: float = 0.4
    """The number of events of a formant differs from `events` by up to this share, 0..1."""
    tempo: float = 0.3
    """A word takes a share of 1 - tempo to 1 of the window, and starts anywhere that it fits,
    0..0.95."""
    warp: float = 0.35
    """A word speeds up or slows down: its time u, 0..1, becomes u to a power of e^-warp to e^warp,
    0..3."""
    drop: float = 0.1
    """Share of events that are lost, 0..1."""
    noise: float = 16
    """Mean number of events without a cause in a recording, 0..400."""

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
        """From "noise=40,drop=0.3"; ConfigError if a name is unknown or a value is no number."""
        values: dict[str, float] = {}
        known = [field.name for field in fields(ChirpConfig)]
        for part in text.split(",") if text else ():
            name, _, number = part.partition("=")
            if name not in known:
                raise ConfigError(f"chirps: {name!r} is unknown: use {', '.join(known)}")
            try:
                values[name] = int(number) if name == "channels" else float(number)
            except ValueError:
                raise ConfigError(
                    f"chirps: {part!r} is not NAME=NUMBER, such as noise=40"
                ) from None
        return ChirpConfig(**values)  # type: ignore[arg-type]  # only channels is an int


def _contour(way: I64, u: F32) -> F32:
    """Height 0..1 of n formants at their times u.

    way int64 [n]: index of WAYS. u float32 [n, k]: times, 0..1. Returns float32 [n, k].
    """
    there_and_back = 1 - np.abs(2 * u - 1)
    height = np.where((way // 2)[:, None] == 0, u, there_and_back)
    falling: F32 = np.where((way % 2)[:, None] == 0, height, 1 - height)
    return falling


def _block(config: ChirpConfig, seed: int, part: int, block: int) -> tuple[Events, I64, U8]:
    """The words of one block.

    Returns three arrays: the events, grouped by word but not sorted by time; the word of each
    event, int64 [events], 0..BLOCK-1; and the class of each word, uint8 [BLOCK].
    """
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
    word, _ = np.nonzero(kepts)
    x = (places[kepts] * config.channels).astype(np.uint16)
    t = (whens[kepts] * WORD_US).astype(np.int32)
    nothing = np.zeros(len(x), np.uint8)
    return Events(x, nothing, t, nothing), word, label.astype(np.uint8)


def chirp_chunks(
    config: ChirpConfig, binning: Binning, chosen: slice, seed: int, part: int
) -> Iterator[Chunk]:
    """Words chosen.start..chosen.stop - 1 of a part (0 = train, 1 = test).

    binning: one row of config.channels pixels, merged, WORD_US long, as adapt_binning() makes it.
    """
    for block in range(chosen.start // BLOCK, -(-chosen.stop // BLOCK)):
        first = max(chosen.start - block * BLOCK, 0)
        last = min(chosen.stop - block * BLOCK, BLOCK)
        events, word, label = _block(config, seed, part, block)
        starts = np.concatenate(([0], np.cumsum(np.bincount(word, minlength=BLOCK))))
        streams, offsets = bin_many(events, starts[first : last + 1], binning)
        yield Chunk(streams, offsets, label[first:last])


def _open(request: Request) -> EventDataset:
    config = ChirpConfig.parse(request.argument)
    chosen = request.chosen(SPLITS[request.split])
    key = {
        "chirps": asdict(config), "split": request.split, "seed": request.seed,
        "first": chosen.start, "last": chosen.stop,
    }  # fmt: skip
    part = int(request.split == "test")
    chunks = chirp_chunks(config, request.binning, chosen, request.seed, part)
    ids = np.arange(chosen.start, chosen.stop, dtype=np.int64)
    return open_cached(request, "chirps", key, ids, n_classes=WORDS, chunks=chunks)


def _sensor(argument: str) -> Sensor:
    channels = ChirpConfig.parse(argument).channels
    return Sensor(WORDS, 1, channels, WORD_US, polarities=1)


CHIRPS = Source(
    name="chirps",
    usage="chirps",
    note="synthetic words, no download",
    about="Synthetic words of two gliding tones: 10,000 for training, 2,000 for the test, 16 "
    "classes that differ only in the order of their events. Parameters follow a colon: "
    "`chirps:noise=40,drop=0.3`",
    needs="nothing",
    open=per_split(_open),
    sensor=_sensor,
)
