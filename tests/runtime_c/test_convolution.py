"""Convolutions in the C core, called from Python, against the vectors and the reference model."""

from __future__ import annotations

import random
from typing import Any

import numpy as np
import pytest

from eggroll_edge.core.config import FITNESSES, EsConfig, Hyperparameters, LifConfig, NetConfig
from eggroll_edge.core.net import Net
from eggroll_edge.core.population import Population
from eggroll_edge.errors import ConfigError
from tests import reference as ref
from tests.runtime_c.core_runs import (
    LEVELS,
    Runner,
    check_fitness,
    check_generations,
    check_run,
    net_of,
    vectors,
)
from tools.generate.vector_convolution import net as over_inputs


def like(model: ref.NetConfig) -> NetConfig:
    """The net of the core that is a net of the model."""
    assert model.input_shape is not None
    channels, rows, cols = model.input_shape
    layers = tuple(LifConfig(*layer) for layer in model.layers)
    return NetConfig(
        model.n_in, model.n_out, model.ticks, layers, model.readout, model.gain,
        input_shape=(channels, rows, cols), readout_pool=model.readout_pool,
    )  # fmt: skip


def check_model_run(model: ref.Net, recording: bytes, label: int, level: int) -> ref.Run:
    """Run the core's and the model's net on a recording. Returns the run of the model."""
    net, run = Net(like(model.config)), ref.forward(model, recording)
    weights = b"".join(model.to_bytes(m) for m in range(len(model.weights)))
    net.weights[:] = np.frombuffer(weights, np.int8)
    expected = {
        "counts": run.counts, "logits": run.logits, "argmax": ref.argmax(run.logits),
        "loss": ref.cross_entropy(run.logits, label), "spikes": run.spikes,
    }  # fmt: skip
    check_run(net, recording, label, level, expected)
    return run


# ---- vectors -----------------------------------------------------------------------------------


def test_shapes() -> None:
    for v in vectors("convolution", "shapes"):
        config = net_of(v["net"])
        assert [list(shape) for shape in config.shapes] == v["matrices"]
        assert config.neurons == sum(c * rows * cols for c, rows, cols in v["layers"])
        assert len(Net(config).weights) == sum(rows * cols for rows, cols in v["matrices"])


def test_fitness_of_many_spikes() -> None:
    for v in vectors("convolution", "fitness"):
        check_fitness(v)


RUNS = vectors("convolution", "forward")


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("v", RUNS, ids=[v["name"] for v in RUNS])
def test_forward(v: dict[str, Any], level: int) -> None:
    net = Net(net_of(v["net"]))
    net.weights[:] = np.frombuffer(bytes.fromhex("".join(v["weights"])), np.int8)
    assert f"{net.digest:08x}" == v["digest"]
    for s in v["samples"]:
        check_run(net, bytes.fromhex(s["stream"]), s["label"], level, s)


CASES = vectors("convolution", "cases")


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("case", CASES, ids=[case["name"] for case in CASES])
def test_generations(case: dict[str, Any], level: int) -> None:
    check_generations(case, level)


# ---- random nets against the model -------------------------------------------------------------


def random_net(rng: random.Random) -> ref.NetConfig:
    """A small net of up to four layers, of which at least one is a convolution."""
    while True:
        shape = (rng.randint(1, 3), rng.randint(1, 8), rng.randint(1, 8))
        kinds = [rng.random() < 0.7 for _ in range(rng.choice([1, 1, 2, 2, 3, 4]))]
        outputs, gain = rng.choice([2, 3, 5]), rng.randint(0, 8)
        layers = []
        for is_convolution in kinds:
            size = rng.choice([1, 2, 3, 4, 5, 8, 9, 16, 17, 33])
            threshold = rng.choice([1, 20, 40, 60, 60, 90, 16383])
            layer = ref.LayerConfig(
                size, threshold, rng.choice([1, 1, 2, 8]), rng.choice([0, 0, 2])
            )
            if is_convolution:
                kernel = rng.choice([1, 2, 3, 3, 4, 5])
                stride, padding = rng.choice([1, 1, 2, 3]), rng.randint(0, kernel - 1)
                layer = layer._replace(kernel=kernel, stride=stride, padding=padding)
            layers.append(layer)
        spikes = not kinds[-1] and rng.random() < 0.3
        if spikes:
            layers[-1] = layers[-1]._replace(size=outputs)
        pool = rng.choice([1, 1, 2, 3, 16]) if kinds[-1] else 1
        try:
            config = over_inputs(
                shape, rng.choice([1, 3, 8, 13]), tuple(layers), outputs, gain, pool, spikes
            )
        except AssertionError:  # out of range
            continue
        if any(kinds) and sum(layer.units for layer in config.layer_shapes) <= 300:
            return config


def random_recording(rng: random.Random, config: ref.NetConfig) -> tuple[bytes, int]:
    """A recording and its label."""
    rate = rng.choice([0, 0.03, 0.2, 0.4, 1])
    events = [[i for i in range(config.n_in) if rng.random() < rate] for _ in range(config.ticks)]
    return ref.encode(events), rng.randrange(config.n_out)


