"""SPEC.md section 7.2: members of `sample`, whose currents are perturbed; and section 9's gradient.

The perturbation is a current of rank 1: a sign for each neuron times a sign for each segment of
the recording. Every recording of a generation has separate signs.
"""

from __future__ import annotations

from typing import NamedTuple

from tests.reference.config import EsConfig, NetConfig
from tests.reference.forward import Member, Run, segment, with_bias
from tests.reference.integers import Events, Matrix, clamp
from tests.reference.noise import Noise, key, sign
from tests.reference.shaping import Shaped
from tests.reference.stream import decode
from tests.reference.update import STEP_MAX, LearningRate, Rows, credit
from tests.reference.wiring import wiring


class SampleSigns(NamedTuple):
    """The signs of one pair on one recording."""

    a: Matrix  # [LIF matrix][neuron]
    z: Matrix  # [LIF matrix][segment]
    b: list[int]  # [output]; empty for the readout `spikes`


def sample_signs(
    net: NetConfig, es: EsConfig, seed: int, generation: int, pos: int, p: int
) -> SampleSigns:
    """The signs of pair p on the recording at a position of the generation."""
    a: Matrix = []
    z: Matrix = []
    for m, layer in enumerate(net.layers):
        k = key(seed, generation, pos, m, Noise.A, 0)
        a.append([sign(k, h, p) for h in range(layer.size)])
        k = key(seed, generation, pos, m, Noise.Z, 0)
        z.append([sign(k, s, p) for s in range(es.segments)])
    b: list[int] = []
    if net.readout == "integrate":
        k = key(seed, generation, pos, len(net.layers), Noise.LOGIT, 0)
        b = [sign(k, j, p) for j in range(net.n_out)]
    return SampleSigns(a, z, b)


class SampleMember(Member):
    """One member of a pair; its direction is +1 or -1."""

    def __init__(self, net: NetConfig, es: EsConfig, pair: SampleSigns, direction: int) -> None:
        self.net, self.es, self.pair, self.direction = net, es, pair, direction

    def currents(self, m: int, x: Events) -> Matrix:
        a, z = self.pair.a[m], self.pair.z[m]
        pert: Matrix = []
        for t in range(self.net.ticks):
            z_t = z[segment(t, self.es.segments, self.net.ticks)]
            pert.append([self.direction * self.es.sigma_h * z_t * a_h for a_h in a])
        return pert

    def logits(self) -> list[int]:
        return [self.direction * self.es.sigma_o * b_j for b_j in self.pair.b]


def sample_gradients(
    config: NetConfig,
    es: EsConfig,
    data: bytes,
    run: Run,
    pairs: list[SampleSigns],
    shaped: Shaped,
    lr_h: LearningRate,
    lr_o: LearningRate,
) -> list[Rows]:
    """g[i][h] of every matrix for one recording. Rows without an event are left out."""
    gradients = [
        _hidden_gradient(config, es, m, data, run, pairs, shaped, lr_h)
        for m in range(len(config.layers))
    ]
    if config.readout == "integrate":
        gradients.append(_readout_gradient(config, run, pairs, shaped, lr_o))
    return gradients


def _hidden_gradient(
    config: NetConfig,
    es: EsConfig,
    m: int,
    data: bytes,
    run: Run,
    pairs: list[SampleSigns],
    shaped: Shaped,
    lr: LearningRate,
) -> Rows:
    T, S, size = config.ticks, es.segments, config.layers[m].size
    c: Matrix = []  # [s][h]
    for s in range(S):
        c.append([])
        for h in range(size):
            each = zip(shaped.f, pairs, strict=True)
            delta = sum(f_p * pair.z[m][s] * pair.a[m][h] for f_p, pair in each)
            c[s].append(credit(delta, lr, shaped.e, T))
    return event_gradient(config, es, m, data, run, c)


def event_gradient(
    config: NetConfig, es: EsConfig, m: int, data: bytes, run: Run, c: Matrix
) -> Rows:
    """g[row][column] of LIF matrix m, from the credit c[s][h]."""
    T, S = config.ticks, es.segments
    # Presynaptic events: from the second matrix on, spikes of the unperturbed run.
    x = with_bias(decode(data, config.n_in, T) if m == 0 else run.trains[m - 1], config.n_pre(m))
    see = wiring(config, m)
    g: Rows = {}
    for place, rows in enumerate(see.rows):
        n: Rows = {}  # n[row][s]
        for t, events in enumerate(x):
            for i in events:
                if i in rows:
                    n.setdefault(rows[i], [0] * S)[segment(t, S, T)] += 1
        for row, n_row in n.items():
            total = g.setdefault(row, [0] * see.channels)
            for channel in range(see.channels):
                h = place * see.channels + channel
                one = sum(n_row[s] * c[s][h] for s in range(S))
                assert abs(one) <= STEP_MAX
                total[channel] += one
    assert all(abs(total) < 2**30 for row_sums in g.values() for total in row_sums)
    return {row: [clamp(total, STEP_MAX) for total in sums] for row, sums in g.items()}


def _readout_gradient(
    config: NetConfig, run: Run, pairs: list[SampleSigns], shaped: Shaped, lr: LearningRate
) -> Rows:
    c: list[int] = []
    for j in range(config.n_out):
        delta = sum(f_p * pair.b[j] for f_p, pair in zip(shaped.f, pairs, strict=True))
        c.append(credit(delta, lr, shaped.e, config.ticks))
    return readout_gradient(config, run, c)


def readout_gradient(config: NetConfig, run: Run, c: list[int]) -> Rows:
    """g[h][j] of the readout matrix, from the credit c[j]."""
    count = [*run.readout_events, config.ticks]  # the bias has an event in every tick
    g = {h: [n_h * c_j for c_j in c] for h, n_h in enumerate(count) if n_h > 0}
    if not config.ends_in_convolution:
        assert all(abs(x) <= STEP_MAX for row in g.values() for x in row)
    return {h: [clamp(x, STEP_MAX) for x in row] for h, row in g.items()}
