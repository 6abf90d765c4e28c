"""validation = N: which recordings are set aside, and that a run keeps them apart."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from eggroll_edge.data.dataset import EventDataset
from eggroll_edge.errors import ConfigError, DataError
from eggroll_edge.journal.format import decode_line
from eggroll_edge.journal.reader import JournalReader
from eggroll_edge.journal.records import EvalRecord
from eggroll_edge.training.evaluation import evaluate
from eggroll_edge.training.progress import Evaluated, Event, Note, Started
from eggroll_edge.training.replay import replay
from eggroll_edge.training.results import RunResult
from eggroll_edge.training.run import resume, train
from eggroll_edge.training.run_dir import load, load_config, read_result
from eggroll_edge.training.splits import set_aside
from tests.helpers.journals import history
from tests.helpers.tiny_dataset import CLASSES, SETTINGS, TEST, TRAIN, config, dataset

DATA: dict[str, Any] = {"data": TRAIN, "test_data": TEST, "workers": 1}


def evaluations(where: Path) -> list[tuple[str, int]]:
    return [(x.split, x.generation) for x in JournalReader(where) if isinstance(x, EvalRecord)]


def aside_of(n: int, data: EventDataset = TRAIN, **changes: Any) -> EventDataset:
    part = set_aside(config(validation=n, **changes), data)[1]
    assert part is not None
    return part


@pytest.mark.parametrize("n", [1, 7, 60, 199])
def test_both_parts_together_are_the_split(n: int) -> None:
    trained, aside = set_aside(config(validation=n), TRAIN)
    assert aside is not None
    assert (len(trained), len(aside)) == (200 - n, n)
    assert sorted([*trained.ids, *aside.ids]) == list(range(200))
    for part in (trained, aside):
        assert np.all(np.diff(part.ids) > 0)
        assert all(bytes(part[i]) == bytes(TRAIN[k]) for i, k in enumerate(part.ids))


def test_the_choice_is_the_same_for_every_seed_and_no_library_changes_it() -> None:
    chosen = aside_of(5).ids.tolist()
    assert chosen == aside_of(5, seed=9).ids.tolist() == [35, 79, 117, 164, 169]


@pytest.mark.parametrize("order", ["mixed", "by class", "in turn"])
def test_every_class_gives_its_share(order: str) -> None:
    labels = {
        "mixed": TRAIN.labels,
        "by class": np.sort(TRAIN.labels),
        "in turn": np.arange(200, dtype=np.uint8) % CLASSES,
    }[order]
    data = replace(TRAIN, labels=labels)
    found = np.bincount(aside_of(40, data).labels, minlength=CLASSES)
    assert np.all(np.abs(found - np.bincount(labels, minlength=CLASSES) / 5) < 1)


@pytest.mark.parametrize("n", [200, 5000])
def test_something_must_be_left_to_train_on(n: int, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=f"validation is {n}, but synthetic-1 has 200 recordings"):
        train(config(validation=n), tmp_path, **DATA)
    assert not (tmp_path / "journal.jsonl").exists()


@pytest.mark.parametrize("kind", SETTINGS)
def test_a_run_is_the_one_on_the_other_recordings(kind: str, tmp_path: Path) -> None:
    short = config(kind, generations=500 if kind == "online" else 12, validation=50)
    trained, _ = set_aside(short, TRAIN)
    train(short, tmp_path / "a", **DATA)
    train(replace(short, validation=0), tmp_path / "b", **{**DATA, "data": trained})
    a, b = ([x for x in history(tmp_path / name) if not isinstance(x, EvalRecord)] for name in "ab")
    assert a == b
    headers = [JournalReader(tmp_path / name).header.values for name in "ab"]
    assert headers[0]["dataset"] == headers[1]["dataset"]
    assert headers[0]["dataset"]["digest"] == trained.digest
    assert headers[0]["config"]["validation"] == 50


def test_the_test_split_is_looked_at_once(tmp_path: Path) -> None:
    events: list[Event] = []
    result = train(config(validation=50, eval_every=30), tmp_path, **DATA, on_event=events.append)
    expected = [("validation", g) for g in (30, 60, 90, 120)] + [("test", 120)]
    assert evaluations(tmp_path) == expected
    assert [(e.split, e.generation) for e in events if isinstance(e, Evaluated)] == expected
    started = events[0]
    assert isinstance(started, Started)
    assert (started.train_recordings, started.validation_recordings) == (150, 50)
    net = load(tmp_path)
    assert result.test_accuracy == evaluate(net, TEST).accuracy
    assert result.validation_accuracy == evaluate(net, aside_of(50)).accuracy
    assert resume(tmp_path) == read_result(tmp_path) == result
    assert load_config(tmp_path).validation == 50


def test_without_it_a_journal_is_as_before(tmp_path: Path) -> None:
    result = train(config(generations=8, eval_every=3), tmp_path, **DATA)
    assert result.validation_accuracy is None
    lines = (tmp_path / "journal.jsonl").read_bytes().splitlines(keepends=True)
    objects = [values for line in lines if (values := decode_line(line))]
    assert not any("split" in values for values in objects)
    assert "validation" not in objects[0]["config"]
    assert {split for split, _ in evaluations(tmp_path)} == {"test"}


def test_a_result_of_an_old_run_has_no_validation(tmp_path: Path) -> None:
    train(config(generations=3), tmp_path, **DATA)
    values = json.loads((tmp_path / "result.json").read_text())
    del values["validation_accuracy"]
    (tmp_path / "result.json").write_text(json.dumps(values))
    assert read_result(tmp_path).validation_accuracy is None


def test_early_stop_looks_at_the_recordings_set_aside(tmp_path: Path) -> None:
    few = config(validation=50, eval_every=2, early_stop=2, lr=0, lr_readout=0)
    result = train(few, tmp_path, **DATA)
    assert (result.stopped, result.generations) == ("early_stop", 6)
    assert evaluations(tmp_path)[-2:] == [("validation", 6), ("test", 6)]


@pytest.mark.parametrize("kind", SETTINGS)
def test_stopped_and_resumed_and_replayed(kind: str, tmp_path: Path) -> None:
    short = config(kind, generations=1100 if "online" in kind else 21, eval_every=5, validation=40)
    whole = train(short, tmp_path / "whole", **DATA)
    asked = 0

    def stop() -> bool:
        nonlocal asked
        asked += 1
        return asked % 3 == 0

    result = train(short, tmp_path / "parts", **DATA, stop=stop)
    assert result.validation_accuracy is None
    while result.stopped == "interrupted":
        result = resume(tmp_path / "parts", **DATA, stop=stop)
    same = ("weights_digest", "test_accuracy", "validation_accuracy", "train_loss")
    assert [getattr(result, x) for x in same] == [getattr(whole, x) for x in same]
    assert history(tmp_path / "parts") == history(tmp_path / "whole")
    again = replay(tmp_path / "whole", data_override=TRAIN)
    assert again.mismatch is None
    assert again.weights_digest == whole.weights_digest


def test_resume_with_other_recordings_is_refused(tmp_path: Path) -> None:
    train(config(generations=9, validation=40), tmp_path, **DATA, stop=lambda: True)
    with pytest.raises(DataError, match="same skip_first and validation"):
        resume(tmp_path, data=dataset(200, 5), test_data=TEST)


def notes_of(first: int, second: int, where: Path) -> list[str]:
    events: list[Event] = []

    def run(name: str, **changes: Any) -> RunResult:
        return train(config(generations=3, **changes), where / name, **DATA, on_event=events.append)

    run(f"{first}-{second}", validation=first)
    run("next", validation=second, start_from=str(where / f"{first}-{second}"))
    return [event.text for event in events if isinstance(event, Note)]


def test_a_start_that_has_seen_the_recordings_is_reported(tmp_path: Path) -> None:
    assert notes_of(40, 40, tmp_path / "same") == []
    assert notes_of(0, 0, tmp_path / "none") == []
    (note,) = notes_of(0, 40, tmp_path / "seen")
    assert "trained on recordings that are now set aside" in note
