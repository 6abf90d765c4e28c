"""The training loop: generations, journal, checkpoints, evaluations, progress."""

from __future__ import annotations

import time
from contextlib import closing
from dataclasses import replace

import numpy as np

from eggroll_edge.core.counts import RunCounts
from eggroll_edge.core.workers import WorkerPool
from eggroll_edge.errors import JournalError
from eggroll_edge.journal import checkpoint
from eggroll_edge.journal.format import CHECKPOINT
from eggroll_edge.journal.records import EvalResult, EvalSplit, GenerationRecord, Telemetry
from eggroll_edge.training.batches import MiniBatches
from eggroll_edge.training.config import ONLINE_CHUNK, TrainConfig
from eggroll_edge.training.context import MakeEstimator, RunContext
from eggroll_edge.training.diagnosis import Diagnosis
from eggroll_edge.training.estimators import Estimator
from eggroll_edge.training.evaluation import Evaluator
from eggroll_edge.training.history import NOTHING, sum_counts
from eggroll_edge.training.progress import Evaluated, GenerationDone, Started, Stopped
from eggroll_edge.training.results import RunResult
from eggroll_edge.training.run_dir import write_result
from eggroll_edge.training.units import BIT

WINDOW = 50
"""Generations (with `online`: one chunk) after which a neuron without a spike counts as dead."""
CHECKPOINT_S = 30.0
PROGRESS_S = 0.1

Evaluators = dict[EvalSplit, Evaluator]
"""What evaluates the net; "validation" is there in runs that set recordings aside."""


def run_training(context: RunContext, make_estimator: MakeEstimator) -> RunResult:
    """Carry out a sitting of a run, from the end of its history until the run is over or stops.

    The worker pools are closed in any case, even if the estimator cannot be made.
    """
    config, net, workers = context.config, context.net.config, context.workers
    batches = MiniBatches(context.data, net, config.seed, config.batch)
    with (
        closing(WorkerPool(net, config.es_config(), workers)) as pool,
        closing(WorkerPool(net, None, workers)) as test_pool,
    ):
        evaluators: Evaluators = {"test": Evaluator(context.net, context.test_data, test_pool)}
        if context.validation_data is not None:
            evaluators["validation"] = Evaluator(context.net, context.validation_data, test_pool)
        return Trainer(context, batches, pool, make_estimator(context, pool), evaluators).run()


