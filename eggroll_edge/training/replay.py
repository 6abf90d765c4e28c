"""Rebuilding a run from its journal: audit, rollback, and what `resume` stands on."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np

from eggroll_edge.core.net import Net, active_bytes
from eggroll_edge.core.workers import WorkerPool, worker_count
from eggroll_edge.data.dataset import EventDataset
from eggroll_edge.errors import ConfigError, JournalError
from eggroll_edge.journal.reader import JournalReader
from eggroll_edge.journal.records import GenerationLine
from eggroll_edge.training.batches import batches_of
from eggroll_edge.training.config import TrainConfig
from eggroll_edge.training.estimators import Estimator, make_estimator
from eggroll_edge.training.header import check_data, header_config, initial_net
from eggroll_edge.training.progress import OnEvent, Replayed
from eggroll_edge.training.results import Mismatch, ReplayResult
from eggroll_edge.training.splits import open_split


def replay(
    run_dir: str | Path,
    *,
    until: int | None = None,
    on_event: OnEvent | None = None,
    data_override: EventDataset | None = None,
    workers: int | None = None,
) -> ReplayResult:
    """Rebuild the weights from header and bytes (sample: and the dataset), checking every digest.

    until: stop after so many generations; of `online`, at the first chunk's end there or behind.
    The first mismatch ends the replay and is in the result. JournalError at a damaged journal,
    DataError if the data are not those of the run.
    """
    if until is not None and until < 0:
        raise ConfigError(f"until is {until}: use 0 (initial weights) or more generations")
    begun = time.perf_counter()
    reader = JournalReader(run_dir)
    config = header_config(reader.header)
    total = config.generations if until is None else min(until, config.generations)
    net = initial_net(reader.header, config, reader.path.parent)
    pool = WorkerPool(net.config, config.es_config(), worker_count(workers))
    try:
        data = None
        if config.estimator == "sample":
            data = data_override or open_split(config, "train", threads=len(pool))
            check_data(reader.header, data)
        rebuilder = Rebuilder(config, net, pool, data)
        generation, checked, told, mismatch = 0, 0, 0.0, None
        for line in reader if total > 0 else ():
            if not isinstance(line, GenerationLine):
                continue
            mismatch = rebuilder.apply(line)
            if mismatch is not None:
                break
            generation, checked = line.generation + line.generations, checked + 1
            if on_event is not None and time.perf_counter() - told > 0.1:
                on_event(Replayed(generation, total))
                told = time.perf_counter()
            if generation >= total:
                break
    finally:
        pool.close()
    if on_event is not None:
        on_event(Replayed(generation, total))
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
    """Applies journal lines to a net, one after the other."""

    def __init__(
        self, config: TrainConfig, net: Net, pool: WorkerPool, data: EventDataset | None
    ) -> None:
        self._net, self._config = net, config
        self._batches = None
        batch = 1  # batch and full rebuild without samples
        if data is not None:
            self._batches = batches_of(config, net.config, data)
            batch = self._batches.order.batch
        self._estimator: Estimator = make_estimator(config, net, batch, pool)

    def apply(self, line: GenerationLine) -> Mismatch | None:
        """Change the weights as that generation did; a Mismatch if their digest is another."""
        self._check(line)
        batch = None
        if self._batches is not None:
            batch = self._batches.get(line.generation, line.generations)
            if (len(batch), batch.epoch, batch.offset) != (line.samples, line.epoch, line.offset):
                raise JournalError(
                    f"journal line {line.line}: samples {line.samples} from epoch {line.epoch}, "
                    f"{line.offset}, but seed and dataset give {len(batch)} from {batch.epoch}, "
                    f"{batch.offset}: the header is not that of this run"
                )
        self._estimator.replay(
            line.generation,
            line.steps,
            batch,
            np.frombuffer(line.f, np.int8),
            np.frombuffer(line.e, np.uint8),
            np.frombuffer(line.active or b"", np.uint8),
        )
        found = self._net.digest
        if found == line.digest:
            return None
        done = line.generation + line.generations
        return Mismatch(done, line.line, f"{line.digest:08x}", f"{found:08x}")

    def _check(self, line: GenerationLine) -> None:
        """The core trusts lengths: a line must have those of its run."""
        sample = self._config.estimator == "sample"
        wanted = {
            "f": self._config.pairs * (line.samples if sample else 1),
            "e": line.samples if sample else 0,
            "act": 0 if sample else active_bytes(self._net.config),
        }
        got = {"f": len(line.f), "e": len(line.e), "act": len(line.active or b"")}
        for name, length in wanted.items():
            if got[name] != length:
                raise JournalError(
                    f"journal line {line.line}: {name} holds {got[name]} bytes, {length} expected: "
                    "the line is not of this run"
                )
