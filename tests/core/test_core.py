"""The wrapper of the C core: its checks, and that all ways to one result give the same bits."""

from __future__ import annotations

import re
import zlib
from typing import Any

import numpy as np
import pytest
from eggroll_edge._core import lib

from eggroll_edge.core.config import (
    GAIN_MAX,
    GAIN_SPIKES_MAX,
    LEAK_SHIFT_MAX,
    LEARN_ABOVE_MAX,
    PENALTY_MAX,
    REFRACTORY_MAX,
    THRESHOLD_MAX,
    EsConfig,
    Hyperparameters,
    LifConfig,
    NetConfig,
    status_text,
)
from eggroll_edge.core.net import Net, active_bytes
from eggroll_edge.core.population import Population, shape_fitness
from eggroll_edge.core.recordings import Recordings
from eggroll_edge.core.workers import WorkerPool, shards_of
from eggroll_edge.core.workspace import Workspace, kernel_levels
from eggroll_edge.data.dataset import recordings_for
from eggroll_edge.errors import ConfigError, DataError
from eggroll_edge.training.batches import MiniBatches
from eggroll_edge.training.estimators import host_estimator
from eggroll_edge.training.evaluation import evaluate
from tests.helpers.tiny_dataset import TEST, TRAIN, config, dataset, stream

NET = NetConfig(36, 4, 6, (LifConfig(16, 160),))
DEEP = NetConfig(36, 4, 6, (LifConfig(37, 80, 2, 1), LifConfig(5, 60)), gain=4)
WAIT = NetConfig(36, 4, 6, (LifConfig(37, 80, 2, 1),), gain=4)
ONE = NetConfig(36, 4, 6, (LifConfig(4, 60, 2),), "spikes", 8)
LINEAR = NetConfig(36, 4, 6, (), gain=4, input_segments=4)
SPIKES = NetConfig(36, 4, 6, (LifConfig(12, 80), LifConfig(4, 60)), "spikes", 8)


def random_net(config: NetConfig = NET, seed: int = 3) -> Net:
    net = Net(config)
    net.randomize(seed, 30, 30)
    return net


def test_status_texts_state_the_ceilings() -> None:
    """The texts are strings of C, in which the numbers stand a second time."""
    for status, ceilings in (
        (lib.EGG_E_INPUTS, [lib.EGG_INPUTS_MAX, lib.EGG_CONVOLUTION_INPUTS_MAX, lib.EGG_SHIFT_MAX]),
        (lib.EGG_E_LAYERS, [lib.EGG_LAYERS_MAX]),
        (lib.EGG_E_SIZE, [lib.EGG_NEURONS_MAX]),
        (lib.EGG_E_OUTPUTS, [lib.EGG_OUTPUTS_MAX]),
        (lib.EGG_E_TICKS, [lib.EGG_TICKS_MAX]),
        (lib.EGG_E_LIF, [THRESHOLD_MAX, LEAK_SHIFT_MAX, REFRACTORY_MAX]),
        (lib.EGG_E_READOUT, [GAIN_MAX, GAIN_SPIKES_MAX]),
        (lib.EGG_E_PAIRS, [lib.EGG_PAIRS_MAX, lib.EGG_SAMPLE_PAIRS_MAX]),
        (lib.EGG_E_RANK, [lib.EGG_RANK_MAX, lib.EGG_PAIRS_RANK_MAX]),
        (lib.EGG_E_SEGMENTS, [lib.EGG_SEGMENTS_MAX]),
        (lib.EGG_E_FITNESS, [PENALTY_MAX, LEARN_ABOVE_MAX]),
    ):
        text = status_text(status)
        assert [int(n) for n in re.findall(r"\d+", text) if int(n) > 2] == ceilings, text


def test_net() -> None:
    net = random_net()
    assert net.digest == lib.egg_net_digest(net.native)
    assert [m.shape for m in net.matrices] == [(37, 16), (17, 4)]
    assert not net.matrices[0][-1].any()  # biases begin at 0
    assert net.matrices[1].std() == pytest.approx(30, rel=0.5)
    net.matrices[1][3, 2] = 77  # views
    assert net.weights[37 * 16 + 3 * 4 + 2] == 77


