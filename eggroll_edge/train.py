"""Training runs (signatures first; bodies follow)."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from eggroll_edge.config import TrainConfig
from eggroll_edge.core import Net
from eggroll_edge.events import EventDataset
from eggroll_edge.progress import OnEvent, RunResult

Stop = Callable[[], bool]


def train(
    config: TrainConfig,
    out_dir: str | Path,
    *,
    workers: int | None = None,
    on_event: OnEvent | None = None,
    stop: Stop | None = None,
    data: EventDataset | None = None,
    test_data: EventDataset | None = None,
    force: bool = False,
) -> RunResult:
    """Train from scratch into `out_dir`.

    workers: threads, default the cores of this process. stop: asked after each generation; True
    ends the run with a checkpoint. data, test_data: use these instead of opening config.data.
    force: a run that is already in out_dir is removed; without it, JournalError.
    """
    raise NotImplementedError


def resume(
    run_dir: str | Path,
    *,
    workers: int | None = None,
    on_event: OnEvent | None = None,
    stop: Stop | None = None,
    data: EventDataset | None = None,
    test_data: EventDataset | None = None,
) -> RunResult:
    """Go on with a run, to the same bits as if it had never stopped. A finished run returns."""
    raise NotImplementedError


def load(run_dir: str | Path) -> Net:
    """The net of a run, with the weights of its latest checkpoint (weights.bin)."""
    raise NotImplementedError


def load_config(run_dir: str | Path) -> TrainConfig:
    """The config of a run, from its journal."""
    raise NotImplementedError


def open_split(config: TrainConfig, split: str) -> EventDataset:
    """The train or test split that a config names; split "all" joins both."""
    raise NotImplementedError
