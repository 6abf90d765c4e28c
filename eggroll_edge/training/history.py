"""The history of a run so far: counts, loss and evaluations."""

from __future__ import annotations

from collections.abc import Iterable

from eggroll_edge.core.counts import RunCounts
from eggroll_edge.journal.records import EvalRecord, EvalSplit, GenerationRecord

NOTHING = RunCounts(0, 0, 0, 0, 0)


def sum_counts(parts: Iterable[RunCounts]) -> RunCounts:
    """The sum of all parts."""
    return RunCounts(*(sum(column) for column in zip(NOTHING, *parts, strict=True)))


class RunHistory:
    """Counts generations and evaluations, whether they are new or read from a journal.

    split: "test", or "validation" in a run that sets recordings aside. Only evaluations on this
    split count.
    """

    def __init__(self, split: EvalSplit = "test") -> None:
        self.split = split
        self.generation = 0
        """Generations done."""
        self.recordings = 0
        """Recordings trained on, repetitions included."""
        self.learned = 0
        """Those of them that the net learned from."""
        self.seconds = 0.0
        """Time spent on training, without evaluations."""
        self.evaluated_at = 0
        """Generation of the latest evaluation."""
        self.stale = 0
        """Evaluations since the best one."""
        self._best = -1.0
        self._log: list[tuple[int, RunCounts]] = []

    def add_generation(self, record: GenerationRecord) -> None:
        """Count a generation, or a chunk of them; `seconds` stays as it is."""
        self.generation += record.generations
        self.recordings += record.counts.recordings
        self.learned += record.counts.learned
        self._log.append((record.generations, record.counts))

    def add_evaluation(self, generation: int, accuracy: float) -> None:
        """Take note of an evaluation on `split`; accuracy in percent."""
        self.evaluated_at = generation
        self.stale = 0 if accuracy > self._best else self.stale + 1
        self._best = max(self._best, accuracy)

    def add(self, record: GenerationRecord | EvalRecord) -> None:
        """Take over a record from a journal."""
        if isinstance(record, EvalRecord):
            if record.split == self.split:
                self.add_evaluation(record.generation, record.accuracy)
        else:
            self.add_generation(record)
            self.seconds = record.seconds

    def tail(self) -> RunCounts:
        """Sums over the last twentieth of the generations so far."""
        wanted, parts = self.generation / 20, []
        for generations, counts in reversed(self._log):
            parts.append(counts)
            wanted -= generations
            if wanted <= 0:
                break
        return sum_counts(parts)
