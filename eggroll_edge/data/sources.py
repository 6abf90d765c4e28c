"""The datasets that open_dataset() knows, and what is known of each before it is opened.

A *spec* names a dataset: "digits", "chirps:noise=9", "idx:DIR", or the path of a folder of N-MNIST
recordings. To add a dataset, write its file as opening.py says and list its Source here.
"""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

from eggroll_edge.data import chirps, images, nmnist, stmnist, tonic_sets
from eggroll_edge.data.binning import Binning
from eggroll_edge.data.opening import Sensor, Source, Split
from eggroll_edge.errors import ConfigError, DataError, nearest

__all__ = [
    "SOURCES",
    "Split",
    "adapt_binning",
    "check_spec",
    "find_source",
    "help_text",
    "known",
    "markdown_table",
    "sensor_of",
    "split_spec",
]

SOURCES: tuple[Source, ...] = (
    images.DIGITS,
    nmnist.NMNIST,
    images.IDX,
    chirps.CHIRPS,
    tonic_sets.SHD,
    stmnist.STMNIST,
    tonic_sets.DVSGESTURE,
)
"""All datasets, in the order in which texts list them. Any other spec is the path of a folder."""


def find_source(spec: str) -> tuple[Source, str]:
    """(source, argument) of a spec. The argument follows the colon, or it is a folder's path."""
    name, _, argument = spec.partition(":")
    for source in SOURCES:
        if source.name == name:
            return source, argument
    return nmnist.FOLDER, spec


def split_spec(spec: str) -> tuple[str, str]:
    """("chirps", "noise=9") of "chirps:noise=9"; ("", spec) of a folder."""
    source, argument = find_source(spec)
    return source.name, argument


def sensor_of(spec: str) -> Sensor | None:
    """The sensor of a dataset; None for N-MNIST's camera. ConfigError if the spec is faulty."""
    source, argument = find_source(spec)
    return source.sensor(argument)


def adapt_binning(spec: str, binning: Binning) -> Binning:
    """`binning` with the sensor and the window of a dataset.

    ConfigError if the binning asks for something that only N-MNIST's camera has.
    """
    sensor = sensor_of(spec)
    if sensor is None:
        return binning
    if binning.stabilize or binning.first_saccade_only:
        raise ConfigError(
            f"{spec} has no saccades: leave out stabilize and first_saccade_only, which are for "
            "N-MNIST"
        )
    return replace(
        binning,
        height=sensor.height,
        width=sensor.width,
        window_us=sensor.window_us,
        polarity="merged" if sensor.polarities == 1 else binning.polarity,
    )


def check_spec(spec: str) -> None:
    """DataError, with the nearest name, if a name is misspelt; ConfigError for a bad argument.

    The files of a dataset are checked later, when it is opened.
    """
    source, argument = find_source(spec)
    source.sensor(argument)
    if source is nmnist.FOLDER and os.sep not in spec and not Path(spec).exists():
        near = nearest(spec.partition(":")[0], [one.name for one in SOURCES])
        hint = f" (did you mean {near}?)" if near else ""
        raise DataError(f"data {spec!r}: no such folder{hint}; use {known()}")


def known() -> str:
    """All specs in one line, for help texts and messages."""
    return ", ".join(source.usage for source in SOURCES) + f" or {nmnist.FOLDER.usage}"


def help_text() -> str:
    """All specs with a few words about each, for the help of a command."""
    listed = ", ".join(f"{source.usage} ({source.note})" for source in SOURCES)
    return f"{listed} or {nmnist.FOLDER.usage} ({nmnist.FOLDER.note})"


def markdown_table() -> str:
    """The table of all datasets in the documentation."""
    listed = [(f"`{source.usage}`", source) for source in SOURCES]
    listed.append((nmnist.FOLDER.usage, nmnist.FOLDER))
    rows = [f"| {usage} | {source.about} | {source.needs} |" for usage, source in listed]
    return "\n".join(["| spec | what it is | needs |", "|---|---|---|", *rows]) + "\n"