def test_digest_is_the_crc_of_zlib() -> None:
    for inputs in range(1, 120):  # all lengths of the last, partial blocks
        net = random_net(NetConfig(inputs, 2, 1, (LifConfig(inputs % 5 + 1, 9),)), inputs)
        assert net.digest == zlib.crc32(net.weights.data) == lib.egg_net_digest(net.native)


@pytest.mark.parametrize(
    ("recording", "label", "text"),
    [
        ([[3], [], [], [], [], []], 4, "label"),
        ([[36], [], [], [], [], []], 0, "input"),
        ([[3], [], [], [], []], 0, "torn"),
        ([[3], [], [], [], [], [], []], 0, "torn"),
    ],
)
def test_a_faulty_recording_is_named(recording: list[list[int]], label: int, text: str) -> None:
    good = stream([[1], [2, 35], [], [], [], []])
    parts = [good, stream(recording), good]
    offsets = np.concatenate(([0], np.cumsum([len(p) for p in parts])))
    labels = np.array([0, label, 1], np.uint8)
    recordings = Recordings(np.frombuffer(b"".join(parts), np.uint8), offsets, labels)
    with pytest.raises(DataError, match=f"mine: recording 1: .*{text}"):
        recordings.check(NET, "mine")


def test_data_of_another_shape() -> None:
    with pytest.raises(DataError, match="has 49 inputs and 6 ticks, the net 36 and 6"):
        evaluate(random_net(), dataset(5, side=7))
    with pytest.raises(DataError, match="is empty"):
        evaluate(random_net(), TRAIN.subset(slice(0, 0)))


def test_a_generation_out_of_range() -> None:
    population = Population(random_net(), EsConfig("sample", 4, segments=2), 1)
    with pytest.raises(ConfigError, match="sigma is over"):
        population.at(0, Hyperparameters((9000, 1), ((1, 12), (1, 12))))
    with pytest.raises(ConfigError, match="learning rate"):
        population.at(0, Hyperparameters((1, 1), ((1, 3), (1, 12))))
    with pytest.raises(ConfigError, match="workers is 0"):
        evaluate(random_net(), TEST, workers=0)


def test_evaluation_adds_up() -> None:
    net = random_net(DEEP)
    one, three = evaluate(net, TEST, workers=1), evaluate(net, TEST, workers=3)
    assert (one.predictions == three.predictions).all()
    assert one.confusion.sum() == one.samples == 100
    assert one.confusion.trace() == one.accuracy
    assert (one.confusion.sum(axis=1) == np.bincount(TEST.labels, minlength=4)).all()
    assert one.firing_rate == three.firing_rate
    assert len(one.firing_rate) == 2
    assert all(0 < rate < 1 for rate in one.firing_rate)
    assert one.to_dict()["loss_bits"] == three.loss_bits > 0


def generations(
    kind: str, net_config: NetConfig, workers: int, level: int | None, **es: Any
) -> Any:
    """Digest and bytes of each of three generations; None if this machine lacks the level."""
    settings = config(kind, **es)
    net = random_net(net_config)
    pool = WorkerPool(net_config, settings.es_config(), workers)
    for workspace in pool.workspaces:
        if level is not None and not workspace.use_kernels(level):
            return None
    batches = MiniBatches(TRAIN, net_config, settings.seed, settings.batch)
    estimator = host_estimator(settings, net, batches.order.batch, pool)
    found = []
    for generation in range(3):
        hyperparameters = settings.hyperparameters_at(generation)
        out = estimator.step(generation, hyperparameters, batches.get(generation), lambda: None)
        found.append((net.digest, out.fitness_bytes, out.exponents, out.active, out.counts))
    pool.close()
    return found


