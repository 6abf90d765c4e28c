"""TrainConfig: ranges, units and presets, and the checks of the core behind it."""

from __future__ import annotations

import json
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eggroll_edge.core.config import EsConfig, LifConfig, NetConfig
from eggroll_edge.errors import ConfigError
from eggroll_edge.training.config import TrainConfig
from eggroll_edge.training.derivation import derive_without_data
from eggroll_edge.training.presets import load_preset, merge, preset_description, preset_names
from eggroll_edge.training.settings import DERIVED, defaults_for
from eggroll_edge.training.units import learning_rate

KINDS: list[dict[str, Any]] = [
    {}, {"online": True}, {"estimator": "batch"}, {"estimator": "full"}, {"estimator": "sweep"},
    {"estimator": "sweep", "online": True}, {"estimator": "eprop"},
    {"estimator": "eprop", "online": True},
]  # fmt: skip


@pytest.mark.parametrize("kind", KINDS)
def test_defaults_are_valid_and_survive_json(kind: dict[str, Any]) -> None:
    config = TrainConfig(**kind)
    assert TrainConfig.from_dict(json.loads(json.dumps(config.to_dict()))) == config
    for name, value in defaults_for(TrainConfig, config.kind).items():
        assert getattr(config, name) == (None if value is DERIVED else value)


@pytest.mark.parametrize(
    ("field", "bad"),
    [
        ("ticks", 0), ("ticks", 33), ("ticks", 4.5), ("pool", 3), ("polarity", "both"),
        ("input_segments", 9), ("hidden", [1025]), ("hidden", [8] * 5), ("hidden", "128"),
        ("threshold", 0), ("threshold", 16384), ("leak_shift", 9), ("refractory", 16),
        ("readout", "sum"), ("gain", 13), ("init_std", 65), ("estimator", "adam"),
        ("online", 1), ("pairs", 0), ("pairs", 257), ("batch", 8193), ("rank", 17),
        ("segments", 9), ("fitness", "loss"), ("penalty_bits", 1.0), ("penalty_bits", -0.1),
        ("generations", 0), ("seed", -1), ("seed", 2**32), ("sigma", -1.0), ("sigma", "big"),
        ("sigma", math.nan), ("sigma_readout", 8.0), ("lr", -1), ("lr", math.inf), ("lr_final", 2),
        ("sigma_final", -0.5), ("eval_every", -1), ("early_stop", True),
    ],
)  # fmt: skip
def test_a_value_out_of_range_is_named(field: str, bad: Any) -> None:
    with pytest.raises(ConfigError, match=f"{field}.*use"):
        TrainConfig(**{"estimator": "sample", field: bad})


@pytest.mark.parametrize(
    ("fields", "text"),
    [
        ({"online": True, "estimator": "batch"}, "only sample, sweep and eprop"),
        ({"online": True, "batch": 2}, "a generation is one recording"),
        ({"segments": 6, "ticks": 5}, "at most as many segments as ticks"),
        ({"estimator": "batch", "pairs": 8192, "rank": 9}, "smaller rank"),
        (
            {"estimator": "sample", "lr": 66000.0},
            "use at most 6.5e.04 with 256 pairs and 32 recordings",
        ),
        ({"estimator": "sweep", "lr": 5000.0}, "use at most 4.06e.03 with 32 recordings"),
        ({"estimator": "sweep", "segments": 6, "ticks": 5}, "at most as many segments as ticks"),
        ({"estimator": "sweep", "sigma": 4096.0}, "sigma is 4096: use at most 4.09e"),
        ({"estimator": "eprop", "lr": 5000.0}, "use at most 4.06e.03 with 32 recordings"),
        ({"estimator": "sample", "hidden": []}, "hidden is none with estimator sample: only sweep"),
        ({"hidden": [], "estimator": "sweep", "gain": 9}, "use 0..8 with readout = integrate"),
        (
            {"hidden": [], "estimator": "sweep", "ticks": 2},
            "input_segments is 5, but a recording has 2 ticks",
        ),
        (
            {"estimator": "sample", "learn_above": 0.15},
            "learn_above is 0.15 with estimator sample: only sweep can leave",
        ),
        ({"pairs": 8}, "pairs is 8 with estimator sweep, which has none: leave"),
        ({"estimator": "sweep", "learn_above": 4.0}, "learn_above is 4.0: use a number 0"),
        ({"gain": 9}, "use 0..8 with readout = integrate"),
        ({"estimator": "sample", "lr_readout": 1e-7}, "lr_readout is 1e-07: use at least"),
        ({"sigma": 4096.0}, "sigma is 4096: use at most 4.09e"),
        ({"estimator": "full", "sigma": 100.0}, "sigma is 100: use at most 90.5"),
        ({"estimator": "batch", "sigma_readout": 127.0, "leak_shift": 0}, "leak_shift"),
        ({"readout": "spikes", "hidden": [8] * 4}, r"0\.\.3 with readout = spikes"),
    ],
)
def test_what_cannot_go_together(fields: dict[str, Any], text: str) -> None:
    with pytest.raises(ConfigError, match=text):
        TrainConfig(**fields)


