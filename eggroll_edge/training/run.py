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
from eggroll_edge.journal.format import CHECKPOINT, JOURNAL, RESULT, START
from eggroll_edge.journal.reader import JournalReader
from eggroll_edge.journal.records import EvalRecord, EvalSplit, GenerationRecord
from eggroll_edge.journal.writer import JournalWriter
from eggroll_edge.training.config import TrainConfig
from eggroll_edge.training.context import MakeEstimator, RunContext, Stop, on_host
from eggroll_edge.training.derivation import derive
from eggroll_edge.training.header import (
    check_data,
    derived_settings,
    header_config,
    initial_net,
    make_header,
)
from eggroll_edge.training.history import RunHistory
from eggroll_edge.training.progress import OnEvent, ignore
from eggroll_edge.training.replay import Rebuilder
from eggroll_edge.training.results import RunResult
from eggroll_edge.training.run_dir import load_config, read_result, refuse_taken, weights_file
from eggroll_edge.training.splits import open_split, set_aside
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

    Args:
        config: The data, the net, the estimator and the schedule. What it leaves to the data is
            derived from the first recordings to train on.
        out_dir: Directory that receives the run's files. It is made if it is missing.
        workers: Number of threads; None takes one for each core. The result does not depend on it.
        on_event: Receives the events of `eggroll_edge.training.progress`, such as GenerationDone.
        stop: Called after each generation. If it returns True, the run ends with a checkpoint, from
            which resume() continues.
        data: Training split, with the recordings that `validation` sets aside. None opens the one
            that the config names.
        test_data: Test recordings. None opens those that the config names.
        force: Replace a run that is already in `out_dir`.
        make_estimator: Where the population is evaluated: on this computer, or with on_devices() on
            devices.

    Returns:
        The accuracies, the digest of the weights, and how the run ended.

    Raises:
        ConfigError: `workers` is out of range, the core refuses the net, or `validation` leaves
            nothing to train on.
        DataError: The data cannot be opened or do not fit the net.
        JournalError: `out_dir` already holds a run and `force` is False, or a file of the run
            cannot be written.
    """
    run_dir, threads = Path(out_dir), worker_count(workers)
    refuse_taken(run_dir, force)
    data, validation = set_aside(config, data or open_split(config, "train", threads))
    test = test_data or open_split(config, "test", threads)
    derived, config = config.left_to_data, derive(config, data)
    net = Net(config.net_config(data.n_in, data.n_classes, data.shape))
    if config.start_from is None:
        net.randomize(config.seed, config.init_std, config.readout_std)
    else:
        net = checkpoint.read_for(net.config, weights_file(config.start_from))
    with JournalWriter(run_dir) as journal:
        for name in (RESULT, CHECKPOINT):
            (run_dir / name).unlink(missing_ok=True)
        if config.start_from is not None:
            checkpoint.save(run_dir / START, net, 0)
        journal.write_header(make_header(config, net, data, test, derived))
        context = RunContext(
            config, run_dir, net, RunHistory(_watched(config)), journal, data, validation, test,
            threads, on_event or ignore, stop or _never, derived,
        )  # fmt: skip
        if _start_has_seen(config):
            context.note(
                f"{config.start_from} was trained on recordings that are now set aside, so the "
                "validation accuracy is too high: train it with the same validation, too"
            )
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

    It starts from the latest checkpoint, replays the generations that the journal holds after that
    checkpoint, and then trains. If the run is finished, its result is returned and nothing is done.

    Args:
        run_dir: Directory of the run, as given to train().
        workers: Number of threads; None takes one for each core. The result does not depend on it.
        on_event: As in train().
        stop: As in train().
        data: Training recordings, which must be those of the run. None opens those that the run's
            config names.
        test_data: Test recordings. None opens those that the run's config names.
        make_estimator: As in train().

    Returns:
        The result of the whole run, including the part before it was stopped.

    Raises:
        DataError: The data cannot be opened, or are not those of the run.
        JournalError: The journal is damaged, or a rebuilt digest differs.
    """
    run_dir, threads = Path(run_dir), worker_count(workers)
    reader = JournalReader(run_dir)
    config = header_config(reader.header)
    if (run_dir / RESULT).exists():
        return read_result(run_dir)
    data, validation = set_aside(config, data or open_split(config, "train", threads))
    check_data(reader.header, data)
    test = test_data or open_split(config, "test", threads)
    net, history, active = _restore(reader, config, data, threads)
    with JournalWriter(run_dir, reader.whole_bytes, active) as journal:
        context = RunContext(
            config, run_dir, net, history, journal, data, validation, test, threads,
            on_event or ignore, stop or _never, derived_settings(reader.header),
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
    history, active = RunHistory(_watched(config)), None
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
                    "version, or with other data?"
                )
    return net, history, active


def _latest_checkpoint(
    reader: JournalReader, config: TrainConfig, records: Sequence[GenerationRecord | EvalRecord]
) -> tuple[Net, int]:
    """(net, generation) of the checkpoint of a run, or of the beginning if there is none.

    A checkpoint that is damaged, or that is ahead of the journal, is ignored: the journal has all
    that is needed, and replaying it only takes longer.
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


def _start_has_seen(config: TrainConfig) -> bool:
    """Whether the run in start_from was trained on recordings that this run sets aside."""
    if not config.validation or not (Path(config.start_from or "") / JOURNAL).is_file():
        return False
    first = load_config(str(config.start_from))
    same = (first.skip_first, first.validation) == (config.skip_first, config.validation)
    return first.data == config.data and not same


def _watched(config: TrainConfig) -> EvalSplit:
    """The split that evaluations during training are on."""
    return "validation" if config.validation else "test"


def _never() -> bool:
    return False
