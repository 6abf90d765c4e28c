"""The training loop: generations, journal, checkpoints, evaluations, progress."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from eggroll_edge.core.net import Net
from eggroll_edge.core.population import RunCounts
from eggroll_edge.core.workers import WorkerPool
from eggroll_edge.data.dataset import EventDataset
from eggroll_edge.errors import JournalError
from eggroll_edge.files import write_atomically
from eggroll_edge.journal import checkpoint
from eggroll_edge.journal.records import EvalResult, Outcome, Telemetry
from eggroll_edge.journal.writer import JournalWriter
from eggroll_edge.training.batches import batches_of
from eggroll_edge.training.config import ONLINE_CHUNK, TrainConfig
from eggroll_edge.training.estimators import make_estimator
from eggroll_edge.training.evaluation import Evaluator
from eggroll_edge.training.history import NOTHING, RunHistory, add
from eggroll_edge.training.progress import (
    Evaluated,
    Event,
    GenerationDone,
    Note,
    OnEvent,
    Started,
    Stopped,
)
from eggroll_edge.training.results import RunResult
from eggroll_edge.training.run_dir import RESULT

WINDOW = 50
"""Generations (online: 1 chunk) over which a neuron without a spike counts as dead."""
CHECKPOINT_S = 30.0
TELL_S = 0.1

Stop = Callable[[], bool]


class Trainer:
    """One sitting of a run, from wherever `course` and `net` are to its end."""

    def __init__(
        self,
        config: TrainConfig,
        run_dir: Path,
        net: Net,
        history: RunHistory,
        journal: JournalWriter,
        data: EventDataset,
        test: EventDataset,
        workers: int,
        on_event: OnEvent | None,
        stop: Stop | None,
    ) -> None:
        self._config, self._run_dir, self._net, self._history = config, run_dir, net, history
        self._journal, self._tell, self._stop = journal, on_event or _ignore, stop
        self._sizes = len(data), len(test)
        self._batches = batches_of(config, net.config, data)
        self._pool = WorkerPool(net.config, config.es_config(), workers)
        self._test_pool = WorkerPool(net.config, None, workers)
        self._evaluator = Evaluator(net, test, self._test_pool)
        self._estimator = make_estimator(config, net, self._batches.order.batch, self._pool)
        self._telemetry = Telemetry()
        self._window = 0
        self._pending: Outcome | None = None
        self._since: RunCounts = NOTHING
        self._started_s = self._told_s = self._saved_s = 0.0
        self._told_seconds = 0.0

    def run(self) -> RunResult:
        """To the end, to early_stop, or until stop() says so."""
        config, history = self._config, self._history
        self._tell(
            Started(
                self._run_dir, config, history.generation, config.generations, *self._sizes,
                self._net.config.parameters, len(self._pool),
            )
        )  # fmt: skip
        try:
            reason = self._loop()
            result = None
            if reason != "interrupted":
                result = self._evaluate()
            self._save()
            found = self._result(reason, result)
            if result is not None:
                body = json.dumps(found.to_dict(), indent=1).encode() + b"\n"
                write_atomically(self._run_dir / RESULT, body)
        finally:
            self._pool.close()
            self._test_pool.close()
        self._tell(Stopped(reason, history.generation))
        return found

    def _loop(self) -> str:
        """Generations until there is a reason to stop; all of them are then in the journal."""
        config, history = self._config, self._history
        self._started_s = time.perf_counter() - history.seconds
        self._told_s = self._saved_s = time.perf_counter()
        self._told_seconds = history.seconds
        every = config.evaluate_every
        while history.generation < config.generations:
            if history.generation // every * every > history.evaluated_at:
                self._evaluate()
            if config.early_stop and history.stale >= config.early_stop:
                return "early_stop"
            if self._stop is not None and self._stop():
                self._finish()
                return "interrupted"
            self._generation()
        self._finish()
        return "finished"

    def _generation(self) -> None:
        history, generation = self._history, self._history.generation
        n = 1
        if self._config.online:  # chunks end at multiples, so that a resumed run has the same
            n = min(ONLINE_CHUNK - generation % ONLINE_CHUNK, self._config.generations - generation)
        batch = self._batches.get(generation, n)
        steps = self._config.steps_at(generation)
        self._pending = self._estimator.step(generation, steps, batch, self._finish)
        history.add_generations(n, self._pending.counts)
        self._since = add((self._since, self._pending.counts))
        now = time.perf_counter()
        history.seconds = now - self._started_s
        self._measure()
        if now - self._told_s > TELL_S or history.generation == self._config.generations:
            self._tell_progress(now)
        if now - self._saved_s > CHECKPOINT_S:
            try:
                self._save()
            except JournalError as error:
                self._tell(Note(f"no checkpoint, the run goes on: {error}"))
            self._saved_s = time.perf_counter()

    def _finish(self) -> None:
        """Journal the generation before. The digest takes a while: better while threads compute."""
        if self._pending is not None:
            done, self._pending = self._pending, None
            self._journal.write_generation(
                done, self._telemetry, self._net.digest, self._history.seconds
            )

    def _measure(self) -> None:
        self._window += 1
        if self._window < WINDOW and not self._config.online:
            return
        spaces = self._pool.workspaces
        spikes = np.sum([ws.unit_spikes for ws in spaces], axis=0, dtype=np.int64)
        full = np.count_nonzero(np.abs(self._net.weights) == 127) / len(self._net.weights)
        self._telemetry = Telemetry(round(full, 6), int(np.count_nonzero(spikes == 0)))
        self._window = 0
        for ws in spaces:
            ws.unit_spikes.fill(0)

    def _evaluate(self) -> EvalResult:
        """On the test split; its time is not training's."""
        begun = time.perf_counter()
        self._finish()
        result = self._evaluator()
        generation = self._history.generation
        self._journal.write_eval(generation, result)
        self._history.add_evaluation(generation, result.accuracy)
        self._tell(Evaluated(generation, result.accuracy))
        self._started_s += time.perf_counter() - begun
        return result

    def _save(self) -> None:
        """A checkpoint; the journal goes first, so that no checkpoint is ahead of it."""
        self._finish()
        self._journal.sync()
        checkpoint.save(self._run_dir / checkpoint.NAME, self._net, self._history.generation)

    def _tell_progress(self, now: float) -> None:
        history, config, counts = self._history, self._config, self._since
        took = max(1e-9, history.seconds - self._told_seconds)
        left = config.generations - history.generation
        self._tell(
            GenerationDone(
                generation=history.generation,
                total=config.generations,
                loss_bits=counts.loss / 4096 / counts.samples,
                train_accuracy=100 * counts.correct / counts.samples,
                firing_rate=self._firing(counts),
                member_evals_per_s=2 * config.pairs * counts.samples / took,
                eta_s=history.seconds / history.generation * left,
            )
        )
        self._since, self._told_s, self._told_seconds = NOTHING, now, history.seconds

    def _firing(self, counts: RunCounts) -> float:
        net = self._net.config
        return counts.spikes / (max(1, counts.samples) * net.ticks * net.neurons)

    def _result(self, reason: str, result: EvalResult | None) -> RunResult:
        history, tail = self._history, self._history.tail()
        samples = max(1, tail.samples)
        evaluations = 2 * self._config.pairs * history.samples
        return RunResult(
            test_accuracy=None if result is None else result.accuracy,
            train_loss=tail.loss / 4096 / samples,
            train_accuracy=100 * tail.correct / samples,
            generations=history.generation,
            seconds=history.seconds,
            member_evals_per_s=evaluations / max(1e-9, history.seconds),
            weights_digest=f"{self._net.digest:08x}",
            run_dir=self._run_dir,
            firing_rate=(self._firing(tail),) if result is None else result.firing_rate,
            stopped=reason,
        )


MakeTrainer = Callable[..., Trainer]
"""Trainer, or what makes a kind of one from the same arguments."""


def _ignore(event: Event) -> None:
    pass
