"""Thresholds, sigma and initial weights that a config leaves to the data."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from eggroll_edge.core.config import THRESHOLD_MAX
from eggroll_edge.core.net import Net
from eggroll_edge.data.dataset import EventDataset
from eggroll_edge.data.stream import decode_stream
from eggroll_edge.errors import ConfigError
from eggroll_edge.journal.reader import JournalReader
from eggroll_edge.training.config import FIRST_RECORDINGS, TrainConfig
from eggroll_edge.training.derivation import activity, derive, derive_without_data
from eggroll_edge.training.evaluation import evaluate
from eggroll_edge.training.presets import load_preset, merge
from eggroll_edge.training.progress import Event, Note, Started
from eggroll_edge.training.replay import replay
from eggroll_edge.training.results import RunResult
from eggroll_edge.training.run import resume, train
from eggroll_edge.training.run_dir import load, load_config
from eggroll_edge.training.splits import set_aside
from tests.helpers.journals import history
from tests.helpers.rate_dataset import buttons, crowd, digits_like
from tests.helpers.tiny_dataset import stream

BUTTONS, TESTS = buttons(300, 1), buttons(200, 2)
KINDS: dict[str, dict[str, Any]] = {
    "sample": {"estimator": "sample", "generations": 300, "pairs": 32},
    "online": {"estimator": "sample", "online": True, "generations": 5000, "pairs": 32},
    "batch": {"estimator": "batch", "generations": 150, "pairs": 256},
    "full": {"estimator": "full", "generations": 60, "pairs": 128},
    "sweep": {"estimator": "sweep", "generations": 300},
    "sweep-online": {"estimator": "sweep", "online": True, "generations": 5000},
}


def config(data: EventDataset = BUTTONS, kind: str = "sample", **changes: Any) -> TrainConfig:
    return TrainConfig(ticks=data.ticks, polarity="merged", **{**KINDS[kind], **changes})


def trained(
    where: Path, config: TrainConfig, data: EventDataset = BUTTONS, **more: Any
) -> RunResult:
    return train(config, where, data=data, test_data=TESTS, workers=2, **more)


def first_rates(data: EventDataset, config: TrainConfig) -> tuple[float, ...]:
    """The firing rates of the net with the initial weights of a config."""
    net = Net(config.net_config(data.n_in, data.n_classes))
    net.randomize(config.seed, config.init_std, config.readout_std)
    return evaluate(net, data, 1).firing_rate


@pytest.mark.parametrize("kind", KINDS)
def test_data_of_few_events_are_learned_with_the_defaults(kind: str, tmp_path: Path) -> None:
    """Defaults made for N-MNIST, 2312 inputs, left this net silent: 33 %."""
    found: list[Event] = []
    result = trained(tmp_path, config(kind=kind, hidden=(64,)), on_event=found.append)
    assert result.test_accuracy is not None
    assert result.test_accuracy > 90
    assert not [event for event in found if isinstance(event, Note)]


@pytest.mark.parametrize("kind", ["sample", "sweep"])
def test_two_layers_learn_data_of_few_events(kind: str, tmp_path: Path) -> None:
    result = trained(tmp_path, config(kind=kind, hidden=(64, 32)))
    assert result.test_accuracy is not None
    assert result.test_accuracy > 90
    assert min(result.firing_rate) > 0.005


@pytest.mark.parametrize("data", [BUTTONS, digits_like(60, 1), crowd(12, 1)], ids=lambda d: d.n_in)
@pytest.mark.parametrize("kind", ["sample", "batch", "sweep"])
def test_any_number_of_events_makes_a_fresh_net_spike_but_not_always(
    data: EventDataset, kind: str
) -> None:
    for seed in (1, 2):
        start = derive(config(data, kind, seed=seed), data)
        assert 0.0005 < first_rates(data, start)[0] < 0.2


def test_many_events_are_learned_with_the_defaults(tmp_path: Path) -> None:
    data = crowd(45, 1)
    many = config(data, "sweep", hidden=(32,), batch=16, generations=60)
    result = train(many, tmp_path, data=data, test_data=crowd(30, 2), workers=2)
    assert result.test_accuracy is not None
    assert result.test_accuracy > 90


def test_the_values_for_nmnist_are_those_that_were_tuned_for_it() -> None:
    """Found by a random search before they could be derived: the best of the estimator sample."""
    one = derive_without_data(TrainConfig(estimator="sample"))
    assert one.init_std == 28
    assert one.threshold == pytest.approx(1400, rel=0.02)
    assert one.sigma == pytest.approx(500, rel=0.03)
    two = derive_without_data(TrainConfig(estimator="sample", hidden=(128, 64)))
    assert two.deep_threshold == pytest.approx(300, rel=0.02)
    assert two.sigma == pytest.approx(200, rel=0.1)
    batch = derive_without_data(TrainConfig(estimator="batch"))
    assert batch.threshold == pytest.approx(900, rel=0.03)
    assert batch.sigma == 6
    data = digits_like(60, 1)
    assert derive(config(data), data).threshold == pytest.approx(1400, rel=0.25)


def test_activity_counts_events_that_arrive_together_and_those_that_are_held() -> None:
    ticks = [[0, 1], [], [4], [0, 1, 2]]
    data = replace(
        BUTTONS,
        streams=np.frombuffer(stream(ticks), np.uint8),
        offsets=np.array([0, len(stream(ticks))]),
        labels=np.zeros(1, np.uint8),
        ids=np.zeros(1, np.int64),
        binning=replace(BUTTONS.binning, ticks=4),
    )
    together, held = activity(data, 1)
    assert together == (2 * 2 + 1 * 1 + 3 * 3) / 6
    assert held == (2 * 2 + 1 * (1 + 0.5) + 3 * (3 + 0.75)) / 6
    assert activity(data, 2).held == pytest.approx((2 * 2 + (1 + 1.125) + 3 * (3 + 1.59375)) / 6)
    silent = replace(data, streams=np.zeros(4, np.uint8), offsets=np.array([0, 4]))
    assert activity(silent, 1) == (1, 1)
    assert derive(config(silent, segments=2), silent).threshold > 0


def test_only_the_first_recordings_that_are_trained_on_count() -> None:
    data = buttons(FIRST_RECORDINGS + 100, 5)
    first = data.subset(slice(0, FIRST_RECORDINGS))
    assert activity(data, 1) == activity(first, 1) != activity(data.subset(slice(100, None)), 1)
    for stream_of in (data[0], data[len(data) - 1]):
        assert len(decode_stream(stream_of, data.ticks)) == data.ticks


def test_validation_recordings_do_not_count(tmp_path: Path) -> None:
    aside = config(validation=100, generations=2)
    rest, _ = set_aside(aside, BUTTONS)
    trained(tmp_path, aside)
    assert load_config(tmp_path) == derive(aside, rest)
    assert activity(rest, 1) != activity(BUTTONS, 1)


def test_a_value_that_is_given_is_taken_and_the_others_fit_it() -> None:
    free = derive(config(), BUTTONS)
    assert derive(free, BUTTONS) is free
    for seed in (2, 3):
        assert derive(config(seed=seed), BUTTONS) == replace(free, seed=seed)
    chosen = derive(config(threshold=10 * free.threshold), BUTTONS)
    assert chosen.threshold == 10 * free.threshold
    assert chosen.sigma == pytest.approx(10 * free.sigma, rel=0.05)
    assert derive(config(sigma=7), BUTTONS) == replace(free, sigma=7.0)
    wide = derive(config(init_std=56), BUTTONS)
    assert wide.threshold == pytest.approx(2 * free.threshold, abs=2)
    assert derive(config(init_std=0), BUTTONS).threshold == free.threshold
    deep = derive(config(hidden=(64, 32), deep_threshold=77), BUTTONS)
    assert (deep.threshold, deep.deep_threshold) == (free.threshold, 77)
    assert free.deep_threshold is None  # there is one layer


@pytest.mark.parametrize("leak_shift", range(1, 9))
@pytest.mark.parametrize("kind", ["sample", "sweep"])
def test_the_values_are_in_range_for_every_leak(leak_shift: int, kind: str) -> None:
    """A slow leak leaves currents a small range: the weights begin smaller."""
    data = crowd(4, 1)
    found = derive(config(data, kind, leak_shift=leak_shift, hidden=(16, 8)), data)
    assert 1 <= found.init_std <= 28
    assert max(found.threshold, found.deep_threshold) < THRESHOLD_MAX
    assert found.threshold % 2 == 0  # boards are faster with an even one
    found.net_config(data.n_in, 3)
    assert found.hyperparameters_at(0).sigma[0] >= 1
    assert (found.init_std < 28) == (leak_shift > 2)  # 2,800 events arrive together


def test_the_journal_holds_the_values_and_nothing_is_derived_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    where, whole = tmp_path / "stopped", tmp_path / "whole"
    asked = config(hidden=(16, 12), generations=40)
    found: list[Event] = []
    trained(whole, asked, on_event=found.append)
    started = next(event for event in found if isinstance(event, Started))
    names = ("init_std", "threshold", "deep_threshold", "sigma")
    assert started.derived == names
    header = JournalReader(whole).header.values
    resolved = derive(asked, BUTTONS)
    values = {name: int(getattr(resolved, name)) for name in names}
    assert header["derived"] == {"recordings": 256, "settings": values}
    assert TrainConfig.from_dict(header["config"]) == resolved == load_config(whole)

    left = iter([False] * 10 + [True])
    trained(where, asked, stop=lambda: next(left))
    monkeypatch.setattr("eggroll_edge.training.run.derive", None)
    again: list[Event] = []
    resume(where, data=BUTTONS, test_data=TESTS, workers=1, on_event=again.append)
    assert history(where) == history(whole)
    assert next(event for event in again if isinstance(event, Started)).derived == names
    assert replay(where, data_override=BUTTONS).mismatch is None


def test_a_run_with_all_values_has_nothing_derived_in_its_journal(tmp_path: Path) -> None:
    trained(tmp_path, derive(config(generations=2), BUTTONS))
    assert "derived" not in JournalReader(tmp_path).header.values


def test_a_net_to_start_from_brings_its_thresholds(tmp_path: Path) -> None:
    first = config(hidden=(16, 12), threshold=90, deep_threshold=44, generations=5)
    trained(tmp_path / "first", first)
    then = config(hidden=(16, 12), generations=5, start_from=str(tmp_path / "first"))
    trained(tmp_path / "then", then)
    found = load_config(tmp_path / "then")
    assert (found.threshold, found.deep_threshold) == (90, 44)
    assert load(tmp_path / "then").config == load(tmp_path / "first").config


def test_what_is_left_to_the_data_must_be_derived_first() -> None:
    with pytest.raises(ConfigError, match="threshold would be derived from the data"):
        TrainConfig().net_config(20, 4)
    with pytest.raises(ConfigError, match="threshold and deep_threshold would be"):
        TrainConfig(hidden=(8, 8)).net_config(20, 4)
    with pytest.raises(ConfigError, match="sigma would be derived"):
        TrainConfig(threshold=100).hyperparameters_at(0)
    assert TrainConfig(threshold=100).net_config(20, 4).layers[0].threshold == 100
    assert json.loads(json.dumps(TrainConfig().to_dict()))["sigma"] is None


def test_another_estimator_than_the_preset_leaves_its_thresholds_to_the_data() -> None:
    assert merge(load_preset("chirps"), {"seed": 3}).threshold == 220
    other = merge(load_preset("chirps"), {"estimator": "sample"})
    assert other.left_to_data == ("threshold", "sigma")
