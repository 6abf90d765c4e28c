"""The command line, through its entry point: what it prints, where, and its exit codes."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from eggroll_edge.cli import runs as cli_run
from eggroll_edge.cli import train as cli_train
from eggroll_edge.cli.app import main
from eggroll_edge.data.binning import Events
from eggroll_edge.data.loading import open_dataset
from eggroll_edge.data.nmnist import write_bin
from eggroll_edge.training.config import TrainConfig
from eggroll_edge.training.progress import Started
from eggroll_edge.training.results import Mismatch, ReplayResult
from eggroll_edge.training.run_dir import load

ROOT = Path(__file__).parents[2]
TINY = ["--bins", "5", "--pool", "2", "--hidden", "8", "--pairs", "4", "--batch", "10"]
TRAIN_KEYS = {
    "test_accuracy",
    "train_loss",
    "generations",
    "seconds",
    "member_evals_per_s",
    "weights_digest",
    "run_dir",
}


@dataclass
class Said:
    """What a command left."""

    code: int
    out: str
    err: str

    @property
    def values(self) -> dict[str, Any]:
        """The one line of JSON."""
        assert self.out.count("\n") == 1
        values: dict[str, Any] = json.loads(self.out)
        return values


Cli = Callable[..., Said]


@pytest.fixture
def cli(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Cli:
    monkeypatch.setenv("COLUMNS", "200")

    def call(*words: object) -> Said:
        capsys.readouterr()
        code = 0
        try:
            main([str(word) for word in words])
        except SystemExit as left:
            code = left.code if isinstance(left.code, int) else int(left.code is not None)
        captured = capsys.readouterr()
        return Said(code, captured.out, captured.err)

    return call


@pytest.fixture(scope="module", autouse=True)
def _cache(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """One cache for this file: the digits are simulated once."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("EGGROLL_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture(scope="module")
def bars(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Recordings in N-MNIST's layout: of class k, noise around column 3 k + 3."""
    root = tmp_path_factory.mktemp("bars")
    rng = np.random.default_rng(0)
    for split, count in (("Train", 40), ("Test", 20)):
        for i in range(count):
            label = i % 10
            where = root / split / str(label)
            where.mkdir(parents=True, exist_ok=True)
            x = (3 * label + 3 + rng.integers(-1, 2, 200)).astype(np.uint8)
            y, p = rng.integers(0, 34, 200, np.uint8), rng.integers(0, 2, 200, np.uint8)
            t = np.sort(rng.integers(0, 300_000, 200)).astype(np.int32)
            write_bin(where / f"{i + 1:05d}.bin", Events(x, y, t, p))
    return root


@pytest.fixture(scope="module")
def run(bars: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished run of 12 generations."""
    where = tmp_path_factory.mktemp("run") / "tiny"
    words = ["train", "--data", str(bars), *TINY, "--generations", "12", "--out", str(where)]
    with pytest.raises(SystemExit) as left:
        main([*words, "--eval-every", "4"])
    assert not left.value.code
    return where


# ---- train, resume -----------------------------------------------------------------------------


def test_train_says_what_happens_and_what_is_next(cli: Cli, bars: Path, tmp_path: Path) -> None:
    said = cli("train", "--data", bars, *TINY, "--generations", 6, "--out", tmp_path / "r")
    assert said.code == 0, said.err
    for text in ("40 recordings", "generation 6/6", "loss", "evals/s", "test accuracy", "final"):
        assert text in said.out
    for command in ("eval", "replay", "plot"):
        assert f"eggroll-edge {command} {tmp_path / 'r'}" in said.out


def test_train_json_is_one_line_and_the_rest_is_on_stderr(
    cli: Cli, bars: Path, tmp_path: Path
) -> None:
    out = tmp_path / "r"
    said = cli("train", "--data", bars, *TINY, "--generations", 3, "--out", out, "--json")
    assert said.code == 0
    assert said.values.keys() >= TRAIN_KEYS
    assert said.values["generations"] == 3
    assert said.values["run_dir"] == str(out)
    assert 0 <= said.values["test_accuracy"] <= 100
    assert said.values["weights_digest"] == f"{load(out).digest:08x}"
    assert "generation 3/3" in said.err


def test_default_out_is_named_after_the_run_and_unique(
    cli: Cli, bars: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    words = ("train", "--data", bars, *TINY, "--generations", 1, "--seed", 7, "--json")
    for name in ("", "-2", "-3"):
        assert cli(*words).values["run_dir"] == f"runs/{bars.name}-sample-s7{name}"
    online = cli("train", "--data", bars, "--online", "--generations", 5, "--json")
    assert online.values["run_dir"] == f"runs/{bars.name}-online-s1"


def test_without_flags_the_digits_preset_runs(
    cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("sklearn")
    monkeypatch.chdir(tmp_path)
    said = cli("train", "--generations", 2, "--json")
    assert said.code == 0, said.err
    assert said.values["run_dir"] == "runs/digits-sample-s1"
    assert "1437 recordings" in said.err


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
        on_event(Started(tmp_path, TrainConfig(), 0, 9, 1, 1, 1, 1))
        signal.raise_signal(signal.SIGINT)
        assert stop()
        signal.raise_signal(signal.SIGINT)
        raise AssertionError("not reached")

    before = signal.getsignal(signal.SIGINT)
    monkeypatch.setattr(cli_train, "train_run", generations_without_end)
    said = cli("train", "--data", bars, "--out", tmp_path / "r")
    assert said.code == 130
    assert "finishing this generation" in said.out
    assert "stopped at once; eggroll-edge resume" in said.err
    assert signal.getsignal(signal.SIGINT) is before


def test_ctrl_c_before_the_run_has_begun(
    cli: Cli, bars: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def opening(*_: Any, **__: Any) -> Any:
        signal.raise_signal(signal.SIGINT)

    monkeypatch.setattr(cli_train, "open_both", opening)
    said = cli("train", "--data", bars, "--out", tmp_path / "r")
    assert said.code == 130
    assert "resume" not in said.err
    assert not (tmp_path / "r").exists()


# ---- eval, replay, plot ------------------------------------------------------------------------


def test_eval(cli: Cli, run: Path, bars: Path) -> None:
    said = cli("eval", run)
    assert said.code == 0, said.err
    for text in ("20 recordings", "class", "accuracy", "firing"):
        assert text in said.out
    on_all = cli("eval", run, "--data", bars, "--split", "all", "--json")
    assert on_all.values.keys() >= TRAIN_KEYS
    assert on_all.values["samples"] == 60
    assert np.sum(on_all.values["confusion"]) == 60
    assert on_all.values["generations"] == 12
    assert on_all.values["weights_digest"] == f"{load(run).digest:08x}"


def test_replay_writes_the_weights(cli: Cli, run: Path, tmp_path: Path) -> None:
    said = cli("replay", run)
    assert said.code == 0, said.err
    assert "all agree" in said.out
    file = tmp_path / "weights"
    early = cli("replay", run, "--until", 5, "--write", file, "--json").values
    assert early["generations"] == 5
    assert f"{zlib.crc32(file.read_bytes()):08x}" == early["weights_digest"]
    assert early["mismatch"] is None


def test_replay_mismatch_is_exit_1(cli: Cli, run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    wrong = ReplayResult(load(run), 3, 3, "0", Mismatch(3, 4, "aa", "bb"), False, 0.1)
    monkeypatch.setattr(cli_run, "replay_run", lambda *_, **__: wrong)
    said = cli("replay", run)
    assert said.code == 1
    assert "MISMATCH after generation 3" in said.out


def test_plot_draws_everything(cli: Cli, run: Path) -> None:
    pytest.importorskip("matplotlib")
    said = cli("plot", run)
    assert said.code == 0, said.err
    names = {path.name for path in (run / "plots").iterdir()}
    assert names == {
        "curve.png",
        "firing.png",
        "confusion.png",
        "weights.png",
        "learned.png",
        "movie-0.gif",
        "movie-0.png",
    }
    assert all(str(run / "plots" / name) in said.out for name in names)
    assert cli("plot", run, "--kind", "movie", "--sample", 20).code == 1
    assert "did you mean curve?" in cli("plot", run, "--kind", "curves").err


# ---- plan, presets, data -----------------------------------------------------------------------


def test_plan_counts_the_sums_of_a_mini_batch(cli: Cli) -> None:
    """The default estimator sums up four bytes a weight; online learns in place."""
    small = ("plan", "--pool", 2, "--hidden", 64, "--board", "stm32f405")
    said = cli(*small)
    assert said.code == 1
    assert "RAM short by" in said.out
    assert "with --online" in said.out
    assert cli(*small, "--online").code == 0


@pytest.mark.parametrize("estimator", [("--estimator", "batch"), ("--online",)], ids=str)
def test_plan(cli: Cli, estimator: tuple[str, ...]) -> None:
    small = ("plan", "--pool", 2, "--hidden", 64, "--pairs", 32, *estimator)
    values = cli(*small, "--json").values
    assert values["net"] == "578-64-10"
    assert values["training_extra"] <= 4096
    assert values["fits"] is None
    said = cli(*small, "--board", "pico")
    assert said.code == 0
    assert "578-64-10" in said.out
    assert cli(*small, "--board", "microbit").code == 1
    assert cli(*small, "--board", "microbit", "--json").values["fits"] is False


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("plan", "--hidden", 5000), "1..1024"),
        (("plan", "--inputs", 40000), "1..32766"),
        (("plan", "--outputs", 1), "2..64"),
        (("plan", "--estimator", "full"), "hosts only"),
        (("plan", "--board", "picoo"), "did you mean pico"),
        (("train", "--preset", "digit"), "did you mean digits"),
        (("train", "--data", "digit"), "did you mean digits"),
        (("train", "--data", "/no/where"), "/no/where: no such folder"),
        (("train", "--data", "."), "expected <folder>/Train"),
        (("train", "--estimator", "batsch"), "batch"),
        (("train", "--estimator", "batch", "--online"), "only sample"),
        (("train", "--pairs", 257), "1..256"),
        (("eval", "/no/run"), "no run here"),
        (("resume", "."), "no journal.jsonl"),
        (("data", "simulate", "--images", "nmnist", "--out", "x"), "only images"),
    ],
)
def test_what_cannot_be_is_one_line_and_exit_1(
    cli: Cli, words: tuple[object, ...], says: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    said = cli(*words)
    assert said.code == 1
    assert says in said.err
    assert said.err.startswith("error: ")
    assert said.err.count("\n") == 1
    assert said.out == ""
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("trian",), "train"),
        (("train", "--pair", 3), "--pairs"),
        (("train", "--pairs", "many"), "--pairs"),
        (("train", "--hidden", "128,x"), "128,64"),
        (("eval",), "RUN"),
    ],
)
def test_wrong_usage_is_exit_2_and_names_the_nearest(
    cli: Cli, words: tuple[object, ...], says: str
) -> None:
    said = cli(*words)
    assert said.code == 2
    assert says in said.err


def test_debug_lets_the_error_through() -> None:
    with pytest.raises(Exception, match="no run here"):
        main(["eval", "/no/run", "--debug"])


@pytest.mark.parametrize(
    "command",
    ["train", "resume", "eval", "replay", "plot", "plan", "presets", "control"]
    + [f"data {name}" for name in ("info", "simulate", "cache")],
)
def test_every_help_has_examples(cli: Cli, command: str) -> None:
    said = cli(*command.split(), "--help")
    assert said.code == 0
    assert f"eggroll-edge {command}" in said.out.split("Examples:")[1]


def test_presets(cli: Cli) -> None:
    assert "digits" in cli("presets").out
    assert "data = digits" in cli("presets", "digits").out


def test_control(cli: Cli) -> None:
    said = cli("control", "--generations", 2, "--pairs", 8, "--episodes", 1, "--json")
    assert said.code == 0
    assert said.values["generations"] == 2
    assert said.values["evaluated_episodes"] == 100


def test_chirps_need_no_other_flag(cli: Cli, tmp_path: Path) -> None:
    said = cli("train", "--data", "chirps:noise=5", "--generations", 3, "--out", tmp_path / "r")
    assert said.code == 0
    assert "test accuracy" in said.out + said.err


def test_data_info_and_cache(cli: Cli, bars: Path) -> None:
    said = cli("data", "info", bars, "--bins", 4)
    assert said.code == 0
    assert "4 ticks" in said.out
    values = cli("data", "info", bars, "--limit", 30, "--json").values
    assert values["train"]["samples"] == 30
    assert values["test"]["class_counts"] == [2] * 10
    cached = cli("data", "cache", bars, "--bins", 4)
    assert "train: 40 recordings" in cached.out
    assert os.environ["EGGROLL_CACHE"] in cached.out


def test_simulated_files_are_the_recordings_that_train_would_see(cli: Cli, tmp_path: Path) -> None:
    pytest.importorskip("sklearn")
    out = tmp_path / "events"
    said = cli("data", "simulate", "--images", "digits", "--out", out, "--limit", 12)
    assert said.code == 0, said.err
    assert f"eggroll-edge train --data {out}" in said.out
    for split in ("train", "test"):
        written = open_dataset(str(out), split)
        assert written.digest == open_dataset("digits", split, limit=12).digest
    assert cli("data", "simulate", "--images", "digits", "--out", out).code == 1
