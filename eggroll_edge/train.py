"""Training runs: start, go on, and open what they left.

A run directory holds `journal.jsonl` (the run itself: see journal.py), `weights.bin` (the latest
checkpoint) and, once the run is over, `result.json`.
"""

from __future__ import annotations

import json
import platform
import time
from dataclasses import fields
from pathlib import Path
from typing import Any

from eggroll_edge import checkpoint
from eggroll_edge.config import TrainConfig
from eggroll_edge.core import ARITHMETIC, Net
from eggroll_edge.course import Course
from eggroll_edge.crew import Crew
from eggroll_edge.errors import JournalError
from eggroll_edge.evaluate import worker_count
from eggroll_edge.events import EventDataset
from eggroll_edge.journal import NAME as JOURNAL
from eggroll_edge.journal import GenerationLine, JournalReader
from eggroll_edge.journal_write import JournalWriter
from eggroll_edge.progress import Note, OnEvent, RunResult
from eggroll_edge.replay import Rebuilder, check_data, header_config, initial_net, open_split
from eggroll_edge.trainer import RESULT, MakeTrainer, Stop, Trainer
from eggroll_edge.version import __version__

__all__ = ["Stop", "load", "load_config", "open_split", "resume", "train"]


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
    make_trainer: MakeTrainer = Trainer,
) -> RunResult:
    """Train from scratch into `out_dir`.

    workers: threads, default the cores of this process; their number changes no bit.
    stop: asked after each generation; True ends the run with a checkpoint, to be resumed.
    data, test_data: use these instead of opening what config names.
    force: a run that is already in out_dir is removed; without it, JournalError.
    make_trainer: device_train.on_device(...) trains on a device.
    """
    run_dir, crew_size = Path(out_dir), worker_count(workers)
    _refuse_taken(run_dir, force)
    data = data or open_split(config, "train", crew_size)
    test = test_data or open_split(config, "test", crew_size)
    net = Net(config.net_config(data.n_in, data.n_classes))
    if config.start_from is None:
        net.randomize(config.seed, config.init_std, config.readout_std)
    else:
        net = checkpoint.read_for(net.config, _weights_file(config.start_from))
    with JournalWriter(run_dir) as journal:
        for name in (RESULT, checkpoint.NAME):
            (run_dir / name).unlink(missing_ok=True)
        if config.start_from is not None:
            checkpoint.save(run_dir / checkpoint.START, net, 0)
        journal.write_header(_header(config, net, data, test))
        trainer = make_trainer(
            config, run_dir, net, Course(), journal, data, test, crew_size, on_event, stop
        )
        return trainer.run()


def resume(
    run_dir: str | Path,
    *,
    workers: int | None = None,
    on_event: OnEvent | None = None,
    stop: Stop | None = None,
    data: EventDataset | None = None,
    test_data: EventDataset | None = None,
    make_trainer: MakeTrainer = Trainer,
) -> RunResult:
    """Go on with a run, to the same bits as if it had never stopped.

    Starts from the latest checkpoint, replays the journal lines after it, then trains. A run that
    is over returns its result. JournalError if the journal is damaged or its digests do not come
    out; DataError if the data are not those of the run.
    """
    run_dir, crew_size = Path(run_dir), worker_count(workers)
    reader = JournalReader(run_dir)
    config = header_config(reader.header)
    if (run_dir / RESULT).exists():
        return _read_result(run_dir)
    data = data or open_split(config, "train", crew_size)
    check_data(reader.header, data)
    test = test_data or open_split(config, "test", crew_size)
    net, course, active = _restore(reader, config, data, crew_size)
    if reader.torn and on_event is not None:
        on_event(Note(f"{reader.path}: the last line was torn and is left out"))
    with JournalWriter(run_dir, reader.whole_bytes, active) as journal:
        trainer = make_trainer(
            config, run_dir, net, course, journal, data, test, crew_size, on_event, stop
        )
        return trainer.run()


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


def _restore(
    reader: JournalReader, config: TrainConfig, data: EventDataset, workers: int
) -> tuple[Net, Course, bytes | None]:
    """Net, course and last active rows at the end of a journal."""
    lines = list(reader)  # also finds the end, which a checkpoint must not be ahead of
    ends = [x.generation + x.generations for x in lines if isinstance(x, GenerationLine)]
    net, start = initial_net(reader.header, config, reader.path.parent), 0
    path = reader.path.parent / checkpoint.NAME
    if path.exists():
        try:
            saved = checkpoint.read(path)
        except JournalError:
            pass  # damaged: the journal has it all, it only takes longer
        else:
            if saved.net.config == net.config and saved.generation in ends:
                net, start = saved.net, saved.generation
    course, active = Course(), None
    crew = Crew(net.config, config.es_config(), workers)
    try:
        rebuilder = Rebuilder(config, net, crew, data if config.estimator == "sample" else None)
        for line in lines:
            course.add_line(line)
            if not isinstance(line, GenerationLine):
                continue
            active = line.active
            mismatch = rebuilder.apply(line) if line.generation >= start else None
            if mismatch is not None:
                raise JournalError(
                    f"{reader.path}: line {line.line}: rebuilt weights have the digest "
                    f"{mismatch.found}, not {mismatch.expected}: was the run made with another "
                    "version, or are the data others?"
                )
    finally:
        crew.close()
    return net, course, active


def _refuse_taken(run_dir: Path, force: bool) -> None:
    if not (run_dir / JOURNAL).exists():
        return
    if not force:
        raise JournalError(
            f"{run_dir} already holds a run: go on with it (eggroll-edge resume {run_dir}), choose "
            "another folder, or throw it away with --force"
        )


def _header(
    config: TrainConfig, net: Net, data: EventDataset, test: EventDataset
) -> dict[str, Any]:
    def about(dataset: EventDataset, spec: str) -> dict[str, Any]:
        return {
            "spec": spec,
            "name": dataset.name,
            "digest": dataset.digest,
            "samples": len(dataset),
            "n_in": dataset.n_in,
            "classes": dataset.n_classes,
        }

    return {
        "version": __version__,
        "core": ARITHMETIC,
        "config": config.to_dict(),
        "seed": config.seed,
        "dataset": about(data, config.data),
        "test_dataset": about(test, config.test_data or config.data),
        "net": net.config.to_dict(),
        "es": config.es_config().to_dict(),
        "initial_digest": f"{net.digest:08x}",
        "created": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "host": f"{platform.system()} {platform.machine()}",
    }


def _read_result(run_dir: Path) -> RunResult:
    path = run_dir / RESULT
    try:
        values = json.loads(path.read_text())
        known = {field.name: values[field.name] for field in fields(RunResult)}
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise JournalError(f"{path}: cannot be read ({error!r}); remove it, then resume") from error
    known |= {"run_dir": run_dir, "firing_rate": tuple(known["firing_rate"])}
    return RunResult(**known)
