"""`eggroll-edge train` and `resume`: output, exit codes, and interruption."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from eggroll_edge.cli import train as cli_train
from eggroll_edge.training.config import TrainConfig
from eggroll_edge.training.progress import Started
from eggroll_edge.training.run_dir import load, load_config
from tests.cli.conftest import TINY, TRAIN_KEYS
from tests.helpers.command_line import Cli

ROOT = Path(__file__).parents[2]


def test_train_says_what_happens_and_what_is_next(cli: Cli, bars: Path, tmp_path: Path) -> None:
    found = cli("train", "--data", bars, *TINY, "--generations", 6, "--out", tmp_path / "r")
    assert found.code == 0, found.err
    for text in ("40 recordings", "generation 6/6", "loss", "evals/s", "test accuracy", "final"):
        assert text in found.out
    for command in ("eval", "replay", "plot"):
        assert f"eggroll-edge {command} {tmp_path / 'r'}" in found.out


def test_train_shows_what_it_derives_from_the_data(cli: Cli, bars: Path, tmp_path: Path) -> None:
    free = ("train", "--data", bars, "--hidden", "8,6", "--mini-batch", "--generations", 2)
    found = cli(*free, "--out", tmp_path / "first")
    first = load_config(tmp_path / "first")
    values = f"threshold {first.threshold}, deep_threshold {first.deep_threshold}"
    ending = "derived from the first 40 recordings"
    assert f"\n{values}, sigma {first.sigma:g}: {ending}\n" in found.out
    start = ("--start-from", tmp_path / "first")
    then = cli(*free, "--sigma", 30, *start, "--out", tmp_path / "then")
    assert f"\n{values}: {ending} and {tmp_path / 'first'}\n" in then.out
    given = ("--threshold", 90, "--deep-threshold", 40, "--sigma", 30)
    assert ending not in cli(*free, *given, "--out", tmp_path / "given").out


def test_train_json_is_one_line_and_the_rest_is_on_stderr(
    cli: Cli, bars: Path, tmp_path: Path
) -> None:
    out = tmp_path / "r"
    found = cli("train", "--data", bars, *TINY, "--generations", 3, "--out", out, "--json")
    assert found.code == 0
    assert found.values.keys() >= TRAIN_KEYS
    assert found.values["generations"] == 3
    assert found.values["run_dir"] == str(out)
    assert 0 <= found.values["test_accuracy"] <= 100
    assert found.values["weights_digest"] == f"{load(out).digest:08x}"
    assert "generation 3/3" in found.err


def test_default_out_is_named_after_the_run_and_unique(
    cli: Cli, bars: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    words = ("train", "--data", bars, *TINY, "--generations", 1, "--seed", 7, "--json")
    for name in ("", "-2", "-3"):
        assert cli(*words).values["run_dir"] == f"runs/{bars.name}-sample-s7{name}"
    online = cli("train", "--data", bars, "--online", "--generations", 5, "--json")
    assert online.values["run_dir"] == f"runs/{bars.name}-sweep-online-s1"


def test_without_flags_the_digits_preset_runs(
    cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("sklearn")
    monkeypatch.chdir(tmp_path)
    found = cli("train", "--generations", 2, "--json")
    assert found.code == 0, found.err
    assert found.values["run_dir"] == "runs/digits-sweep-s1"
    assert "1437 recordings" in found.err


def test_existing_run_is_refused_then_forced(cli: Cli, run: Path, bars: Path) -> None:
    copy = run.with_name("copy")
    words = ("train", "--data", bars, *TINY, "--generations", 1, "--out", copy)
    assert cli(*words).code == 0
    again = cli(*words)
    assert again.code == 1
    assert "--force" in again.err
    assert "resume" in again.err
    assert "Traceback" not in again.err
    assert cli(*words, "--force").code == 0


def start(*words: object) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "eggroll_edge", *map(str, words)],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1"},
    )


def wait_for_generation(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    text = ""
    for line in process.stdout:
        text += line
        if line.startswith("generation "):
            return text
    raise AssertionError(text)


def test_ctrl_c_then_resume(cli: Cli, bars: Path, tmp_path: Path) -> None:
    out = tmp_path / "r"
    words = ("--data", bars, *TINY, "--generations", 1500, "--eval-every", 1500)
    process = start("train", *words, "--out", out)
    wait_for_generation(process)
    process.send_signal(signal.SIGINT)
    text, _ = process.communicate(timeout=20)
    assert process.returncode == 130, text
    assert f"eggroll-edge resume {out}" in text
    assert "Traceback" not in text
    resumed = cli("resume", out, "--json")
    assert resumed.code == 0, resumed.err
    assert resumed.values["generations"] == 1500
    whole = cli("train", *words, "--out", tmp_path / "whole", "--json")
    assert whole.values["weights_digest"] == resumed.values["weights_digest"]


def test_second_ctrl_c_ends_at_once(
    cli: Cli, bars: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def generations_without_end(*_: Any, on_event: Any, stop: Any, **__: Any) -> Any:
        on_event(Started(tmp_path, TrainConfig(), 0, 9, 1, 0, 1, 1, 1))
        signal.raise_signal(signal.SIGINT)
        assert stop()
        signal.raise_signal(signal.SIGINT)
        raise AssertionError("not reached")

    before = signal.getsignal(signal.SIGINT)
    monkeypatch.setattr(cli_train, "train_run", generations_without_end)
    found = cli("train", "--data", bars, "--out", tmp_path / "r")
    assert found.code == 130
    assert "finishing this generation" in found.out
    assert "stopped at once; eggroll-edge resume" in found.err
    assert signal.getsignal(signal.SIGINT) is before


def test_ctrl_c_before_the_run_has_begun(
    cli: Cli, bars: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def opening(*_: Any, **__: Any) -> Any:
        signal.raise_signal(signal.SIGINT)

    monkeypatch.setattr(cli_train, "open_both", opening)
    found = cli("train", "--data", bars, "--out", tmp_path / "r")
    assert found.code == 130
    assert "resume" not in found.err
    assert not (tmp_path / "r").exists()


def test_chirps_need_no_other_flag(cli: Cli, tmp_path: Path) -> None:
    found = cli("train", "--data", "chirps:noise=5", "--generations", 3, "--out", tmp_path / "r")
    assert found.code == 0
    assert "test accuracy" in found.out + found.err


def test_without_scikit_learn_it_says_what_to_install_and_what_works(
    cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The documented first command, after an installation without extras."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("EGGROLL_CACHE", str(tmp_path / "empty"))
    monkeypatch.setitem(sys.modules, "sklearn", None)
    found = cli("train")
    assert found.code == 1
    assert "scikit-learn" in found.err
    assert "pip install 'eggroll-edge[data]'" in found.err
    assert "--data chirps" in found.err
    assert cli("train", "--data", "chirps", "--generations", 2).code == 0
