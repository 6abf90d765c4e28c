"""Names of datasets, and what each source's sensor is: known before any recording is opened."""

from __future__ import annotations

import difflib
import os
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Literal

from eggroll_edge.data.binning import Binning
from eggroll_edge.errors import ConfigError, DataError


@dataclass(frozen=True)
class Source:
    """A kind of recordings that is not N-MNIST's."""

    classes: int
    height: int
    """Rows after `shrink`."""
    width: int
    window_us: int
    """Later events are dropped."""
    polarities: int = 2
    """1: events carry none, and are one channel."""
    shrink: int = 0
    """Coordinates are shifted right by so much on reading: the sensor is 2^shrink times as wide."""
    zero_time: bool = False
    """Whether a recording's first event is its time 0."""


FETCHED = {
    # Cramer et al. 2020: 700 channels of an artificial cochlea; a word ends within 1.2 s.
    "shd": Source(20, 1, 700, 1_200_000, polarities=1),
    # See et al. 2020: 10 x 10 taxels touched for 2 s.
    "stmnist": Source(10, 10, 10, 2_000_000, zero_time=True),
    # Amir et al. 2017: 128 x 128 pixels; the first 1.5 s, as Shrestha and Orchard 2018 take them.
    "dvsgesture": Source(11, 32, 32, 1_500_000, shrink=2, zero_time=True),
}
NAMES = ("digits", "nmnist", "chirps", *FETCHED)
KNOWN = "digits, nmnist, idx:DIR, chirps, shd, stmnist:DIR, dvsgesture or a folder of recordings"


def split_spec(spec: str) -> tuple[str, str]:
    """("chirps", "noise=9") of "chirps:noise=9"; ("", spec) of a folder."""
    name, _, rest = spec.partition(":")
    return (name, rest) if name in (*NAMES, "idx") else ("", spec)


def source_of(spec: str) -> Source | None:
    """What is known of a source's sensor; None for N-MNIST and its like."""
    name, rest = split_spec(spec)
    if name == "chirps":
        return Source(WORDS, 1, ChirpConfig.parse(rest).channels, WORD_US, polarities=1)
    return FETCHED.get(name)


def adapt_binning(spec: str, binning: Binning) -> Binning:
    """`binning` with the source's sensor and window; ConfigError where it asks for a camera's."""
    source = source_of(spec)
    if source is None:
        return binning
    if binning.stabilize or binning.first_saccade_only:
        raise ConfigError(
            f"{spec} has no saccades: leave out stabilize and first_saccade_only, which are for "
            "N-MNIST"
        )
    return replace(
        binning,
        height=source.height,
        width=source.width,
        window_us=source.window_us,
        polarity="merged" if source.polarities == 1 else binning.polarity,
    )


def check_spec(spec: str) -> None:
    """DataError with the nearest name if a dataset's name is misspelt; the rest is for opening."""
    name, rest = split_spec(spec)
    if name or os.sep in spec:
        if name == "chirps":
            ChirpConfig.parse(rest)
        return
    if not Path(spec).exists():
        near = difflib.get_close_matches(spec.partition(":")[0].lower(), NAMES, 1, 0.5)
        hint = f" (did you mean {near[0]}?)" if near else ""
        raise DataError(f"data {spec!r}: no such folder{hint}; use {KNOWN}")


Split = Literal["train", "test", "all"]


CLASSES = 10


WAYS = ("rise", "fall", "peak", "dip")


WORDS = len(WAYS) ** 2
"""Classes of `chirps`."""


WORD_US = 600_000
"""Length of a word of `chirps`, microseconds."""


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
