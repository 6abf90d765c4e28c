"""Run directories that version 0.1.0 made still evaluate, replay and resume, to the same bits.

runs_0_1_0/ holds a finished run of each kind on the digits, one that was stopped halfway with the
same settings, and `start-from`, which began with the weights of `sample`.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from eggroll_edge.data.dataset import EventDataset
from eggroll_edge.journal.format import decode_line
from eggroll_edge.journal.reader import JournalReader
from eggroll_edge.training.evaluation import evaluate
from eggroll_edge.training.replay import replay
from eggroll_edge.training.run import resume, train
from eggroll_edge.training.run_dir import load, load_config, read_result
from eggroll_edge.training.splits import open_both

RUNS = Path(__file__).parent / "runs_0_1_0"
DIGESTS = {
    "sample": "b8758b13",
    "online": "542a6c5e",
    "batch": "74e33a9f",
    "full": "34ec1344",
    "deep": "7f5a1429",
}
FINISHED = (*DIGESTS, "start-from")
Splits = tuple[EventDataset, EventDataset]


@pytest.fixture(scope="module")
def digits(tmp_path_factory: pytest.TempPathFactory) -> Splits:
    """(training split, test split) of the digits, which all runs have in the same binning."""
    pytest.importorskip("sklearn")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("EGGROLL_CACHE", str(tmp_path_factory.mktemp("cache")))
        return open_both(load_config(RUNS / "sample"), lambda text: lambda done, total: None, 2)


@pytest.mark.parametrize("name", FINISHED)
def test_evaluate(name: str, digits: Splits) -> None:
    stored = json.loads((RUNS / name / "result.json").read_text())
    found = evaluate(load(RUNS / name), digits[1])
    assert found.accuracy == stored["test_accuracy"]
    assert list(found.firing_rate) == stored["firing_rate"]
    assert read_result(RUNS / name).test_accuracy == stored["test_accuracy"]


@pytest.mark.parametrize("name", FINISHED)
def test_replay(name: str, digits: Splits) -> None:
    found = replay(RUNS / name, data_override=digits[0], workers=2)
    assert found.mismatch is None
    assert found.checked == len(JournalReader(RUNS / name).generations())
    assert found.weights_digest == read_result(RUNS / name).weights_digest
    assert found.weights_digest == DIGESTS.get(name, found.weights_digest)


@pytest.mark.parametrize("name", DIGESTS)
def test_resume(name: str, digits: Splits, tmp_path: Path) -> None:
    where = tmp_path / name
    shutil.copytree(RUNS / f"{name}-stopped", where)
    done = len(JournalReader(where).generations())
    train_data, test_data = digits
    result = resume(where, data=train_data, test_data=test_data, workers=1)
    assert 0 < done < len(JournalReader(where).generations())
    assert result.stopped == "finished"
    assert result.weights_digest == DIGESTS[name]
    assert lasting(where) == lasting(RUNS / name)


@pytest.mark.parametrize("name", DIGESTS)
def test_the_same_run_writes_the_same_lines(name: str, digits: Splits, tmp_path: Path) -> None:
    """Field by field and in the same order, but for the times and the machine."""
    train_data, test_data = digits
    train(load_config(RUNS / name), tmp_path, data=train_data, test_data=test_data, workers=1)
    found, expected = lasting(tmp_path), lasting(RUNS / name)
    assert [list(line) for line in found] == [list(line) for line in expected]
    assert found == expected


def lasting(where: Path) -> list[dict[str, Any]]:
    """The objects of all lines of a journal; times, machine and version are blanked out."""
    lines = (where / "journal.jsonl").read_bytes().splitlines(keepends=True)
    objects = [values for line in lines if (values := decode_line(line)) is not None]
    assert len(objects) == len(lines)
    changing = ("t", "created", "host", "version")
    return [{k: None if k in changing else v for k, v in values.items()} for values in objects]
