"""A run directory: its files, and what they hold."""

from __future__ import annotations

import difflib
import json
from dataclasses import fields
from pathlib import Path

from eggroll_edge.core.net import Net
from eggroll_edge.errors import ConfigError, JournalError
from eggroll_edge.journal import checkpoint
from eggroll_edge.journal.reader import NAME as JOURNAL
from eggroll_edge.journal.reader import JournalReader
from eggroll_edge.training.config import TrainConfig
from eggroll_edge.training.header import header_config
from eggroll_edge.training.results import RunResult


def existing_run(path: Path) -> Path:
    """`path` if it is a run directory; ConfigError with the nearest or latest run if not."""
    if (path / "journal.jsonl").is_file():
        return path
    parent = path.parent if path.parent.is_dir() else Path("runs")
    runs = {p.parent.name: p.parent for p in sorted(parent.glob("*/journal.jsonl"))}
    near = difflib.get_close_matches(path.name, runs, 1)
    hint = f"did you mean {runs[near[0]]}?" if near else "`eggroll-edge train` makes one"
    raise ConfigError(f"{path}: no run here (there is no journal.jsonl); {hint}")


RESULT = "result.json"


def load(run_dir: str | Path) -> Net:
    """The net of a run, with the weights of its latest checkpoint; also of a weights file."""
    return checkpoint.read(_weights_file(run_dir)).net


def load_config(run_dir: str | Path) -> TrainConfig:
    """The config of a run, from its journal."""
    return header_config(JournalReader(run_dir).header)


def _weights_file(run: str | Path) -> Path:
    """The checkpoint in a run directory, or the weights file itself."""
    path = Path(run)
    if path.is_dir():
        path /= checkpoint.NAME
        if not path.exists() and (path.parent / JOURNAL).exists():
            raise JournalError(
                f"{path.parent}: the run has no checkpoint yet; go on with it (eggroll-edge resume "
                f"{path.parent}), or rebuild its weights (eggroll-edge replay)"
            )
    return path


def _refuse_taken(run_dir: Path, force: bool) -> None:
    if not (run_dir / JOURNAL).exists():
        return
    if not force:
        raise JournalError(
            f"{run_dir} already holds a run: go on with it (eggroll-edge resume {run_dir}), choose "
            "another folder, or throw it away with --force"
        )


def _read_result(run_dir: Path) -> RunResult:
    path = run_dir / RESULT
    try:
        values = json.loads(path.read_text())
        known = {field.name: values[field.name] for field in fields(RunResult)}
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise JournalError(f"{path}: cannot be read ({error!r}); remove it, then resume") from error
    known |= {"run_dir": run_dir, "firing_rate": tuple(known["firing_rate"])}
    return RunResult(**known)
