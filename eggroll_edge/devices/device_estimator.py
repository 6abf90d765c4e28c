"""Training on devices that the host feeds over the link.

    with Session(opener("/dev/ttyACM0")) as session:
        train(config, "runs/board", make_estimator=on_devices(session))

The run has the same journal and digests as a run on the host. The host emulates each generation and
compares, and the run ends if the fitness bytes or the digest of a device differ. Several devices
evaluate one population, each on its share of the recordings of a generation. The host adds up their
fitness differences, which are integers, so that the result does not depend on how the recordings
are shared out. All devices then make the same update.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from eggroll_edge.core.arrays import I8
from eggroll_edge.core.config import Hyperparameters
from eggroll_edge.core.counts import RunCounts
from eggroll_edge.core.population import shape_fitness
from eggroll_edge.core.recordings import Recordings, active_rows, shifted
from eggroll_edge.core.workers import Task, WorkerPool, shards_of
from eggroll_edge.devices.device import Device
from eggroll_edge.devices.parallel import run_all
from eggroll_edge.errors import ConfigError, DeviceError
from eggroll_edge.journal.records import GenerationRecord, Throughput
from eggroll_edge.link.messages import DeviceConfig, RunReply
from eggroll_edge.link.session import Session
from eggroll_edge.training.batches import MiniBatch
from eggroll_edge.training.config import TrainConfig
from eggroll_edge.training.context import MakeEstimator, RunContext, on_host
from eggroll_edge.training.estimators import Estimator


@dataclass(frozen=True)
class Options:
    """How often a run checks its devices and lets them save."""

    check_every: int = 1
    """Generations between comparisons of the digest; fitness bytes are compared in each."""
    save_every: int = 0
    """Generations between checkpoints on a device that can keep one; 0 saves none."""


def on_devices(*sessions: Session, options: Options | None = None) -> MakeEstimator:
    """Train on devices: the result is the argument `make_estimator` of train() and resume().

    Args:
        sessions: One session for each device. Several devices need the estimator `batch`.
        options: How often to check the devices and let them save.

    Returns:
        A function that train() and resume() call.
    """

    def make(context: RunContext, pool: WorkerPool) -> Estimator:
        host = on_host(context, pool)
        return DeviceEstimator(host, context, sessions, options or Options())

    return make


def check_estimator(config: TrainConfig, devices: int) -> None:
    """ConfigError if this number of devices cannot train with this config."""
    if config.estimator == "full":
        raise ConfigError("estimator is full: a device does sweep, sample and batch")
    if devices > 1 and config.online:
        raise ConfigError(
            f"online on {devices} devices: each recording is learnt from the weights that the one "
            "before it left, so there is nothing to share out; use --estimator batch, or one --port"
        )
    if devices > 1 and config.estimator != "batch":
        raise ConfigError(
            f"estimator {config.estimator} on {devices} devices: each recording credits its input "
            "events only, so every device would need all of them with their credit, or the sums of "
            "all weights would have to cross the link; use --estimator batch, or one --port"
        )


@dataclass(frozen=True)
class _Found:
    """What devices report of a generation, or of a chunk of online generations."""

    fitness_bytes: bytes
    exponents: bytes
    counts: RunCounts


class DeviceEstimator(Estimator):
    """Carries out each generation on devices, then emulates it on the host and compares."""

    def __init__(
        self, host: Estimator, context: RunContext, sessions: Sequence[Session], options: Options
    ) -> None:
        config, data = context.config, context.data
        check_estimator(config, len(sessions))
        self._host, self._net, self._config, self._options = host, context.net, config, options
        self._learn_above = config.es_config().learn_above
        longest = Recordings(data.streams, data.offsets, data.labels).longest
        device_config = DeviceConfig(
            context.net.config, config.es_config(), config.online, config.seed, config.init_std,
            config.readout_std, longest,
        )  # fmt: skip
        self._devices = run_all(
            partial(Device, session, device_config, context.net, context.note)
            for session in sessions
        )

    def step(
        self, generation: int, hyperparameters: Hyperparameters, batch: MiniBatch, overlap: Task
    ) -> GenerationRecord:
        overlap()  # first: if this generation fails, the journal has the previous one
        if len(self._devices) == 1:
            share = partial(
                self._alone, generation=generation, hyperparameters=hyperparameters, batch=batch
            )
            found = self._devices[0].with_restarts(share)
        else:
            found = self._together(generation, hyperparameters, batch)
        record = self._host.step(generation, hyperparameters, batch, lambda: None)
        self._compare(record, found)
        save = _crosses(generation, record.end, self._options.save_every)
        if save or _crosses(generation, record.end, self._options.check_every):

            def check_and_save(device: Device) -> Throughput:
                return device.check_and_save(record.end, hyperparameters, save)

            link = run_all(partial(each.with_restarts, check_and_save) for each in self._devices)
            return replace(record, link=tuple(link))
        return record

    def replay(self, record: GenerationRecord, batch: MiniBatch | None) -> None:
        self._host.replay(record, batch)

    def _alone(
        self, device: Device, generation: int, hyperparameters: Hyperparameters, batch: MiniBatch
    ) -> _Found:
        """One device does everything, its update included."""
        replies = device.evaluate(generation, hyperparameters, batch)
        fitness_bytes, exponents = b"", b""
        if self._config.estimator == "sample":
            fitness_bytes = b"".join(reply.fitness_bytes for reply in replies)
            exponents = bytes(reply.exponent for reply in replies)
        if not self._config.online:
            device.session.update()
        if self._config.estimator == "batch":
            fitness_bytes = device.session.read_fitness_bytes(self._config.pairs)
        return _Found(fitness_bytes, exponents, _counts(replies, batch, self._learn_above))

    def _together(
        self, generation: int, hyperparameters: Hyperparameters, batch: MiniBatch
    ) -> _Found:
        """Each device evaluates all pairs on its share of the recordings; all update alike."""
        pairs = self._config.pairs

        def evaluate(start: int, stop: int, device: Device) -> tuple[list[RunReply], list[int]]:
            replies = device.evaluate(generation, hyperparameters, batch, start, stop)
            return replies, device.session.read_fitness_diff(pairs)

        def update(device: Device) -> None:
            device.update(generation, hyperparameters, fitness_bytes.tobytes(), active)

        shards = zip(self._devices, shards_of(len(batch), len(self._devices)), strict=True)
        parts = run_all(
            partial(device.with_restarts, partial(evaluate, *shard)) for device, shard in shards
        )
        diff = np.array([part[1] for part in parts], np.int32).sum(axis=0, dtype=np.int32)
        fitness_bytes: I8 = np.zeros(pairs, np.int8)
        shape_fitness(diff, fitness_bytes)
        net, es, seed = self._net.config, self._config.es_config(), self._config.seed
        streams = (batch.recordings.stream(int(i)) for i in batch.index)
        moved = (shifted(net, es, seed, generation, *each) for each in enumerate(streams))
        active = active_rows(net, moved).tobytes()
        run_all(partial(device.with_restarts, update) for device in self._devices)
        replies = [reply for part in parts for reply in part[0]]
        return _Found(fitness_bytes.tobytes(), b"", _counts(replies, batch, self._learn_above))

    def _compare(self, record: GenerationRecord, found: _Found) -> None:
        """DeviceError unless the devices and the host have the same fitness and counts."""
        expected = _Found(record.fitness_bytes, record.exponents, record.counts)
        if found != expected:
            names = " or ".join(device.session.title for device in self._devices)
            pairs = zip(found.fitness_bytes, expected.fitness_bytes, strict=True)
            wrong = sum(a != b for a, b in pairs)
            where = f"{wrong} of {len(found.fitness_bytes)} fitness bytes"
            if wrong == 0:
                where = "the losses, right answers or spikes"
            raise DeviceError(
                f"generation {record.generation}: {names} and the emulation differ in {where}: "
                "firmware of another version, or faulty memory; flash it anew, and run "
                "`eggroll-edge monitor --selftest`"
            )


def _counts(replies: list[RunReply], batch: MiniBatch, learn_above: int) -> RunCounts:
    labels = batch.recordings.labels[batch.index]
    return RunCounts(
        sum(reply.loss for reply in replies),
        sum(reply.predicted == label for reply, label in zip(replies, labels, strict=True)),
        sum(reply.spikes for reply in replies),
        len(replies),
        sum(reply.loss >= learn_above for reply in replies),
    )


def _crosses(start: int, end: int, every: int) -> bool:
    """Whether a multiple of `every` lies in (start, end]."""
    return every > 0 and end // every > start // every