def test_the_limit_in_a_message_is_usable() -> None:
    TrainConfig(lr=4060.0)
    TrainConfig(sigma=4090.0)
    TrainConfig(estimator="full", sigma=90.5)


def test_learn_above_in_the_unit_of_the_core() -> None:
    for online in (False, True):
        assert TrainConfig(estimator="sweep", online=online).es_config().learn_above == 287
    assert TrainConfig(estimator="sweep", learn_above=0).es_config().learn_above == 0
    assert TrainConfig(estimator="sample", online=True).es_config().learn_above == 0
    kept = TrainConfig(estimator="sweep", learn_above=3.5).to_dict()
    assert TrainConfig.from_dict(kept).es_config().learn_above == 14336


def test_an_unknown_field_names_the_nearest() -> None:
    with pytest.raises(ConfigError, match=r"'sede'.*did you mean seed"):
        TrainConfig.from_dict({"sede": 1})


def test_preset_then_overrides() -> None:
    preset = {"data": "digits", "estimator": "sample", "sigma": 100, "pairs": 24}
    assert merge(preset, {"seed": 5, "sigma": 90}).sigma == 90
    other = merge(preset, {"estimator": "batch"})  # other units: the preset's do not fit
    batch = defaults_for(TrainConfig, "batch")
    assert (other.sigma, other.pairs) == (batch["sigma"], batch["pairs"])
    assert other.data == "digits"
    assert merge(preset, {"online": True}).batch == 1
    assert merge(preset | {"online": True}, {"batch": 8}).kind == "sample"
    assert merge({"online": True}, {"estimator": "full"}).kind == "full"
    assert merge({"online": True}, {"estimator": "sweep"}).kind == "sweep-online"
    assert merge({"online": True}, {"estimator": "eprop"}).kind == "eprop-online"
    sweep = {"estimator": "sweep", "gain": 3, "lr_readout": 0.01, "ticks": 9}
    linear = merge(sweep, {"hidden": []})
    assert (linear.gain, linear.lr_readout, linear.ticks) == (6, 30.0, 9)


def test_presets_are_valid() -> None:
    assert {"digits", "nmnist-fast"} <= set(preset_names())
    for name in preset_names():
        preset = derive_without_data(merge(load_preset(name), {}))
        assert preset.net_config(2312, 10, (2, 34, 34)).outputs == 10
        assert len(preset_description(name)) > 10
    with pytest.raises(ConfigError, match=r"'digit' \(did you mean digits.*nmnist-fast"):
        load_preset("digit")


def test_units() -> None:
    """How sigma and lr become the core's integers, which the reference page promises."""
    sample = TrainConfig(
        estimator="sample", pairs=32, batch=64, sigma=128, sigma_readout=0.25, lr=1, lr_final=0.5
    )
    first = sample.hyperparameters_at(0)
    assert first.sigma == (128, 1024)
    m, n = first.rate[0]
    assert m / 2**n == 1 / (32 * 64)
    m, n = sample.hyperparameters_at(sample.generations - 1).rate[0]
    assert m / 2**n == pytest.approx(0.5 / (32 * 64), rel=0.01)
    batch = TrainConfig(estimator="batch", pairs=256, rank=4, sigma=4, lr=2)
    assert batch.hyperparameters_at(0).sigma[0] == 4 * 256 // 2
    m, n = batch.hyperparameters_at(0).rate[0]
    assert m / 2**n == pytest.approx(2 * 4096 / (32 * math.sqrt(256 * 4)), rel=0.01)
    sweep = TrainConfig(estimator="sweep", batch=64, sigma=128, sigma_readout=0.25, lr=1)
    assert sweep.hyperparameters_at(0).sigma == (128, 1024)
    m, n = sweep.hyperparameters_at(0).rate[0]
    assert m / 2**n == 1 / 64
    full = TrainConfig(estimator="full", sigma=4, sigma_final=0)
    assert full.hyperparameters_at(0).sigma[0] == round(4 * 256 / math.sqrt(2))
    assert full.hyperparameters_at(full.generations - 1).sigma[0] < 5
    assert TrainConfig(penalty_bits=0.001).penalty == 4
    assert TrainConfig(sigma=9, lr_readout=0).hyperparameters_at(0).rate[1][0] == 0  # frozen


