"""The reference model's learning: the claims of SPEC.md sections 7 to 10, and the vectors."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests import reference as ref
from tests.reference import EsConfig, LayerConfig, Net, NetConfig
from tools.generate import vectors
from tools.generate.vector_data import Data

# ---- 7. Perturbed members ------------------------------------------------------------------------


TOY = NetConfig(9, 6, (LayerConfig(7, 60, 1, 1), LayerConfig(5, 40, 2, 0)), "integrate", 3, 4)


def toy_net(config: NetConfig, seed: int = 4) -> tuple[Net, bytes]:
    net = Net(config)
    net.init_weights(seed, 40, 30)
    return net, Data(99, seed).recording(config.n_in, config.ticks, 90)


@pytest.mark.parametrize("direction", [1, -1])
@pytest.mark.parametrize("p", [0, 33])
def test_batch_member_is_a_perturbed_network(p: int, direction: int) -> None:
    # Sigma is a whole number of weight units, so nothing is rounded: a member is W +/- sigma A B^T.
    net, recording = toy_net(TOY)
    es = EsConfig("batch", 40, rank=3, sigma_h=4 * 256, sigma_o=2 * 256)
    signs = ref.batch_signs(TOY, es, 11, 5, p)
    run = ref.forward(net, recording, ref.BatchMember(TOY, es, signs, direction))
    other = Net(TOY)
    for m, (rows, cols) in enumerate(TOY.shapes):
        sigma = 2 if m == 2 else 4
        for i in range(rows):
            for j in range(cols):
                e = sum(signs.a[m][r][j] * signs.b[m][r][i] for r in range(3))
                assert e == signs.element(m, i, j)
                other.weights[m][i][j] = net.weights[m][i][j] + direction * sigma * e
    assert run == ref.forward(other, recording)
    assert run != ref.forward(net, recording)


@pytest.mark.parametrize("direction", [1, -1])
def test_full_member_is_a_perturbed_network(direction: int) -> None:
    net, recording = toy_net(TOY)
    es = EsConfig("full", 4, sigma_h=4 * 256, sigma_o=2 * 256)
    noise = ref.full_noise(TOY, 11, 5, 2)
    run = ref.forward(net, recording, ref.FullMember(TOY, es, noise, direction))
    other = Net(TOY)
    for m, (rows, cols) in enumerate(TOY.shapes):
        sigma = 2 if m == 2 else 4
        for i in range(rows):
            for j in range(cols):
                w = net.weights[m][i][j] + direction * sigma * noise[m][i][j]
                other.weights[m][i][j] = w
    assert run == ref.forward(other, recording)


def test_full_noise_is_binomial() -> None:
    config = NetConfig(300, 1, (LayerConfig(50, 1, 1, 0),), "integrate", 2, 0)
    values = [e for row in ref.full_noise(config, 1, 2, 3)[0] for e in row]
    n = len(values)
    assert abs(sum(values)) < 4.5 * math.sqrt(2 * n)
    assert abs(sum(e * e for e in values) / n - 2) < 0.1
    assert set(values) == set(range(-4, 5))


def test_segments_are_never_empty() -> None:
    for ticks in range(1, 33):
        for segments in range(1, min(8, ticks) + 1):
            used = [ref.segment(t, segments, ticks) for t in range(ticks)]
            assert used == sorted(used)
            assert set(used) == set(range(segments))


# ---- 8. Fitness shaping --------------------------------------------------------------------------


MOST = 2**31 - 2**14  # 8192 recordings, each at most 2 * (2^17 - 1)


@given(st.lists(st.integers(-MOST, MOST), min_size=1, max_size=50))
def test_shape_batch(D: list[int]) -> None:
    shaped = ref.shape_batch(D)
    assert 0 <= shaped.e <= 16
    for d, f in zip(D, shaped.f, strict=True):
        assert abs(f) <= 127
        assert d * f >= 0
    negated = ref.shape_batch([-d for d in D])
    if shaped.e == 0:
        assert negated.f == [-f for f in shaped.f]


@given(st.lists(st.integers(-2 * ref.LIMIT_F, 2 * ref.LIMIT_F), min_size=1, max_size=50))
def test_shape_sample(D: list[int]) -> None:
    shaped = ref.shape_sample(D)
    assert shaped.e <= 11  # the largest |D| is 2^18 - 2
    for d, f in zip(D, shaped.f, strict=True):
        assert abs((f << shaped.e) - d) <= 2**shaped.e


# ---- 9. Update -----------------------------------------------------------------------------------


def test_the_largest_steps_fit() -> None:
    assert ref.STEP_MAX + 4095 == ref.INT16_MAX
    assert ref.STEP_MAX == 7 * 4096
    for lr in ((127, 0), (127, 30), (0, 0), (1, 30)):
        for G in (127 * 65536, -127 * 65536):
            ref.step_from_gradient(G, lr)  # asserts
    for ticks in range(1, 33):
        for delta in (127 * 256, -127 * 256):
            for ln, e in ((4, 12), (4, 4), (4, 0), (12, 12), (12, 0), (30, 0)):
                assert ticks * abs(ref.credit(delta, (127, ln), e, ticks)) <= ref.STEP_MAX


@pytest.mark.parametrize("step", [1, 1000, -1000, 2048, 6000, -28672, 28672])
def test_a_rounded_step_is_unbiased(step: int) -> None:
    # Measured are the mean change of the weights of a matrix over some generations, and the
    # variance of the sum over the matrix, which is that of independent rounding.
    config = NetConfig(19, 1, (LayerConfig(10, 1, 1, 0),), "spikes", 10, 0)
    p = step % 4096 / 4096
    sums = []
    for generation in range(60):
        net = Net(config)
        ref.apply(net, 0, 33, generation, {i: [step] * 10 for i in range(20)})
        moves = [w for row in net.weights[0] for w in row]
        assert set(moves) <= {step >> 12, (step >> 12) + 1}
        sums.append(sum(moves) - 200 * step / 4096)
    variance = 200 * p * (1 - p)
    assert abs(sum(sums)) <= 4.5 * math.sqrt(60 * variance)
    if variance > 1:
        assert 0.4 < sum(x * x for x in sums) / 60 / variance < 1.9


def test_a_weight_stays_within_127() -> None:
    net = Net(NetConfig(1, 1, (LayerConfig(2, 1, 1, 0),), "spikes", 2, 0))
    for generation in range(30):
        ref.apply(net, 0, 1, generation, {0: [28672, -28672], 1: [28672, -28672]})
    assert net.weights[0] == [[127, -127], [127, -127]]


@pytest.mark.parametrize("estimator", ["batch", "sample", "full"])
def test_a_learning_rate_of_zero_changes_nothing(estimator: str) -> None:
    net, recording = toy_net(TOY)
    before = net.digest()
    generation, es = {
        "batch": (ref.generation_batch, EsConfig("batch", 2, sigma_h=900)),
        "sample": (ref.generation_sample, EsConfig("sample", 2, sigma_h=90)),
        "full": (ref.generation_full, EsConfig("full", 2, sigma_h=900)),
    }[estimator]
    generation(net, es, 1, 0, [(recording, 1)], (0, 12), (0, 12))
    assert net.digest() == before


def test_rows_without_an_event_keep_their_weights() -> None:
    for es in (
        EsConfig("batch", 8, sigma_h=900, sigma_o=900),
        EsConfig("sample", 8, segments=2, sigma_h=90, sigma_o=900),
        EsConfig("full", 8, sigma_h=900, sigma_o=900),
    ):
        net, _ = toy_net(TOY)
        before = [list(row) for row in net.weights[0]]
        recordings = [(ref.encode([[2, 4, 8]] * 6), 1), (ref.encode([[0]] * 6), 0)]
        if es.estimator == "sample":
            ref.generation_sample(net, es, 1, 0, recordings, (127, 12), (127, 12))
        elif es.estimator == "batch":
            ref.generation_batch(net, es, 1, 0, recordings, (127, 1), (127, 1))
        else:
            ref.generation_full(net, es, 1, 0, recordings, (127, 1), (127, 1))
        changed = [i for i in range(10) if net.weights[0][i] != before[i]]
        assert changed == [0, 2, 4, 8, 9]


BATCH = EsConfig("batch", 16, sigma_h=1500, sigma_o=1500)
FULL = EsConfig("full", 16, sigma_h=1500, sigma_o=1500)
SAMPLE = EsConfig("sample", 16, segments=2, sigma_h=30, sigma_o=500)


@pytest.mark.parametrize("readout", ["integrate", "spikes"])
@pytest.mark.parametrize("es", [BATCH, FULL, SAMPLE], ids=lambda es: es.estimator)
def test_it_learns(es: EsConfig, readout: str) -> None:
    # The signs of the updates are right: on two patterns, every estimator lowers the loss.
    recordings = [(ref.encode([[0, 1, 2]] * 5), 0), (ref.encode([[4, 5, 6]] * 5), 1)]
    hidden = LayerConfig(8, 60, 1, 0)
    config = NetConfig(8, 5, (hidden,), "integrate", 2, 6)
    if readout == "spikes":
        config = NetConfig(8, 5, (hidden, LayerConfig(2, 40, 1, 0)), "spikes", 2, 8)
    net = Net(config)
    net.init_weights(2, 30, 20)
    losses = []
    for g in range(30):
        if es.estimator == "sample":
            centre = ref.generation_sample(net, es, 3, g, recordings, (127, 12), (127, 12)).centre
        elif es.estimator == "batch":
            centre = ref.generation_batch(net, es, 3, g, recordings, (64, 2), (64, 2)).centre
        else:
            centre = ref.generation_full(net, es, 3, g, recordings, (64, 2), (64, 2)).centre
        losses.append(sum(c.loss for c in centre))
    # With the readout `spikes` a count weighs at most 2^8/4096 bit: in 5 ticks the loss of two
    # recordings can fall from 2 bits to 1.70 at best.
    assert losses[-1] < (0.1 if readout == "integrate" else 0.98) * losses[0]


# ---- 10. Order of recordings ---------------------------------------------------------------------


def test_epochs() -> None:
    n, batch = 11, 3
    for epoch in range(3):
        order = ref.epoch_order(6, epoch, n)
        assert sorted(order) == list(range(n))
        visited = [
            i
            for g in range(3 * epoch, 3 * epoch + 3)
            for i in ref.generation_indices(6, g, n, batch)
        ]
        assert visited == order[:9]  # what remains of an epoch is left out
    assert ref.generation_indices(6, 2, 2, 5) == ref.epoch_order(6, 2, 2)


# ---- The stored vectors --------------------------------------------------------------------------


def test_the_stored_vectors_are_those_of_the_model() -> None:
    files = vectors.make()
    for name, content in files.items():
        assert (vectors.VECTORS / name).read_bytes() == content.encode(), name
    on_disk = {path.name for path in vectors.VECTORS.glob("*.json")}
    assert on_disk == set(files)
    assert sum(map(len, files.values())) < 560_000
