"""One device of a population: brought up, fed with its share of a generation, and brought up again
after a loss of power."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from eggroll_edge._core import lib
from eggroll_edge.core.config import Hyperparameters
from eggroll_edge.core.net import Net
from eggroll_edge.devices.meter import Meter
from eggroll_edge.errors import DeviceError
from eggroll_edge.journal.records import Throughput
from eggroll_edge.link.connection import Tell
from eggroll_edge.link.messages import DeviceConfig, RunReply
from eggroll_edge.link.session import Session
from eggroll_edge.training.batches import Batch

_RESTARTS = 3
"""Times that a device may be switched off within one generation."""
Result = TypeVar("Result")


class Device:
    """A session that trains `net`, as the host has it at the begin of each generation."""

    def __init__(self, session: Session, config: DeviceConfig, net: Net, tell: Tell) -> None:
        self.session, self._config, self._net, self._tell = session, config, net, tell
        for note in session.notes:
            tell(note)
        session.tell = tell
        self._bring_up()

    def _bring_up(self) -> None:
        """Give the device the net as the host has it."""
        session = self.session
        session.configure(self._config)
        if session.digest()[1] != self._net.digest:
            session.write_weights(self._net.weights.tobytes())
        self._meter = Meter(session)
        self._begun = -1
        self._fresh = True

    def with_restarts(self, share: Callable[[Device], Result]) -> Result:
        """A share of a generation; anew, from the host's weights, if the device was switched off.

        `share` may be called several times.
        """
        for left in reversed(range(_RESTARTS)):
            try:
                if left < _RESTARTS - 1:
                    self.session.handshake()
                    self._bring_up()
                return share(self)
            except DeviceError as error:
                if error.status != lib.EGG_E_SESSION or left == 0:
                    raise
                self._tell(
                    f"{self.session.title}: was switched off; it gets the weights and its share "
                    "of this generation again"
                )
        raise AssertionError("unreachable")

    def begin(self, generation: int, steps: Hyperparameters) -> None:
        """Begin a generation, unless it has begun and the device has stayed on."""
        if self._begun != generation:
            self.session.begin(generation, steps)
            self._begun, self._fresh = generation, False

    def evaluate(
        self,
        generation: int,
        steps: Hyperparameters,
        batch: Batch,
        start: int = 0,
        stop: int | None = None,
    ) -> list[RunReply]:
        """Begin a generation and feed it batch[start:stop]; online, that many are learnt."""
        session, config = self.session, self._config
        assert config.es is not None
        pairs = config.es.pairs if config.es.estimator == "sample" else 0
        self._begun = -1  # sums start at 0 again
        self.begin(generation, steps)
        ahead = session.one_reply(pairs)  # the next one may go before this one's result
        replies: list[RunReply] = []
        sent = []
        for pos in range(start, len(batch) if stop is None else stop):
            index = int(batch.index[pos])
            label = int(batch.samples.labels[index])
            stream = batch.samples.stream(index)
            sent.append(session.send_sample(stream, label, 0 if config.online else pos))
            while len(sent) > ahead:
                replies.append(session.result(sent.pop(0), pairs))
        return replies + [session.result(each, pairs) for each in sent]

    def update(self, generation: int, steps: Hyperparameters, f: bytes, active: bytes) -> None:
        """End a generation that several devices share (batch): bytes f and active rows of all."""
        self.begin(generation, steps)
        self.session.write_f(f)
        self.session.write_active(active)
        self.session.update(given=True)

    def check_and_save(self, end: int, steps: Hyperparameters, save: bool) -> Throughput:
        """After generation `end`: check the digest, read the counters, perhaps write a checkpoint.

        DeviceError if the device's weights are not the host's.
        """
        if self._fresh:  # it was switched off after the step, and has the weights from the host
            self.begin(end, steps)
        self._check_digest(end)
        if save and self.session.hello.has_store:
            self.session.save()
        return self._meter.read()

    def _check_digest(self, end: int) -> None:
        done, digest = self.session.digest()
        if (done, digest) != (end, self._net.digest):
            raise DeviceError(
                f"after generation {end} the weights of {self.session.title} have the digest "
                f"{digest:08x} (generation {done}), the emulation's {self._net.digest:08x}: "
                "faulty memory, or another firmware; resume the run to give it the weights anew"
            )
