"""Names of datasets, and what each source's sensor is: known before any recording is opened."""

from __future__ import annotations

import difflib
import os
from dataclasses import dataclass, replace
from pathlib import Path

from eggroll_edge.chirps import CLASSES as WORDS
from eggroll_edge.chirps import WINDOW_US as WORD_US
from eggroll_edge.chirps import ChirpConfig
from eggroll_edge.errors import ConfigError, DataError
from eggroll_edge.events import Binning


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


def fit(spec: str, binning: Binning) -> Binning:
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
