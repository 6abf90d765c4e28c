"""Convolutions in the configuration of a net: shapes, ceilings, their spelling and their errors."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from eggroll_edge._core import lib
from hypothesis import given, settings
from hypothesis import strategies as st

from eggroll_edge.core.config import EsConfig, EstimatorName, LifConfig, NetConfig
from eggroll_edge.core.net import Net
from eggroll_edge.core.shapes import Convolution, Shape, layer_shapes, parse_layer
from eggroll_edge.errors import ConfigError

NMNIST = Shape(2, 34, 34)


def net(*layers: LifConfig, shape: Shape = NMNIST, **more: Any) -> NetConfig:
    return NetConfig(shape.units, 10, 15, layers, input_shape=shape, **more)


def conv(channels: int, kernel: int, stride: int = 1, padding: int = 0) -> LifConfig:
    return LifConfig(channels, 200, 1, 0, kernel, stride, padding)


def test_the_net_of_the_prototype() -> None:
    found = net(conv(16, 5, 2), readout_pool=2)
    assert found.layer_shapes == (Shape(16, 15, 15),)
    assert found.units == (3600,)
    assert found.neurons == 3600
    assert found.shapes == ((51, 16), (16 * 8 * 8 + 1, 10))
    assert found.parameters == 51 * 16 + 1025 * 10
    assert str(found) == "2x34x34 - conv 16 k5 s2 - pool 2 - 10"


@pytest.mark.parametrize(
    "config",
    [
        net(conv(16, 5, 2)),
        net(conv(6, 3, 1, 1), conv(9, 5, 3, 4), LifConfig(10), readout="spikes", gain=3),
        net(conv(4, 15, 8, 14), conv(8, 2), readout_pool=3),
        net(LifConfig(12), conv(5, 1), shape=Shape(1, 4, 7)),
        net(conv(3, 5, 1, 2), shape=Shape(1, 1, 700), readout_pool=16),
        net(conv(8, 5, 4), LifConfig(64), shape=Shape(2, 128, 128)),
        NetConfig(20, 4, 5, (LifConfig(8), LifConfig(6))),
        NetConfig(20, 4, 5, (), input_segments=3),
    ],
    ids=str,
)
def test_python_and_the_core_have_the_same_matrices(config: NetConfig) -> None:
    native = config.native()
    for m, shape in enumerate(config.shapes):
        assert (lib.egg_net_rows(native, m), lib.egg_net_cols(native, m)) == shape
    assert lib.egg_net_matrices(native) == len(config.shapes)
    assert lib.egg_net_bytes(native) == config.parameters
    assert NetConfig.from_dict(json.loads(json.dumps(config.to_dict()))) == config


@settings(deadline=None)
@given(st.data())
def test_a_convolution_has_as_many_neurons_as_the_core_counts(data: st.DataObject) -> None:
    """The dense layer above has a row for each of them."""
    draw = data.draw
    shape = Shape(draw(st.integers(1, 3)), draw(st.integers(1, 40)), draw(st.integers(1, 40)))
    kernel = draw(st.integers(1, 15))
    layer = conv(
        draw(st.integers(1, 40)), kernel, draw(st.integers(1, 8)), draw(st.integers(0, kernel - 1))
    )
    try:
        config = net(layer, LifConfig(3), shape=shape)
    except ConfigError:
        unchecked = object.__new__(NetConfig)
        unchecked.__dict__.update(net(LifConfig(2), LifConfig(3), shape=shape).__dict__)
        unchecked.__dict__["layers"] = (layer, LifConfig(3))
        assert lib.egg_net_check(unchecked.native()) == lib.EGG_E_CONVOLUTION
        return
    assert lib.egg_net_rows(config.native(), 1) == config.units[0] + 1


def test_dense_nets_are_described_as_before() -> None:
    """Journals and checkpoints of dense nets keep their bytes."""
    dense = NetConfig(20, 4, 5, (LifConfig(8, 300, 2, 1),), gain=3)
    assert json.dumps(dense.to_dict()) == (
        '{"inputs": 20, "outputs": 4, "ticks": 5, "layers": [{"size": 8, "threshold": 300, '
        '"leak_shift": 2, "refractory": 1}], "readout": "integrate", "gain": 3}'
    )
    assert str(dense) == "20-8-4"
    assert str(NetConfig(20, 4, 5, (LifConfig(8), LifConfig(4)), "spikes")) == "20-8-4"


@pytest.mark.parametrize(
    ("text", "layer", "canonical"),
    [
        ("64", 64, "64"),
        (" 64 ", 64, "64"),
        ("conv 16 k5", Convolution(16, 5), "conv 16 k5"),
        ("conv 16 k5 s1 p0", Convolution(16, 5), "conv 16 k5"),
        ("  conv  16  k5  s2 ", Convolution(16, 5, 2), "conv 16 k5 s2"),
        ("conv 1 k3 p2", Convolution(1, 3, 1, 2), "conv 1 k3 p2"),
        ("conv 256 k15 s8 p14", Convolution(256, 15, 8, 14), "conv 256 k15 s8 p14"),
    ],
)
def test_the_spelling_of_a_layer(text: str, layer: Any, canonical: str) -> None:
    assert parse_layer(text) == layer
    assert str(parse_layer(text)) == canonical
    assert parse_layer(canonical) == parse_layer(layer) == layer


@pytest.mark.parametrize(
    ("entry", "text"),
    [
        ("conv", r"'conv' is not a convolution: use conv CHANNELS kKERNEL \[sSTRIDE\] \[pPADDING"),
        ("conv 16", "use conv CHANNELS"),
        ("conv 16 s2 k5", "use conv CHANNELS"),
        ("conv16 k5", "use conv CHANNELS"),
        ("conv 16 k5 s2 p1 x", "use conv CHANNELS"),
        ("pool 2", "'pool 2' is not a layer: use a number of neurons, such as 64, or a conv"),
        ("", "'' is not a layer"),
        ("-3", "'-3' is not a layer"),
        (0, r"a dense layer of 0 neurons: use an integer 1\.\.1024, or a convolution"),
        (1025, r"use an integer 1\.\.1024"),
        ("1025", r"use an integer 1\.\.1024"),
        (True, "use an integer"),
        (6.5, "use an integer"),
        ("conv 257 k5", r"channels of conv 257 k5 is 257: use an integer 1\.\.256"),
        ("conv 0 k5", r"channels of conv 0 k5 is 0: use"),
        ("conv 4 k16", r"kernel of conv 4 k16 is 16: use an integer 1\.\.15"),
        ("conv 4 k3 s9", r"stride of conv 4 k3 s9 is 9: use an integer 1\.\.8"),
        ("conv 4 k3 s0", r"stride of conv 4 k3 s0 is 0: use"),
        ("conv 4 k3 p3", r"padding of conv 4 k3 p3 is 3: use an integer 0\.\.2"),
    ],
)
def test_a_misspelt_layer(entry: Any, text: str) -> None:
    with pytest.raises(ConfigError, match=text):
        parse_layer(entry)


@pytest.mark.parametrize(
    ("layers", "shape", "text"),
    [
        (
            (Convolution(16, 5),),
            Shape(2, 128, 128),
            r"conv 16 k5 over 2x128x128: it would have 16x124x124 = 246,016 neurons, at most "
            r"32,766 \(EGG_UNITS_MAX\): use stride 3 \(s3\), or fewer channels",
        ),
        ((Convolution(64, 5),), NMNIST, r"use stride 2 \(s2\), or fewer channels"),
        (
            (Convolution(256, 5, 2),),
            Shape(1, 5, 5),
            r"2,304 neurons would see one place below, at most 1,024 \(EGG_NEURONS_MAX\): use "
            r"stride 3 \(s3\), or fewer",
        ),
        (
            (Convolution(256, 15, 7),),
            Shape(1, 15, 15),
            r"use stride 8 \(s8\), or fewer channels",
        ),
        (
            (Convolution(3, 1),),
            Shape(1, 4096, 4096),
            "neurons, at most .*use fewer channels, or data of fewer places",
        ),
        (
            (Convolution(8, 5),),
            Shape(1, 1, 700),
            r"conv 8 k5 over 1x1x700: a kernel of 5 x 5 does not fit into 1 x 700 places: use "
            r"padding 2 or more \(p2\), or a smaller kernel",
        ),
        ((64, Convolution(8, 2)), NMNIST, r"over 64x1x1: a kernel of 2 x 2 does not fit .*p1"),
        (
            (Convolution(200, 1), Convolution(4, 15, 8, 2)),
            Shape(1, 12, 12),
            r"a neuron would have 45,000 weights, at most 32,766 \(EGG_UNITS_MAX\): use",
        ),
        ((Convolution(8, 5),), None, "conv 8 k5 over inputs of unknown shape: give their channels"),
    ],
)
def test_a_convolution_that_does_not_fit(layers: Any, shape: Shape | None, text: str) -> None:
    with pytest.raises(ConfigError, match=text):
        layer_shapes(shape, layers)


def test_the_stride_in_a_message_is_usable() -> None:
    assert layer_shapes(Shape(2, 128, 128), [Convolution(16, 5, 3)]) == (Shape(16, 42, 42),)
    assert layer_shapes(Shape(1, 1, 700), [Convolution(8, 5, 1, 2)]) == (Shape(8, 1, 700),)


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (lambda: LifConfig(8, stride=2), "stride of a dense layer is 2"),
        (lambda: LifConfig(8, padding=1), "padding of a dense layer is 1"),
        (lambda: LifConfig(300, kernel=3), "channels of conv 300 k3 is 300"),
        (lambda: NetConfig(20, 4, 5, (conv(4, 3),)), "conv 4 k3 over inputs of unknown shape"),
        (
            lambda: NetConfig(20, 4, 5, (conv(4, 3),), input_shape=(1, 4, 6)),
            "input_shape is 1x4x6, which is 24 inputs, but the net has 20",
        ),
        (
            lambda: NetConfig(5000, 4, 5, (conv(4, 3, 1, 1),), input_shape=(1, 1, 5000)),
            r"columns of input_shape is 5000: use an integer 1\.\.4096",
        ),
        (lambda: net(LifConfig(8), readout_pool=2), "readout_pool is 2, but the last layer is no"),
        (lambda: net(conv(8, 5), readout_pool=17), r"readout_pool is 17: use an integer 1\.\.16"),
        (lambda: net(conv(10, 5), readout="spikes"), "readout is spikes behind conv 10 k5: use"),
        (
            lambda: net(LifConfig(8), shape=Shape(2, 128, 128)),
            r"inputs is 32768: use an integer 1\.\.32766",
        ),
        (
            lambda: net(conv(1, 8, 8), shape=Shape(2, 184, 184)),
            r"inputs is 67712: use an integer 1\.\.65535",
        ),
    ],
)
def test_nets_that_cannot_be(make: Any, text: str) -> None:
    with pytest.raises(ConfigError, match=text):
        make()


@pytest.mark.parametrize("estimator", ["sample", "full"])
def test_estimators_that_cannot_train_a_convolution(estimator: EstimatorName) -> None:
    with pytest.raises(ConfigError, match=f"{estimator} cannot train a convolution: use sweep, ep"):
        EsConfig(estimator, 4).check(net(conv(4, 3)))
    EsConfig("batch", 4).check(net(conv(4, 3)))
    EsConfig("sweep", 1).check(net(conv(4, 3)))


def test_kernels_are_the_weights_in_the_order_of_nir_and_pytorch() -> None:
    config = net(conv(3, 2), conv(4, 3, 2), LifConfig(5), shape=Shape(2, 9, 8))
    one = Net(config)
    one.randomize(1, 20, 20)
    for m, below in ((0, 2), (1, 3)):
        kernels, matrix = one.kernels(m), one.matrices[m]
        side = config.layers[m].kernel
        assert kernels.shape == (config.layers[m].size, below, side, side)
        for out, channel, y, x in np.ndindex(*kernels.shape):
            assert kernels[out, channel, y, x] == matrix[(channel * side + y) * side + x, out]
    one.kernels(0)[2, 1, 1, 0] = 77  # a view
    assert one.matrices[0][6, 2] == 77
    for layer in (2, 3, -1):
        with pytest.raises(ConfigError, match=f"LIF layer {layer} of the net 2x9x8 .* is no conv"):
            one.kernels(layer)
