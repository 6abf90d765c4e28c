"""Typed wrapper over the C core (signatures first; bodies follow)."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from eggroll_edge.config import NetConfig

I8 = npt.NDArray[np.int8]


class Net:
    """A net and its weights: `weights` is int8 [parameters], all matrices end to end."""

    config: NetConfig
    weights: I8

    def __init__(self, config: NetConfig) -> None:
        raise NotImplementedError

    def randomize(self, seed: int, std_hidden: int, std_readout: int) -> None:
        """Random weights, standard deviations 0..64; biases 0."""

    @property
    def digest(self) -> int:
        """CRC-32 of the weights."""
        raise NotImplementedError

    @property
    def matrices(self) -> list[I8]:
        """Views [rows, columns] of the weights; the last row is the bias."""
        raise NotImplementedError
