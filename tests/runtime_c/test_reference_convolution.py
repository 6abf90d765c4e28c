"""The reference model's convolutions: the claims of SPEC.md section 4.1, and what rests on them."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.lib.stride_tricks import sliding_window_view

from tests import reference as ref
from tests.reference import EsConfig, LayerConfig, Matrix, Net, NetConfig, Shape
from tools.generate.vector_convolution import DENSE, GAPS, LINEAR, NETS, ONE, POOL, TWO, net
from tools.generate.vector_data import Data

SMALL = [config for config in NETS if config.n_in < 200]


def made(config: NetConfig, seed: int = 4, density: int = 80) -> tuple[Net, bytes]:
    """A net with biases, and a recording."""
    found, data = Net(config), Data(97, seed)
    found.init_weights(seed, 50, 40)
    for matrix in found.weights:
        matrix[-1] = [data.between(-20, 40) for _ in matrix[-1]]
    return found, data.recording(config.n_in, config.ticks, density)


def as_dense(found: Net) -> Net:
    """The same net without a convolution: a neuron has separate weights, many of them 0."""
    config = found.config
    layers = tuple(
        LayerConfig(shape.units, *layer[1:4])
        for layer, shape in zip(config.layers, config.layer_shapes, strict=True)
    )
    other = Net(
        NetConfig(config.n_in, config.ticks, layers, config.readout, config.n_out, config.gain)
    )
    other.weights = [[list(row) for row in found.unfolded(m)] for m in range(len(found.weights))]
    return other


def test_a_convolution_is_that_of_a_kernel_tensor() -> None:
    """Against numpy's windows, with the kernel as NIR and PyTorch order it: [C][C'][F][F]."""
    for config in (ONE, POOL, LINEAR, GAPS):
        found, recording = made(config)
        layer, shape, below = config.layers[0], config.layer_shapes[0], config.shape_below(0)
        kernel = np.array(found.weights[0][:-1]).T.reshape(
            shape.channels, below.channels, layer.kernel, layer.kernel
        )
        base = ref.base_currents(
            found.unfolded(0), ref.decode(recording, config.n_in, config.ticks), layer
        )
        for events, currents in zip(
            ref.decode(recording, config.n_in, config.ticks), base, strict=True
        ):
            picture = np.zeros(config.n_in, int)
            picture[events] = 1
            around = ((0, 0), (layer.padding,) * 2, (layer.padding,) * 2)
            padded = np.pad(picture.reshape(below), around)
            windows = sliding_window_view(padded, (layer.kernel,) * 2, axis=(1, 2))
            windows = windows[:, :: layer.stride, :: layer.stride]
            sums = np.einsum("ckij,kyxij->yxc", kernel, windows) + found.weights[0][-1]
            assert sums.shape == (shape.rows, shape.columns, shape.channels)
            assert sums.ravel().tolist() == currents


@pytest.mark.parametrize("config", SMALL)
def test_a_convolution_runs_as_a_dense_layer_with_equal_weights(config: NetConfig) -> None:
    found, recording = made(config)
    run, other = ref.forward(found, recording), ref.forward(as_dense(found), recording)
    assert run.trains == other.trains
    assert run.logits == other.logits
    assert sum(map(bool, run.counts[-1])) > 1


@pytest.mark.parametrize("estimator", ["sweep", "eprop"])
@pytest.mark.parametrize("config", SMALL)
def test_credit_is_that_of_the_dense_layer_and_adds_up(config: NetConfig, estimator: str) -> None:
    found, recording = made(config)
    dense = as_dense(found)
    if estimator == "sweep":
        es = EsConfig("sweep", 1, segments=2, sigma_h=50, penalty=3)
        one, other = ref.sweep(found, es, recording, 1), ref.sweep(dense, es, recording, 1)
    else:
        es = EsConfig("eprop", 1, segments=config.ticks, sigma_h=50, penalty=3)
        one, other = ref.eprop(found, es, recording, 1), ref.eprop(dense, es, recording, 1)
    assert (one.e, one.delta) == (other.e, other.delta)
    assert all(any(map(any, delta)) for delta in one.delta)
    folded = ref.sweep_gradients(config, es, recording, one, (127, 10), (127, 10))
    parts = ref.sweep_gradients(dense.config, es, recording, other, (127, 10), (127, 10))
    for m, (rows, cols) in enumerate(config.shapes):
        sums = [[0] * cols for _ in range(rows)]
        for i, part in parts[m].items():
            for h, g in enumerate(part):
                row, col = place_of(config, m, i, h)
                if row is not None:
                    sums[row][col] += g
        for row in range(rows):
            wanted = [ref.clamp(g, ref.STEP_MAX) for g in sums[row]]
            assert folded[m].get(row, [0] * cols) == wanted


def place_of(config: NetConfig, m: int, i: int, h: int) -> tuple[int | None, int]:
    """The row and the column of matrix m that hold the weight between i and h."""
    if m < len(config.layers):
        see = ref.wiring(config, m)
        return see.rows[h // see.channels].get(i), h % see.channels
    return (ref.readout_row(config, i) if i < config.n_pre(m) else config.shapes[m][0] - 1), h


@pytest.mark.parametrize("direction", [1, -1])
@pytest.mark.parametrize("config", [TWO, DENSE, POOL])
def test_a_batch_member_is_a_perturbed_net(config: NetConfig, direction: int) -> None:
    # Sigma is a whole number of weight units, so nothing is rounded.
    found, recording = made(config)
    es = EsConfig("batch", 40, rank=3, sigma_h=2 * 256, sigma_o=2 * 256)
    pair = ref.batch_signs(config, es, 11, 5, 33)
    run = ref.forward(found, recording, ref.BatchMember(config, es, pair, direction))
    other = Net(config)
    for m, (rows, cols) in enumerate(config.shapes):
        for i in range(rows):
            for j in range(cols):
                e = pair.element(m, i, j)
                other.weights[m][i][j] = found.weights[m][i][j] + direction * 2 * e
    assert run == ref.forward(other, recording)
    assert run != ref.forward(found, recording)


TINY = net(
    (1, 4, 4), 6, (LayerConfig(3, 50, 1, 0, 2, 1, 0), LayerConfig(2, 40, 1, 0, 2, 1, 0)), 3, 4
)


class OneNeuron(ref.Member):
    """The net TINY, in which one neuron of the first layer gets more current in one segment."""

    def __init__(self, h: int, s: int, current: int) -> None:
        self.h, self.s, self.current = h, s, current

    def currents(self, m: int, x: ref.Events) -> Matrix | None:
        if m:
            return None
        tick = [self.current * (h == self.h) for h in range(TINY.layer_shapes[0].units)]
        none = [0] * len(tick)
        ticks = range(TINY.ticks)
        return [tick if ref.segment(t, 2, TINY.ticks) == self.s else none for t in ticks]


def test_the_sensitivity_of_a_layer_below_points_uphill() -> None:
    """It has the sign of the change of fitness that a rerun of the net measures."""
    es = EsConfig("sweep", 1, segments=2, sigma_h=60)
    agree = disagree = 0
    for seed in range(12):
        found, recording = made(TINY, seed)
        credit = ref.sweep(found, es, recording, 1)
        for s in range(es.segments):
            for h, delta in enumerate(credit.delta[0][s]):
                more, less = (
                    ref.fitness(es, ref.forward(found, recording, OneNeuron(h, s, d * 60)), 1)
                    for d in (+1, -1)
                )
                agree += delta * (more - less) > 0
                disagree += delta * (more - less) < 0
    assert agree > 100
    assert agree > 2 * disagree


def test_counts_are_summed_over_squares() -> None:
    assert POOL.layer_shapes[0] == Shape(3, 5, 7)
    assert POOL.pooled_shape == Shape(3, 3, 4)
    squares = np.array(ref.readout_counts(POOL, [1] * 105)).reshape(3, 4, 3)
    for c in range(3):
        assert squares[:, :, c].tolist() == [[4, 4, 4, 2], [4, 4, 4, 2], [2, 2, 2, 1]]


def test_the_largest_sums_fit() -> None:
    # A convolution of 32766 neurons behind which one row of the readout counts 256 places.
    assert 32 * 32767 * 127 + 2**19 < 2**27
    # The step of a weight: every neuron of a channel at its limit. The credit of a square.
    assert 28672 * 32766 < 2**30
    assert 32 * 16 * 16 * 28672 < 2**30
    # The sum over the neurons that see one: channels * ceil(F / d)^2 of them.
    assert 1024 * 127 * 16383 < 2**31 - 2**7


def test_batch_visits_every_row_of_a_convolution() -> None:
    silent = ref.encode([[]] * ONE.ticks)
    assert ref.active_rows(ONE, 0, [(silent, 0)]) == list(range(ONE.shapes[0][0]))


@pytest.mark.parametrize("name", ["sample", "full"])
def test_sample_and_full_refuse(name: str) -> None:
    es = EsConfig("sample" if name == "sample" else "full", 4)
    es.check(NetConfig(3, 2, (LayerConfig(2, 1, 1, 0),), "integrate", 2, 0))
    with pytest.raises(AssertionError):
        es.check(ONE)


CONVOLUTION = LayerConfig(4, 60, 1, 0, 3, 2, 1)


@pytest.mark.parametrize(
    ("shape", "layers", "pool", "spikes"),
    [
        ((2, 5, 5), (CONVOLUTION._replace(padding=3),), 1, False),
        ((2, 5, 5), (CONVOLUTION._replace(stride=9),), 1, False),
        ((2, 5, 5), (CONVOLUTION._replace(kernel=16),), 1, False),
        ((2, 1, 5), (CONVOLUTION._replace(padding=0),), 1, False),  # no place
        ((2, 5, 5), (CONVOLUTION._replace(size=257),), 1, False),
        ((2, 5, 5), (CONVOLUTION._replace(size=256, stride=1),), 1, False),  # 256 * 9 see an input
        ((1, 180, 183), (CONVOLUTION._replace(kernel=1, stride=1, padding=0),), 1, False),
        ((255, 3, 3), (CONVOLUTION._replace(size=1, kernel=15, padding=14, stride=8),), 1, False),
        ((2, 5, 5), (CONVOLUTION,), 17, False),
        ((2, 5, 5), (CONVOLUTION, LayerConfig(4, 60, 1, 0)), 2, False),
        ((2, 1, 1), (CONVOLUTION,), 1, True),
        ((1, 1, 4097), (CONVOLUTION,), 1, False),
        ((16, 64, 64), (CONVOLUTION,), 1, False),  # 65536 inputs
        ((1, 128, 256), (LayerConfig(4, 60, 1, 0),), 1, False),  # dense: 32768 inputs
    ],
)
def test_a_net_out_of_range_is_refused(
    shape: tuple[int, int, int], layers: tuple[LayerConfig, ...], pool: int, spikes: bool
) -> None:
    assert net((2, 5, 5), 4, (CONVOLUTION,), 4, 4).layer_shapes == [Shape(4, 3, 3)]
    with pytest.raises(AssertionError):
        net(shape, 4, layers, 4, 4, pool, spikes)


def test_a_convolution_needs_the_shape_of_the_inputs() -> None:
    with pytest.raises(AssertionError):
        NetConfig(50, 4, (CONVOLUTION,), "integrate", 4, 4)
