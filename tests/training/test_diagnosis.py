"""A run that cannot learn says so, once, with what to change; a healthy one says nothing."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from eggroll_edge.core.net import Net
from eggroll_edge.journal import checkpoint
from eggroll_edge.journal.records import EvalResult
from eggroll_edge.training.config import TrainConfig
from eggroll_edge.training.diagnosis import Diagnosis
from eggroll_edge.training.progress import Event, Note
from eggroll_edge.training.run import train
from tests.helpers.journals import history
from tests.helpers.tiny_dataset import CLASSES, SETTINGS, TEST, TRAIN, config


def notes(where: Path, kind: str = "sample", **changes: Any) -> list[str]:
    events: list[Event] = []
    train(
        config(kind, **changes), where, data=TRAIN, test_data=TEST, workers=1,
        on_event=events.append,
    )  # fmt: skip
    return [event.text for event in events if isinstance(event, Note)]


@pytest.mark.parametrize("kind", SETTINGS)
def test_a_healthy_run_gets_no_note(kind: str, tmp_path: Path) -> None:
    assert notes(tmp_path, kind) == []


def test_a_healthy_net_of_two_layers_gets_no_note(tmp_path: Path) -> None:
    assert notes(tmp_path, hidden=(16, 12), threshold=60, sigma=20, generations=250) == []


@pytest.mark.parametrize("kind", SETTINGS)
def test_a_silent_net(kind: str, tmp_path: Path) -> None:
    first, *others = notes(tmp_path, kind, threshold=16000, sigma=1.0)
    assert "the net spikes in 0 % of its neuron-ticks" in first
    assert (
        "Leave threshold out, and it is derived from the data; or lower threshold (16000)" in first
    )
    assert others == []


def test_a_silent_layer(tmp_path: Path) -> None:
    (note,) = notes(tmp_path, hidden=(16, 12), deep_threshold=16000, sigma=1.0)
    assert "LIF layer 2 spikes in 0 % of its neuron-ticks" in note
    assert "or lower deep_threshold (16000)" in note


def test_a_net_that_always_spikes_and_weights_at_their_ends(tmp_path: Path) -> None:
    net = net_of(config(threshold=127))
    net.weights[:] = 127
    checkpoint.save(tmp_path / "start", net, 0)
    busy, saturated = notes(tmp_path / "run", threshold=127, start_from=str(tmp_path / "start"))
    assert "nearly all: its spikes tell nothing about the input. Leave threshold out" in busy
    assert "or raise threshold (127), for example to four times as much" in busy
    assert "55 % of the weights are at +127 or -127" in saturated
    assert "Lower lr (3) and lr_readout (1)" in saturated


def test_a_derived_threshold_is_not_to_be_left_out() -> None:
    silent = replace(evaluation([0, 1, 2, 3]), firing_rate=(0.0,))
    found: list[str] = []
    diagnosis = Diagnosis(config(), net_of(config()), found.append, ("threshold",))
    diagnosis.evaluation(120, 5000, silent)
    assert ". Lower threshold (160), for example to a fourth" in found[0]


def test_learning_rates_that_move_nothing(tmp_path: Path) -> None:
    found = notes(tmp_path, lr=1e-5, lr_readout=1e-5)
    assert len(found) == 2
    assert "lr 1e-05 moved no weight" in found[0]
    assert "Raise lr, or sigma (128)" in found[0]
    assert "lr_readout 1e-05 moved no weight" in found[1]
    assert "Raise lr_readout, or sigma_readout (0.2)" in found[1]


def test_learning_rates_of_0_are_meant(tmp_path: Path) -> None:
    assert not any("moved no weight" in note for note in notes(tmp_path, lr=0, lr_readout=0))


def test_a_sigma_that_rounds_to_0(tmp_path: Path) -> None:
    found = notes(tmp_path, sigma=0.4)
    assert found[0] == "sigma 0.4 rounds to 0 as an integer: raise sigma"


def evaluation(answers: list[int]) -> EvalResult:
    """100 recordings, 25 of each class, all of which are answered with the classes `answers`."""
    confusion = np.zeros((CLASSES, CLASSES), np.int64)
    confusion[:, answers] = 25 // len(answers)
    return EvalResult(50.0, 1.0, confusion, np.zeros(100, np.uint8), (0.05,), 100, 0.1)


@pytest.mark.parametrize(
    ("answers", "generation", "recordings", "said"),
    [
        ([0, 2], 90, 5000, "never answers classes 1, 3 (48 of 100 recordings)"),
        ([0, 1, 2], 90, 5000, "never answers class 3 (24 of 100 recordings)"),
        ([0, 2], 89, 5000, ""),  # it is too early
        ([0, 2], 90, 799, ""),  # it has seen too little
        ([0, 1, 2, 3], 120, 5000, ""),
    ],
)
def test_classes_that_are_never_answered(
    answers: list[int], generation: int, recordings: int, said: str
) -> None:
    found: list[str] = []
    diagnosis = Diagnosis(config(), net_of(config()), found.append)
    for _ in range(2):
        diagnosis.evaluation(generation, recordings, evaluation(answers))
    assert len(found) == bool(said)
    assert all(said in note for note in found)


def net_of(config: TrainConfig) -> Net:
    return Net(config.net_config(TRAIN.n_in, CLASSES))


def test_notes_change_no_bit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    silent: dict[str, Any] = {"threshold": 16000, "sigma": 1.0}
    assert notes(tmp_path / "said", **silent)
    monkeypatch.setattr(Diagnosis, "_say", lambda *_: None)
    assert notes(tmp_path / "unsaid", **silent) == []
    assert history(tmp_path / "said") == history(tmp_path / "unsaid")
