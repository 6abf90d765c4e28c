"""A net and its weights, and numpy arrays as the C core sees them."""

from __future__ import annotations

import numpy as np

from eggroll_edge._core import ffi, lib
from eggroll_edge.core.arrays import I8, aligned, i8_ptr
from eggroll_edge.core.config import NetConfig, status_text
from eggroll_edge.errors import ConfigError

ARITHMETIC_VERSION = 1
"""Raise it when runtime_c/DESIGN.md changes a number: journals before and after differ."""


class Net:
    """A net and its weights: `weights` is int8 [parameters], all matrices end to end."""

    def __init__(self, config: NetConfig) -> None:
        self.config = config
        self.weights: I8 = aligned(config.parameters).view(np.int8)
        self.native = ffi.new("egg_net *")
        status = lib.egg_net_init(
            self.native, config.native(), i8_ptr(self.weights), len(self.weights)
        )
        if status != lib.EGG_OK:
            raise ConfigError(f"the core refuses the net: {status_text(status)}")

    def randomize(self, seed: int, std_hidden: int, std_readout: int) -> None:
        """Random weights, standard deviations 0..64 weight units; biases 0."""
        lib.egg_net_randomize(self.native, seed, std_hidden, std_readout)

    @property
    def digest(self) -> int:
        """CRC-32 of the weights."""
        return int(lib.egg_crc_digest(self.native))

    @property
    def matrices(self) -> list[I8]:
        """Views [rows, columns] of the weights; the last row is the bias."""
        ends = np.cumsum([rows * cols for rows, cols in self.config.shapes])[:-1]
        parts = np.split(self.weights, ends)
        return [p.reshape(shape) for p, shape in zip(parts, self.config.shapes, strict=True)]


def active_bytes(net: NetConfig) -> int:
    """Length of a bit map of the rows of matrix 0."""
    return (net.inputs + 8) // 8


def padded(neurons: int) -> int:
    """Entries that an array of neurons takes in a workspace of this build."""
    return int(-(-neurons // lib.EGG_PAD) * lib.EGG_PAD)
