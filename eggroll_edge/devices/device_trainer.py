"""Training on devices that the host feeds over the link.

    with Session(opener("/dev/ttyACM0")) as session:
        train(config, "runs/board", make_trainer=on_device(session))

The run is the same as on the host, journal and digests included: the host emulates each generation,
and a device whose bytes or digest differ ends the run. Several devices are one population: they
share out a generation's samples, the host sums up what the pairs gained on them (integers, so any
split gives the same bits), and all make the same step.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from threading import Thread
from typing import Any, TypeVar

import numpy as np

from eggroll_edge.core.arrays import I8, U8
from eggroll_edge.core.config import Hyperparameters
from eggroll_edge.core.population import RunCounts, shape_fitness
from eggroll_edge.core.recordings import Recordings, active_rows
from eggroll_edge.core.workers import shards_of
from eggroll_edge.data.dataset import EventDataset
from eggroll_edge.devices.device import Device
from eggroll_edge.errors import ConfigError, DeviceError
from eggroll_edge.journal.records import Outcome, Throughput
from eggroll_edge.link.connection import Tell
from eggroll_edge.link.messages import DeviceConfig, RunReply
from eggroll_edge.link.session import Session
from eggroll_edge.training.batches import Batch
from eggroll_edge.training.config import TrainConfig
from eggroll_edge.training.estimators import Estimator
from eggroll_edge.training.progress import Note
from eggroll_edge.training.trainer import MakeTrainer, Trainer

Result = TypeVar("Result")


@dataclass(frozen=True)
class Options:
    """How much a run on devices asks of them beside training."""

    check_every: int = 1
    """Generations between comparisons of the digest; fitness bytes are compared each time."""
    save_every: int = 0
    """Generations between checkpoints on the device, if it has a store; 0: none."""


def on_device(*sessions: Session, options: Options | None = None) -> MakeTrainer:
    """For train() and resume(): trains on the devices at the other ends of the sessions."""
    return partial(DeviceTrainer, sessions, options or Options())


class DeviceTrainer(Trainer):
    """A Trainer whose population is evaluated on devices."""

    def __init__(
        self,
        sessions: Sequence[Session],
        options: Options,
        config: TrainConfig,
        run_dir: Path,
        *rest: Any,
    ) -> None:
        super().__init__(config, run_dir, *rest)
        data: EventDataset = rest[3]
        try:
            self._estimator = DeviceEstimator(
                self._estimator, sessions, options, config, data, self._tell_note
            )
        except BaseException:
            self._pool.close()
            self._test_pool.close()
            raise

    def _tell_note(self, text: str) -> None:
        self._tell(Note(text))


@dataclass(frozen=True)
class _Done:
    """What devices left of a generation, or of a chunk of online ones."""

    f: bytes
    e: bytes
    counts: RunCounts


class DeviceEstimator(Estimator):
    """Steps devices, and their emulation on the host behind them."""

    def __init__(
        self,
        host: Estimator,
        sessions: Sequence[Session],
        options: Options,
        config: TrainConfig,
        data: EventDataset,
        tell: Tell,
    ) -> None:
        check_estimator(config, len(sessions))
        self.host, self.net = host, host.net
        self._options, self._config = options, config
        longest = Recordings(data.streams, data.offsets, data.labels).longest
        device_config = DeviceConfig(
            self.net.config, config.es_config(), config.online, config.seed, config.init_std,
            config.readout_std, longest,
        )  # fmt: skip
        self._devices = _all(
            partial(Device, each, device_config, self.net, tell) for each in sessions
        )

    def step(
        self, generation: int, steps: Hyperparameters, batch: Batch, overlap: Callable[[], None]
    ) -> Outcome:
        overlap()  # journals the generation before, whatever becomes of this one
        if len(self._devices) == 1:
            share = partial(self._alone, generation=generation, steps=steps, batch=batch)
            done = self._devices[0].with_restarts(share)
        else:
            done = self._together(generation, steps, batch)
        outcome = self.host.step(generation, steps, batch, lambda: None)
        self._compare(outcome, done)
        end = generation + outcome.generations
        save = _crosses(generation, end, self._options.save_every)
        if save or _crosses(generation, end, self._options.check_every):

            def check_and_save(device: Device) -> Throughput:
                return device.check_and_save(end, steps, save)

            link = _all(partial(device.with_restarts, check_and_save) for device in self._devices)
            outcome = replace(outcome, link=tuple(link))
        return outcome

    def replay(
        self, generation: int, steps: Hyperparameters, batch: Batch | None, f: I8, e: U8, active: U8
    ) -> None:
        self.host.replay(generation, steps, batch, f, e, active)

    def _alone(
        self, device: Device, generation: int, steps: Hyperparameters, batch: Batch
    ) -> _Done:
        """One device does it all, its update too."""
        replies = device.evaluate(generation, steps, batch)
        f, e = b"".join(r.f for r in replies), bytes(r.e for r in replies)
        if not self._config.online:
            device.session.update()
        if self._config.estimator == "batch":
            f, e = device.session.read_f(self._config.pairs), b""
        return _Done(f, e, _counts(replies, batch))

    def _together(self, generation: int, steps: Hyperparameters, batch: Batch) -> _Done:
        """Each evaluates the population on its share of the samples; all get the same step."""
        pairs = self._config.pairs

        def evaluate(start: int, stop: int, device: Device) -> tuple[list[RunReply], list[int]]:
            replies = device.evaluate(generation, steps, batch, start, stop)
            return replies, device.session.read_diff(pairs)

        def update(device: Device) -> None:
            device.update(generation, steps, f.tobytes(), active)

        shares = zip(self._devices, shards_of(len(batch), len(self._devices)), strict=True)
        parts = _all(partial(d.with_restarts, partial(evaluate, *cut)) for d, cut in shares)
        diff = np.array([part[1] for part in parts], np.int32).sum(axis=0, dtype=np.int32)
        f: I8 = np.zeros(pairs, np.int8)
        shape_fitness(diff, f)
        active = active_rows(self.net.config, batch.samples, batch.index).tobytes()
        _all(partial(device.with_restarts, update) for device in self._devices)
        return _Done(f.tobytes(), b"", _counts([r for part in parts for r in part[0]], batch))

    def _compare(self, outcome: Outcome, done: _Done) -> None:
        found, expected = (done.f, done.e, done.counts), (outcome.f, outcome.e, outcome.counts)
        if found != expected:
            names = " or ".join(device.session.title for device in self._devices)
            wrong = sum(a != b for a, b in zip(done.f, outcome.f, strict=True))
            raise DeviceError(
                f"generation {outcome.generation}: {names} and the emulation differ in {wrong} of "
                f"{len(done.f)} fitness bytes: firmware of another version, or faulty memory; "
                "flash it anew, and run `eggroll-edge monitor --selftest`"
            )


def check_estimator(config: TrainConfig, devices: int) -> None:
    """ConfigError if so many devices cannot train so."""
    if config.estimator == "full":
        raise ConfigError("estimator is full: a device does batch and sample; leave --port out")
    if devices > 1 and config.online:
        raise ConfigError(
            f"online on {devices} devices: each recording is learnt from the weights that the one "
            "before it left, so there is nothing to share out; use --estimator batch, or one --port"
        )
    if devices > 1 and config.estimator == "sample":
        raise ConfigError(
            f"estimator sample on {devices} devices: each recording credits its own input events, "
            "so every device would need all of them with their fitness bytes, or the sums of all "
            "weights would have to cross the link; use --estimator batch, or one --port"
        )


def _counts(replies: list[RunReply], batch: Batch) -> RunCounts:
    labels = batch.samples.labels[batch.index]
    return RunCounts(
        sum(r.loss for r in replies),
        sum(r.predicted == label for r, label in zip(replies, labels, strict=True)),
        sum(r.spikes for r in replies),
        len(replies),
    )


def _crosses(start: int, end: int, every: int) -> bool:
    """Whether a multiple of `every` lies in (start, end]."""
    return every > 0 and end // every > start // every


def _all(tasks: Iterable[Callable[[], Result]]) -> list[Result]:
    """Do all at once, each on its own thread; raises the first error once all have ended."""
    todo = list(tasks)
    if len(todo) == 1:
        return [todo[0]()]
    done: dict[int, Result] = {}
    errors: dict[int, BaseException] = {}

    def work(number: int) -> None:
        try:
            done[number] = todo[number]()
        except BaseException as error:  # handed to the thread that waits
            errors[number] = error

    threads = [Thread(target=work, args=(i,), daemon=True) for i in range(len(todo))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for number in sorted(errors):
        raise errors[number]
    return [done[i] for i in range(len(todo))]