@given(st.floats(2.0**-24, 127 / 4096), st.sampled_from([0, 4]))
def test_rate_is_within_a_percent(value: float, least: int) -> None:
    m, n = learning_rate(value, least)
    assert 0 <= m <= 127
    assert least <= n <= 30
    assert m / 2.0**n == pytest.approx(value, rel=0.01)


def test_a_rate_too_large() -> None:
    with pytest.raises(ConfigError, match="use at most 127"):
        learning_rate(128.0)


def test_later_layers_have_a_separate_threshold() -> None:
    chosen = TrainConfig(hidden=(9, 8, 7), threshold=700, deep_threshold=90)
    assert [x.threshold for x in chosen.net_config(20, 4).layers] == [700, 90, 90]
    assert TrainConfig(readout="spikes").gain > TrainConfig().gain


def test_readout_spikes_adds_an_output_layer() -> None:
    spikes = TrainConfig(readout="spikes", hidden=(7,), threshold=90, deep_threshold=20)
    net = spikes.net_config(20, 10)
    assert [layer.size for layer in net.layers] == [7, 10]
    assert net.shapes == ((21, 7), (8, 10))
    one = TrainConfig(readout="spikes", hidden=(), threshold=90)
    assert one.net_config(20, 10).shapes == ((21, 10),)


def test_nets_that_cannot_be() -> None:
    with pytest.raises(ConfigError, match="inputs is 40000"):
        TrainConfig(threshold=900).net_config(40000, 10)
    with pytest.raises(ConfigError, match="full takes at most 8190"):
        TrainConfig(estimator="full", threshold=900).net_config(9000, 10)
    with pytest.raises(ConfigError, match="equal the last layer's size"):
        NetConfig(10, 4, 5, (LifConfig(5),), "spikes")
    with pytest.raises(ConfigError, match="segments must be"):
        EsConfig("sample", 4, segments=6).check(NetConfig(10, 4, 5, (LifConfig(5),)))


def test_net_and_es_survive_json() -> None:
    net = NetConfig(20, 4, 5, (LifConfig(8, 300, 2, 1), LifConfig(6)), gain=3)
    assert NetConfig.from_dict(json.loads(json.dumps(net.to_dict()))) == net
    assert (net.neurons, net.parameters) == (14, 21 * 8 + 9 * 6 + 7 * 4)
    es = EsConfig("batch", 100, rank=2)
    assert EsConfig.from_dict(json.loads(json.dumps(es.to_dict()))) == es
    for broken in ({}, {"layers": [{"sise": 1}]}):
        with pytest.raises(ConfigError, match="description"):
            NetConfig.from_dict(broken)
    with pytest.raises(ConfigError, match="description"):
        EsConfig.from_dict({"pears": 1})


def test_eprop_has_a_segment_for_each_tick() -> None:
    config = TrainConfig(estimator="eprop", ticks=12, threshold=90, sigma=90.0)
    assert config.es_config().segments == 12
    assert config.net_config(20, 4).ticks == 12
    assert TrainConfig(estimator="eprop", ticks=2).segments == 5  # not used


def test_a_net_without_a_hidden_layer() -> None:
    config = TrainConfig(estimator="sweep", hidden=(), input_segments=4, ticks=7, segments=8)
    assert config.linear
    net = config.net_config(20, 5)
    assert net.layers == ()
    assert net.shapes == ((4 * 20 + 1, 5),)
    assert NetConfig.from_dict(json.loads(json.dumps(net.to_dict()))) == net
    spikes = TrainConfig(hidden=(), readout="spikes", threshold=90, sigma=90.0)
    assert not spikes.linear
    assert "input_segments" not in spikes.net_config(20, 5).to_dict()
    with pytest.raises(ConfigError, match="estimator batch needs a hidden layer"):
        EsConfig("batch", 4).check(net)
