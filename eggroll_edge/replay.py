"""Rebuilding a run from its journal (signatures first; bodies follow)."""

from __future__ import annotations

from pathlib import Path

from eggroll_edge.events import EventDataset
from eggroll_edge.progress import OnEvent, ReplayResult


def replay(
    run_dir: str | Path,
    *,
    until: int | None = None,
    on_event: OnEvent | None = None,
    data_override: EventDataset | None = None,
    workers: int | None = None,
) -> ReplayResult:
    """Rebuild the weights from header and bytes (sample: and the dataset), checking every digest.

    until: stop after so many generations. The first mismatch ends the replay and is in the result.
    """
    raise NotImplementedError
