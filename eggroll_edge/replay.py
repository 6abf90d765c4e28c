"""Rebuilding a run from its journal: audit, rollback, and what `resume` stands on."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np

from eggroll_edge import checkpoint
from eggroll_edge.config import TrainConfig
from eggroll_edge.core import Net, active_bytes
from eggroll_edge.crew import Crew
from eggroll_edge.datasets import Progress, open_dataset
from eggroll_edge.errors import ConfigError, DataError, JournalError
from eggroll_edge.estimators import Estimator, make_estimator
from eggroll_edge.evaluate import worker_count
from eggroll_edge.events import EventDataset
from eggroll_edge.journal import GenerationLine, Header, JournalReader
from eggroll_edge.netconfig import NetConfig
from eggroll_edge.progress import Mismatch, OnEvent, Replayed, ReplayResult
from eggroll_edge.sampling import Batches


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
    crew = Crew(net.config, config.es_config(), worker_count(workers))
    try:
        data = None
        if config.estimator == "sample":
            data = data_override or open_split(config, "train", crew_size=len(crew))
            check_data(reader.header, data)
        rebuilder = Rebuilder(config, net, crew, data)
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
        crew.close()
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
        self, config: TrainConfig, net: Net, crew: Crew, data: EventDataset | None
    ) -> None:
        self._net, self._config = net, config
        self._batches = None
        batch = 1  # batch and full rebuild without samples
        if data is not None:
            self._batches = batches_of(config, net.config, data)
            batch = self._batches.order.batch
        self._estimator: Estimator = make_estimator(config, net, batch, crew)

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


def batches_of(config: TrainConfig, net: NetConfig, data: EventDataset) -> Batches:
    """Where a run's samples come from."""
    return Batches(data, net, config.seed, config.batch)


def initial_net(header: Header, config: TrainConfig, run_dir: Path) -> Net:
    """The net as a run began with it; JournalError if the header's digest is another."""
    net = Net(NetConfig.from_dict(header.values["net"]))
    cause = "the run was made with another version of the core; use that version"
    if config.start_from is None:
        net.randomize(config.seed, config.init_std, config.readout_std)
    else:
        net = checkpoint.read_for(net.config, run_dir / checkpoint.START)
        cause = f"{checkpoint.START} is not of this run"
    expected = header.values["initial_digest"]
    if f"{net.digest:08x}" != expected:
        raise JournalError(
            f"journal line 1: initial weights have the digest {net.digest:08x}, not {expected}: "
            f"{cause}"
        )
    return net


def header_config(header: Header) -> TrainConfig:
    """The TrainConfig of a run; JournalError if the header lacks something."""
    missing = [name for name in ("config", "net", "dataset", "initial_digest")
               if name not in header.values]  # fmt: skip
    if missing:
        raise JournalError(f"journal line 1: the header has no {', '.join(missing)}")
    return TrainConfig.from_dict(header.values["config"])


def check_data(header: Header, data: EventDataset) -> None:
    """DataError unless these are the data that the run was trained on."""
    expected = header.values["dataset"]
    if data.digest != expected["digest"]:
        raise DataError(
            f"{data.name} ({len(data)} samples, digest {data.digest[:12]}) is not what the run was "
            f"trained on: {expected['spec']} ({expected['samples']} samples, digest "
            f"{expected['digest'][:12]}); give it the same data, with the same skip_first"
        )


def open_split(
    config: TrainConfig,
    split: str,
    crew_size: int = 2,
    progress: Progress | None = None,
) -> EventDataset:
    """The split "train", "test" or "all" that a config names; progress(done, total) on the way."""
    if split not in ("train", "test", "all"):
        raise ConfigError(f"split is {split!r}: use train, test or all")
    spec = config.test_data if split == "test" and config.test_data else config.data
    return open_dataset(
        spec,
        split,  # type: ignore[arg-type]  # checked above
        config.binning(),
        skip_first=0 if split == "test" else config.skip_first,
        workers=crew_size,
        progress=progress,
    )
