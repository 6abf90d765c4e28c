"""Draw docs/img/*.svg from results/*.json: the three studies, and the curve of bench-accuracy.

python -m tools.studies.figures
"""

from __future__ import annotations

import json
from typing import Any

import matplotlib
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from eggroll_edge.plots.figures import BLUE, GREY, ORANGE
from tools.lib.paths import RESULTS, ROOT

IMAGES = ROOT / "docs" / "img"

# Text stays text, and a second run gives the same bytes: the files are small, and so are changes.
matplotlib.rcParams.update({"svg.fonttype": "none", "svg.hashsalt": "eggroll-edge", "font.size": 9})


def read(name: str) -> Any:
    """The content of results/NAME.json."""
    return json.loads((RESULTS / f"{name}.json").read_text())


def save(figure: Figure, name: str) -> None:
    """Write docs/img/NAME.svg."""
    IMAGES.mkdir(exist_ok=True)
    figure.savefig(IMAGES / f"{name}.svg", metadata={"Date": None})


def bars(axes: Axes, names: list[str], groups: dict[str, list[float]], xlabel: str) -> None:
    """Draw horizontal bars with their values: for each name, one bar of each group."""
    height = 0.8 / len(groups)
    for k, ((label, values), color) in enumerate(zip(groups.items(), (BLUE, ORANGE), strict=False)):
        y = [i + (k - (len(groups) - 1) / 2) * height for i in range(len(names))]
        drawn = axes.barh(y, [v or 1 for v in values], height, color=color, label=label)
        texts = ["none" if v == 0 else f"{v:.3f}" if v < 2 else f"{v:,.0f}" for v in values]
        axes.bar_label(drawn, texts, padding=2, fontsize=7)
    axes.set_yticks(range(len(names)), names)
    axes.invert_yaxis()
    tidy(axes, xlabel)


def tidy(axes: Axes, xlabel: str) -> None:
    """Label the x axis, and remove the frame."""
    axes.set_xlabel(xlabel)
    axes.spines[["top", "right"]].set_visible(False)


def bias_and_noise() -> None:
    """Bias and noise of the estimators on small nets."""
    rows = read("gradient-study")["rows"]
    main = [r for r in rows if r["group"] == "estimators"]
    names = [r["name"] for r in main]
    figure = Figure(figsize=(9.5, 4.6), layout="constrained")
    left, middle, right = figure.subplots(1, 3)
    for axes, key, xlabel in (
        (left, "common", "cosine of mean and common gradient"),
        (middle, "noise", "noise (member evaluations)"),
    ):
        groups = {part: [r[f"{key}_{part}"] for r in main] for part in ("hidden", "readout")}
        bars(axes, names, groups, xlabel)
    left.set_xlim(0.8, 1.03)
    figure.legend(
        *left.get_legend_handles_labels(), frameon=False, ncols=2, loc="outside upper left"
    )
    middle.set_xscale("log")
    middle.set_xlim(1, 100000)
    middle.tick_params(labelleft=False)
    for name, color in (("batch rank 1", ORANGE), ("sample 3 seg.", BLUE)):
        line = sorted(
            (r["inputs"], r["noise_hidden"])
            for r in rows
            if r["group"] == "inputs" and r["name"] == name
        )
        right.loglog(*zip(*line, strict=True), "o-", color=color, label=name)
    right.set_ylabel("noise of hidden weights")
    right.legend(frameon=False, fontsize=8)
    tidy(right, "inputs of the net")
    save(figure, "gradient-study")


def variants() -> None:
    """Noise of the variants of `sample` on 2312-128-10."""
    nets = read("variance-study")["nets"]
    figure = Figure(figsize=(8, 3.4), layout="constrained")
    axes = figure.subplots()
    groups = {
        f"after {n['generations']} generations, {n['test_accuracy']:.1f} % test accuracy": list(
            n["noise_hidden"].values()
        )
        for n in nets
    }
    bars(axes, list(nets[0]["noise_hidden"]), groups, "noise, hidden weights (pairs)")
    axes.legend(frameon=False, fontsize=8, loc="lower right")
    axes.grid(axis="x", color="#E5E5E5")
    axes.set_axisbelow(True)
    axes.axvline(48, color=GREY, linewidth=0.8, linestyle="--")
    axes.text(52, -0.6, "pairs of the preset", fontsize=7, color=GREY)
    save(figure, "variance-study")