@pytest.mark.parametrize("seed", range(60))
def test_random_forward(seed: int) -> None:
    rng = random.Random(seed)
    model = ref.Net(random_net(rng))
    model.init_weights(seed, rng.choice([20, 64]), rng.choice([20, 64]))
    for matrix in model.weights:
        matrix[-1] = [rng.randint(-30, 50) for _ in matrix[-1]]
    for _ in range(3):
        check_model_run(model, *random_recording(rng, model.config), LEVELS[seed % len(LEVELS)])


def random_estimator(rng: random.Random, config: ref.NetConfig, name: str) -> ref.EsConfig:
    """Settings of an estimator that suit a net."""
    fitness = rng.choice(FITNESSES)
    penalty = rng.choice([0, 0, 5, 4095])
    sigma_o = rng.choice([100, 3000, 32767])
    if name == "batch":
        rank, sigma_h = rng.choice([1, 1, 2, 3]), rng.choice([0, 1500, 32767])
        return ref.EsConfig(
            "batch", rng.choice([1, 3, 33]), rank, 1, sigma_h, sigma_o, fitness, penalty
        )
    learn_above = rng.choice([0, 0, 0, 6000])
    if name == "eprop":
        sigma_h = rng.choice([0, 30, 60, 60, 32767])
        return ref.EsConfig(
            "eprop", 1, 1, config.ticks, sigma_h, sigma_o, fitness, penalty, learn_above
        )
    limit = min(layer.l_pert for layer in config.layers)
    sigma_h, segments = min(limit, rng.choice([0, 20, 50, 50, 200, 4095])), rng.randint(1, 8)
    return ref.EsConfig(
        "sweep", 1, 1, min(config.ticks, segments), sigma_h, sigma_o, fitness, penalty, learn_above
    )


@pytest.mark.parametrize("seed", range(40))
@pytest.mark.parametrize("name", ["sweep", "eprop", "batch"])
def test_random_generations(name: str, seed: int) -> None:
    """A generation of several recordings, then one of a single recording: online."""
    rng = random.Random(f"{name} {seed}")
    model = ref.Net(random_net(rng))
    model_es = random_estimator(rng, model.config, name)
    recordings = [random_recording(rng, model.config) for _ in range(3)]
    std = rng.choice([30, 50, 64])
    model.init_weights(seed, std, std)
    net = Net(like(model.config))
    net.randomize(seed, std, std)
    assert net.digest == model.digest()
    es = EsConfig(
        model_es.estimator, model_es.pairs, model_es.rank, model_es.segments, model_es.fitness,
        model_es.penalty, model_es.learn_above,
    )  # fmt: skip
    runner = Runner(net, es, seed, recordings, LEVELS[seed % len(LEVELS)])
    for generation, indices in enumerate(([0, 1, 2], [1], [2])):
        rates = [(rng.choice([5, 100, 127]), rng.choice([0, 2, 4, 8, 11])) for _ in range(2)]
        lr_h, lr_o = rates
        steps = Hyperparameters((model_es.sigma_h, model_es.sigma_o), (lr_h, lr_o))
        chosen = [recordings[i] for i in indices]
        found = runner.generation(generation, steps, indices)
        if name == "batch":
            one = ref.generation_batch(model, model_es, seed, generation, chosen, lr_h, lr_o)
            assert found["D"] == one.shaped.D
            centre = one.centre
        else:
            other = ref.generation_credit(model, model_es, seed, generation, chosen, lr_h, lr_o)
            assert found["learned"] == [int(one.credit) for one in other.found]
            centre = other.centre
        assert found["loss"] == [c.loss for c in centre]
        assert found["correct"] == [c.correct for c in centre]
        assert found["spikes"] == [c.spikes for c in centre]
        assert found["digest"] == f"{model.digest():08x}"


# ---- limits ------------------------------------------------------------------------------------


@pytest.mark.parametrize("level", LEVELS)
def test_the_largest_readout_sums(level: int) -> None:
    """Every neuron fires in every tick: there are more than 2^17 spikes, and acc is limited."""
    config = over_inputs((1, 16, 15), 32, (ref.LayerConfig(20, 1, 1, 0, 1, 1, 0),), 3, 8, 16)
    model = ref.Net(config)
    model.weights[0] = [[127] * 20, [127] * 20]
    model.weights[1] = [[127, -127, 1] for _ in range(21)]
    everything = ref.encode([list(range(240))] * 32)
    run = check_model_run(model, everything, 2, level)
    assert run.spikes == 32 * 240 * 20 > 2**17
    assert run.logits == [(2**22 - 1) << 8, -(2**22 - 1) << 8, (run.spikes + 32) << 8]


@pytest.mark.parametrize("estimator", ["sample", "full"])
def test_sample_and_full_refuse(estimator: Any) -> None:
    net = Net(like(over_inputs((2, 5, 5), 4, (ref.LayerConfig(4, 60, 1, 0, 3, 2, 1),), 3, 4)))
    with pytest.raises(ConfigError):
        Population(net, EsConfig(estimator, 4), 1)