CASES: list[tuple[str, NetConfig, dict[str, Any]]] = [
    ("sample", NET, {}),
    ("sample", DEEP, {"pairs": 40, "penalty_bits": 0.01}),
    ("sample", SPIKES, {}),
    ("sample", NET, {"pairs": 150, "segments": 5}),
    ("sample", NET, {"segments": 6}),
    ("sample", WAIT, {"batch": 150}),  # more than one worker's credit holds
    ("sample", WAIT, {"pairs": 40, "penalty_bits": 0.01, "segments": 1}),
    ("sample", ONE, {"fitness": "accuracy", "pairs": 70}),
    ("online", NET, {"pairs": 20}),
    ("online", DEEP, {}),
    ("batch", NET, {"pairs": 600}),
    ("batch", DEEP, {"rank": 3, "pairs": 70, "batch": 7}),
    ("batch", SPIKES, {"fitness": "accuracy"}),
    ("batch", WAIT, {"rank": 3, "pairs": 70, "penalty_bits": 0.01}),
    ("batch", WAIT, {"fitness": "accuracy"}),
    ("batch", NET, {"rank": 2, "pairs": 130}),
    ("batch", ONE, {"rank": 2}),
    ("batch", ONE, {"penalty_bits": 0.1}),
    ("full", DEEP, {"batch": 7}),
    ("full", SPIKES, {}),
    ("sweep", NET, {}),
    ("sweep", DEEP, {"batch": 150, "penalty_bits": 0.01}),
    ("sweep", SPIKES, {"segments": 6}),
    ("sweep", WAIT, {"fitness": "accuracy", "sigma_readout": 0.5}),
    ("sweep-online", DEEP, {}),
    ("sweep", LINEAR, {"hidden": (), "batch": 150}),
    ("sweep-online", LINEAR, {"hidden": ()}),
    ("eprop", NET, {}),
    ("eprop", DEEP, {"batch": 150, "penalty_bits": 0.01}),
    ("eprop", SPIKES, {}),
    ("eprop", WAIT, {"fitness": "accuracy", "sigma_readout": 0.5}),
    ("eprop-online", DEEP, {}),
]


@pytest.mark.parametrize(("kind", "net", "es"), CASES)
def test_kernels_and_workers_change_no_bit(kind: str, net: NetConfig, es: dict[str, Any]) -> None:
    expected = generations(kind, net, 1, None, **es)
    assert len({digest for digest, *_ in expected}) == 3  # the weights do move
    for workers in (2, 3, 9):
        assert generations(kind, net, workers, None, **es) == expected
    levels = [generations(kind, net, 1, level, **es) for level in range(kernel_levels())]
    assert levels[0] is not None
    assert all(found == expected for found in levels if found is not None)


@pytest.mark.parametrize("net_config", [NET, DEEP, SPIKES])
@pytest.mark.parametrize("rank", [1, 2])
def test_batch_device_update_is_the_hosts(net_config: NetConfig, rank: int) -> None:
    """egg_batch_update() without a noise cache gives the bits of steps_batch() and apply()."""
    es = EsConfig("batch", 77, rank)
    hyperparameters = Hyperparameters((1500, 1500), ((100, 4), (90, 3)))
    nets = [random_net(net_config), random_net(net_config)]
    recordings = recordings_for(TRAIN, net_config)
    index = np.arange(20, dtype=np.uint32)
    fitness_diffs = [np.zeros(es.pairs, np.int32) for _ in nets]
    actives = [np.zeros(active_bytes(net_config), np.uint8) for _ in nets]
    fitness_bytes = np.zeros(es.pairs, np.int8)
    for host, net, fitness_diff, active in zip(
        (False, True), nets, fitness_diffs, actives, strict=True
    ):
        population, workspace = Population(net, es, 5), Workspace(net_config, es)
        population.at(7, hyperparameters)
        if host:
            noise = np.zeros(population.noise_words(), np.uint32)
            population.draw_noise(0, net_config.shapes[0][0], noise)
            population.use_noise(noise)
        population.eval_batch(workspace, recordings, index, fitness_diff, active)
        shape_fitness(fitness_diff, fitness_bytes)
        if not host:
            population.update_batch(workspace, fitness_bytes, active)
            continue
        total = np.zeros(net_config.parameters, np.int32)
        for m, (rows, _) in enumerate(net_config.shapes):
            population.steps_batch(workspace, fitness_bytes, active, m, 0, rows, total)
            population.apply(workspace, m, 0, rows, total)
        assert not total.any()
    assert (fitness_diffs[0] == fitness_diffs[1]).all()
    assert fitness_diffs[0].any()
    assert (actives[0] == actives[1]).all()
    assert nets[0].digest == nets[1].digest != random_net(net_config).digest


