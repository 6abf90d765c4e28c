"""SPEC.md section 7.5: the surrogate gradient of `eprop` on one recording.

It has the logit gains and the sensitivities of `sweep`, with a segment for each tick.
"""

from __future__ import annotations

from collections.abc import Sequence

from tests.reference.config import EsConfig, LayerConfig, NetConfig
from tests.reference.fitness import LIMIT_F, cross_entropy
from tests.reference.forward import base_currents, forward
from tests.reference.integers import Events, Matrix, clamp, rs
from tests.reference.net import Net
from tests.reference.stream import decode
from tests.reference.sweep import Sweep, last_sensitivity, logit_gains, per_current

SIGMA_MAX = 32767


def eprop(net: Net, es: EsConfig, data: bytes, label: int) -> Sweep:
    """Evaluate a recording."""
    config = net.config
    run = forward(net, data)
    if cross_entropy(run.logits, label) < es.learn_above:
        nothing = [[[0] * len(count) for _ in range(config.ticks)] for count in run.counts]
        return Sweep(run, [0] * config.n_out, nothing, False)
    e = logit_gains(es, run.logits, label)
    inputs = [decode(data, config.n_in, config.ticks), *run.trains]
    delta: list[Matrix] = []
    sensitivity = last_sensitivity(net, es, e)
    for m in reversed(range(len(config.layers))):
        if delta:
            sensitivity = sensitivity_below(net, es, m, delta[0])
        delta.insert(0, credit_in_time(net, es, m, inputs[m], sensitivity))
    return Sweep(run, e, delta, True)


def width_of(config: NetConfig, es: EsConfig, m: int) -> int:
    """sigma_l: half the width of the triangle of layer m."""
    layer = config.layers[m]
    assert es.sigma_h * layer.threshold < 2**29
    return min(es.sigma_h * layer.threshold // config.layers[0].threshold, SIGMA_MAX)


def slopes(layer: LayerConfig, currents: Sequence[int], width: int) -> list[int | None]:
    """psi[t] of one neuron; None in a tick in which it is blocked."""
    found: list[int | None] = []
    v = ref = 0
    for current in currents:
        v -= v >> layer.leak_shift
        if ref > 0:
            ref -= 1
            found.append(None)
            continue
        v += current
        inside = width - abs(v - layer.threshold)
        psi = inside * (2**24 // width) >> 16 if inside > 0 else 0
        assert 0 <= psi <= 256
        found.append(psi)
        if v >= layer.threshold:
            v -= layer.threshold
            ref = layer.refractory
    return found


def credit_in_time(net: Net, es: EsConfig, m: int, x: Events, sensitivity: Matrix) -> Matrix:
    """delta[t][h] of layer m, whose presynaptic events are x."""
    config = net.config
    layer, T = config.layers[m], config.ticks
    base, width = base_currents(net.unfolded(m), x, layer), width_of(config, es, m)
    delta = [[0] * len(base[0]) for _ in range(T)]
    for h in range(len(base[0])):
        psi = slopes(layer, [base[t][h] for t in range(T)], width)
        f = 0
        for t in reversed(range(T)):
            f = (f - (f >> layer.leak_shift)) + (psi[t] or 0) * sensitivity[t][h]
            assert abs(f) < 2**30
            delta[t][h] = 0 if psi[t] is None else rs(f, 7)
            assert abs(delta[t][h]) < 2**23
    return delta


def sensitivity_below(net: Net, es: EsConfig, m: int, delta: Matrix) -> Matrix:
    """G[t][h] of layer m, from the delta of layer m + 1."""
    width = width_of(net.config, es, m + 1)
    weights = net.unfolded(m + 1)[:-1]
    sensitivity: Matrix = []
    for row in delta:
        q = [per_current(d, width) for d in row]
        sums = [sum(a * b for a, b in zip(w, q, strict=True)) for w in weights]
        assert all(abs(total) < 2**31 - 2**7 for total in sums)
        sensitivity.append([clamp(rs(total, 8) - es.penalty, LIMIT_F) for total in sums])
    return sensitivity
