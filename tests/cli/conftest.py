"""What the tests of the command line share: a small dataset, and a finished run."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from eggroll_edge.cli.app import main
from eggroll_edge.data.binning import Events
from eggroll_edge.data.nmnist import write_bin

TINY = [
    "--segments",
    "5",
    "--ticks",
    "5",
    "--pool",
    "2",
    "--hidden",
    "8",
    "--estimator",
    "sample",
    "--pairs",
    "4",
    "--batch",
    "10",
]
TRAIN_KEYS = {
    "test_accuracy",
    "train_loss",
    "generations",
    "seconds",
    "member_evals_per_s",
    "weights_digest",
    "run_dir",
}


@pytest.fixture(scope="package")
def bars(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Recordings in the layout of N-MNIST; class k is noise around column 3 k + 3."""
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


@pytest.fixture(scope="package")
def run(bars: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished run of 12 generations."""
    where = tmp_path_factory.mktemp("run") / "tiny"
    words = ["train", "--data", str(bars), *TINY, "--generations", "12", "--out", str(where)]
    with pytest.raises(SystemExit) as left:
        main([*words, "--eval-every", "4"])
    assert not left.value.code
    return where
