"""Run directories that version 0.1.0 made still evaluate, replay and resume, to the same bits.

runs_0_1_0/ holds a finished run of each kind, one with the same settings that was stopped on the
way, and `start-from`, which began with the weights of `sample`. They were trained inside that
folder on `recordings`, which lies there too: files in N-MNIST's layout give the same bytes on every
processor, as simulated recordings do not.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
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
    "sample": "6f9bde17",
    "online": "062fc43d",
    "batch": "7026ccb8",
    "full": "4a983130",
    "deep": "c2dae0e8",
}
FINISHED = (*DIGESTS, "start-from")
Splits = tuple[EventDataset, EventDataset]


@pytest.fixture(scope="module", autouse=True)
def _in_the_folder_of_the_runs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """The data of the runs are named relative to it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("EGGROLL_CACHE", str(tmp_path_factory.mktemp("cache")))
        patch.chdir(RUNS)
        yield


@pytest.fixture(scope="module")
def splits() -> Splits:
    """(training split, test split), which all runs have in the same binning."""
    return open_both(load_config(RUNS / "sample"), lambda text: lambda done, total: None, 2)


@pytest.mark.parametrize("name", FINISHED)
def test_evaluate(name: str, splits: Splits) -> None:
    stored = json.loads((RUNS / name / "result.json").read_text())
    found = evaluate(load(RUNS / name), splits[1])
    assert found.accuracy == stored["test_accuracy"]
    assert list(found.firing_rate) == stored["firing_rate"]
    assert read_result(RUNS / name).test_accuracy == stored["test_accuracy"]


@pytest.mark.parametrize("name", FINISHED)
def test_replay(name: str) -> None:
    found = replay(RUNS / name, workers=2)
    assert found.mismatch is None
    assert found.checked == len(JournalReader(RUNS / name).generations())
    assert found.weights_digest == read_result(RUNS / name).weights_digest
    assert found.weights_digest == DIGESTS.get(name, found.weights_digest)


@pytest.mark.parametrize("name", DIGESTS)
def test_resume(name: str, tmp_path: Path) -> None:
    where = tmp_path / name
    shutil.copytree(RUNS / f"{name}-stopped", where)
    done = len(JournalReader(where).generations())
    result = resume(where, workers=1)
    assert 0 < done < len(JournalReader(where).generations())
    assert result.stopped == "finished"
    assert result.weights_digest == DIGESTS[name]
    assert lasting(where) == lasting(RUNS / name)


@pytest.mark.parametrize("name", DIGESTS)
def test_the_same_run_writes_the_same_lines(name: str, splits: Splits, tmp_path: Path) -> None:
    """Field by field and in the same order, but for the times and the machine."""
    train_data, test_data = splits
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
