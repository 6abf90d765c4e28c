"""SPEC.md section 4: the weights of a network, and how they begin."""

from __future__ import annotations

import zlib

from tests.reference.config import NetConfig
from tests.reference.integers import Matrix, clamp
from tests.reference.noise import Noise, key, word
from tests.reference.wiring import readout_row, wiring


class Net:
    """A configuration and its weights: weights[m][row][column], each in -127..127."""

    def __init__(self, config: NetConfig) -> None:
        self.config = config
        self.weights: list[Matrix] = [
            [[0] * cols for _ in range(rows)] for rows, cols in config.shapes
        ]

    def init_weights(self, seed: int, std_hidden: int, std_readout: int) -> None:
        """Draw the weights. The standard deviations are in weight units; biases become 0."""
        for m, (rows, cols) in enumerate(self.config.shapes):
            std = std_readout if m == self.config.readout_matrix else std_hidden
            assert 0 <= std <= 64
            k = key(seed, 0, 0, m, Noise.INIT, 0)
            for i in range(rows):
                for j in range(cols):
                    bytes_sum = sum(word(k, i * cols + j).to_bytes(4, "little"))
                    w = clamp(((bytes_sum - 510) * std * 443 + 32768) >> 16, 127)
                    bias = i == rows - 1
                    self.weights[m][i][j] = 0 if bias else w

    def unfolded(self, m: int) -> Matrix:
        """W[i][h] of sections 5 and 7.4: the weight through which neuron (or output) h sees i, or 0
        if it does not. A convolution's matrix has each weight once; this one for each neuron."""
        config, weights = self.config, self.weights[m]
        if m < len(config.layers) and config.layers[m].kernel:
            see = wiring(config, m)
            found = {i: [0] * see.neurons for rows in see.rows for i in rows}
            for place, rows in enumerate(see.rows):
                first = place * see.channels
                for i, row in rows.items():
                    found[i][first : first + see.channels] = weights[row]
            nothing = [0] * see.neurons
            return [found.get(i, nothing) for i in range(config.n_pre(m) + 1)]
        if m == config.readout_matrix and config.ends_in_convolution:
            return [*(weights[readout_row(config, h)] for h in range(config.n_pre(m))), weights[-1]]
        return weights

    def to_bytes(self, m: int) -> bytes:
        """Matrix m, row by row."""
        return bytes(w & 0xFF for row in self.weights[m] for w in row)

    def digest(self) -> int:
        """CRC-32 of all weights."""
        return zlib.crc32(b"".join(self.to_bytes(m) for m in range(len(self.weights))))
