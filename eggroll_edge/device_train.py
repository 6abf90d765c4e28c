"""Training on a device that the host feeds over the link.

    with Session(opener("/dev/ttyACM0")) as session:
        train(config, "runs/board", make_trainer=on_device(session))

The run is the same as on the host, journal and digests included: the host emulates each generation,
and a device whose bytes or digest differ ends the run. `link.jsonl` in the run directory tells what
the link and the device took.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from eggroll_edge._core import lib
from eggroll_edge.config import TrainConfig
from eggroll_edge.core import I8, U8, Samples, Steps, Tally
from eggroll_edge.errors import ConfigError, DeviceError
from eggroll_edge.estimators import Estimator, Outcome
from eggroll_edge.events import EventDataset
from eggroll_edge.sampling import Batch
from eggroll_edge.session import DeviceConfig, RunReply, Session, Stats
from eggroll_edge.trainer import MakeTrainer, Trainer

LINK_LOG = "link.jsonl"
_RESTARTS = 3
"""Times that a device may be switched off within one generation."""


@dataclass(frozen=True)
class Options:
    """How much a run on a device asks of it beside training."""

    check_every: int = 1
    """Generations between comparisons of the digest; fitness bytes are compared each time."""
    save_every: int = 0
    """Generations between checkpoints on the device, if it has a store; 0: none."""


def on_device(session: Session, options: Options | None = None) -> MakeTrainer:
    """For train() and resume(): trains on the device at the other end of the session."""
    return partial(DeviceTrainer, session, options or Options())


class DeviceTrainer(Trainer):
    """A Trainer whose population is evaluated on a device."""

    def __init__(
        self, session: Session, options: Options, config: TrainConfig, run_dir: Path, *rest: Any
    ) -> None:
        super().__init__(config, run_dir, *rest)
        data: EventDataset = rest[3]
        log = run_dir / LINK_LOG
        try:
            self._estimator = OnDevice(self._estimator, session, options, config, data, log)
        except BaseException:
            self._crew.close()
            self._test_crew.close()
            raise


@dataclass(frozen=True)
class _Done:
    """What a device left of a generation, or of a chunk of online ones."""

    f: bytes
    e: bytes
    tally: Tally


class OnDevice(Estimator):
    """Steps a device, and its emulation on the host behind it."""

    def __init__(
        self,
        host: Estimator,
        session: Session,
        options: Options,
        config: TrainConfig,
        data: EventDataset,
        log: Path,
    ) -> None:
        if config.estimator == "full":
            raise ConfigError("estimator is full: a device does batch and sample; leave --port out")
        self.host, self.net = host, host.net
        self._session, self._options, self._config, self._log = session, options, config, log
        longest = Samples(data.streams, data.offsets, data.labels).longest
        self._device_config = DeviceConfig(
            self.net.config, config.es_config(), config.online, config.seed, config.init_std,
            config.readout_std, longest,
        )  # fmt: skip
        self._bring_up()

    def step(
        self, generation: int, steps: Steps, batch: Batch, meanwhile: Callable[[], None]
    ) -> Outcome:
        meanwhile()  # journals the generation before, whatever becomes of this one
        done = self._with_restarts(generation, steps, batch)
        outcome = self.host.step(generation, steps, batch, lambda: None)
        self._compare(outcome, done)
        end = generation + outcome.generations
        if _crosses(generation, end, self._options.check_every):
            self._check_digest(end)
        if self._session.hello.has_store and _crosses(generation, end, self._options.save_every):
            self._session.save()
        return outcome

    def replay(
        self, generation: int, steps: Steps, batch: Batch | None, f: I8, e: U8, active: U8
    ) -> None:
        self.host.replay(generation, steps, batch, f, e, active)

    def _bring_up(self) -> None:
        """Give the device the net as the host has it."""
        session = self._session
        session.configure(self._device_config)
        if session.digest()[1] != self.net.digest:
            session.write_weights(self.net.weights.tobytes())
        self._stats = session.stats()
        self._told = time.perf_counter()

    def _with_restarts(self, generation: int, steps: Steps, batch: Batch) -> _Done:
        """The generation on the device; anew, from the host's weights, if it was switched off."""
        for left in reversed(range(_RESTARTS)):
            try:
                return self._on_device(generation, steps, batch)
            except DeviceError as error:
                if error.status != lib.EGG_E_SESSION or left == 0:
                    raise
                self._session.greet()
                self._bring_up()
        raise AssertionError("unreachable")

    def _on_device(self, generation: int, steps: Steps, batch: Batch) -> _Done:
        session, config = self._session, self._config
        labels = [int(label) for label in batch.samples.labels[batch.index]]
        session.begin(generation, steps)
        per_sample = config.pairs if config.estimator == "sample" else 0
        ahead = session.one_reply(per_sample)  # the next one may go before this one's result
        replies: list[RunReply] = []
        sent = []
        for pos, (index, label) in enumerate(zip(batch.index, labels, strict=True)):
            stream = batch.samples.stream(int(index))
            sent.append(session.send_sample(stream, label, 0 if config.online else pos))
            while len(sent) > ahead:
                replies.append(session.result(sent.pop(0), per_sample))
        replies += [session.result(each, per_sample) for each in sent]
        f, e = b"".join(r.f for r in replies), bytes(r.e for r in replies)
        if not config.online:
            session.update()
        if config.estimator == "batch":
            f, e = session.read_f(config.pairs), b""
        tally = Tally(
            sum(r.loss for r in replies),
            sum(r.predicted == label for r, label in zip(replies, labels, strict=True)),
            sum(r.spikes for r in replies),
            len(replies),
        )
        return _Done(f, e, tally)

    def _compare(self, outcome: Outcome, done: _Done) -> None:
        found, expected = (done.f, done.e, done.tally), (outcome.f, outcome.e, outcome.tally)
        if found != expected:
            wrong = sum(a != b for a, b in zip(done.f, outcome.f, strict=True))
            raise DeviceError(
                f"generation {outcome.generation}: {self._session.hello.board} and its emulation "
                f"differ in {wrong} of {len(done.f)} fitness bytes: firmware of another version, "
                "or faulty memory; flash it anew, and run `eggroll-edge monitor --selftest`"
            )

    def _check_digest(self, end: int) -> None:
        """The device's digest against the emulation's; then a line of link.jsonl."""
        done, digest = self._session.digest()
        if (done, digest) != (end, self.net.digest):
            raise DeviceError(
                f"after generation {end} the weights of {self._session.hello.board} have the "
                f"digest {digest:08x} (generation {done}), the emulation's {self.net.digest:08x}: "
                "faulty memory, or another firmware; resume the run to give it the weights anew"
            )
        stats, now = self._session.stats(), time.perf_counter()
        line = _link_line(end, self._stats, stats, now - self._told, self._session)
        with open(self._log, "a") as file:
            file.write(json.dumps(line) + "\n")
        self._stats, self._told = stats, now


def _crosses(start: int, end: int, every: int) -> bool:
    """Whether a multiple of `every` lies in (start, end]."""
    return every > 0 and end // every > start // every


def _link_line(
    generation: int, before: Stats, after: Stats, seconds: float, session: Session
) -> dict[str, Any]:
    """What link and device took since the line before."""

    def grown(name: str) -> int:
        return int((getattr(after, name) - getattr(before, name)) % 2**32)

    line = {name: grown(name) for name in ("samples", "bytes_in", "bytes_out", "bad", "repeated")}
    values: dict[str, Any] = {"g": generation, **line, "seconds": round(seconds, 4)}
    if after.ticks_hz:
        values["busy_s"] = round(grown("busy_ticks") / after.ticks_hz, 4)
    return {**values, "retries": session.retries, "reconnects": session.reconnects}
