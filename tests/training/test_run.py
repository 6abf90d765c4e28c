"""Whole runs learn, repeat bit by bit, and continue however they ended."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from eggroll_edge.errors import ConfigError, DataError, JournalError
from eggroll_edge.journal.reader import JournalReader
from eggroll_edge.journal.records import EvalRecord, GenerationRecord
from eggroll_edge.training.config import TrainConfig
from eggroll_edge.training.evaluation import evaluate
from eggroll_edge.training.progress import Evaluated, Event, GenerationDone, Note, Started, Stopped
from eggroll_edge.training.replay import replay
from eggroll_edge.training.results import RunResult
from eggroll_edge.training.run import resume, train
from eggroll_edge.training.run_dir import load, load_config
from eggroll_edge.training.splits import open_split
from eggroll_edge.training.trainer import members_of
from tests.helpers.journals import history
from tests.helpers.tiny_dataset import SETTINGS, TEST, TRAIN, config, dataset


def run(config: TrainConfig, where: Path, **options: Any) -> RunResult:
    return train(config, where, **{"data": TRAIN, "test_data": TEST, "workers": 1, **options})


LEARNS: list[tuple[str, dict[str, Any], float]] = [
    ("sample", {}, 95),
    ("sample", {"hidden": (16, 12), "threshold": 60, "sigma": 20, "generations": 250}, 65),
    ("sample", {"readout": "spikes", "gain": 11, "threshold": 60, "sigma": 60}, 80),
    ("sample", {"fitness": "accuracy", "generations": 250}, 65),
    ("online", {}, 95),
    ("batch", {}, 95),
    ("batch", {"hidden": (16, 12), "threshold": 80, "rank": 2}, 90),
    ("batch", {"readout": "spikes", "gain": 11, "threshold": 60}, 85),
    ("full", {}, 90),
    ("full", {"hidden": (16, 12), "threshold": 80}, 80),
    ("sweep", {}, 95),
    ("sweep", {"hidden": (16, 12), "threshold": 60, "sigma": 60}, 90),
    ("sweep", {"hidden": (16, 12, 8), "threshold": 60, "sigma": 60, "generations": 250}, 80),
    ("sweep", {"readout": "spikes", "gain": 11, "threshold": 60, "sigma": 100}, 95),
    ("sweep", {"fitness": "accuracy", "sigma_readout": 4.0, "generations": 250}, 80),
    ("sweep-online", {}, 95),
    ("sweep", {"hidden": ()}, 95),
    ("sweep", {"hidden": (), "fitness": "accuracy", "sigma_readout": 4.0}, 80),
    ("sweep-online", {"hidden": ()}, 95),
    ("eprop", {}, 95),
    ("eprop", {"hidden": (16, 12), "threshold": 60, "sigma": 60}, 90),
    ("eprop", {"readout": "spikes", "gain": 11, "threshold": 60, "sigma": 200}, 95),
    ("eprop-online", {}, 95),
]


@pytest.mark.parametrize(("kind", "changes", "accuracy"), LEARNS)
def test_it_learns(kind: str, changes: dict[str, Any], accuracy: float, tmp_path: Path) -> None:
    result = run(config(kind, **changes), tmp_path, workers=2)
    assert result.test_accuracy is not None
    assert result.test_accuracy >= accuracy  # four classes: chance is 25
    assert result.to_dict() == json.loads((tmp_path / "result.json").read_text())


@pytest.mark.parametrize("kind", SETTINGS)
def test_workers_change_no_bit(kind: str, tmp_path: Path) -> None:
    few = config(kind, generations=600 if "online" in kind else 12)
    for workers in (1, 2, 3):
        run(few, tmp_path / str(workers), workers=workers)
    first = history(tmp_path / "1")
    assert len(first) > 3
    assert history(tmp_path / "2") == first == history(tmp_path / "3")


def test_online_is_sample_with_one_recording_a_generation(tmp_path: Path) -> None:
    same = {"pairs": 5, "segments": 2, "lr": 0.2, "lr_readout": 0.2, "lr_final": 1.0}
    n = 450  # more than one chunk, more than two epochs
    a = run(config("online", **{**same, "generations": n, "hidden": (9, 7)}), tmp_path / "a")
    b = run(config("sample", **{**same, "generations": n, "hidden": (9, 7), "batch": 1}),
            tmp_path / "b")  # fmt: skip
    lines = [JournalReader(tmp_path / name).generations()
             for name in "ab"]  # fmt: skip
    assert [len(x) for x in lines] == [2, n]
    for part in ("fitness_bytes", "exponents"):
        chunks = [b"".join(getattr(x, part) for x in side) for side in lines]
        assert chunks[0] == chunks[1]
    assert a.weights_digest == b.weights_digest
    assert lines[0][0].digest == lines[1][249].digest
    assert sum(x.counts.loss for x in lines[0]) == sum(x.counts.loss for x in lines[1])


def test_what_a_run_leaves(tmp_path: Path) -> None:
    events: list[Event] = []
    result = run(config(eval_every=30), tmp_path, on_event=events.append)
    kinds = [type(event) for event in events]
    assert kinds[0] is Started
    assert kinds[-1] is Stopped
    assert kinds.count(Evaluated) == 4
    last = [event for event in events if isinstance(event, GenerationDone)][-1]
    assert (last.generation, last.total, last.eta_s) == (120, 120, 0)
    net = load(tmp_path)
    assert f"{net.digest:08x}" == result.weights_digest
    assert load(tmp_path / "weights.bin").digest == net.digest
    again = evaluate(net, TEST)
    assert (again.accuracy, again.firing_rate) == (result.test_accuracy, result.firing_rate)
    assert load_config(tmp_path) == config(eval_every=30)
    lines = list(JournalReader(tmp_path))
    generations = [x for x in lines if isinstance(x, GenerationRecord)]
    tail = generations[-6:]  # a twentieth of 120
    assert result.train_loss == sum(x.counts.loss for x in tail) / 4096 / (6 * 16)
    assert [x.generation for x in lines if isinstance(x, EvalRecord)] == [30, 60, 90, 120]
    assert 0 <= generations[-1].telemetry.dead_units < 16
    assert 0 <= generations[-1].telemetry.saturated < 0.5
    assert result.stopped == "finished"
    assert resume(tmp_path) == result  # it is finished: nothing is opened or changed


@pytest.mark.parametrize("kind", SETTINGS)
def test_stopped_anywhere_and_resumed_is_the_same_run(kind: str, tmp_path: Path) -> None:
    short = config(kind, generations=1100 if "online" in kind else 21, eval_every=5)
    whole = run(short, tmp_path / "whole")
    where = tmp_path / "parts"
    asked = 0

    def stop() -> bool:
        nonlocal asked
        asked += 1
        return asked % 3 == 0

    result = run(short, where, stop=stop)
    assert (result.stopped, result.test_accuracy) == ("interrupted", None)
    sittings = 1
    while result.stopped == "interrupted":
        if sittings % 2:  # the journal alone is enough
            (where / "weights.bin").unlink()
        options = {"data": TRAIN, "test_data": TEST, "workers": 1 + sittings % 3}
        result = resume(where, stop=stop, **options)  # type: ignore[arg-type]
        sittings += 1
    assert sittings > 2
    assert history(where) == history(tmp_path / "whole")
    assert result.weights_digest == whole.weights_digest
    assert (result.train_loss, result.test_accuracy) == (whole.train_loss, whole.test_accuracy)
    assert result.seconds > 0


@pytest.mark.parametrize("kind", ["sample", "online", "batch"])
def test_killed_and_resumed_is_the_same_run(kind: str, tmp_path: Path) -> None:
    """kill -9 of a separate process: all that the journal holds is kept."""
    length = {"sample": 4000, "online": 200_000, "batch": 3000}[kind]
    script = (
        "import sys\nfrom tests.helpers.tiny_dataset import *\n"
        "from eggroll_edge.training.run import train\n"
        f"c = config({kind!r}, generations={length}, eval_every=1000)\n"
        "train(c, sys.argv[1], data=TRAIN, test_data=TEST, workers=2)\n"
    )
    where = tmp_path / "killed"
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    process = subprocess.Popen([sys.executable, "-c", script, str(where)], env=environment)
    journal = where / "journal.jsonl"
    deadline = time.monotonic() + 20
    while not journal.exists() or journal.stat().st_size < 60_000:
        assert process.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.wait()
    journal.write_bytes(journal.read_bytes() + b'{"g":77')  # as if a write had been cut in two
    survived = replay(where, data_override=TRAIN)
    assert survived.torn
    assert survived.mismatch is None
    assert 0 < survived.generations < length
    before = history(where)

    # continue for a while, and compare with a run that was never interrupted
    notes: list[Event] = []
    resume(where, data=TRAIN, test_data=TEST, workers=1, on_event=notes.append,
           stop=lambda: len(history(where)) >= len(before) + 20)  # fmt: skip
    assert any(isinstance(event, Note) and "torn" in event.text for event in notes)
    other = tmp_path / "whole"
    run(config(kind, generations=length, eval_every=1000), other,
        stop=lambda: (other / "journal.jsonl").stat().st_size
        >= journal.stat().st_size)  # fmt: skip
    both = [history(where), history(other)]
    common = min(map(len, both))
    assert common > len(before)
    assert both[0][:common] == both[1][:common]


def test_early_stop(tmp_path: Path) -> None:
    frozen = config(lr=0, lr_readout=0, eval_every=4, early_stop=3)
    result = run(frozen, tmp_path)
    assert result.stopped == "early_stop"
    assert result.generations == 16  # the first evaluation is the best, then three without
    assert (tmp_path / "result.json").exists()


def test_a_taken_folder_is_refused(tmp_path: Path) -> None:
    short = config(generations=3)
    run(short, tmp_path)
    with pytest.raises(JournalError, match=r"already holds a run.*resume.*--force"):
        run(short, tmp_path)
    assert run(replace(short, seed=2), tmp_path, force=True).generations == 3
    assert load_config(tmp_path).seed == 2


def test_data_that_do_not_fit(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="36 and 7: open the data"):
        run(config(ticks=7), tmp_path)
    with pytest.raises(ConfigError, match="split"):
        open_split(config(), "dev")
    run(config(generations=9), tmp_path / "a", stop=lambda: True)
    with pytest.raises(DataError, match=r"synthetic-5 .*not what the run was trained on"):
        resume(tmp_path / "a", data=dataset(200, 5), test_data=TEST)


def test_loading_nothing(tmp_path: Path) -> None:
    with pytest.raises(JournalError, match=r"weights.bin: cannot be read"):
        load(tmp_path)
    run(config(generations=2), tmp_path)
    whole = (tmp_path / "weights.bin").read_bytes()
    for broken in (whole[:-1], whole[:10], b"", whole[:-9] + b"x" + whole[-8:], b"y" + whole):
        (tmp_path / "weights.bin").write_bytes(broken)
        with pytest.raises(JournalError, match=r"weights.bin: (damaged|not a checkpoint)"):
            load(tmp_path)
    (tmp_path / "weights.bin").unlink()
    with pytest.raises(JournalError, match="no checkpoint yet"):
        load(tmp_path)


def test_a_damaged_checkpoint_is_rebuilt(tmp_path: Path) -> None:
    short = config("batch", generations=8)
    whole = run(short, tmp_path / "whole")
    asked = iter([False] * 4 + [True] * 9)
    run(short, tmp_path / "b", stop=lambda: next(asked))
    (tmp_path / "b" / "weights.bin").write_bytes(b"junk")
    result = resume(tmp_path / "b", data=TRAIN, test_data=TEST)
    assert result.weights_digest == whole.weights_digest


def test_members_of_a_recording() -> None:
    assert members_of(config("sample")) == 16
    assert members_of(config("sweep")) == 6  # two runs for each segment
    assert members_of(config("eprop")) == members_of(config("sweep", hidden=())) == 1


@pytest.mark.parametrize("kind", ["sweep", "sweep-online"])
def test_recordings_with_a_small_loss_are_not_learned(tmp_path: Path, kind: str) -> None:
    found = {
        bits: run(config(kind, learn_above=bits), tmp_path / f"{bits}") for bits in (0.0, 0.5, 1.5)
    }
    everything, easy, little = found.values()
    assert everything.learned == everything.recordings == easy.recordings
    assert 0 < little.learned < easy.learned < everything.learned
    assert len({result.weights_digest for result in found.values()}) == 3
    assert easy.test_accuracy is not None
    assert easy.test_accuracy > 95
    journal = JournalReader(tmp_path / "0.5").generations()
    assert sum(record.counts.learned for record in journal) == easy.learned
    assert any(record.counts.learned < record.counts.recordings for record in journal)


def test_learned_goes_on_counting_in_a_resumed_run(tmp_path: Path) -> None:
    wanted = config("sweep", learn_above=0.5)
    whole = run(wanted, tmp_path / "whole")
    asked = iter([False] * 60 + [True] * 9)
    run(wanted, tmp_path / "parts", stop=lambda: next(asked))
    result = resume(tmp_path / "parts", data=TRAIN, test_data=TEST)
    assert (result.weights_digest, result.learned) == (whole.weights_digest, whole.learned)


def test_a_mini_batch_larger_than_the_dataset(tmp_path: Path) -> None:
    few = TRAIN.subset(slice(0, 5))
    for kind in ("sample", "batch", "full", "sweep", "eprop"):
        result = run(config(kind, generations=4), tmp_path / kind, data=few, workers=3)
        assert result.generations == 4
        again = replay(tmp_path / kind, data_override=few)
        assert again.weights_digest == result.weights_digest


def test_digits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Real data: open_dataset(), simulated events, 2312 inputs pooled to 578."""
    pytest.importorskip("sklearn")
    monkeypatch.setenv("EGGROLL_CACHE", str(tmp_path / "cache"))
    digits = TrainConfig(
        estimator="sample",
        ticks=8,
        pool=2,
        hidden=(48,),
        pairs=16,
        generations=150,
        lr=12.0,
        threshold=512,
    )
    result = train(digits, tmp_path / "run")
    assert result.test_accuracy is not None
    assert result.test_accuracy > 50
    assert replay(tmp_path / "run").weights_digest == result.weights_digest


def test_a_run_starts_from_another_and_replays_and_resumes_without_it(tmp_path: Path) -> None:
    source = run(config("sample", generations=60), tmp_path / "source")
    adapt = config("online", generations=500, lr=0.05, seed=9, start_from=str(tmp_path / "source"))
    asked = iter([False, True])
    run(adapt, tmp_path / "adapted", stop=lambda: next(asked))
    (tmp_path / "source" / "weights.bin").unlink()
    result = resume(tmp_path / "adapted", data=TRAIN, test_data=TEST, workers=1)
    assert result.stopped == "finished"
    assert result.weights_digest != source.weights_digest
    header = JournalReader(tmp_path / "adapted").header.values
    assert header["initial_digest"] == source.weights_digest
    rebuilt = replay(tmp_path / "adapted", data_override=TRAIN)
    assert rebuilt.mismatch is None
    assert rebuilt.weights_digest == result.weights_digest


def test_start_from_refuses_another_net(tmp_path: Path) -> None:
    run(config("sample", generations=2), tmp_path / "source")
    other = config("sample", threshold=77, start_from=str(tmp_path / "source"))
    with pytest.raises(ConfigError, match=r"of another net: layers .*77.*; train with its"):
        run(other, tmp_path / "other")
