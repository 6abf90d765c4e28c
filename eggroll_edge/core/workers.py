"""Worker threads for the calls into the core, which lets go of the interpreter lock."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from queue import SimpleQueue
from threading import Thread

from eggroll_edge.core.config import EsConfig, NetConfig
from eggroll_edge.core.population import RunCounts, Workspace
from eggroll_edge.errors import ConfigError

Task = Callable[[], None]


class WorkerPool:
    """Worker threads, each with a workspace of its own.

    Plain queues, not an executor: a generation may take a millisecond, and futures cost too much
    of it.
    """

    def __init__(self, net: NetConfig, es: EsConfig | None, workers: int) -> None:
        self.workspaces = [Workspace(net, es) for _ in range(workers)]
        self._todo: SimpleQueue[Task | None] = SimpleQueue()
        self._done: SimpleQueue[BaseException | None] = SimpleQueue()
        self._threads = [Thread(target=self._work, daemon=True) for _ in range(workers)]
        for thread in self._threads:
            thread.start()

    def __len__(self) -> int:
        return len(self.workspaces)

    def _work(self) -> None:
        while (task := self._todo.get()) is not None:
            try:
                task()
            except BaseException as error:  # handed to the thread that waits
                self._done.put(error)
            else:
                self._done.put(None)

    def run(self, tasks: Sequence[Task], overlap: Task | None = None) -> None:
        """Do all tasks on the threads; the calling one does `meanwhile`, then waits.

        Raises what a task or `meanwhile` raised, once all have ended.
        """
        for task in tasks:
            self._todo.put(task)
        try:
            if overlap is not None:
                overlap()
        finally:
            errors = [self._done.get() for _ in tasks]
        for error in errors:
            if error is not None:
                raise error

    def drain_counts(self) -> RunCounts:
        """What all runs have summed up since the last call."""
        parts = [ws.drain_counts() for ws in self.workspaces]
        return RunCounts(*(sum(column) for column in zip(*parts, strict=True)))

    def close(self) -> None:
        """End the threads."""
        for _ in self._threads:
            self._todo.put(None)
        for thread in self._threads:
            thread.join()


def shards_of(n: int, parts: int) -> list[tuple[int, int]]:
    """[start, stop) of contiguous shards of 0..n-1, as equal as can be."""
    return [(n * i // parts, n * (i + 1) // parts) for i in range(parts)]


def worker_count(workers: int | None) -> int:
    """`workers`, or the cores that this process may use; ConfigError unless 1..256."""
    if workers is None:
        allowed = getattr(os, "sched_getaffinity", None)
        return min(256, len(allowed(0)) if allowed else os.cpu_count() or 1)
    if not 1 <= workers <= 256:
        raise ConfigError(f"workers is {workers}: use 1..256, or leave it out for all cores")
    return workers
