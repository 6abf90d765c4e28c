"""The reference model's `eprop`: the claims of SPEC.md section 7.5, and its vectors."""

from __future__ import annotations

import json
from itertools import chain, pairwise
from pathlib import Path

import pytest

from tests import reference as ref
from tests.reference import EsConfig, LayerConfig, Net, NetConfig
from tools.generate.vector_data import Data

NET = NetConfig(9, 8, (LayerConfig(7, 60, 2, 0), LayerConfig(5, 40, 1, 0)), "integrate", 3, 5)
ES = EsConfig("eprop", 1, segments=8, sigma_h=60, penalty=5)
VECTORS = Path(__file__).resolve().parents[1] / "vectors" / "eprop.json"


def toy(seed: int = 4) -> tuple[Net, bytes]:
    net = Net(NET)
    net.init_weights(seed, 40, 30)
    return net, Data(97, seed).recording(NET.n_in, NET.ticks, 90)


def currents(net: Net, m: int, x: ref.Events) -> list[list[int]]:
    """[neuron][tick]"""
    base = ref.base_currents(net.weights[m], x, NET.layers[m])
    return [[tick[h] for tick in base] for h in range(NET.layers[m].size)]


def test_a_slope_is_a_triangle_around_the_threshold() -> None:
    layer = LayerConfig(1, 100, 1, 0)
    psi = [ref.slopes(layer, [100 + d], 50)[0] for d in range(-60, 61)]
    assert all(p is not None for p in psi)
    found = [p or 0 for p in psi]
    assert found[60] == 255  # 256 but for the rounding of the reciprocal
    assert found == found[::-1]
    assert found[:11] == [0] * 11
    assert all(4 <= b - a <= 6 for a, b in pairwise(found[10:60]))
    assert ref.slopes(layer, [100], 64) == [256]
    assert ref.slopes(layer, [100, 3, 3], 0) == [0, 0, 0]


def test_a_blocked_neuron_has_no_slope() -> None:
    layer = LayerConfig(1, 100, 1, 2)
    assert ref.slopes(layer, [120, 90, 90, 90], 100)[1:3] == [None, None]
    assert ref.slopes(layer, [120, 90, 90, 90], 100)[3] == 238  # the membrane is 93


def test_credit_decays_backward_in_time_as_the_membrane_leaks() -> None:
    """delta is the sum over later ticks of slope times worth, with the leak between them."""
    answered = 0
    for seed in range(10):
        net, recording = toy(seed)
        found = ref.eprop(net, ES, recording, 1)
        leak, width = 1 - 2.0 ** -NET.layers[1].leak_shift, ES.sigma_h * 40 // 60
        for h, inputs in enumerate(currents(net, 1, found.run.trains[0])):
            psi = [p or 0 for p in ref.slopes(NET.layers[1], inputs, width)]
            worth = sum(w * e for w, e in zip(net.weights[-1][h], found.e, strict=True))
            gain = ref.rs(worth, 12 - NET.gain) - ES.penalty
            for t in range(NET.ticks):
                wanted = sum(leak ** (k - t) * psi[k] for k in range(t, NET.ticks)) * gain / 128
                assert found.delta[1][t][h] == pytest.approx(wanted, abs=2)
                answered += abs(wanted) > 20
    assert answered > 50


def test_the_layer_below_gets_the_transposed_weights() -> None:
    net, recording = toy()
    found = ref.eprop(net, ES, recording, 1)
    width, leak = ES.sigma_h * 40 // 60, 1 - 2.0 ** -NET.layers[0].leak_shift
    x = ref.decode(recording, NET.n_in, NET.ticks)
    answered = 0
    for h, inputs in enumerate(currents(net, 0, x)):
        psi = [p or 0 for p in ref.slopes(NET.layers[0], inputs, ES.sigma_h)]
        worth = [
            sum(w * d for w, d in zip(net.weights[1][h], row, strict=True)) / (2 * width)
            - ES.penalty
            for row in found.delta[1]
        ]
        for t in range(NET.ticks):
            parts = [leak ** (k - t) * psi[k] * worth[k] / 128 for k in range(t, NET.ticks)]
            assert found.delta[0][t][h] == pytest.approx(sum(parts), abs=2 + 0.02 * abs(sum(parts)))
            answered += abs(sum(parts)) > 20
    assert answered > 5


def test_credit_agrees_with_sweep_in_its_sign() -> None:
    """What eprop assumes and sweep measures mostly point the same way, and are of one size."""
    agree = disagree = 0
    sizes = [0, 0]
    for seed in range(30):
        net, recording = toy(seed)
        guessed = ref.eprop(net, ES, recording, 1).delta[1]
        measured = ref.sweep(
            net, EsConfig("sweep", 1, segments=8, sigma_h=60, penalty=5), recording, 1
        ).delta[1]
        for a, b in zip(chain(*guessed), chain(*measured), strict=True):
            agree += a * b > 0
            disagree += a * b < 0
            sizes[0] += abs(a)
            sizes[1] += abs(b)
    assert agree > 200
    assert disagree < agree / 50
    assert 0.5 < sizes[0] / sizes[1] < 2


def test_without_a_triangle_only_the_readout_learns() -> None:
    net, recording = toy()
    before = [[list(row) for row in matrix] for matrix in net.weights]
    es = EsConfig("eprop", 1, segments=8, sigma_h=0)
    ref.generation_credit(net, es, 1, 0, [(recording, 1)], (127, 0), (127, 4))
    assert net.weights[:2] == before[:2]
    assert net.weights[2] != before[2]


def test_the_stored_slopes() -> None:
    stored = json.loads(VECTORS.read_text())["slopes"]
    for layer, inputs, width, psi in stored:
        assert ref.slopes(LayerConfig(*layer), inputs, width) == psi
    assert {None, 0, 255} < {p for *_, psi in stored for p in psi}
