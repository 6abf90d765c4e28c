"""Training runs: start one, and resume one that was stopped."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

from eggroll_edge.core.net import Net
from eggroll_edge.core.workers import WorkerPool, worker_count
from eggroll_edge.data.dataset import EventDataset
from eggroll_edge.errors import JournalError
from eggroll_edge.journal import checkpoint
from eggroll_edge.journal.format import CHECKPOINT, RESULT, START
from eggroll_edge.journal.reader import JournalReader
from eggroll_edge.journal.records import EvalRecord, GenerationRecord
from eggroll_edge.journal.writer import JournalWriter
from eggroll_edge.training.config import TrainConfig
from eggroll_edge.training.context import MakeEstimator, RunContext, Stop, on_host
from eggroll_edge.training.header import check_data, header_config, initial_net, make_header
from eggroll_edge.training.history import RunHistory
from eggroll_edge.training.progress import OnEvent, ignore
from eggroll_edge.training.replay import Rebuilder
from eggroll_edge.training.results import RunResult
from eggroll_edge.training.run_dir import read_result, refuse_taken, weights_file
from eggroll_edge.training.splits import open_split
from eggroll_edge.training.trainer import run_training


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
    make_estimator: MakeEstimator = on_host,
) -> RunResult:
    """Train a net from its initial weights, and keep the run in the directory `out_dir`.

    workers: threads, by default one for each core; their number changes no bit.
    on_event: receives the events of training/progress.py.
    stop: asked after each generation; True ends the run with a checkpoint, from which resume()
    continues.
    data, test_data: recordings to use in place of opening what the config names.
    force: replace a run that is already in out_dir; without it, that is a JournalError.
    make_estimator: on_devices(...) of eggroll_edge.devices.device_estimator trains on devices.

    DataError if the data cannot be opened or do not fit the net, JournalError if a file of the run
    cannot be written.
    """
    run_dir, threads = Path(out_dir), worker_count(workers)
    refuse_taken(run_dir, force)
    data = data or open_split(config, "train", threads)
    test = test_data or open_split(config, "test", threads)
    net = Net(config.net_config(data.n_in, data.n_classes))
    if config.start_from is None:
        net.randomize(config.seed, config.init_std, config.readout_std)
    else:
        net = checkpoint.read_for(net.config, weights_file(config.start_from))
    with JournalWriter(run_dir) as journal:
        for name in (RESULT, CHECKPOINT):
            (run_dir / name).unlink(missing_ok=True)
        if config.start_from is not None:
            checkpoint.save(run_dir / START, net, 0)
        journal.write_header(make_header(config, net, data, test))
        context = RunContext(
            config, run_dir, net, RunHistory(), journal, data, test, threads,
            on_event or ignore, stop or _never,
        )  # fmt: skip
        return run_training(context, make_estimator)


def resume(
    run_dir: str | Path,
    *,
    workers: int | None = None,
    on_event: OnEvent | None = None,
    stop: Stop | None = None,
    data: EventDataset | None = None,
    test_data: EventDataset | None = None,
    make_estimator: MakeEstimator = on_host,
) -> RunResult:
    """Continue a run that was stopped, to the same bits as if it had never stopped.

    It starts from the latest checkpoint, replays the generations that the journal has after it,
    then trains. A run that is finished only returns its result. The arguments are those of train().

    JournalError if the journal is damaged or a rebuilt digest differs, DataError if the data are
    not those of the run.
    """
    run_dir, threads = Path(run_dir), worker_count(workers)
    reader = JournalReader(run_dir)
    config = header_config(reader.header)
    if (run_dir / RESULT).exists():
        return read_result(run_dir)
    data = data or open_split(config, "train", threads)
    check_data(reader.header, data)
    test = test_data or open_split(config, "test", threads)
    net, history, active = _restore(reader, config, data, threads)
    with JournalWriter(run_dir, reader.whole_bytes, active) as journal:
        context = RunContext(
            config, run_dir, net, history, journal, data, test, threads,
            on_event or ignore, stop or _never,
        )  # fmt: skip
        if reader.torn:
            context.note(f"{reader.path}: the last line was torn and is left out")
        return run_training(context, make_estimator)


def _restore(
    reader: JournalReader, config: TrainConfig, data: EventDataset, workers: int
) -> tuple[Net, RunHistory, bytes | None]:
    """(net, history, active rows of the last generation) at the end of a journal."""
    records = list(reader)
    net, start = _latest_checkpoint(reader, config, records)
    history, active = RunHistory(), None
    with closing(WorkerPool(net.config, config.es_config(), workers)) as pool:
        rebuilder = Rebuilder(config, net, pool, data if config.credits_recordings else None)
        for record in records:
            history.add(record)
            if not isinstance(record, GenerationRecord):
                continue
            active = record.active
            mismatch = rebuilder.apply(record) if record.generation >= start else None
            if mismatch is not None:
                raise JournalError(
                    f"{reader.path}: line {record.line}: rebuilt weights have the digest "
                    f"{mismatch.found}, not {mismatch.expected}: was the run made with another "
                    "version, or are the data others?"
                )
    return net, history, active


def _latest_checkpoint(
    reader: JournalReader, config: TrainConfig, records: Sequence[GenerationRecord | EvalRecord]
) -> tuple[Net, int]:
    """(net, generation) of the checkpoint of a run, or of the beginning if there is none.

    A damaged checkpoint counts as none, and so does one that is ahead of the journal: the journal
    has all that is needed, and replaying it only takes longer.
    """
    net = initial_net(reader.header, config, reader.path.parent)
    path = reader.path.parent / CHECKPOINT
    if path.exists():
        try:
            saved = checkpoint.read(path)
        except JournalError:
            return net, 0
        ends = [record.end for record in records if isinstance(record, GenerationRecord)]
        if saved.net.config == net.config and saved.generation in ends:
            return saved.net, saved.generation
    return net, 0


def _never() -> bool:
    return False