class Trainer:
    """The training loop of a sitting. `pool` is the worker pool of the host's estimator."""

    def __init__(
        self,
        context: RunContext,
        batches: MiniBatches,
        pool: WorkerPool,
        estimator: Estimator,
        evaluators: Evaluators,
    ) -> None:
        self._context, self._batches, self._pool = context, batches, pool
        self._estimator, self._evaluators = estimator, evaluators
        self._config, self._net, self._history = context.config, context.net, context.history
        self._journal, self._notify = context.journal, context.on_event
        self._diagnosis = Diagnosis(context.config, context.net, context.note, context.derived)
        self._telemetry = Telemetry()
        self._window = 0
        self._pending: GenerationRecord | None = None
        self._since: RunCounts = NOTHING  # counts since the latest event of progress
        # Readings of perf_counter(): the start of the run, as if it had never stopped, then the
        # latest event of progress and the latest checkpoint.
        self._started_s = self._notified_s = self._saved_s = 0.0
        self._notified_seconds = 0.0  # history.seconds at the latest event of progress

    def run(self) -> RunResult:
        """Train, evaluate the final weights, and leave a checkpoint and the result."""
        context, history = self._context, self._history
        self._notify(
            Started(
                context.run_dir, self._config, history.generation, self._config.generations,
                len(context.data), len(context.validation_data or ()), len(context.test_data),
                self._net.config.parameters, len(self._pool), context.derived,
            )
        )  # fmt: skip
        self._diagnosis.start()
        reason = self._loop()
        validated = tested = None
        if reason != "interrupted":
            validated = self._evaluate("validation") if self._config.validation else None
            tested = self._evaluate("test")
        self._save()
        result = self._result(reason, validated, tested)
        if tested is not None:
            write_result(result)
        self._notify(Stopped(reason, history.generation))
        return result

    def _loop(self) -> str:
        """Carry out generations until there is a reason to stop. The journal then has all of
        them."""
        config, history = self._config, self._history
        self._started_s = time.perf_counter() - history.seconds
        self._notified_s = self._saved_s = time.perf_counter()
        self._notified_seconds = history.seconds
        every = config.evaluate_every
        while history.generation < config.generations:
            if history.generation // every * every > history.evaluated_at:
                self._evaluate(history.split)
            if config.early_stop and history.stale >= config.early_stop:
                return "early_stop"
            if self._context.stop():
                self._finish()
                return "interrupted"
            self._generation()
        self._finish()
        return "finished"

    def _generation(self) -> None:
        history, generation = self._history, self._history.generation
        n = 1
        if self._config.online:  # chunks end at multiples, so that a resumed run has the same ones
            n = min(ONLINE_CHUNK - generation % ONLINE_CHUNK, self._config.generations - generation)
        batch = self._batches.get(generation, n)
        hyperparameters = self._config.hyperparameters_at(generation)
        self._pending = self._estimator.step(generation, hyperparameters, batch, self._finish)
        history.add_generation(self._pending)
        self._diagnosis.generation(self._pending)
        self._since = sum_counts((self._since, self._pending.counts))
        now = time.perf_counter()
        history.seconds = now - self._started_s
        self._measure()
        if now - self._notified_s > PROGRESS_S or history.generation == self._config.generations:
            self._show_progress(now)
        if now - self._saved_s > CHECKPOINT_S:
            try:
                self._save()
            except JournalError as error:
                self._context.note(f"no checkpoint, the run goes on: {error}")
            self._saved_s = time.perf_counter()

    def _finish(self) -> None:
        """Write the previous generation to the journal.

        The digest takes a while, so the next generation calls this while the threads evaluate.
        """
        if self._pending is not None:
            done, self._pending = self._pending, None
            self._journal.write_generation(
                replace(
                    done,
                    telemetry=self._telemetry,
                    digest=self._net.digest,
                    seconds=self._history.seconds,
                )
            )

    def _measure(self) -> None:
        self._window += 1
        if self._window < WINDOW and not self._config.online:
            return
        workspaces = self._pool.workspaces
        spikes = np.sum([w.unit_spikes for w in workspaces], axis=0, dtype=np.int64)
        saturated = np.count_nonzero(np.abs(self._net.weights) == 127) / len(self._net.weights)
        self._telemetry = Telemetry(round(saturated, 6), int(np.count_nonzero(spikes == 0)))
        self._window = 0
        for workspace in workspaces:
            workspace.unit_spikes.fill(0)

    def _evaluate(self, split: EvalSplit) -> EvalResult:
        """Evaluate on a split. The time that this takes does not count as training."""
        begun = time.perf_counter()
        self._finish()
        result, generation = self._evaluators[split](), self._history.generation
        logged = split if self._config.validation else None
        self._journal.write_evaluation(generation, result, logged)
        self._notify(Evaluated(generation, result.accuracy, split))
        if split == self._history.split:
            self._history.add_evaluation(generation, result.accuracy)
            self._diagnosis.evaluation(generation, self._history.recordings, result)
        self._started_s += time.perf_counter() - begun
        return result

    def _save(self) -> None:
        """Write a checkpoint. The journal is written first, so that no checkpoint is ahead of
        it."""
        self._finish()
        self._journal.sync()
        checkpoint.save(self._context.run_dir / CHECKPOINT, self._net, self._history.generation)

    def _show_progress(self, now: float) -> None:
        history, config, counts = self._history, self._config, self._since
        took = max(1e-9, history.seconds - self._notified_seconds)
        left = config.generations - history.generation
        self._notify(
            GenerationDone(
                generation=history.generation,
                total=config.generations,
                loss_bits=counts.loss / BIT / counts.recordings,
                train_accuracy=100 * counts.correct / counts.recordings,
                firing_rate=self._firing_rate(counts),
                member_evals_per_s=members_of(config) * counts.learned / took,
                eta_s=history.seconds / history.generation * left,
            )
        )
        self._since, self._notified_s, self._notified_seconds = NOTHING, now, history.seconds

    def _firing_rate(self, counts: RunCounts) -> float:
        net = self._net.config
        return counts.spikes / max(1, counts.recordings * net.ticks * net.neurons)

    def _result(
        self, reason: str, validated: EvalResult | None, tested: EvalResult | None
    ) -> RunResult:
        history, tail = self._history, self._history.tail()
        recordings = max(1, tail.recordings)
        member_evals = members_of(self._config) * history.learned
        firing_rate = tested.firing_rate if tested else (self._firing_rate(tail),)
        return RunResult(
            test_accuracy=tested.accuracy if tested else None,
            train_loss=tail.loss / BIT / recordings,
            train_accuracy=100 * tail.correct / recordings,
            generations=history.generation,
            seconds=history.seconds,
            member_evals_per_s=member_evals / max(1e-9, history.seconds),
            weights_digest=f"{self._net.digest:08x}",
            run_dir=self._context.run_dir,
            firing_rate=firing_rate,
            stopped=reason,
            learned=history.learned,
            recordings=history.recordings,
            validation_accuracy=validated.accuracy if validated else None,
        )


def members_of(config: TrainConfig) -> int:
    """Perturbed runs of a recording: of all members, or those that `sweep` makes of each layer. 1
    if only the unperturbed net runs."""
    if config.estimator == "eprop" or config.linear:
        return 1
    return 2 * (config.segments if config.estimator == "sweep" else config.pairs)
