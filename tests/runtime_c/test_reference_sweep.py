"""The reference model's `sweep`: the claims of SPEC.md section 7.4, and its vectors."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests import reference as ref
from tests.reference import EsConfig, LayerConfig, Matrix, Net, NetConfig
from tools.generate.vector_data import Data

NET = NetConfig(9, 6, (LayerConfig(7, 60, 1, 1), LayerConfig(5, 40, 2, 0)), "integrate", 3, 4)
ES = EsConfig("sweep", 1, segments=3, sigma_h=50, penalty=5)
VECTORS = Path(__file__).resolve().parents[1] / "vectors" / "sweep.json"


def toy(config: NetConfig = NET, seed: int = 4) -> tuple[Net, bytes]:
    net = Net(config)
    net.init_weights(seed, 40, 30)
    return net, Data(98, seed).recording(config.n_in, config.ticks, 90)


class OneNeuron(ref.Member):
    """A net in which one neuron of one layer gets more current in one segment."""

    def __init__(self, m: int, h: int, s: int, current: int) -> None:
        self.m, self.h, self.s, self.current = m, h, s, current

    def currents(self, m: int, x: ref.Events) -> Matrix | None:
        if m != self.m:
            return None
        tick = [self.current * (h == self.h) for h in range(NET.layers[m].size)]
        none = [0] * len(tick)
        ticks = range(NET.ticks)
        return [tick if ref.segment(t, ES.segments, NET.ticks) == self.s else none for t in ticks]


@given(st.lists(st.integers(-40000, 40000), min_size=2, max_size=12))
def test_xent_gains_are_the_derivative_of_the_loss(logits: list[int]) -> None:
    e = ref.logit_gains(ES, logits, 0)
    assert abs(sum(e)) <= len(e)  # shares add up to 1, but for their rounding
    step = 256
    for j, gain in enumerate(e):
        moved = [list(logits), list(logits)]
        moved[0][j] += step
        moved[1][j] -= step
        up, down = (ref.cross_entropy(x, 0) for x in moved)
        if abs(up) < ref.LIMIT_F > abs(down):
            # The loss is within 8/4096 bit of the exact value, at both ends of the difference.
            assert gain == pytest.approx((down - up) * 4096 / (2 * step), abs=16 * 4096 / 512 + 60)


def test_accuracy_gains_are_those_of_logits_that_decide() -> None:
    es = EsConfig("sweep", 1, sigma_o=100, fitness="accuracy")
    assert ref.logit_gains(es, [1000, 950, 0], 0) == [4096, -4096, 0]
    assert ref.logit_gains(es, [1000, 950, 0], 1) == [-4096, 4096, 0]
    assert ref.logit_gains(es, [1000, 950, 0], 2) == [0, 0, 0]


def test_a_response_is_that_of_the_neuron_alone() -> None:
    net, recording = toy()
    found = ref.sweep(net, ES, recording, 1)
    last = len(NET.layers) - 1
    sigma = ES.sigma_h * 40 // 60
    answered = 0
    for s in range(ES.segments):
        for h, delta in enumerate(found.delta[last][s]):
            runs = [
                ref.forward(net, recording, OneNeuron(last, h, s, direction * sigma))
                for direction in (+1, -1)
            ]
            for run in runs:  # no other neuron notices
                others = [n for k, n in enumerate(run.counts[last]) if k != h]
                assert others == [n for k, n in enumerate(found.run.counts[last]) if k != h]
            response = runs[0].counts[last][h] - runs[1].counts[last][h]
            worth = sum(w * e for w, e in zip(net.weights[-1][h], found.e, strict=True))
            assert delta == response * (ref.rs(worth, 12 - NET.gain) - ES.penalty)
            answered += response != 0
    assert answered > 3


def test_credit_of_the_layer_below_points_uphill() -> None:
    """The chained delta has the sign of the change of fitness that a rerun of the net measures."""
    agree = disagree = 0
    for seed in range(30):
        net, recording = toy(seed=seed)
        found = ref.sweep(net, ES, recording, 1)
        for s in range(ES.segments):
            for h, delta in enumerate(found.delta[0][s]):
                more, less = (
                    ref.fitness(
                        ES, ref.forward(net, recording, OneNeuron(0, h, s, d * ES.sigma_h)), 1
                    )
                    for d in (+1, -1)
                )
                agree += delta * (more - less) > 0
                disagree += delta * (more - less) < 0
    assert agree > 100
    assert agree > 2 * disagree


def test_without_a_perturbation_only_the_readout_learns() -> None:
    net, recording = toy()
    before = [[list(row) for row in matrix] for matrix in net.weights]
    es = EsConfig("sweep", 1, segments=2, sigma_h=0)
    ref.generation_credit(net, es, 1, 0, [(recording, 1)], (127, 0), (127, 4))
    assert net.weights[:2] == before[:2]
    assert net.weights[2] != before[2]


def test_the_stored_parts() -> None:
    stored = json.loads(VECTORS.read_text())
    for logits, shares in stored["softmax"]:
        assert ref.softmax(logits) == shares
        assert all(0 <= share <= 4096 for share in shares)
    for delta, sigma, q in stored["per_current"]:
        assert ref.per_current(delta, sigma) == q
    for delta, lm, ln, ticks, c in stored["credit"]:
        assert ref.sweep_credit(delta, (lm, ln), ticks) == c
