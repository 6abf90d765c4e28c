"""Training runs: start, go on, and open what they left.

A run directory holds `journal.jsonl` (the run itself: see journal.py), `weights.bin` (the latest
checkpoint) and, once the run is over, `result.json`.
"""

from __future__ import annotations

from pathlib import Path

from eggroll_edge.core.net import Net
from eggroll_edge.core.workers import WorkerPool, worker_count
from eggroll_edge.data.dataset import EventDataset
from eggroll_edge.errors import JournalError
from eggroll_edge.journal import checkpoint
from eggroll_edge.journal.reader import JournalReader
from eggroll_edge.journal.records import GenerationLine
from eggroll_edge.journal.writer import JournalWriter
from eggroll_edge.training.config import TrainConfig
from eggroll_edge.training.header import _header, check_data, header_config, initial_net
from eggroll_edge.training.history import RunHistory
from eggroll_edge.training.progress import Note, OnEvent
from eggroll_edge.training.replay import Rebuilder
from eggroll_edge.training.results import RunResult
from eggroll_edge.training.run_dir import RESULT, _read_result, _refuse_taken, _weights_file
from eggroll_edge.training.splits import open_split
from eggroll_edge.training.trainer import MakeTrainer, Stop, Trainer


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
    run_dir, threads = Path(out_dir), worker_count(workers)
    _refuse_taken(run_dir, force)
    data = data or open_split(config, "train", threads)
    test = test_data or open_split(config, "test", threads)
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
            config, run_dir, net, RunHistory(), journal, data, test, threads, on_event, stop
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
    run_dir, threads = Path(run_dir), worker_count(workers)
    reader = JournalReader(run_dir)
    config = header_config(reader.header)
    if (run_dir / RESULT).exists():
        return _read_result(run_dir)
    data = data or open_split(config, "train", threads)
    check_data(reader.header, data)
    test = test_data or open_split(config, "test", threads)
    net, history, active = _restore(reader, config, data, threads)
    if reader.torn and on_event is not None:
        on_event(Note(f"{reader.path}: the last line was torn and is left out"))
    with JournalWriter(run_dir, reader.whole_bytes, active) as journal:
        trainer = make_trainer(
            config, run_dir, net, history, journal, data, test, threads, on_event, stop
        )
        return trainer.run()


def _restore(
    reader: JournalReader, config: TrainConfig, data: EventDataset, workers: int
) -> tuple[Net, RunHistory, bytes | None]:
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
    history, active = RunHistory(), None
    pool = WorkerPool(net.config, config.es_config(), workers)
    try:
        rebuilder = Rebuilder(config, net, pool, data if config.estimator == "sample" else None)
        for line in lines:
            history.add_line(line)
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
        pool.close()
    return net, history, active
