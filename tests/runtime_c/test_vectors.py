"""The C core, called from Python, against the stored vectors and the reference model.

The README of tests/vectors describes the vectors. Python cannot call mix, word, signs, E(d), log2
and the step of one weight; they are tested by the whole generations, which need them.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from eggroll_edge._core import ffi, lib
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from eggroll_edge.core.arrays import aligned
from eggroll_edge.core.config import (
    ESTIMATORS,
    READOUTS,
    EsConfig,
    Hyperparameters,
    LifConfig,
    NetConfig,
)
from eggroll_edge.core.net import Net, padded
from eggroll_edge.core.population import shape_fitness
from eggroll_edge.core.recordings import epoch_order
from eggroll_edge.training.batches import RecordingOrder
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

# ---- parts -------------------------------------------------------------------------------------


def test_keys() -> None:
    for *words, k0, k1 in vectors("rng", "key"):
        key = lib.egg_rng_key(*words)
        assert (key.k0, key.k1) == (k0, k1)


def test_order_of_samples() -> None:
    for v in vectors("rng", "order"):
        n = len(v["order"])
        assert epoch_order(v["seed"], v["epoch"], n).tolist() == v["order"]
        order = RecordingOrder(v["seed"], n, v["batch"])
        assert [order.indices(g).tolist() for g in range(5)] == v["generations"]


def test_streams() -> None:
    for v in vectors("stream", "canonical"):
        spikes = np.zeros((v["ticks"], v["n_in"]), np.uint8)
        for tick, events in enumerate(v["events"]):
            spikes[tick, events] = 1
        out = np.zeros(lib.egg_stream_bytes(v["ticks"], v["n_in"]), np.uint8)
        size = lib.egg_stream_encode(
            ffi.from_buffer("uint8_t[]", spikes), v["ticks"], v["n_in"],
            ffi.from_buffer("uint8_t[]", out),
        )  # fmt: skip
        assert out[:size].tobytes().hex() == v["hex"]
    for part in ("canonical", "accepted", "invalid"):
        for v in vectors("stream", part):
            data = bytes.fromhex(v["hex"])
            status = lib.egg_stream_check(data, len(data), v["ticks"], v["n_in"])
            assert (status == lib.EGG_OK) == (part != "invalid"), v


def test_loss() -> None:
    for v in vectors("loss", "loss"):
        logits = ffi.new("int32_t[]", v["logits"])
        n = len(v["logits"])
        assert lib.egg_loss_xent(logits, n, v["label"]) == v["loss"]
        assert lib.egg_loss_argmax(logits, n) == v["argmax"]


def test_fitness() -> None:
    for v in vectors("loss", "fitness"):
        check_fitness(v)


@pytest.mark.parametrize("level", LEVELS)
def test_lif(level: int) -> None:
    kernels = lib.egg_kernel_level(level)
    for v in vectors("lif", "lif"):
        ticks, size = len(v["currents"]), padded(1)
        current = aligned(2 * ticks * size).view(np.int16).reshape(ticks, size)
        current[:, 0] = v["currents"]
        count = aligned(2 * size).view(np.int16)
        spikes = np.zeros((ticks, 1), np.uint8)
        total = kernels.lif(
            ffi.from_buffer("int16_t[]", current), ticks, 1, v["th"], v["k"], v["q"],
            ffi.NULL, ffi.NULL, 0,
            ffi.from_buffer("int16_t[]", count), ffi.from_buffer("uint8_t[]", spikes),
        )  # fmt: skip
        expected = [int(s) for s in v["spikes"]]
        assert spikes[:, 0].tolist() == expected, v
        assert total == count[0] == sum(expected)


def test_initial_weights() -> None:
    for v in vectors("forward", "init"):
        net = Net(net_of(v["net"]))
        net.randomize(v["seed"], v["std_hidden"], v["std_readout"])
        assert f"{net.digest:08x}" == v["digest"]


@pytest.mark.parametrize("level", LEVELS)
def test_forward(level: int) -> None:
    for v in vectors("forward", "forward"):
        net = Net(net_of(v["net"]))
        net.weights[:] = np.frombuffer(bytes.fromhex("".join(v["weights"])), np.int8)
        assert f"{net.digest:08x}" == v["digest"]
        for s in v["samples"]:
            ws = check_run(net, bytes.fromhex(s["stream"]), s["label"], level, s)
            for layer, train in enumerate(s["trains"][:-1]):
                wanted = bytes.fromhex(train)
                found = bytes(ffi.buffer(ws.native.layer_streams[layer], len(wanted)))
                assert found == wanted


def test_softmax() -> None:
    for logits, shares in vectors("sweep", "softmax"):
        found = ffi.new("int32_t[]", len(logits))
        lib.egg_loss_softmax(ffi.new("int32_t[]", logits), len(logits), found)
        assert list(found) == shares


def test_shaping() -> None:
    for v in vectors("shaping", "batch"):
        f = np.zeros(len(v["D"]), np.int8)
        shape_fitness(np.array(v["D"], np.int32), f)
        assert f.tolist() == v["f"]


# ---- whole generations -------------------------------------------------------------------------


FILES = ("generations", "sweep", "eprop", "shift")
CASES = [case for name in FILES for case in vectors(name, "cases")]


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("case", CASES, ids=[case["name"] for case in CASES])
def test_generations(case: dict[str, Any], level: int) -> None:
    check_generations(case, level)


# ---- random nets against the model itself ------------------------------------------------------

lif_layers = st.builds(
    ref.LayerConfig,
    st.integers(1, 9),
    st.one_of(st.integers(1, 150), st.integers(1, 16383)),
    *(st.integers(1, 8), st.integers(0, 3), st.just(0), st.just(1), st.just(0)),  # dense
)


@st.composite
def runs(draw: st.DrawFn) -> tuple[Any, ...]:
    ticks, n_in, n_out = draw(st.integers(1, 8)), draw(st.integers(1, 14)), draw(st.integers(2, 5))
    readout = draw(st.sampled_from(READOUTS))
    estimator = draw(st.sampled_from(ESTIMATORS))
    least = 0 if (estimator, readout) == ("sweep", "integrate") else 1  # 0: a linear readout
    layers = draw(st.lists(lif_layers, min_size=least, max_size=3))
    if readout == "spikes":
        layers[-1] = layers[-1]._replace(size=n_out)
    gain = draw(st.integers(0, 12 if readout == "spikes" else 8))
    parts = 1 if layers else draw(st.integers(1, min(8, ticks)))
    net = ref.NetConfig(n_in, ticks, tuple(layers), readout, n_out, gain, parts)
    limit = min((layer.l_pert for layer in layers), default=32767)
    most = {"batch": 32767, "full": 16367, "sample": limit, "eprop": 32767}
    most["sweep"] = most["sample"]
    by_recording = estimator in ("sample", "sweep")
    es = ref.EsConfig(
        estimator,
        draw(st.integers(1, 40 if estimator != "full" else 8)),
        draw(st.integers(1, 3)) if estimator == "batch" else 1,
        draw(st.integers(1, min(8, ticks)))
        if by_recording
        else ticks
        if estimator == "eprop"
        else 1,
        draw(st.integers(0, most[estimator])),
        draw(st.integers(0, min(32767, most["full"] if estimator == "full" else 32767))),
        draw(st.sampled_from(["xent", "accuracy"])),
        draw(st.sampled_from([0, 0, 5, 4095])),
        draw(st.sampled_from([0, 5000, 16383])) if estimator == "sweep" else 0,
    )
    event = st.lists(st.integers(0, n_in - 1), max_size=n_in, unique=True).map(sorted)
    recording = st.lists(event, min_size=ticks, max_size=ticks).map(ref.encode)
    samples = draw(
        st.lists(st.tuples(recording, st.integers(0, n_out - 1)), min_size=1, max_size=3)
    )
    least = 4 if estimator == "sample" else 0
    learning_rate = st.tuples(st.integers(0, 127), st.integers(least, least + 14))
    seed, generation = draw(st.integers(0, 2**32 - 1)), draw(st.integers(0, 2**32 - 1))
    rates = draw(learning_rate), draw(learning_rate)
    return net, es, samples, *rates, seed, generation, draw(st.integers(0, 64))


@given(runs(), st.sampled_from(LEVELS))
@settings(
    max_examples=100,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
def test_random_generations(run: tuple[Any, ...], level: int) -> None:
    model_net, model_es, recordings, lr_h, lr_o, seed, generation, std = run
    assume(sum(rows * cols for rows, cols in model_net.shapes) <= 250)
    model = ref.Net(model_net)
    model.init_weights(seed, std, std)
    layers = tuple(LifConfig(*layer) for layer in model_net.layers)
    net = Net(
        NetConfig(model_net.n_in, model_net.n_out, model_net.ticks, layers, model_net.readout,
                  model_net.gain, model_net.input_segments)
    )  # fmt: skip
    net.randomize(seed, std, std)
    assert net.digest == model.digest()
    es = EsConfig(
        model_es.estimator, model_es.pairs, model_es.rank, model_es.segments, model_es.fitness,
        model_es.penalty, model_es.learn_above,
    )  # fmt: skip
    found = Runner(net, es, seed, recordings, level).generation(
        generation,
        Hyperparameters((model_es.sigma_h, model_es.sigma_o), (lr_h, lr_o)),
        list(range(len(recordings))),
    )
    credited = model_es.estimator in ("sweep", "eprop")
    step = getattr(ref, f"generation_{'credit' if credited else model_es.estimator}")
    expected = step(model, model_es, seed, generation, recordings, lr_h, lr_o)
    if credited:
        assert found["learned"] == [int(s.credit) for s in expected.found]
    elif model_es.estimator == "sample":
        assert found["f"] == [s.f for s in expected.shaped]
        assert found["e"] == [s.e for s in expected.shaped]
    else:
        assert found["D"] == expected.shaped.D
        assert found["f"] == expected.shaped.f
    assert found["loss"] == [c.loss for c in expected.centre]
    assert found["correct"] == [c.correct for c in expected.centre]
    assert found["spikes"] == [c.spikes for c in expected.centre]
    assert found["digest"] == f"{model.digest():08x}"
