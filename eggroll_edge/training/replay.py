"""Rebuilding the weights of a run from its journal: for an audit, a rollback, or resume()."""

from __future__ import annotations

import time
from contextlib import closing
from pathlib import Path

from eggroll_edge.core.net import Net, active_bytes
from eggroll_edge.core.workers import WorkerPool, worker_count
from eggroll_edge.data.dataset import EventDataset
from eggroll_edge.errors import ConfigError, JournalError
from eggroll_edge.journal.reader import JournalReader
from eggroll_edge.journal.records import GenerationRecord
from eggroll_edge.training.batches import MiniBatches
from eggroll_edge.training.config import TrainConfig
from eggroll_edge.training.estimators import host_estimator
from eggroll_edge.training.header import check_data, header_config, initial_net
from eggroll_edge.training.progress import OnEvent, Replayed, ignore
from eggroll_edge.training.results import Mismatch, ReplayResult
from eggroll_edge.training.splits import open_split, set_aside

PROGRESS_S = 0.1


def replay(
    run_dir: str | Path,
    *,
    until: int | None = None,
    on_event: OnEvent | None = None,
    data_override: EventDataset | None = None,
    workers: int | None = None,
) -> ReplayResult:
    """Rebuild the weights from the journal, and check the digest of every generation.

    No member of the population is evaluated.

    Args:
        run_dir: Directory of the run.
        until: Stop after this number of generations, 0 or more; with `online`, at the end of the
            chunk that contains it. None rebuilds all generations.
        on_event: Receives a Replayed about ten times a second and at the end.
        data_override: Training split, which must be that of the run. None opens the one that the
            run's config names. Only the estimators `sample`, `sweep` and `eprop` need
            recordings.
        workers: Number of threads; None takes one for each core. The result does not depend on it.

    Returns:
        The rebuilt net. The first mismatch of a digest ends the replay and is part of the result.

    Raises:
        ConfigError: `until` is negative, or `workers` is out of range.
        DataError: The data cannot be opened, or are not those of the run.
        JournalError: The journal is damaged.
    """
    if until is not None and until < 0:
        raise ConfigError(f"until is {until}: use 0 (initial weights) or more generations")
    begun = time.perf_counter()
    notify = on_event or ignore
    reader = JournalReader(run_dir)
    config = header_config(reader.header)
    total = config.generations if until is None else min(until, config.generations)
    net = initial_net(reader.header, config, reader.path.parent)
    with closing(WorkerPool(net.config, config.es_config(), worker_count(workers))) as pool:
        data = None
        if config.credits_recordings:
            whole = data_override or open_split(config, "train", threads=len(pool))
            data, _ = set_aside(config, whole)
            check_data(reader.header, data)
        rebuilder = Rebuilder(config, net, pool, data)
        generation, checked, notified, mismatch = 0, 0, 0.0, None
        for record in reader if total > 0 else ():
            if not isinstance(record, GenerationRecord):
                continue
            mismatch = rebuilder.apply(record)
            if mismatch is not None:
                break
            generation, checked = record.end, checked + 1
            if time.perf_counter() - notified > PROGRESS_S:
                notify(Replayed(generation, total))
                notified = time.perf_counter()
            if generation >= total:
                break
    notify(Replayed(generation, total))
    return ReplayResult(
        net=net,
        generations=generation,
        checked=checked,
        weights_digest=f"{net.digest:08x}",
        mismatch=mismatch,
        torn=reader.torn,
        seconds=time.perf_counter() - begun,
    )


class Rebuilder:
    """Changes the weights of a net as the records of a journal say, one after the other.

    data: the training recordings, which the estimators `sample`, `sweep` and `eprop` need.
    """

    def __init__(
        self, config: TrainConfig, net: Net, pool: WorkerPool, data: EventDataset | None
    ) -> None:
        self._net, self._config = net, config
        self._batches = None
        batch_size = 1  # batch and full rebuild without recordings
        if data is not None:
            self._batches = MiniBatches(data, net.config, config.seed, config.batch)
            batch_size = self._batches.order.batch
        self._estimator = host_estimator(config, net, batch_size, pool)

    def apply(self, record: GenerationRecord) -> Mismatch | None:
        """Change the weights as that generation did; returns a Mismatch if the digest differs."""
        self._check(record)
        batch = None
        if self._batches is not None:
            batch = self._batches.get(record.generation, record.generations)
            found = len(batch), batch.epoch, batch.offset
            if found != (record.counts.recordings, record.epoch, record.offset):
                raise JournalError(
                    f"journal line {record.line}: recordings {record.counts.recordings} from epoch "
                    f"{record.epoch}, {record.offset}, but seed and dataset give {len(batch)} from "
                    f"{batch.epoch}, {batch.offset}: the header is not that of this run"
                )
        self._estimator.replay(record, batch)
        digest = self._net.digest
        if digest == record.digest:
            return None
        return Mismatch(record.end, record.line, f"{record.digest:08x}", f"{digest:08x}")

    def _check(self, record: GenerationRecord) -> None:
        """JournalError unless all lengths are those of the run: the core trusts them."""
        shaped, exponents = 1, 0  # rows of fitness bytes, and exponents
        if self._config.credits_recordings:
            sample = self._config.estimator == "sample"
            shaped = exponents = record.counts.recordings if sample else 0
        active = 0 if self._config.credits_recordings else active_bytes(self._net.config)
        parts = {
            "f": (record.fitness_bytes, self._config.pairs * shaped),
            "e": (record.exponents, exponents),
            "act": (record.active or b"", active),
        }
        for name, (found, length) in parts.items():
            if len(found) != length:
                raise JournalError(
                    f"journal line {record.line}: {name} holds {len(found)} bytes, {length} "
                    "expected: the line is not of this run"
                )
