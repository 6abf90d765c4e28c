"""The figures of a run: its journal, weights and test recordings, drawn into RUN/plots."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from functools import cached_property, partial
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from eggroll_edge.core.net import Net
from eggroll_edge.data.dataset import EventDataset
from eggroll_edge.data.stream import to_frames
from eggroll_edge.errors import ConfigError, DataError, unknown
from eggroll_edge.journal.reader import JournalReader
from eggroll_edge.journal.records import EvalRecord, EvalResult, EvalSplit
from eggroll_edge.plots import figures
from eggroll_edge.training.config import TrainConfig
from eggroll_edge.training.evaluation import evaluate
from eggroll_edge.training.run_dir import load, load_config

KINDS = ("curve", "firing", "confusion", "weights", "movie")


class _Columns(NamedTuple):
    """Columns of a journal, with a row for each generation or chunk of online generations."""

    generation: figures.F64
    loss_bits: figures.F64
    train_accuracy: figures.F64
    firing_rate: figures.F64
    saturated: figures.F64
    dead_units: figures.F64


class _Run:
    """A run directory; each part is loaded when the first figure needs it."""

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
    def journal(self) -> tuple[_Columns, list[tuple[int, float]]]:
        rows: list[tuple[float, ...]] = []
        evaluated: list[tuple[int, float]] = []
        neuron_ticks = self.net.config.neurons * self.net.config.ticks
        for line in JournalReader(self.run_dir):
            if isinstance(line, EvalRecord):
                if line.split == self.split:
                    evaluated.append((line.generation, line.accuracy))
                continue
            counts, n = line.counts, line.counts.recordings
            rows.append(
                (
                    line.end,
                    counts.loss / (4096 * n),
                    100 * counts.correct / n,
                    counts.spikes / (n * neuron_ticks),
                    line.telemetry.saturated,
                    line.telemetry.dead_units,
                )
            )
        if not rows:
            raise DataError(
                f"{self.run_dir}: the journal has no generation yet, so there is nothing to "
                "draw; wait for the first"
            )
        return _Columns(*np.array(rows, np.float64).T), evaluated

    @property
    def split(self) -> EvalSplit:
        """The recordings that evaluations during the run were on."""
        return "validation" if self.config.validation else "test"

    @property
    def title(self) -> str:
        config = self.config
        how = "online" if config.online else config.estimator
        return f"{config.data}, {self.net.config}, {how}, {config.pairs} pairs, seed {config.seed}"


def plot_run(
    run_dir: Path,
    kinds: Sequence[str],
    recordings: Callable[[], EventDataset],
    *,
    recording: int = 0,
    workers: int | None = None,
) -> Iterator[Path]:
    """Draw the figures `kinds` (of KINDS) of a run; yields the path of each file once written.

    recordings: opens the test split; called only if a figure needs recordings. recording: the
    number of the recording that the movie shows. ConfigError if a kind is unknown or matplotlib is
    missing.
    """
    for kind in kinds:
        if kind not in KINDS:
            raise ConfigError(unknown("kind of figure", kind, (*KINDS, "all")))
    run = _Run(run_dir, recordings, workers)
    draw: dict[str, Callable[[_Run, Path], Iterator[Path]]] = {
        "curve": _curve,
        "firing": _firing,
        "confusion": _confusion,
        "weights": _weights,
        "movie": partial(_movie, number=recording),
    }
    for kind in kinds:
        yield from draw[kind](run, run_dir / "plots")


def _curve(run: _Run, folder: Path) -> Iterator[Path]:
    columns, evaluated = run.journal
    yield figures.learning_curve(
        folder / "curve.png",
        columns.generation,
        columns.loss_bits,
        columns.train_accuracy,
        evaluated,
        "recordings set aside" if run.split == "validation" else "test split",
        run.title,
    )


def _firing(run: _Run, folder: Path) -> Iterator[Path]:
    columns, _ = run.journal
    yield figures.firing_curve(
        folder / "firing.png",
        columns.generation,
        columns.firing_rate,
        columns.saturated,
        columns.dead_units,
        run.net.config.neurons,
        run.title,
    )


def _confusion(run: _Run, folder: Path) -> Iterator[Path]:
    title = f"{run.title}\n{run.result.accuracy:.2f} % of {run.result.samples:,} test recordings"
    yield figures.confusion_matrix(folder / "confusion.png", run.result.confusion, title)


def _weights(run: _Run, folder: Path) -> Iterator[Path]:
    """The weights, and their change in training, which random initial weights would hide."""
    first = Net(run.net.config)
    first.randomize(run.config.seed, run.config.init_std, run.config.readout_std)
    for layer, lif in enumerate(run.net.config.layers or (None,)):
        convolution = lif is not None and lif.kernel > 0
        if layer > 0 and not convolution:
            continue  # its inputs are no picture
        final, start = (
            _pictures(net, layer, run.config.binning().shape) for net in (run.net, first)
        )
        what = f"each channel of LIF layer {layer + 1}" if convolution else "each hidden neuron"
        if layer == 0 and final.shape[1] == 2:
            what += "; left: polarity 0 (darker), right: 1 (brighter)"
        elif layer > 0:
            what += "; side by side: the channels below"
        number = f"-{layer + 1}" if layer > 0 else ""
        for name, weights, which in (
            ("weights", final, "final weights"),
            ("learned", final - start, "final minus initial weights"),
        ):
            path = folder / f"{name}{number}.png"
            yield figures.weight_images(path, weights, run.title, f"{which}, {what}")


def _pictures(net: Net, layer: int, shape: tuple[int, int, int]) -> npt.NDArray[np.int16]:
    """int16 [neurons, channels below, rows, columns]: the kernels of a convolution, or the weights
    of the first layer over inputs of a shape."""
    if net.config.layers and net.config.layers[layer].kernel > 0:
        return net.kernels(layer).astype(np.int16)
    weights = net.matrices[0][: math.prod(shape)].astype(np.int16)
    pictures: npt.NDArray[np.int16] = weights.T.reshape(-1, *shape)
    return pictures


def _movie(run: _Run, folder: Path, number: int) -> Iterator[Path]:
    test = run.test
    if number >= len(test):
        raise DataError(
            f"recording {number}: the test split has {len(test)} recordings, use 0..{len(test) - 1}"
        )
    label, predicted = test.labels[number], run.result.predictions[number]
    title = f"test recording {number}: a {label}, the net says {predicted}"
    frames = to_frames(test[number], test.binning)
    yield figures.event_movie(folder / f"movie-{number}.gif", frames, test.binning, title)
    yield figures.event_strip(folder / f"movie-{number}.png", frames, test.binning, title)
