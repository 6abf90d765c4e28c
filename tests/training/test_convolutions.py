"""Convolutions in the settings of a run."""

from __future__ import annotations

import json
from typing import Any

import pytest

from eggroll_edge.core.shapes import Convolution, Shape
from eggroll_edge.errors import ConfigError
from eggroll_edge.training.config import TrainConfig
from eggroll_edge.training.derivation import derive_without_data
from eggroll_edge.training.presets import merge

NMNIST = (2, 34, 34)


def test_hidden_has_one_spelling_for_each_layer() -> None:
    config = TrainConfig(hidden=[" conv 16  k5 s2 p0 ", Convolution(4, 3), 64, "32"])  # type: ignore[arg-type]
    assert config.hidden == ("conv 16 k5 s2", "conv 4 k3", 64, 32)
    assert config.hidden_text == "conv 16 k5 s2, conv 4 k3, 64, 32"
    assert config.layers == (Convolution(16, 5, 2), Convolution(4, 3), 64, 32)
    assert TrainConfig.from_dict(json.loads(json.dumps(config.to_dict()))) == config
    assert merge({"hidden": ["conv 16 k5"]}, {"hidden": [64]}).hidden == (64,)
    assert TrainConfig(hidden=(128, 64)).hidden_text == "128-64"


def test_the_net_of_a_config() -> None:
    config = TrainConfig(
        hidden=("conv 16 k5 s2",), readout_pool=2, threshold=200, refractory=1, leak_shift=2
    )
    net = config.net_config(2312, 10, NMNIST)
    assert str(net) == "2x34x34 - conv 16 k5 s2 - pool 2 - 10"
    layer = net.layers[0]
    assert (layer.size, layer.kernel, layer.stride, layer.padding) == (16, 5, 2, 0)
    assert (layer.threshold, layer.refractory, layer.leak_shift) == (200, 1, 2)
    both = TrainConfig(
        hidden=("conv 8 k3 p1", 24), readout="spikes", threshold=200, deep_threshold=90
    )
    net = both.net_config(2312, 10, NMNIST)
    assert str(net) == "2x34x34 - conv 8 k3 p1 - 24 - 10"
    assert [layer.threshold for layer in net.layers] == [200, 90, 90]


def test_a_config_without_convolutions_is_written_as_before() -> None:
    dense = TrainConfig(threshold=90)
    assert "readout_pool" not in dense.to_dict()
    assert dense.net_config(2312, 10, NMNIST).input_shape is None
    pooled = TrainConfig(hidden=("conv 4 k3",), readout_pool=3).to_dict()
    assert (pooled["hidden"], pooled["readout_pool"]) == (["conv 4 k3"], 3)


@pytest.mark.parametrize(
    ("fields", "text"),
    [
        (
            {"hidden": ["conv 16 k5 s2"], "estimator": "sample"},
            "estimator sample cannot train a convolution: use sweep, eprop or batch",
        ),
        ({"hidden": ["conv 16 k5 s2"], "estimator": "full"}, "full cannot train a convolution"),
        ({"hidden": ["conv 16"]}, "hidden: 'conv 16' is not a convolution: use conv CHANNELS"),
        ({"readout_pool": 2}, "readout_pool is 2, but no readout matrix is behind a convolution"),
        (
            {"hidden": ["conv 4 k3", 64], "readout_pool": 2},
            "readout_pool is 2, but no readout matrix is behind a convolution: end hidden with one",
        ),
        ({"hidden": ["conv 4 k3"], "readout": "spikes", "readout_pool": 2}, "readout_pool is 2"),
        ({"hidden": ["conv 4 k3"], "readout_pool": 17}, r"readout_pool is 17: use .* 1\.\.16"),
    ],
)
def test_what_cannot_go_together(fields: dict[str, Any], text: str) -> None:
    with pytest.raises(ConfigError, match=text):
        TrainConfig(**fields)


def test_a_convolution_needs_the_shape_of_the_inputs() -> None:
    config = TrainConfig(hidden=("conv 4 k3",), threshold=90)
    with pytest.raises(ConfigError, match="inputs of unknown shape"):
        config.net_config(2312, 10)


@pytest.mark.parametrize("hidden", [("conv 16 k5 s2",), ("conv 4 k3", 64), ("conv 4 k15", 9, 8)])
def test_every_value_can_be_derived_without_data(hidden: tuple[Any, ...]) -> None:
    config = derive_without_data(TrainConfig(hidden=hidden, pool=2, polarity="merged"))
    assert config.left_to_data == ()
    assert config.net_config(289, 10, config.binning().shape).input_shape == Shape(1, 17, 17)
