"""One device that takes part in training: it carries out a share of each generation.

The host gives the device the net at the start, and again after each loss of power.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from eggroll_edge._core import lib
from eggroll_edge.core.config import Hyperparameters
from eggroll_edge.core.net import Net
from eggroll_edge.devices.meter import Meter
from eggroll_edge.errors import DeviceError
from eggroll_edge.journal.records import Throughput
from eggroll_edge.link.connection import Notify
from eggroll_edge.link.messages import DeviceConfig, RunReply
from eggroll_edge.link.session import Session
from eggroll_edge.training.batches import MiniBatch

_ATTEMPTS = 3
"""Attempts at a generation: a device may be switched off twice within one generation."""
Result = TypeVar("Result")


class Device:
    """A device that trains `net`, with the weights that the host has when a generation begins."""

    def __init__(self, session: Session, config: DeviceConfig, net: Net, notify: Notify) -> None:
        self.session, self._config, self._net, self._notify = session, config, net, notify
        for note in session.notes:
            notify(note)
        session.notify = notify
        self._bring_up()

    def _bring_up(self) -> None:
        """Give the device the net with the host's weights."""
        session = self.session
        session.configure(self._config)
        if session.digest()[1] != self._net.digest:
            session.write_weights(self._net.weights.tobytes())
        self._meter = Meter(session)
        self._begun = -1
        self._fresh = True

    def with_restarts(self, share: Callable[[Device], Result]) -> Result:
        """Carry out a share of a generation.

        If the device was switched off, it gets the host's weights and `share` is called again.
        """
        for left in reversed(range(_ATTEMPTS)):
            try:
                if left < _ATTEMPTS - 1:
                    self.session.handshake()
                    self._bring_up()
                return share(self)
            except DeviceError as error:
                if error.status != lib.EGG_E_SESSION or left == 0:
                    raise
                self._notify(
                    f"{self.session.title}: was switched off; it gets the weights and its share "
                    "of this generation again"
                )
        raise AssertionError("unreachable")

    def begin(self, generation: int, hyperparameters: Hyperparameters) -> None:
        """Begin a generation, unless it has begun and the device has stayed on."""
        if self._begun != generation:
            self.session.begin(generation, hyperparameters)
            self._begun, self._fresh = generation, False

    def evaluate(
        self,
        generation: int,
        hyperparameters: Hyperparameters,
        batch: MiniBatch,
        start: int = 0,
        stop: int | None = None,
    ) -> list[RunReply]:
        """Begin a generation and send it recordings [start, stop) of a mini-batch.

        Online, each of them is a generation, and the device learns it at once.
        """
        session, config = self.session, self._config
        assert config.es is not None
        pairs = config.es.pairs if config.es.estimator == "sample" else 0
        self._begun = -1  # the device's sums must start at 0 again
        self.begin(generation, hyperparameters)
        ahead = session.one_reply(pairs)  # the next recording may be sent before this result
        replies: list[RunReply] = []
        sent = []
        for pos in range(start, len(batch) if stop is None else stop):
            index = int(batch.index[pos])
            label = int(batch.recordings.labels[index])
            stream = batch.recordings.stream(index)
            sent.append(session.send_recording(stream, label, 0 if config.online else pos))
            while len(sent) > ahead:
                replies.append(session.result(sent.pop(0), pairs))
        return replies + [session.result(each, pairs) for each in sent]

    def update(
        self,
        generation: int,
        hyperparameters: Hyperparameters,
        fitness_bytes: bytes,
        active: bytes,
    ) -> None:
        """End a generation that several devices share (`batch`).

        fitness_bytes and active are those of all devices together.
        """
        self.begin(generation, hyperparameters)
        self.session.write_fitness_bytes(fitness_bytes)
        self.session.write_active(active)
        self.session.update(from_host=True)

    def check_and_save(self, end: int, hyperparameters: Hyperparameters, save: bool) -> Throughput:
        """After `end` generations: check the digest, read the counters, and perhaps save.

        save: write a checkpoint on the device, if it can keep one. DeviceError if the device's
        weights are not the host's.
        """
        if self._fresh:  # it was switched off after the update, and the host gave it the weights
            self.begin(end, hyperparameters)
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
