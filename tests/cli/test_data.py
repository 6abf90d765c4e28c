"""`eggroll-edge data`: info, cache and simulate."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from eggroll_edge.data.loading import open_dataset
from tests.helpers.command_line import Cli


def test_data_info_and_cache(cli: Cli, bars: Path) -> None:
    found = cli("data", "info", bars, "--ticks", 4)
    assert found.code == 0
    assert "4 ticks" in found.out
    values = cli("data", "info", bars, "--limit", 30, "--json").values
    assert values["train"]["samples"] == 30
    assert values["test"]["class_counts"] == [2] * 10
    cached = cli("data", "cache", bars, "--ticks", 4)
    assert "train: 40 recordings" in cached.out
    assert os.environ["EGGROLL_CACHE"] in cached.out


def test_simulated_files_are_the_recordings_that_train_would_see(cli: Cli, tmp_path: Path) -> None:
    pytest.importorskip("sklearn")
    out = tmp_path / "events"
    found = cli("data", "simulate", "--images", "digits", "--out", out, "--limit", 12)
    assert found.code == 0, found.err
    assert f"eggroll-edge train --data {out}" in found.out
    for split in ("train", "test"):
        written = open_dataset(str(out), split)
        assert written.digest == open_dataset("digits", split, limit=12).digest
    assert cli("data", "simulate", "--images", "digits", "--out", out).code == 1