def label(settings: dict[str, Any], named: bool) -> str:
    """What a run of a sweep changes; with names if more than one setting varies in the sweep."""
    words = {k: v for k, v in settings.items() if k != "eval_every"}
    if set(words) == {"pairs", "batch", "generations"}:
        return "{pairs} x {batch} x {generations}".format(**words)
    values = ("-".join(map(str, v)) if isinstance(v, list) else v for v in words.values())
    shown = [k if v is True else f"{k} {v}" if named else str(v)
             for k, v in zip(words, values, strict=True)]  # fmt: skip
    return ", ".join(shown) or "as it is"


def settings() -> None:
    """Test accuracy as one setting varies: mean of the seeds, and their range."""
    rows = read("accuracy-study")["rows"]
    sweeps = list(dict.fromkeys(row["sweep"] for row in rows))
    figure = Figure(figsize=(9.5, 12), layout="constrained")
    panels = figure.subplots(-(-len(sweeps) // 4), 4).ravel()
    for axes, sweep in zip(panels, sweeps, strict=False):
        part = [row for row in rows if row["sweep"] == sweep]
        means = [row["mean"] for row in part]
        below = [m - min(row["accuracy"]) for m, row in zip(means, part, strict=True)]
        above = [max(row["accuracy"]) - m for m, row in zip(means, part, strict=True)]
        color = ORANGE if sweep.startswith("batch") else BLUE
        x = range(len(part))
        axes.errorbar(x, means, (below, above), fmt="o-", color=color, capsize=2, markersize=3)
        named = len({k for row in part for k in row["settings"]}) > 1
        labels = [label(row["settings"], named) for row in part]
        long = any(len(text) > 6 for text in labels)
        axes.set_xticks(
            x, labels, fontsize=6 if long else 8,
            rotation=30 if long else 0, ha="right" if long else "center",
        )  # fmt: skip
        axes.set_title(sweep, fontsize=9)
        tidy(axes, "")
    for axes in panels[len(sweeps) :]:
        axes.axis("off")
    figure.supylabel("test accuracy, %")
    save(figure, "accuracy-study")


def firing() -> None:
    """Test accuracy against firing, for several penalties on spikes."""
    report = read("bench-accuracy")
    price = "bits a spike"
    fast = next(row for row in report["rows"] if row["name"] == "fast")
    points = [row for row in report["rows"] if row["name"].startswith("curve")]
    points = sorted([*points, fast | {"penalty_bits": 0.0015}], key=lambda row: row["firing_rate"])
    figure = Figure(figsize=(5.5, 3.2), layout="constrained")
    axes = figure.subplots()
    x, y = [100 * row["firing_rate"] for row in points], [row["accuracy"][0] for row in points]
    axes.semilogx(x, y, "o-", color=BLUE, label=f"`sample`, {price} as written")
    for row, a, b in zip(points, x, y, strict=True):
        axes.annotate(f"{row['penalty_bits']:g}", (a, b), (4, -10), textcoords="offset points")
    for row in report["baselines"]:
        if row["name"] == "surrogate" and "mean" in row:
            axes.plot(100 * row["firing_rate"], row["mean"], "s", color=ORANGE, label=row["what"])
    axes.set_xticks([0.5, 1, 2, 5, 10, 20], ["0.5", "1", "2", "5", "10", "20"])
    axes.minorticks_off()
    axes.set_ylabel("test accuracy, %")
    axes.legend(frameon=False, fontsize=8)
    tidy(axes, "neuron-ticks with a spike, %")
    save(figure, "firing")


if __name__ == "__main__":
    bias_and_noise()
    variants()
    settings()
    firing()
