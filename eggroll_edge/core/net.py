"""A net and its weights."""

from __future__ import annotations

import numpy as np

from eggroll_edge._core import ffi, lib
from eggroll_edge.core.arrays import I8, aligned, i8_ptr
from eggroll_edge.core.config import NetConfig, status_text
from eggroll_edge.errors import ConfigError

ARITHMETIC_VERSION = 1
"""The arithmetic of runtime_c/SPEC.md. Raise it when a result changes: a journal can only be
replayed with the arithmetic that it was written with."""


class Net:
    """A net and its weights. A new net has weights of 0.

    The core reads and changes `weights` in place.

    Args:
        config: The topology.

    Raises:
        ConfigError: The core refuses the configuration.
    """

    def __init__(self, config: NetConfig) -> None:
        self.config = config
        self.weights: I8 = aligned(config.parameters).view(np.int8)
        """int8 [parameters]: all matrices end to end, each stored row by row."""
        self.native = ffi.new("egg_net *")
        status = lib.egg_net_init(
            self.native, config.native(), i8_ptr(self.weights), len(self.weights)
        )
        if status != lib.EGG_OK:
            raise ConfigError(f"the core refuses the net: {status_text(status)}")

    def randomize(self, seed: int, std_hidden: int, std_readout: int) -> None:
        """Draw random weights; biases become 0.

        Args:
            seed: The seed of the draw, 0..2^32 - 1.
            std_hidden: Standard deviation for the LIF matrices, 0..64 weight units.
            std_readout: Standard deviation for the readout matrix, 0..64 weight units.
        """
        lib.egg_net_randomize(self.native, seed, std_hidden, std_readout)

    @property
    def digest(self) -> int:
        """CRC-32 of the weights."""
        return int(lib.egg_digest_fast(self.native))

    @property
    def matrices(self) -> list[I8]:
        """Each matrix as an int8 view [rows, columns] of the weights; its last row is the bias."""
        ends = np.cumsum([rows * cols for rows, cols in self.config.shapes])[:-1]
        parts = np.split(self.weights, ends)
        return [p.reshape(shape) for p, shape in zip(parts, self.config.shapes, strict=True)]

    def kernels(self, layer: int) -> I8:
        """The kernels of a convolution, in the order of NIR and PyTorch.

        Args:
            layer: The number of the LIF layer, from 0.

        Returns:
            An int8 view [channels, channels below, kernel, kernel] of the weights, without the
            biases: those are matrices[layer][-1].

        Raises:
            ConfigError: There is no such layer, or it is dense.
        """
        layers = self.config.layers
        if not 0 <= layer < len(layers) or layers[layer].kernel == 0:
            raise ConfigError(
                f"LIF layer {layer} of the net {self.config} is no convolution: use matrices"
            )
        side, rows = layers[layer].kernel, self.matrices[layer][:-1]
        kernels: I8 = rows.reshape(-1, side, side, layers[layer].size).transpose(3, 0, 1, 2)
        return kernels


def active_bytes(net: NetConfig) -> int:
    """Length in bytes of a bit map with one bit for each row of matrix 0, bias row included."""
    return (net.inputs + 8) // 8


def padded(neurons: int) -> int:
    """Length of an array with one entry for each neuron, as a workspace of this build pads it."""
    return int(-(-neurons // lib.EGG_ROW_ALIGN) * lib.EGG_ROW_ALIGN)
