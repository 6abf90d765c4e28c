"""SPEC.md section 7.3: members of `full`, the baseline with one noise value for each weight."""

from __future__ import annotations

from tests.reference.config import EsConfig, NetConfig
from tests.reference.forward import Member, with_bias
from tests.reference.integers import Events, Matrix, clamp, rs
from tests.reference.noise import Noise, key, word


class FullNoise(list[Matrix]):
    """The noise of one pair: [matrix][row][column]."""

    def element(self, m: int, i: int, j: int) -> int:
        """The noise of one weight."""
        return self[m][i][j]


def full_noise(net: NetConfig, seed: int, generation: int, p: int) -> FullNoise:
    """e[m][i][j] of pair p."""
    noise = FullNoise()
    for m, (rows, cols) in enumerate(net.shapes):
        k = key(seed, generation, p, m, Noise.FULL, 0)
        matrix: Matrix = []
        for i in range(rows):
            row: list[int] = []
            for j in range(cols):
                c = i * cols + j
                byte = word(k, c >> 2) >> (8 * (c & 3)) & 0xFF
                row.append(byte.bit_count() - 4)
            matrix.append(row)
        noise.append(matrix)
    return noise


class FullMember(Member):
    """One member of a pair; its direction is +1 or -1."""

    def __init__(self, net: NetConfig, es: EsConfig, pair: FullNoise, direction: int) -> None:
        self.net, self.es, self.pair, self.direction = net, es, pair, direction

    def currents(self, m: int, x: Events) -> Matrix:
        layer, e = self.net.layers[m], self.pair[m]
        pert: Matrix = []
        for events in with_bias(x, len(e) - 1):
            tick: list[int] = []
            for h in range(layer.size):
                total = sum(e[i][h] for i in events)
                assert abs(total) <= 8191 * 4 < 2**15
                s = clamp(rs(self.es.sigma_h * total, 8), layer.l_pert)
                tick.append(self.direction * s)
            pert.append(tick)
        return pert

    def readout(self, count: list[int]) -> list[int]:
        e = self.pair[len(self.net.layers)]
        pert: list[int] = []
        for j in range(self.net.n_out):
            total = self.net.ticks * e[-1][j] + sum(n * e[h][j] for h, n in enumerate(count))
            s = clamp(rs(self.es.sigma_o * total, 8), 2**19)
            pert.append(self.direction * s)
        return pert
