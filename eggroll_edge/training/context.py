"""The parts that a sitting of a run works with, and the choice of its estimator.

A *sitting* is the time from the start of train() or resume() until it returns. A run that was
stopped and resumed has had several.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from eggroll_edge.core.net import Net
from eggroll_edge.core.workers import WorkerPool
from eggroll_edge.data.dataset import EventDataset
from eggroll_edge.journal.writer import JournalWriter
from eggroll_edge.training.config import TrainConfig
from eggroll_edge.training.estimators import Estimator, host_estimator
from eggroll_edge.training.history import RunHistory
from eggroll_edge.training.progress import Note, OnEvent

Stop = Callable[[], bool]
"""Asked after each generation; True ends the sitting with a checkpoint."""


@dataclass(frozen=True)
class RunContext:
    """A run at the beginning of a sitting. The trainer changes `net`, `history` and `journal`."""

    config: TrainConfig
    run_dir: Path
    net: Net
    """With the weights after the generations in `history`."""
    history: RunHistory
    journal: JournalWriter
    data: EventDataset
    """The recordings to train on."""
    validation_data: EventDataset | None
    """The recordings set aside to evaluate on during training; None: those are the test split."""
    test_data: EventDataset
    workers: int
    """Threads of each worker pool."""
    on_event: OnEvent
    stop: Stop
    derived: tuple[str, ...]
    """Names of the settings in `config` that were derived from the data."""

    def note(self, text: str) -> None:
        """Send the user one line of text."""
        self.on_event(Note(text))


MakeEstimator = Callable[[RunContext, WorkerPool], Estimator]
"""Makes the estimator of a sitting. The pool belongs to the trainer, which closes it."""


def on_host(context: RunContext, pool: WorkerPool) -> Estimator:
    """The MakeEstimator that evaluates the population on the threads of this computer."""
    recordings = min(context.config.batch, len(context.data))
    return host_estimator(context.config, context.net, recordings, pool)
