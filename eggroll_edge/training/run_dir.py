"""A run directory: finding it, and reading what a run left there.

It holds journal.jsonl (the run itself), weights.bin (the latest checkpoint) and, once the run is
over, result.json. A run with start_from also has start.bin. journal/format.py names all files.
"""

from __future__ import annotations

import json
from dataclasses import fields
from pathlib import Path

from eggroll_edge.core.net import Net
from eggroll_edge.errors import ConfigError, JournalError, nearest
from eggroll_edge.files import write_atomically
from eggroll_edge.journal import checkpoint
from eggroll_edge.journal.format import CHECKPOINT, JOURNAL, RESULT
from eggroll_edge.journal.reader import JournalReader
from eggroll_edge.training.config import TrainConfig
from eggroll_edge.training.header import header_config
from eggroll_edge.training.results import RunResult


def existing_run(path: Path) -> Path:
    """`path`, if it is a run directory; else a ConfigError that suggests one."""
    if (path / JOURNAL).is_file():
        return path
    parent = path.parent if path.parent.is_dir() else Path("runs")
    runs = {p.parent.name: p.parent for p in sorted(parent.glob(f"*/{JOURNAL}"))}
    near = nearest(path.name, runs)
    hint = f"did you mean {runs[near]}?" if near else "`eggroll-edge train` makes one"
    raise ConfigError(f"{path}: no run here (there is no {JOURNAL}); {hint}")


def refuse_taken(run_dir: Path, force: bool) -> None:
    """JournalError if the directory already holds a run, unless `force`."""
    if not force and (run_dir / JOURNAL).exists():
        raise JournalError(
            f"{run_dir} already holds a run: go on with it (eggroll-edge resume {run_dir}), choose "
            "another folder, or throw it away with --force"
        )


def load(run_dir: str | Path) -> Net:
    """Load the net of a run, with the weights of its latest checkpoint.

    Args:
        run_dir: A run directory, or the path of a checkpoint file.

    Returns:
        The net with its weights.

    Raises:
        JournalError: There is no checkpoint, or it is damaged.
    """
    return checkpoint.read(weights_file(run_dir)).net


def load_config(run_dir: str | Path) -> TrainConfig:
    """The config of a run, from its journal. JournalError if the journal cannot be read."""
    return header_config(JournalReader(run_dir).header)


def weights_file(run: str | Path) -> Path:
    """The checkpoint in a run directory; a path to a file is returned as it is."""
    path = Path(run)
    if path.is_dir():
        path /= CHECKPOINT
        if not path.exists() and (path.parent / JOURNAL).exists():
            raise JournalError(
                f"{path.parent}: the run has no checkpoint yet; go on with it (eggroll-edge resume "
                f"{path.parent}), or rebuild its weights (eggroll-edge replay)"
            )
    return path


def write_result(result: RunResult) -> None:
    """Write the result of a finished run into its directory."""
    body = json.dumps(result.to_dict(), indent=1).encode() + b"\n"
    write_atomically(result.run_dir / RESULT, body, JournalError)


def read_result(run_dir: Path) -> RunResult:
    """The result of a finished run. JournalError if it cannot be read."""
    path = run_dir / RESULT
    try:
        values = json.loads(path.read_text())
        newer_than_0_1_0 = {"validation_accuracy": None, "learned": 0, "recordings": 0}
        values = newer_than_0_1_0 | values
        known = {field.name: values[field.name] for field in fields(RunResult)}
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise JournalError(f"{path}: cannot be read ({error!r}); remove it, then resume") from error
    known |= {"run_dir": run_dir, "firing_rate": tuple(known["firing_rate"])}
    return RunResult(**known)
