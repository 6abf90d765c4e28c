"""--validation on the command line: train, resume, replay, eval and plot."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import TINY
from tests.helpers.command_line import Cli


@pytest.fixture
def aside(cli: Cli, bars: Path, tmp_path: Path) -> Path:
    """A run that set 10 of the 40 training recordings aside."""
    out = tmp_path / "aside"
    words = ("--generations", 12, "--validation", 10, "--out", out)
    found = cli("train", "--data", bars, *TINY, *words)
    assert found.code == 0, found.err
    assert "30 recordings to train on, 10 set aside for validation, 20 to test on" in found.out
    assert "generation 6: validation accuracy" in found.out
    assert found.out.count(": test accuracy") == 1
    assert "  validation      " in found.out
    return out


def test_eval_takes_the_splits_of_the_run(cli: Cli, aside: Path) -> None:
    sizes = {"train": 30, "validation": 10, "test": 20, "all": 60}
    for split, size in sizes.items():
        found = cli("eval", aside, "--split", split, "--json").values
        assert (found["split"], found["samples"]) == (split, size)


def test_eval_refuses_what_is_not_there(cli: Cli, aside: Path, run: Path, bars: Path) -> None:
    assert "set no recordings aside" in cli("eval", run, "--split", "validation").err
    other = cli("eval", aside, "--split", "validation", "--data", bars)
    assert other.code == 1
    assert "leave --data out" in other.err


def test_replay_needs_no_more_arguments(cli: Cli, aside: Path, bars: Path) -> None:
    for words in ((), ("--data", bars)):
        found = cli("replay", aside, *words)
        assert found.code == 0, found.err
        assert "all agree" in found.out


def test_the_curve_says_what_it_shows(
    cli: Cli, aside: Path, run: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    figures = pytest.importorskip("eggroll_edge.plots.figures")
    shown = []

    def curve(path: Path, *columns: Any) -> Path:
        shown.append((columns[4], len(columns[3])))
        return path

    monkeypatch.setattr(figures, "learning_curve", curve)
    for one in (aside, run):
        found = cli("plot", one, "--kind", "curve")
        assert found.code == 0, found.err
    assert shown == [("recordings set aside", 12), ("test split", 3)]


def test_more_than_there_are_is_an_error(cli: Cli, bars: Path, tmp_path: Path) -> None:
    found = cli("train", "--data", bars, *TINY, "--validation", 40, "--out", tmp_path / "r")
    assert found.code == 1
    assert "validation is 40, but " in found.err
    assert "set fewer aside" in found.err
