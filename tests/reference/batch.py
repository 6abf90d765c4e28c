"""SPEC.md section 7.1: members of `batch`, whose weights are perturbed by E = A B^T / sqrt(R)."""

from __future__ import annotations

from typing import NamedTuple

from tests.reference.config import EsConfig, NetConfig
from tests.reference.forward import Member, with_bias
from tests.reference.integers import Events, Matrix, clamp, rs
from tests.reference.noise import Noise, key, sign
from tests.reference.wiring import wiring


class BatchSigns(NamedTuple):
    """The signs of one pair."""

    a: list[Matrix]  # [matrix][r][column]
    b: list[Matrix]  # [matrix][r][row]

    def element(self, m: int, i: int, j: int) -> int:
        """Row i, column j of A B^T for matrix m."""
        return sum(a[j] * b[i] for a, b in zip(self.a[m], self.b[m], strict=True))


def batch_signs(net: NetConfig, es: EsConfig, seed: int, generation: int, p: int) -> BatchSigns:
    """The signs of pair p."""
    a: list[Matrix] = []
    b: list[Matrix] = []
    for m, (rows, cols) in enumerate(net.shapes):
        a.append([])
        b.append([])
        for r in range(es.rank):
            k = key(seed, generation, 0, m, Noise.A, r)
            a[m].append([sign(k, j, p) for j in range(cols)])
            k = key(seed, generation, 0, m, Noise.B, r)
            b[m].append([sign(k, i, p) for i in range(rows)])
    return BatchSigns(a, b)


class BatchMember(Member):
    """One member of a pair; its direction is +1 or -1."""

    def __init__(self, net: NetConfig, es: EsConfig, pair: BatchSigns, direction: int) -> None:
        self.net, self.es, self.pair, self.direction = net, es, pair, direction

    def currents(self, m: int, x: Events) -> Matrix:
        layer, see = self.net.layers[m], wiring(self.net, m)
        pert: Matrix = []
        for events in with_bias(x, self.net.n_pre(m)):
            tick: list[int] = []
            for rows in see.rows:  # each place has a separate sum
                seen = [rows[i] for i in events if i in rows]
                at_place = [0] * see.channels
                for a, b in zip(self.pair.a[m], self.pair.b[m], strict=True):
                    c = sum(b[row] for row in seen)
                    assert abs(c) <= 32767
                    assert abs(c * self.es.sigma_h) < 2**30
                    s = clamp(rs(c * self.es.sigma_h, 8), layer.l_pert // self.es.rank)
                    for channel in range(see.channels):
                        at_place[channel] += self.direction * s * a[channel]
                tick += at_place
            pert.append(tick)
        return pert

    def readout(self, count: list[int]) -> list[int]:
        m = len(self.net.layers)
        pert = [0] * self.net.n_out
        for a, b in zip(self.pair.a[m], self.pair.b[m], strict=True):
            c = self.net.ticks * b[-1] + sum(n * b[h] for h, n in enumerate(count))
            if self.net.ends_in_convolution:
                assert abs(c) <= 32 * 32767
                c = clamp(c, 32 * 1025)
            assert abs(c) <= 32 * 1025  # more than 32767, and |c * sigma| may exceed 2^30, not 2^31
            s = clamp(rs(c * self.es.sigma_o, 8), 2**19 // self.es.rank)
            for j in range(self.net.n_out):
                pert[j] += self.direction * s * a[j]
        return pert
