"""What the tests of datasets share."""

from __future__ import annotations

from pathlib import Path

import pytest


@pytest.fixture(autouse=True)
def cache_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A separate, empty cache for each test; it is made when the first file is cached."""
    folder = tmp_path / "cache"
    monkeypatch.setenv("EGGROLL_CACHE", str(folder))
    return folder
