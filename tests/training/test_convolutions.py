"""Convolutions in the settings of a run."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from eggroll_edge.core.shapes import Convolution, Shape
from eggroll_edge.core.workspace import Workspace
from eggroll_edge.data.dataset import recordings_for
from eggroll_edge.data.stream import to_frames
from eggroll_edge.errors import ConfigError
from eggroll_edge.plots.run_figures import plot_run
from eggroll_edge.training.config import TrainConfig
from eggroll_edge.training.derivation import activity, derive, derive_without_data
from eggroll_edge.training.evaluation import evaluate
from eggroll_edge.training.presets import merge
from eggroll_edge.training.replay import replay
from eggroll_edge.training.results import RunResult
from eggroll_edge.training.run import resume, train
from eggroll_edge.training.run_dir import load, load_config
from tests.helpers.rate_dataset import crowd

NMNIST = (2, 34, 34)


def test_hidden_has_one_spelling_for_each_layer() -> None:
    layers: Any = [" conv 16  k5 s2 p0 ", Convolution(4, 3), 64, "32"]
    config = TrainConfig(hidden=layers)
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


# --- what is derived from the data


@pytest.mark.parametrize("layer", [Convolution(2, 3), Convolution(1, 5, 2, 3), Convolution(3, 1)])
def test_activity_counts_the_events_of_each_window(layer: Convolution) -> None:
    data = crowd(3, 1, side=9)
    together = held = events = 0.0
    for i in range(len(data)):
        frames = to_frames(data[i], data.binning).sum(axis=1).astype(np.int64)
        padded = np.pad(frames, ((0, 0), (layer.padding,) * 2, (layer.padding,) * 2))
        shape = layer.over(Shape(*data.shape))
        for y, x in np.ndindex(shape.rows, shape.cols):
            top, left, membrane = y * layer.stride, x * layer.stride, 0.0
            for now in padded[:, top : top + layer.kernel, left : left + layer.kernel]:
                count = now.sum()
                membrane += count - membrane / 2
                together, held, events = (
                    together + count**2,
                    held + count * membrane,
                    events + count,
                )
    found = activity(data, 1, layer)
    assert found.together == pytest.approx(together / events)
    assert found.held == pytest.approx(held / events, rel=1e-3)


def test_thresholds_follow_what_a_neuron_sees() -> None:
    data = crowd(8, 1, side=16)

    def derived(*hidden: str | int) -> TrainConfig:
        wanted = TrainConfig(hidden=hidden, ticks=data.ticks, polarity="merged")
        return derive(wanted, data)

    small, large, dense = derived("conv 4 k3"), derived("conv 4 k7"), derived(16)
    assert small.threshold < large.threshold < dense.threshold
    assert derived("conv 9 k3").threshold == small.threshold
    deep, wide = derived("conv 4 k3", "conv 4 k3"), derived("conv 16 k3", "conv 4 k3")
    assert deep.deep_threshold < wide.deep_threshold < derived("conv 16 k3", 24).deep_threshold
    with pytest.raises(ConfigError, match="a kernel of 15 x 15 does not fit into 9 x 9 places"):
        derive(TrainConfig(hidden=("conv 4 k15",)), crowd(2, 1, side=9))


# --- runs

TRAIN, TEST = crowd(90, 1, side=16), crowd(60, 2, side=16)
RUNS: dict[str, dict[str, Any]] = {
    "sweep": {"estimator": "sweep", "batch": 16, "generations": 40},
    "sweep-online": {"estimator": "sweep", "online": True, "generations": 400},
    "eprop": {"estimator": "eprop", "batch": 16, "generations": 40},
}


def config(kind: str, *hidden: str | int, **changes: Any) -> TrainConfig:
    fields = {"hidden": hidden, "ticks": TRAIN.ticks, "polarity": "merged", **RUNS[kind], **changes}
    return TrainConfig(**fields)


def trained(where: Path, config: TrainConfig, **more: Any) -> RunResult:
    return train(config, where, data=TRAIN, test_data=TEST, **{"workers": 2, **more})


@pytest.mark.parametrize("kind", RUNS)
@pytest.mark.parametrize(
    ("hidden", "more"),
    [
        (("conv 6 k5 s2",), {"readout_pool": 2}),
        (("conv 4 k3 s2 p1", 16), {}),
        (("conv 4 k3 s2", "conv 6 k3"), {"readout": "integrate"}),
        (("conv 8 k5 s2",), {"readout": "spikes"}),
    ],
    ids=str,
)
def test_convolutions_learn_and_runs_replay(
    kind: str, hidden: tuple[Any, ...], more: dict[str, Any], tmp_path: Path
) -> None:
    wanted = config(kind, *hidden, **more)
    result = trained(tmp_path, wanted)
    assert result.test_accuracy is not None
    assert result.test_accuracy > 80
    assert len(result.firing_rate) == wanted.lif_layers
    assert all(0.001 < rate < 0.6 for rate in result.firing_rate)
    again = replay(tmp_path, data_override=TRAIN)
    assert again.mismatch is None
    assert f"{load(tmp_path).digest:08x}" == again.weights_digest == result.weights_digest


def test_batch_needs_the_journal_alone(tmp_path: Path) -> None:
    wanted = TrainConfig(
        estimator="batch", batch=8, pairs=128, generations=20, hidden=("conv 4 k5 s4",),
        ticks=TRAIN.ticks, polarity="merged",
    )  # fmt: skip
    result = trained(tmp_path, wanted)
    assert result.test_accuracy is not None
    assert result.test_accuracy > 50  # of 3 classes
    again = replay(tmp_path)
    assert (again.mismatch, again.weights_digest) == (None, result.weights_digest)


def test_workers_and_stops_change_no_bit(tmp_path: Path) -> None:
    wanted = config("sweep", "conv 6 k5 s2", "conv 5 k2", readout_pool=2)
    whole = trained(tmp_path / "whole", wanted)
    assert trained(tmp_path / "one", wanted, workers=1).weights_digest == whole.weights_digest
    left = iter([False] * 15 + [True])
    trained(tmp_path / "stopped", wanted, stop=lambda: next(left))
    resumed = resume(tmp_path / "stopped", data=TRAIN, test_data=TEST, workers=1)
    assert resumed.weights_digest == whole.weights_digest
    assert load_config(tmp_path / "stopped").hidden == ("conv 6 k5 s2", "conv 5 k2")


def test_the_firing_rate_is_a_share_of_all_neurons(tmp_path: Path) -> None:
    trained(tmp_path, config("sweep", "conv 6 k5 s2", 9))
    net = load(tmp_path)
    result = evaluate(net, TEST, 1)
    workspace, answers = Workspace(net.config, None), np.zeros(len(TEST), np.uint8)
    index = np.arange(len(TEST), dtype=np.uint32)
    workspace.run(net, recordings_for(TEST, net.config), index, answers)
    assert net.config.units == (6 * 6 * 6, 9)
    spikes = np.split(workspace.unit_spikes.astype(np.int64), [216])
    shares = [part.mean() / (len(TEST) * TEST.ticks) for part in spikes]
    assert result.firing_rate == pytest.approx(shares)
    assert sum(part.sum() for part in spikes) == workspace.drain_counts().spikes


def test_a_net_to_start_from_must_have_the_same_convolutions(tmp_path: Path) -> None:
    trained(tmp_path / "first", config("sweep", "conv 6 k5 s2", generations=3))
    start = str(tmp_path / "first")
    then = trained(tmp_path / "then", config("sweep", "conv 6 k5 s2", start_from=start))
    assert then.test_accuracy is not None
    for hidden, changes in (("conv 6 k4 s2", {}), ("conv 6 k5 s2", {"readout_pool": 2}), (6, {})):
        with pytest.raises(ConfigError, match=r"is of another net: .*(layers|readout_pool)"):
            trained(tmp_path / "no", config("sweep", hidden, start_from=start, **changes))


def test_figures_show_the_kernels(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    trained(tmp_path, config("sweep", "conv 6 k5 s2", "conv 5 k2", generations=3))
    drawn = list(plot_run(tmp_path, ["weights", "confusion"], lambda: TEST))
    assert [path.name for path in drawn] == [
        "weights.png", "learned.png", "weights-2.png", "learned-2.png", "confusion.png",
    ]  # fmt: skip
