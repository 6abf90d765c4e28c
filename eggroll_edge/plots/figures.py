"""Figures: functions from arrays to files.

run_figures.py calls them with the contents of a run directory. matplotlib is imported when the
first figure is drawn; ConfigError says how to install it. All figures are drawn with the Agg
backend, which needs no screen. Each function makes the folder of its file, and returns the path of
the file.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from eggroll_edge.core.arrays import U8
from eggroll_edge.data.binning import Binning
from eggroll_edge.errors import ConfigError

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

F64 = npt.NDArray[np.float64]

# Okabe and Ito's palette: colour-blind readers can tell these colours apart.
BLUE, ORANGE, GREEN, GREY = "#0072B2", "#D55E00", "#009E73", "#7F7F7F"
_POINTS = 400  # points of a curve: the page cannot show more
_NEURONS = 128  # first-layer neurons in one figure, at most
_GIF_FPS = 5  # ticks a second in a movie


def _figure(width: float, height: float, **settings: Any) -> Figure:
    """A figure made without pyplot, so that there is no global state and no window opens."""
    try:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
    except ImportError as error:
        raise ConfigError(
            "figures need matplotlib, which is not installed: pip install 'eggroll-edge[plot]'"
        ) from error
    figure = Figure(figsize=(width, height), dpi=120, layout="constrained", **settings)
    FigureCanvasAgg(figure)
    return figure


def _save(figure: Figure, path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path)
    return path


def _tidy(axes: Axes, ylabel: str) -> None:
    axes.set_ylabel(ylabel)
    axes.grid(color="#E5E5E5")
    axes.set_axisbelow(True)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)


def averaged(x: npt.ArrayLike, y: npt.ArrayLike, points: int = _POINTS) -> tuple[F64, F64]:
    """x and y, each [n], with neighbours averaged so that at most `points` values remain."""
    values = [np.asarray(a, np.float64) for a in (x, y)]
    n = len(values[0])
    starts = np.unique(np.arange(min(n, points)) * n // max(1, min(n, points)))
    if not n:
        return values[0], values[1]
    counts = np.diff(starts, append=n)
    return np.add.reduceat(values[0], starts) / counts, np.add.reduceat(values[1], starts) / counts


def _trend(axes: Axes, x: npt.ArrayLike, y: npt.ArrayLike, color: str, label: str) -> None:
    """Draw a noisy curve twice: faintly as it is, and strongly as its local mean."""
    axes.plot(*averaged(x, y), color=color, alpha=0.25, linewidth=0.8)
    few = max(20, min(60, len(np.asarray(x)) // 20))
    axes.plot(*averaged(x, y, few), color=color, linewidth=1.8, label=label)


def learning_curve(
    path: Path,
    generation: npt.ArrayLike,
    loss_bits: npt.ArrayLike,
    train_accuracy: npt.ArrayLike,
    evaluated: Sequence[tuple[int, float]],
    evaluated_on: str,
    title: str,
) -> Path:
    """Loss (bits) above accuracy (percent), over the generations.

    The arrays are [n]. evaluated: (generation, accuracy in percent) of each evaluation.
    evaluated_on: the recordings of these evaluations, for the legend.
    """
    figure = _figure(7.5, 6)
    upper, lower = figure.subplots(2, 1, sharex=True)
    figure.suptitle(title)
    _trend(upper, generation, loss_bits, BLUE, "training batches")
    _tidy(upper, "loss (bits, cross-entropy)")
    upper.set_ylim(bottom=0)
    _trend(lower, generation, train_accuracy, BLUE, "training batches (before the update)")
    if evaluated:
        x, y = zip(*evaluated, strict=True)
        lower.plot(x, y, "o-", color=ORANGE, markersize=5, linewidth=1.2, label=evaluated_on)
        lower.annotate(
            f"{y[-1]:.2f} %",
            (x[-1], y[-1]),
            (-6, -16),
            textcoords="offset points",
            ha="right",
            color=ORANGE,
            weight="bold",
        )
    _tidy(lower, "accuracy (%)")
    lower.set_ylim(0, 101)
    lower.set_xlabel("generation")
    lower.legend(loc="lower right", frameon=False)
    return _save(figure, path)


def firing_curve(
    path: Path,
    generation: npt.ArrayLike,
    firing_rate: npt.ArrayLike,
    saturated: npt.ArrayLike,
    dead_units: npt.ArrayLike,
    units: int,
    title: str,
) -> Path:
    """Firing rate, saturated weights and silent neurons, over the generations.

    The arrays are [n]. firing_rate and saturated are shares, 0..1; dead_units counts neurons,
    0..units.
    """
    figure = _figure(7.5, 7)
    rows = figure.subplots(3, 1, sharex=True)
    figure.suptitle(title)
    _trend(rows[0], generation, 100 * np.asarray(firing_rate), GREEN, "firing")
    _tidy(rows[0], "firing rate\n(% of neuron-ticks)")
    _trend(rows[1], generation, 100 * np.asarray(saturated), ORANGE, "saturated")
    _tidy(rows[1], "saturated weights\n(% at +/-127)")
    rows[2].step(generation, np.asarray(dead_units), color=GREY, linewidth=1.8, where="post")
    _tidy(rows[2], f"silent neurons\n(of {units})")
    for axes, values, least in zip(
        rows, (firing_rate, saturated, dead_units), (1.0, 1.0, 5.0), strict=True
    ):
        scale = 1 if values is dead_units else 100
        axes.set_ylim(0, max(least, 1.1 * scale * float(np.max(values, initial=0))))
    rows[2].set_xlabel("generation")
    return _save(figure, path)


def confusion_matrix(path: Path, counts: npt.NDArray[Any], title: str) -> Path:
    """Recordings of each true class (row) by predicted class (column).

    counts: int [classes, classes]. The colour shows the share of the row.
    """
    classes = len(counts)
    side = max(5.0, 0.55 * classes + 1.5)
    figure = _figure(side + 0.8, side)
    axes = figure.subplots()
    share = 100 * counts / np.maximum(1, counts.sum(axis=1, keepdims=True))
    image = axes.imshow(share, cmap="Blues", vmin=0, vmax=100)
    for row in range(classes):
        for column in range(classes):
            if counts[row, column]:
                axes.text(
                    column,
                    row,
                    f"{counts[row, column]}",
                    ha="center",
                    va="center",
                    fontsize=9,
                    color="white" if share[row, column] > 55 else "black",
                )
    axes.set_xticks(range(classes))
    axes.set_yticks(range(classes))
    axes.set_xlabel("predicted class")
    axes.set_ylabel("true class")
    axes.set_title(title, fontsize=11)
    figure.colorbar(image, ax=axes, label="% of the true class", shrink=0.8)
    return _save(figure, path)


def tiled(images: npt.NDArray[Any], columns: int, gap: int, head: int) -> F64:
    """n images [n, h, w] as one picture with `columns` of them in a row.

    NaN fills `gap` columns between images and `head` rows above each.
    """
    n, height, width = images.shape
    rows = -(-n // columns)
    page = np.full((rows * (height + head), columns * (width + gap) - gap), np.nan)
    for index, image in enumerate(images):
        y, x = divmod(index, columns)
        page[y * (height + head) + head :, x * (width + gap) :][:height, :width] = image
    return page


def weight_images(path: Path, weights: npt.NDArray[Any], title: str, note: str = "") -> Path:
    """Weights of a layer, or their change: a picture for each neuron, or channel of a convolution.

    weights: [neurons, channels below, rows, columns]; the channels lie side by side. note: what the
    title says of them.
    """
    channels, height, width = weights.shape[1:]
    fields = weights[: max(16, min(_NEURONS, 2 * _NEURONS // channels))]
    shown = len(fields)
    apart = np.full((shown, height, 1), np.nan)
    parts = [part for channel in range(channels) for part in (apart, fields[:, channel])][1:]
    cells = np.concatenate([part.astype(np.float64) for part in parts], axis=2)
    columns = min(shown, max(1, 16 // channels) if channels > 1 else 12)
    gap, head = max(2, width // 8), max(3, height // 4)  # the head has the neuron's number
    page = tiled(cells, columns, gap, head)
    limit = float(np.percentile(np.abs(fields.astype(np.int32)), 99.5)) or 1.0

    inches = max(7.5, 1.3 * columns)
    figure = _figure(inches, inches * page.shape[0] / page.shape[1] + 1.3)
    axes = figure.subplots()
    image = axes.imshow(page, cmap="RdBu_r", vmin=-limit, vmax=limit, interpolation="nearest")
    for index in range(shown):
        y, x = divmod(index, columns)
        left, top = x * (cells.shape[2] + gap) - 0.5, y * (height + head) + head - 1
        axes.text(left, top, f"{index}", fontsize=7, va="bottom")
    axes.set_axis_off()
    more = f" (first {shown} of {len(weights)})" if shown < len(weights) else ""
    axes.set_title(f"{title}\n{note}{more}", fontsize=10)
    figure.colorbar(
        image,
        ax=axes,
        location="bottom",
        label="weight (int8 units)",
        extend="both",
        shrink=0.6,
        aspect=40,
        pad=0.01,
    )
    return _save(figure, path)


def _coloured(frames: U8) -> F64:
    """frames [ticks, channels, rows, columns] as RGB pictures [ticks, rows, columns, 3].

    Two channels: orange is brighter, blue is darker, dark is both. One channel: black is an event.
    """
    ticks, channels, rows, columns = frames.shape
    picture = np.full((ticks, rows, columns, 3), 0.97)
    if channels == 2:
        darker, brighter = frames[:, 0] > 0, frames[:, 1] > 0
        picture[darker] = (0.0, 0.447, 0.698)
        picture[brighter] = (0.835, 0.369, 0.0)
        picture[darker & brighter] = (0.25, 0.2, 0.25)
    else:
        picture[frames[:, 0] > 0] = (0.1, 0.1, 0.1)
    return picture


def event_movie(path: Path, frames: U8, binning: Binning, title: str) -> Path:
    """A recording as a GIF, one picture for each tick.

    frames: uint8 [ticks, channels, rows, columns], as to_frames() makes them.
    """
    picture = _coloured(frames)
    tick_ms = binning.window_us / binning.ticks / 1000
    figure = _figure(4, 4.4)
    # This import comes after _figure(), which explains a missing matplotlib. PillowWriter always
    # works, because matplotlib depends on pillow.
    from matplotlib.animation import FuncAnimation, PillowWriter

    axes = figure.subplots()
    image = axes.imshow(picture[0], interpolation="nearest")
    axes.set_xticks([])
    axes.set_yticks([])
    axes.set_xlabel(_key(frames))

    def show(tick: int) -> list[Any]:
        image.set_data(picture[tick])
        axes.set_title(
            f"{title}\ntick {tick + 1} of {len(picture)}, "
            f"{tick * tick_ms:.0f} to {(tick + 1) * tick_ms:.0f} ms",
            fontsize=11,
        )
        return [image]

    path.parent.mkdir(parents=True, exist_ok=True)
    movie = FuncAnimation(figure, show, frames=len(picture), blit=False)
    movie.save(str(path), writer=PillowWriter(fps=_GIF_FPS))
    return path


def _key(frames: U8) -> str:
    return "blue darker, orange brighter" if frames.shape[1] == 2 else "black: event"


def event_strip(path: Path, frames: U8, binning: Binning, title: str) -> Path:
    """All ticks of a recording side by side in one picture; frames as in event_movie()."""
    picture = _coloured(frames)
    tick_ms = binning.window_us / binning.ticks / 1000
    columns = min(len(picture), 5)
    rows = -(-len(picture) // columns)
    figure = _figure(2 * columns, 2.2 * rows + 0.6)
    figure.suptitle(f"{title} ({_key(frames)})")
    grid = figure.subplots(rows, columns, squeeze=False).ravel()
    for tick, axes in enumerate(grid):
        axes.set_axis_off()
        if tick < len(picture):
            axes.imshow(picture[tick], interpolation="nearest")
            axes.set_title(f"{tick * tick_ms:.0f} to {(tick + 1) * tick_ms:.0f} ms", fontsize=9)
    return _save(figure, path)
