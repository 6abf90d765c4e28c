"""SPEC.md section 7.4: what `sweep` measures on one recording, and section 9's gradient.

Every neuron of a layer gets the same extra current at once. Neurons of one layer do not act on each
other, so the model may run each neuron alone.
"""

from __future__ import annotations

from typing import NamedTuple

from tests.reference.config import EsConfig, NetConfig
from tests.reference.fitness import LIMIT_F, argmax, cross_entropy, exp2_neg
from tests.reference.forward import Run, base_currents, forward, lif, segment
from tests.reference.integers import INT32_MAX, Events, Matrix, clamp, rs
from tests.reference.net import Net
from tests.reference.sample import event_gradient, readout_gradient
from tests.reference.stream import decode
from tests.reference.update import STEP_MAX, LearningRate, Rows

Q_MAX = 16383


class Sweep(NamedTuple):
    """What one recording gives."""

    run: Run  # unperturbed
    e: list[int]  # [output]
    delta: list[Matrix]  # [layer][s][h]
    credit: bool  # whether the recording leaves credit; e and delta are 0 if not


def sweep(net: Net, es: EsConfig, data: bytes, label: int) -> Sweep:
    """Evaluate a recording."""
    config = net.config
    run = forward(net, data)
    if cross_entropy(run.logits, label) < es.learn_above:
        nothing = [[[0] * len(count) for _ in range(es.segments)] for count in run.counts]
        return Sweep(run, [0] * config.n_out, nothing, False)
    e = logit_gains(es, run.logits, label)
    inputs = [decode(data, config.n_in, config.ticks), *run.trains]
    delta: list[Matrix] = []
    sensitivity = last_sensitivity(net, es, e) if config.layers else []
    for m in reversed(range(len(config.layers))):
        if delta:
            sensitivity = deeper_sensitivity(net, es, m, delta[0])
        delta.insert(0, responses(net, es, m, inputs[m], sensitivity))
    return Sweep(run, e, delta, True)


def softmax(logits: list[int]) -> list[int]:
    """The share of each logit in the sum of section 6, in 1/4096."""
    top = max(logits)
    powers = [exp2_neg(top - x) for x in logits]
    s = sum(powers)
    assert s <= 2**22
    assert all(4096 * power <= 2**28 for power in powers)
    return [(4096 * power + s // 2) // s for power in powers]


def logit_gains(es: EsConfig, logits: list[int], label: int) -> list[int]:
    """e[j]."""
    if es.fitness == "xent":
        e = [4096 * (j == label) - share for j, share in enumerate(softmax(logits))]
    else:
        e = []
        for j in range(len(logits)):
            right = []
            for direction in (+1, -1):
                moved = list(logits)
                moved[j] += direction * es.sigma_o
                assert abs(moved[j]) <= INT32_MAX
                right.append(4096 if argmax(moved) == label else 0)
            e.append(right[0] - right[1])
    assert all(abs(x) <= 4096 for x in e)
    return e


def last_sensitivity(net: Net, es: EsConfig, e: list[int]) -> Matrix:
    """G[s][h] of the last LIF layer, the same for all s."""
    config = net.config
    if config.readout == "spikes":
        g = [rs(x, 12 - config.gain) - es.penalty for x in e]
        assert all(abs(x) <= 4096 + 4095 for x in g)
    else:
        g = []
        for row in net.unfolded(len(config.layers))[:-1]:
            total = sum(w * x for w, x in zip(row, e, strict=True))
            assert abs(total) < 2**25
            g.append(clamp(rs(total, 12 - config.gain) - es.penalty, LIMIT_F))
    return [g] * es.segments


def sigma_of(config: NetConfig, es: EsConfig, m: int) -> int:
    """The current that perturbs layer m."""
    layer = config.layers[m]
    assert es.sigma_h * layer.threshold < 2**29
    return min(es.sigma_h * layer.threshold // config.layers[0].threshold, layer.l_pert)


def deeper_sensitivity(net: Net, es: EsConfig, m: int, delta: Matrix) -> Matrix:
    """G[s][h] of layer m, from the delta of layer m + 1."""
    sigma = sigma_of(net.config, es, m + 1)
    weights = net.unfolded(m + 1)[:-1]
    sensitivity: Matrix = []
    for row in delta:
        q = [per_current(d, sigma) for d in row]
        sensitivity.append([])
        for w in weights:
            total = sum(w_k * q_k for w_k, q_k in zip(w, q, strict=True))
            assert abs(total) < 2**31 - 2**7
            sensitivity[-1].append(clamp(rs(total, 8) - es.penalty, LIMIT_F))
    return sensitivity


def per_current(delta: int, sigma: int) -> int:
    """q[s][k]."""
    if sigma == 0:
        return 0
    assert 128 * abs(delta) < 2**30
    size = (128 * abs(delta) + sigma // 2) // sigma
    return clamp(-size if delta < 0 else size, Q_MAX)


def responses(net: Net, es: EsConfig, m: int, x: Events, sensitivity: Matrix) -> Matrix:
    """delta[s][h] of layer m, whose presynaptic events are x."""
    config = net.config
    layer, T, S = config.layers[m], config.ticks, es.segments
    sigma, base = sigma_of(config, es, m), base_currents(net.unfolded(m), x, layer)
    delta: Matrix = []
    for s in range(S):
        delta.append([])
        for h in range(len(base[0])):
            total = 0
            for direction in (+1, -1):
                pushed = [
                    base[t][h] + direction * (sigma if segment(t, S, T) == s else 0)
                    for t in range(T)
                ]
                for t, spike in enumerate(lif(layer, pushed)[0]):
                    total += direction * spike * sensitivity[segment(t, S, T)][h]
            assert abs(total) < 2**22
            delta[s].append(total)
    return delta


def sweep_credit(delta: int, lr: LearningRate, n_ticks: int) -> int:
    """c[s][h], what one event adds to a step."""
    lm, ln = lr
    assert abs(delta * lm) < 2**30
    return clamp(rs(delta * lm, ln), STEP_MAX // n_ticks)


def sweep_gradients(
    config: NetConfig,
    es: EsConfig,
    data: bytes,
    found: Sweep,
    lr_h: LearningRate,
    lr_o: LearningRate,
) -> list[Rows]:
    """g[i][h] of every matrix for one recording. Rows without an event are left out."""
    gradients = []
    for m, delta in enumerate(found.delta):
        c = [[sweep_credit(d, lr_h, config.ticks) for d in row] for row in delta]
        gradients.append(event_gradient(config, es, m, data, found.run, c))
    if config.readout == "integrate":
        c_o = [sweep_credit(x, lr_o, config.ticks) for x in found.e]
        gradients.append(readout_gradient(config, found.run, c_o))
    return gradients
