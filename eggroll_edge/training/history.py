"""The course of a run so far: counts, loss, evaluations. Grows as it goes, or from a journal."""

from __future__ import annotations

from collections.abc import Iterable

from eggroll_edge.core.population import RunCounts
from eggroll_edge.journal.records import EvalLine, GenerationLine

NOTHING = RunCounts(0, 0, 0, 0)


def add(tallies: Iterable[RunCounts]) -> RunCounts:
    """Their sum."""
    return RunCounts(*(sum(column) for column in zip(NOTHING, *tallies, strict=True)))


class RunHistory:
    """Grows with each generation and evaluation."""

    def __init__(self) -> None:
        self.generation = 0
        """Generations done."""
        self.samples = 0
        self.seconds = 0.0
        """Of training, evaluations excluded."""
        self.evaluated_at = 0
        """Generation of the latest evaluation."""
        self.stale = 0
        """Evaluations since the best one."""
        self._best = -1.0
        self._log: list[tuple[int, RunCounts]] = []

    def add_generations(self, generations: int, counts: RunCounts) -> None:
        """A generation, or a chunk of them."""
        self.generation += generations
        self.samples += counts.samples
        self._log.append((generations, counts))

    def add_evaluation(self, generation: int, accuracy: float) -> None:
        """On the test split."""
        self.evaluated_at = generation
        self.stale = 0 if accuracy > self._best else self.stale + 1
        self._best = max(self._best, accuracy)

    def add_line(self, line: GenerationLine | EvalLine) -> None:
        """What a journal says."""
        if isinstance(line, EvalLine):
            self.add_evaluation(line.generation, line.test_accuracy)
        else:
            self.add_generations(line.generations, line.counts)
            self.seconds = line.seconds

    def tail(self) -> RunCounts:
        """Sums over the last twentieth of the generations so far."""
        wanted, parts = self.generation / 20, []
        for generations, counts in reversed(self._log):
            parts.append(counts)
            wanted -= generations
            if wanted <= 0:
                break
        return add(parts)
