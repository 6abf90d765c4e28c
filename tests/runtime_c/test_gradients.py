"""Every estimator climbs the smoothed fitness: the core against the true gradient in numpy.

The bounds leave room around the figures of tools/studies/gradient.py. The documentation of the
design explains the figures and the bias that remains.
"""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest

from eggroll_edge.core.workspace import Workspace
from tools.studies.gradient import Case, CoreNet, sample, small_net, study
from tools.studies.smoothed_net import SmallNet, spike_counts

NETS = [small_net(1), small_net(2)]


def results(case: Case) -> list[dict[str, float]]:
    return [study(net, case, 500, 500, seed=7) for net in NETS]


@pytest.mark.parametrize("small", NETS, ids=["1", "2"])
def test_the_model_is_the_core_without_noise(small: SmallNet) -> None:
    theirs = CoreNet(small)
    ws = Workspace(theirs.config, None)
    counts = spike_counts(small.x @ small.hidden, small.threshold)
    assert counts.sum() > 40, "a net that does not fire tests nothing"
    logits = 4096 * small.logits(counts, small.readout)
    predicted = np.zeros(1, np.uint8)
    for index in theirs.index:
        ws.run(theirs.net, theirs.samples, theirs.index[index : index + 1], predicted)
        assert ws.logits == logits[index].tolist()
    loss = ws.drain_counts().loss / 4096 / len(theirs.index)
    assert loss == pytest.approx(-small.fitness(logits / 4096, small.labels).mean(), abs=2e-3)


@pytest.mark.parametrize("case", [Case("full"), Case("batch"), Case("batch", rank=4)])
def test_batch_and_full_are_unbiased(case: Case) -> None:
    for got in results(case):  # 0.98 is expected, because of the noise of 500 generations
        assert got["cosine_hidden"] > 0.95
        assert got["cosine_readout"] > 0.95


def test_more_segments_less_bias() -> None:
    # A bias remains because all events of a segment get the same credit.
    cosines = [np.mean([r["cosine_hidden"] for r in results(sample(s))]) for s in (1, 3, 8)]
    assert cosines[0] > 0.8
    assert cosines[1] > 0.88
    assert cosines[2] > 0.93
    assert cosines == sorted(cosines)


def test_the_readout_of_sample_is_nearly_unbiased() -> None:
    assert all(got["cosine_readout"] > 0.97 for got in results(sample(3)))


def test_sample_needs_fewer_evaluations_than_batch() -> None:
    for inputs, factor in ((8, 4), (128, 80)):  # measured on this net: 11 and 275
        net = small_net(1, inputs)
        batch = study(net, Case("batch"), 500, 0, seed=7)
        ours = study(net, sample(3, inputs=inputs), 500, 0, seed=7)
        assert factor * ours["noise_hidden"] < batch["noise_hidden"]
        assert 4 * ours["noise_readout"] < batch["noise_readout"]


@pytest.mark.parametrize("few", [Case("batch", pairs=4), sample(3, pairs=4)])
def test_noise_falls_with_the_pairs(few: Case) -> None:
    many = Case(**{**vars(few), "pairs": 64})
    a, b = (study(NETS[0], case, 500, 0, seed=7)["noise_hidden"] for case in (few, many))
    assert a == pytest.approx(b, rel=0.35)  # noise is multiplied by the evaluations


def test_noise_on_the_logits_is_noise_for_the_hidden_layer() -> None:
    little, much = (study(NETS[0], sample(3, s), 500, 0, seed=7) for s in (0.25, 1.95))
    assert much["noise_hidden"] > 8 * little["noise_hidden"]  # measured: 20
    assert much["noise_readout"] < little["noise_readout"]


def test_a_neuron_that_a_pair_does_not_move_gets_no_credit_on_average() -> None:
    # So gating by spike counts adds no bias. The mean is over all sign patterns; nothing is random.
    small = NETS[0]
    base, label = (small.x @ small.hidden)[0], small.labels[0]
    kept, dropped = np.zeros((2, 6)), np.zeros((2, 6))
    for z, a in product(product((1, -1), repeat=2), product((1, -1), repeat=6)):
        signs = np.outer(z, a)
        push = 15.0 * np.repeat(signs, 6, axis=0)
        counts = [spike_counts(base + push, 40), spike_counts(base - push, 40)]
        f = [small.fitness(small.logits(c, small.readout), label) for c in counts]
        moved = counts[0] != counts[1]
        kept += (f[0] - f[1]) * signs * moved
        dropped += (f[0] - f[1]) * signs * ~moved
    assert abs(kept).max() > 1
    np.testing.assert_allclose(dropped, 0, atol=1e-9)
