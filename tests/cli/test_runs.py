"""`eggroll-edge eval`, `replay` and `plot` on a finished run."""

from __future__ import annotations

import zlib
from pathlib import Path

import numpy as np
import pytest

from eggroll_edge.cli import runs as cli_run
from eggroll_edge.training.results import Mismatch, ReplayResult
from eggroll_edge.training.run_dir import load
from tests.cli.conftest import TRAIN_KEYS
from tests.helpers.command_line import Cli


def test_eval(cli: Cli, run: Path, bars: Path) -> None:
    found = cli("eval", run)
    assert found.code == 0, found.err
    for text in ("20 recordings", "class", "accuracy", "firing"):
        assert text in found.out
    on_all = cli("eval", run, "--data", bars, "--split", "all", "--json")
    assert on_all.values.keys() >= TRAIN_KEYS
    assert on_all.values["samples"] == 60
    assert np.sum(on_all.values["confusion"]) == 60
    assert on_all.values["generations"] == 12
    assert on_all.values["weights_digest"] == f"{load(run).digest:08x}"


def test_replay_writes_the_weights(cli: Cli, run: Path, tmp_path: Path) -> None:
    found = cli("replay", run)
    assert found.code == 0, found.err
    assert "all agree" in found.out
    file = tmp_path / "weights"
    early = cli("replay", run, "--until", 5, "--write", file, "--json").values
    assert early["generations"] == 5
    assert f"{zlib.crc32(file.read_bytes()):08x}" == early["weights_digest"]
    assert early["mismatch"] is None


def test_replay_mismatch_is_exit_1(cli: Cli, run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    wrong = ReplayResult(load(run), 3, 3, "0", Mismatch(3, 4, "aa", "bb"), False, 0.1)
    monkeypatch.setattr(cli_run, "replay_run", lambda *_, **__: wrong)
    found = cli("replay", run)
    assert found.code == 1
    assert "MISMATCH after generation 3" in found.out


def test_plot_draws_everything(cli: Cli, run: Path) -> None:
    pytest.importorskip("matplotlib")
    found = cli("plot", run)
    assert found.code == 0, found.err
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
    assert all(str(run / "plots" / name) in found.out for name in names)
    assert cli("plot", run, "--kind", "movie", "--sample", 20).code == 1
    assert "did you mean curve?" in cli("plot", run, "--kind", "curves").err
