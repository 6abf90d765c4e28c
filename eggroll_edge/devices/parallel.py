"""Carrying out tasks on several devices at once."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from threading import Thread
from typing import TypeVar

Result = TypeVar("Result")


def run_all(tasks: Iterable[Callable[[], Result]]) -> list[Result]:
    """Carry out all tasks at once, each on a separate thread; returns their results in order.

    Once all have ended, the first error is raised. The threads are daemons, so that Ctrl-C ends the
    program even while a device does not answer. An executor would not allow that: when Python
    exits, it waits for the executor's threads, and so for the timeout of the link.
    """
    todo = list(tasks)
    if len(todo) == 1:
        return [todo[0]()]
    results: dict[int, Result] = {}
    errors: dict[int, BaseException] = {}

    def work(number: int) -> None:
        try:
            results[number] = todo[number]()
        except BaseException as error:  # raised below, in the thread that waits
            errors[number] = error

    threads = [Thread(target=work, args=(i,), daemon=True) for i in range(len(todo))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for number in sorted(errors):
        raise errors[number]
    return [results[i] for i in range(len(todo))]
