"""Figures of a run: what its directory holds, drawn into RUN/plots."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterator, Sequence
from functools import cached_property, partial
from pathlib import Path
from typing import NamedTuple

import numpy as np

from eggroll_edge.core.net import Net
from eggroll_edge.data.dataset import EventDataset
from eggroll_edge.data.stream import to_frames
from eggroll_edge.errors import ConfigError, DataError
from eggroll_edge.journal.reader import JournalReader
from eggroll_edge.journal.records import EvalLine, EvalResult
from eggroll_edge.plots import figures as plots
from eggroll_edge.training.config import TrainConfig
from eggroll_edge.training.evaluation import evaluate
from eggroll_edge.training.run_dir import load, load_config

KINDS = ("curve", "firing", "confusion", "weights", "movie")


class _Course(NamedTuple):
    """Columns of a journal, a row for each generation or online chunk."""

    generation: plots.F64
    loss_bits: plots.F64
    train_accuracy: plots.F64
    firing_rate: plots.F64
    saturated: plots.F64
    dead_units: plots.F64


class _Run:
    """Loads what a figure needs when it is needed."""

    def __init__(
        self, run_dir: Path, recordings: Callable[[], EventDataset], workers: int | None
    ) -> None:
        self.run_dir, self.recordings, self.workers = run_dir, recordings, workers
        self.config: TrainConfig = load_config(run_dir)

    @cached_property
    def net(self) -> Net:
        return load(self.run_dir)

    @cached_property
    def test(self) -> EventDataset:
        return self.recordings()

    @cached_property
    def result(self) -> EvalResult:
        return evaluate(self.net, self.test, self.workers)

    @cached_property
    def journal(self) -> tuple[_Course, list[tuple[int, float]]]:
        rows: list[tuple[float, ...]] = []
        evaluated: list[tuple[int, float]] = []
        neuron_ticks = self.net.config.neurons * self.net.config.ticks
        for line in JournalReader(self.run_dir):
            if isinstance(line, EvalLine):
                evaluated.append((line.generation, line.test_accuracy))
                continue
            n = line.samples
            rows.append(
                (
                    line.generation + line.generations,
                    line.loss / (4096 * n),
                    100 * line.correct / n,
                    line.spikes / (n * neuron_ticks),
                    line.saturated,
                    line.dead_units,
                )
            )
        if not rows:
            raise DataError(f"{self.run_dir}: no generation is journaled yet, nothing to draw")
        return _Course(*np.array(rows, np.float64).T), evaluated

    @property
    def title(self) -> str:
        config = self.config
        how = "online" if config.online else config.estimator
        net = "-".join(map(str, (self.net.config.inputs, *config.hidden, self.net.config.outputs)))
        return f"{config.data}, {net}, {how}, {config.pairs} pairs, seed {config.seed}"


def plot_run(
    run_dir: Path,
    kinds: Sequence[str],
    recordings: Callable[[], EventDataset],
    *,
    sample: int = 0,
    workers: int | None = None,
) -> Iterator[Path]:
    """Draw the figures `kinds` (of KINDS) of a run; yields each file as it is written.

    recordings: opens the test split, called if a figure needs it. sample: which of it the movie
    shows. ConfigError for an unknown kind or if matplotlib is missing.
    """
    for kind in kinds:
        if kind not in KINDS:
            near = difflib.get_close_matches(kind, KINDS, 1)
            hint = f" (did you mean {near[0]}?)" if near else ""
            raise ConfigError(f"kind is {kind!r}{hint}: use {', '.join(KINDS)} or all")
    run = _Run(run_dir, recordings, workers)
    draw: dict[str, Callable[[_Run, Path], Iterator[Path]]] = {
        "curve": _curve,
        "firing": _firing,
        "confusion": _confusion,
        "weights": _weights,
        "movie": partial(_movie, sample=sample),
    }
    for kind in kinds:
        yield from draw[kind](run, run_dir / "plots")


def _curve(run: _Run, folder: Path) -> Iterator[Path]:
    history, evaluated = run.journal
    yield plots.learning_curve(
        folder / "curve.png",
        history.generation,
        history.loss_bits,
        history.train_accuracy,
        evaluated,
        run.title,
    )


def _firing(run: _Run, folder: Path) -> Iterator[Path]:
    history, _ = run.journal
    yield plots.firing_curve(
        folder / "firing.png",
        history.generation,
        history.firing_rate,
        history.saturated,
        history.dead_units,
        run.net.config.neurons,
        run.title,
    )


def _confusion(run: _Run, folder: Path) -> Iterator[Path]:
    title = f"{run.title}\n{run.result.accuracy:.2f} % of {run.result.samples:,} test recordings"
    yield plots.confusion_matrix(folder / "confusion.png", run.result.confusion, title)


def _weights(run: _Run, folder: Path) -> Iterator[Path]:
    """As they are, and what training changed: at first, random initial weights hide the latter."""
    first = Net(run.net.config)
    first.randomize(run.config.seed, run.config.init_std, run.config.readout_std)
    final = run.net.matrices[0].astype(np.int16)
    for name, weights, what in (
        ("weights.png", final, "final weights"),
        ("learned.png", final - first.matrices[0], "final minus initial weights"),
    ):
        title = f"{run.title}: {what}"
        yield plots.weight_images(folder / name, weights, run.config.binning(), title)


def _movie(run: _Run, folder: Path, sample: int) -> Iterator[Path]:
    test = run.test
    if sample >= len(test):
        raise DataError(f"sample {sample}: the test split has {len(test)}, use 0..{len(test) - 1}")
    label, said = test.labels[sample], run.result.predictions[sample]
    title = f"test recording {sample}: a {label}, the net says {said}"
    frames = to_frames(test[sample], test.binning)
    yield plots.event_movie(folder / f"movie-{sample}.gif", frames, test.binning, title)
    yield plots.event_strip(folder / f"movie-{sample}.png", frames, test.binning, title)