@pytest.mark.parametrize("level", range(kernel_levels()))
def test_update_of_many_rows_and_columns(level: int) -> None:
    """More rows, columns and pairs than the host's tables hold at once, and extreme fitness."""
    config, es = NetConfig(2100, 4, 6, (LifConfig(70, 160),)), EsConfig("batch", 300, 2)
    random = np.random.default_rng(level)
    nets = [random_net(config), random_net(config)]
    fitness_bytes = random.choice(np.array([-127, 127, 5], np.int8), es.pairs, p=[0.1, 0.8, 0.1])
    active = random.integers(0, 256, active_bytes(config), np.uint8)
    for host, net in zip((False, True), nets, strict=True):
        population, workspace = Population(net, es, 5), Workspace(config, es)
        if not workspace.use_kernels(level):
            return
        population.at(7, Hyperparameters((1, 1), ((100, 6), (90, 5))))
        if not host:
            population.update_batch(workspace, fitness_bytes, active)
            continue
        total = np.zeros(config.parameters, np.int32)
        for m, (rows, _) in enumerate(config.shapes):
            for part in shards_of(rows, 2):
                population.steps_batch(workspace, fitness_bytes, active, m, *part, total)
                population.apply(workspace, m, *part, total)
    assert nets[0].digest == nets[1].digest != random_net(config).digest


def test_silent_inputs_keep_their_weights() -> None:
    quiet = TRAIN.subset(slice(0, 1))
    net = random_net()
    before = net.weights.copy()
    settings = config("sample", batch=1, lr=0.2)
    pool = WorkerPool(NET, settings.es_config(), 1)
    batches = MiniBatches(quiet, NET, settings.seed, settings.batch)
    estimator = host_estimator(settings, net, 1, pool)
    estimator.step(0, settings.hyperparameters_at(0), batches.get(0), lambda: None)
    changed = (net.weights != before)[: 37 * 16].reshape(37, 16).any(axis=1)
    events = np.zeros(37, bool)
    index = -1
    for byte in quiet.streams:
        index = -1 if byte == 0 else index + int(byte)
        if byte:
            events[index] = True
    assert changed.any()
    assert not changed[:36][~events[:36]].any()


def test_a_linear_readout_counts_events_in_segments() -> None:
    net, recordings = random_net(LINEAR), recordings_for(TEST, LINEAR)
    workspace, predicted = Workspace(LINEAR, None), np.zeros(1, np.uint8)
    bias, weights = net.matrices[0][-1], net.matrices[0][:-1].reshape(4, 36, 4)
    bias[:] = [1, -2, 3, -4]
    for i in range(5):
        workspace.run(net, recordings, np.array([i], np.uint32), predicted)
        wanted = 6 * bias.astype(np.int64)
        tick, index = 0, -1
        for byte in TEST.streams[int(TEST.offsets[i]) : int(TEST.offsets[i + 1])]:
            index = -1 if byte == 0 else index + int(byte)
            if byte:
                wanted += weights[tick * 4 // 6, index]
            tick += byte == 0
        assert workspace.logits == (wanted << 4).tolist()
    assert evaluate(net, TEST).firing_rate == ()


def test_the_sums_of_a_linear_readout_are_limited() -> None:
    """1,100 inputs that have an event in each of 32 ticks, and weights of 127."""
    config = NetConfig(1100, 2, 32, (), gain=8, input_segments=8)
    net, ws, predicted = Net(config), Workspace(config, None), np.zeros(1, np.uint8)
    net.weights[0::2], net.weights[1::2] = 127, -127
    whole = stream([list(range(1100))] * 32)
    recordings = Recordings(
        np.frombuffer(whole, np.uint8), np.array([0, len(whole)]), np.zeros(1, np.uint8)
    )
    ws.run(net, recordings, np.zeros(1, np.uint32), predicted)
    most = (2**22 - 1) << 8
    assert ws.logits == [most, -most]
