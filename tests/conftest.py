"""What all tests share."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from eggroll_edge.cli.app import main
from tests.helpers.command_line import Cli, Output


@pytest.fixture(scope="session", autouse=True)
def shared_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """One cache of datasets for a test run, so that the user's cache stays as it is.

    The workers of pytest-xdist share it: a dataset is simulated once, and files appear whole.
    """
    folder = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        folder = folder.parent
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("EGGROLL_CACHE", str(folder / "cache"))
        yield folder / "cache"


@pytest.fixture
def cli(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Cli:
    """Runs a command here: cli("train", "--seed", 2) is `eggroll-edge train --seed 2`."""
    monkeypatch.setenv("COLUMNS", "200")

    def call(*words: object) -> Output:
        capsys.readouterr()
        code = 0
        try:
            main([str(word) for word in words])
        except SystemExit as left:
            code = left.code if isinstance(left.code, int) else int(left.code is not None)
        captured = capsys.readouterr()
        return Output(code, captured.out, captured.err)

    return call
