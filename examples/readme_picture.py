#!/usr/bin/env python3
"""Draws the picture of README: a recording as the network sees it, beside its learning curve.

It trains on the simulated digits with their preset (a few seconds), then writes an animated GIF:

    python examples/readme_picture.py docs/img/learning.gif

Needs the extras `data` and `plot`.
"""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
from matplotlib.animation import FuncAnimation, PillowWriter
from matplotlib.figure import Figure

from eggroll_edge import evaluate, load, load_preset, merge, open_dataset, train
from eggroll_edge.data.stream import to_frames

RECORDING = 7
BLUE, ORANGE, INK, PAPER = "#0072B2", "#D55E00", "#3A3A3A", "#F7F7F7"


def journal(run_dir: Path) -> list[dict[str, Any]]:
    """The lines of a run's journal; each ends with a tab and a checksum."""
    lines = (run_dir / "journal.jsonl").read_text().splitlines()
    return [json.loads(line.split("\t")[0]) for line in lines]


def pictures(frames: Any) -> Any:
    """[ticks, rows, columns, colour] of frames [ticks, polarity, rows, columns]."""
    made = np.empty((len(frames), *frames.shape[2:], 3))
    made[:] = matplotlib.colors.to_rgb(PAPER)
    darker, brighter = frames[:, 0] > 0, frames[:, 1] > 0
    made[darker] = matplotlib.colors.to_rgb(BLUE)
    made[brighter] = matplotlib.colors.to_rgb(ORANGE)
    made[darker & brighter] = matplotlib.colors.to_rgb(INK)
    return made


def main(path: str) -> None:
    config = merge(load_preset("digits"), {"generations": 600, "eval_every": 30})
    with tempfile.TemporaryDirectory() as folder:
        run = Path(folder) / "run"
        result = train(config, run)
        test = open_dataset("digits", "test", config.binning())
        answer = evaluate(load(run), test).predictions[RECORDING]
        lines = journal(run)
    points = [(line["eval"], line["accuracy"]) for line in lines if "eval" in line]
    movie = pictures(to_frames(test[RECORDING], test.binning))

    figure = Figure(figsize=(7.6, 3.1), dpi=100, layout="constrained")
    left, right = figure.subplots(1, 2, width_ratios=(1, 1.5))
    image = left.imshow(movie[0])
    left.set_axis_off()
    label = test.labels[RECORDING]
    figure_title = left.set_title("", fontsize=10)
    left.text(
        0.5, -0.06, f"a {label}; the network's answer: {answer}", transform=left.transAxes,
        ha="center", fontsize=10,
    )  # fmt: skip
    right.plot(*zip(*points, strict=True), color=ORANGE, marker="o", markersize=3)
    right.set_title(f"test accuracy: {result.test_accuracy:.1f} % at the end", fontsize=10)
    right.set_xlabel(f"generation (of {config.batch} recordings)")
    right.set_ylabel("%")
    right.set_ylim(0, 100)
    right.grid(color="#E5E5E5")
    for side in ("top", "right"):
        right.spines[side].set_visible(False)

    def show(tick: int) -> list[Any]:
        image.set_data(movie[tick])
        figure_title.set_text(f"events of {21 * tick} to {21 * (tick + 1)} ms")
        return [image]

    animation = FuncAnimation(figure, show, frames=len(movie))
    animation.save(path, writer=PillowWriter(fps=5))


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    main(sys.argv[1])
