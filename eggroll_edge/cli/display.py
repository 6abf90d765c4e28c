"""Output of the command line: bars on a terminal, plain lines elsewhere, and JSON at the end."""

from __future__ import annotations

import json
import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, ProgressColumn, TaskID, TextColumn
from rich.progress import Progress as ProgressBar
from rich.text import Text

from eggroll_edge.data.cache import Progress
from eggroll_edge.training import progress as events
from eggroll_edge.training.config import FIRST_RECORDINGS
from eggroll_edge.training.fields import INIT_STD

PLAIN_EVERY_S = 5.0
"""Seconds between lines where there is no terminal."""

_FIGURES_WIDTH = 82  # of a line of figures; on a narrow terminal they matter more than the bar


def console(as_json: bool = False) -> Console:
    """The console for people: stdout, or stderr if stdout is for JSON."""
    return Console(stderr=as_json, highlight=False, markup=False, soft_wrap=True, emoji=False)


def print_json(values: dict[str, Any]) -> None:
    """Print the one line of JSON on stdout."""
    sys.stdout.write(json.dumps(values) + "\n")
    sys.stdout.flush()


def percent(value: float | None) -> str:
    """A percentage as text; a dash for None."""
    return "-" if value is None else f"{value:.2f} %"


def firing(rates: tuple[float, ...] | list[float]) -> str:
    """The firing rates of layers, 0..1, as text."""
    return ", ".join(f"{100 * rate:.1f} %" for rate in rates) + " of neuron-ticks"


def si_number(value: float) -> str:
    """A number in three digits with a unit prefix, such as 2.41M."""
    for limit, prefix in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if value >= limit:
            return f"{value / limit:.3g}{prefix}"
    return f"{value:.3g}"


def duration(seconds: float) -> str:
    """Seconds as "minutes:seconds", or "hours:minutes:seconds"."""
    minutes, rest = divmod(round(max(0.0, seconds)), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"


class _Figures(ProgressColumn):
    """A column for the figures of a run, as wide as they need."""

    def render(self, task: Any) -> Text:
        return Text(task.fields.get("figures", ""))


class RunDisplay:
    """Shows the events of a run: pass it to train(), resume() or replay() as on_event."""

    def __init__(self, out: Console) -> None:
        self.out = out
        self.started = False
        self._bar: ProgressBar | None = None
        self._task: TaskID | None = None
        self._last_line = 0.0

    def __enter__(self) -> RunDisplay:
        if self.out.is_terminal:
            room = self.out.width - _FIGURES_WIDTH
            columns: list[ProgressColumn] = [TextColumn("{task.description}")]
            if room >= 8:
                columns.append(BarColumn(bar_width=min(room, 30)))
            self._bar = ProgressBar(*columns, _Figures(), console=self.out, refresh_per_second=8)
            self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._bar:
            self._bar.stop()

    def counting(self, what: str) -> Progress:
        """A callback that shows the progress of work before the run, such as decoding a dataset."""
        return _counter(self._bar, what) if self._bar else _line_counter(self.out, what)

    def __call__(self, event: events.Event) -> None:
        match event:
            case events.Started():
                self.started = True
                self._started(event)
            case events.GenerationDone():
                self._generation(event)
            case events.Replayed():
                self._advance("replayed", event.generation, event.total, "digests agree")
            case events.Evaluated():
                self.out.print(
                    f"generation {event.generation}: {event.split} accuracy {event.accuracy:.2f} %"
                )
            case events.Note():
                self.out.print(f"note: {event.text}")
            case events.Stopped():
                pass

    def _started(self, event: events.Started) -> None:
        config = event.config
        online = " online" if config.online else ""
        aside = event.validation_recordings
        validation = f"{aside} set aside for validation, " if aside else ""
        self.out.print(
            f"{config.data}: {event.train_recordings} recordings to train on, {validation}"
            f"{event.test_recordings} to test on\n"
            f"net of {event.parameters:,} int8 weights, hidden {config.hidden_text}; "
            f"{config.estimator}{online}, {config.perturbations}, {event.workers} workers\n"
            f"run directory {event.run_dir}"
        )
        self._derived(event)
        if event.generation:
            self.out.print(f"continues after generation {event.generation} of {event.total}")

    def _derived(self, event: events.Started) -> None:
        """Show what was derived from the data, but for initial weights of the usual size."""
        config = event.config
        values = {name: getattr(config, name) for name in event.derived}
        if values.get("init_std") == INIT_STD:
            del values["init_std"]
        if values:
            chosen = ", ".join(f"{name} {value:g}" for name, value in values.items())
            used = min(FIRST_RECORDINGS, event.train_recordings)
            trained = f" and {config.start_from}" if config.start_from else ""
            self.out.print(f"{chosen}: derived from the first {used} recordings{trained}")

    def _generation(self, event: events.GenerationDone) -> None:
        figures = (
            f"loss {event.loss_bits:.3f} bits, train {event.train_accuracy:.1f} %, "
            f"firing {100 * event.firing_rate:.1f} %, "
            f"{si_number(event.member_evals_per_s)} evals/s, ETA {duration(event.eta_s)}"
        )
        self._advance("generation", event.generation, event.total, figures)

    def _advance(self, what: str, done: int, total: int, figures: str) -> None:
        if self._bar:
            if self._task is None:
                self._task = self._bar.add_task(what, total=total)
            self._bar.update(
                self._task,
                completed=done,
                total=total,
                description=f"{done}/{total}",
                figures=figures,
            )
            return
        now = time.monotonic()
        if now - self._last_line >= PLAIN_EVERY_S or done >= total:
            self._last_line = now
            self.out.print(f"{what} {done}/{total}: {figures}")


@contextmanager
def counting(out: Console, what: str) -> Iterator[Progress]:
    """A callback that shows progress as a bar, or as a line every few seconds."""
    if out.is_terminal:
        columns = (TextColumn("{task.description}"), BarColumn(bar_width=30), _Figures())
        with ProgressBar(*columns, console=out, transient=True) as bar:
            yield _counter(bar, what)
    else:
        yield _line_counter(out, what)


def _counter(bar: ProgressBar, what: str) -> Progress:
    task: TaskID | None = None

    def progress(done: int, total: int) -> None:
        nonlocal task
        task = bar.add_task(what, total=total) if task is None else task
        figures = f"{done}/{total}"
        bar.update(task, completed=done, total=total, visible=done < total, figures=figures)

    return progress


def _line_counter(out: Console, what: str) -> Progress:
    last = time.monotonic()

    def progress(done: int, total: int) -> None:
        nonlocal last
        if time.monotonic() - last >= PLAIN_EVERY_S:
            last = time.monotonic()
            out.print(f"{what}: {done}/{total}")

    return progress


@contextmanager
def interruptible(display: RunDisplay, notice: str) -> Iterator[Callable[[], bool]]:
    """Yields a function stop(), which returns True after the first Ctrl-C of a started run.

    The first Ctrl-C prints `notice`; the second raises KeyboardInterrupt. Before the run has
    started there is nothing to save, so the first Ctrl-C raises KeyboardInterrupt.
    """
    asked, printing = 0, False

    def on_signal(number: int, frame: FrameType | None) -> None:
        nonlocal asked, printing
        asked += 1
        if printing:  # an exception now would interrupt rich in a line; it is raised just below
            return
        if asked == 1 and display.started:
            printing = True
            display.out.print(notice)
            printing = False
            if asked == 1:
                return
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGINT, on_signal)
    try:
        yield lambda: asked > 0
    finally:
        signal.signal(signal.SIGINT, before)
