"""Runs that shift their recordings: the same bits however they are carried out."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from eggroll_edge.errors import ConfigError
from eggroll_edge.journal.reader import JournalReader
from eggroll_edge.planning.memory import plan_of
from eggroll_edge.training.config import TrainConfig
from eggroll_edge.training.evaluation import evaluate
from eggroll_edge.training.replay import replay
from eggroll_edge.training.results import RunResult
from eggroll_edge.training.run import resume, train
from eggroll_edge.training.run_dir import load, load_config
from tests.helpers.journals import history
from tests.helpers.rate_dataset import dataset
from tests.helpers.tiny_dataset import SETTINGS, TEST, TRAIN, config


def shifting(kind: str, shift: int = 1) -> TrainConfig:
    return config(kind, generations=600 if "online" in kind else 12, shift=shift)


def run(wanted: TrainConfig, where: Path, workers: int = 1) -> RunResult:
    return train(wanted, where, data=TRAIN, test_data=TEST, workers=workers)


@pytest.mark.parametrize("kind", SETTINGS)
def test_threads_resuming_and_replay_change_no_bit(kind: str, tmp_path: Path) -> None:
    result = run(shifting(kind), tmp_path / "1")
    assert run(shifting(kind), tmp_path / "3", workers=3).weights_digest == result.weights_digest
    assert history(tmp_path / "1") == history(tmp_path / "3")
    assert run(shifting(kind, 0), tmp_path / "0").weights_digest != result.weights_digest
    data = None if kind in ("batch", "full") else TRAIN  # whose rows the journal has
    rebuilt = replay(tmp_path / "3", data_override=data, workers=2)
    assert (rebuilt.mismatch, rebuilt.weights_digest) == (None, result.weights_digest)
    stops = iter([False, True])
    train(shifting(kind), tmp_path / "parts", data=TRAIN, test_data=TEST, stop=lambda: next(stops))
    (tmp_path / "parts" / "weights.bin").unlink()
    resumed = resume(tmp_path / "parts", data=TRAIN, test_data=TEST, workers=2)
    assert resumed.weights_digest == result.weights_digest


def test_what_a_run_remembers(tmp_path: Path) -> None:
    result = run(shifting("sweep-online"), tmp_path)
    header = JournalReader(tmp_path).header.values
    assert header["config"]["shift"] == header["es"]["shift"] == 1
    assert header["net"]["input_shape"] == [1, 6, 6]
    assert load_config(tmp_path).shift == 1
    assert evaluate(load(tmp_path), TEST).accuracy == result.test_accuracy  # as they are


def test_a_run_without_a_shift_has_the_header_that_it_always_had(tmp_path: Path) -> None:
    run(shifting("sweep", 0), tmp_path)
    header = JournalReader(tmp_path).header.values
    assert "shift" not in {**header["config"], **header["es"]}
    assert "input_shape" not in header["net"]


def test_a_run_that_shifts_starts_from_one_that_does_not(tmp_path: Path) -> None:
    first = run(shifting("sweep", 0), tmp_path / "first")
    values = {**shifting("sweep").to_dict(), "start_from": str(tmp_path / "first")}
    run(TrainConfig.from_dict(values), tmp_path / "second")
    header = JournalReader(tmp_path / "second").header.values
    assert header["initial_digest"] == first.weights_digest
    assert replay(tmp_path / "second", data_override=TRAIN).mismatch is None
    back = {**shifting("sweep", 0).to_dict(), "start_from": str(tmp_path / "second")}
    assert run(TrainConfig.from_dict(back), tmp_path / "third").stopped == "finished"


def test_shifted_recordings_teach_what_shifted_recordings_need(tmp_path: Path) -> None:
    """Each class has a bright bar, which the test shows one pixel to the side."""
    rates = np.full((2, 6, 8, 16), 0.02)
    rates[0, :, :, 4:6] = rates[1, :, :, 10:12] = 0.5
    shown = np.roll(rates, 1, axis=3)
    data, test = dataset(rates, 60, 1), dataset(shown, 100, 2)
    found = []
    for shift in (0, 1):
        wanted = config("sweep-online", polarity="merged", generations=400, shift=shift)
        result = train(wanted, tmp_path / str(shift), data=data, test_data=test, workers=1)
        found.append(result.test_accuracy or 0)
    assert found[1] >= found[0]
    assert found[1] >= 95


def test_what_a_shift_needs() -> None:
    wanted = TrainConfig(threshold=90, sigma=90.0, init_std=28, shift=2)
    with pytest.raises(ConfigError, match="shift is 2, but the shape of the 20 inputs is unknown"):
        wanted.net_config(20, 4)
    with pytest.raises(ConfigError, match="use a shape with this product"):
        wanted.net_config(20, 4, (1, 4, 4))
    assert wanted.net_config(20, 4, (1, 4, 5)).input_shape == (1, 4, 5)
    with pytest.raises(ConfigError, match=r"shift is 4: use an integer 0\.\.3"):
        TrainConfig(shift=4)


def test_a_shift_takes_memory_for_one_more_recording() -> None:
    wanted = TrainConfig(threshold=90, sigma=90.0, init_std=28, shift=1, online=True)
    net, es = wanted.net_config(2312, 10, (2, 34, 34)), wanted.es_config()
    plan = plan_of(net, es, 4000, online=True)
    assert plan.shift_buffer == 4000 + 15  # 35 inputs further: at most a byte more in each tick
    assert plan.ram_training == plan.ram_inference + plan.training_extra + plan.shift_buffer
    without = TrainConfig(threshold=90, sigma=90.0, init_std=28, online=True)
    less = plan_of(without.net_config(2312, 10), without.es_config(), 4000, online=True)
    assert (less.shift_buffer, less.training_extra) == (0, plan.training_extra)
