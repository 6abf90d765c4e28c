"""Worker threads for calls into the core. A call releases the interpreter lock."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from queue import SimpleQueue
from threading import Thread

from eggroll_edge.core.config import EsConfig, NetConfig
from eggroll_edge.core.counts import RunCounts
from eggroll_edge.core.workspace import Workspace
from eggroll_edge.errors import ConfigError

Task = Callable[[], None]

MOST = 256
"""Most workers of a pool."""


class WorkerPool:
    """A worker pool: threads that carry out tasks, with one workspace for each thread.

    The pool uses plain queues instead of an executor: a generation may take only a millisecond, and
    futures would take a noticeable part of that.
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
            except BaseException as error:  # run() raises it in the thread that waits
                self._done.put(error)
            else:
                self._done.put(None)

    def run(self, tasks: Sequence[Task], overlap: Task | None = None) -> None:
        """Carry out all tasks on the workers and wait for them.

        The calling thread carries out `overlap` while the workers work. Once all have ended, the
        first error of `overlap` or of a task is raised.
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
        """The sums over the unperturbed runs of all workspaces since the last call."""
        parts = [workspace.drain_counts() for workspace in self.workspaces]
        return RunCounts(*(sum(column) for column in zip(*parts, strict=True)))

    def close(self) -> None:
        """End the threads."""
        for _ in self._threads:
            self._todo.put(None)
        for thread in self._threads:
            thread.join()


def shards_of(n: int, parts: int) -> list[tuple[int, int]]:
    """Cut 0..n-1 into `parts` contiguous shards [start, stop) whose sizes differ by at most 1."""
    return [(n * i // parts, n * (i + 1) // parts) for i in range(parts)]


def worker_count(workers: int | None) -> int:
    """`workers`, or, if it is None, the number of cores that this process may use.

    ConfigError if `workers` is outside 1..MOST.
    """
    if workers is None:
        allowed = getattr(os, "sched_getaffinity", None)
        return min(MOST, len(allowed(0)) if allowed else os.cpu_count() or 1)
    if not 1 <= workers <= MOST:
        raise ConfigError(f"workers is {workers}: use 1..{MOST}, or leave it out for all cores")
    return workers
