#!/usr/bin/env python3
"""Writes the tables and plots of docs/reference/performance.md from results/bench-*.json.

    eggroll-edge bench host --json results/bench-host.json     and peers, and mcu
    tools/performance.py

What stands between two markers of the page is replaced; a benchmark whose file is missing is left
as it is. Plots go to docs/plots.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
RESULTS, PAGE, PLOTS = ROOT / "results", ROOT / "docs/reference/performance.md", ROOT / "docs/plots"
Report = dict[str, Any]


def number(value: float | None) -> str:
    """Three digits, from 10,000 on with a unit prefix."""
    if value is None:
        return "-"
    for least, scale, unit in ((1e6, 1e6, " M"), (1e4, 1e3, " k")):
        if abs(value) >= least:
            return f"{value / scale:.3g}{unit}"
    return f"{value:.0f}" if abs(value) >= 1000 else f"{value:.3g}"


def exact(value: float) -> str:
    """A count in full, a ratio with one decimal."""
    return f"{value:,.0f}" if value >= 100 else f"{value:.1f}"


def median_range(values: dict[str, Any] | None, scale: float = 1.0) -> str:
    """Median (least-greatest), or the one run."""
    if values is None:
        return "-"
    median, low, high = (number(scale * values[k]) for k in ("median", "min", "max"))
    return median if len(values["runs"]) == 1 else f"{median} ({low}-{high})"


def table(head: list[str], rows: list[list[str]]) -> str:
    """Markdown."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def source(report: Report) -> str:
    """Where figures come from."""
    quick = " A `--quick` run: rough." if report["quick"] else ""
    return (
        f"`{report['command']}` on {report['machine']}, load average {report['load_average']:.1f} "
        f"at the end, commit {report['commit']}, {report['date'][:10]}. Medians, and in brackets "
        f"the least and the greatest of the alternating runs.{quick}"
    )


def rows_of(report: Report, what: str) -> list[dict[str, Any]]:
    """The rows of a kind."""
    return [row for row in report["rows"] if row["what"] == what]


def host(report: Report) -> str:
    """Tables of bench host."""
    work, summary = report["work"], report["summary"]
    unit = f"{work['net']}, {work['ticks']} ticks, {work['pairs']} pairs, batch {work['batch']}"
    rates = table(
        ["estimator", "ms a generation", "member evaluations/s", "samples/s"],
        [
            [row["name"], median_range(row["seconds"], 1000),
             median_range(row["member_evals_per_s"]), median_range(row["samples_per_s"])]
            for row in rows_of(report, "generation")
        ],
    )  # fmt: skip
    (phases,) = rows_of(report, "phases")
    shares = table(
        ["part of a `batch` generation", "share of processor time, %"],
        [[name, median_range(phases[name], 100)] for name in ("noise", "evaluation", "update")],
    )
    memory = table(
        ["pairs", "peak MiB of the process", "of that before training", "noise cache, KiB"],
        [
            [str(row["pairs"]), f"{row['peak_mib']:.1f}", f"{row['before_mib']:.1f}",
             f"{row['noise_cache_bytes'] / 1024:.0f}"]
            for row in rows_of(report, "memory")
        ],
    )  # fmt: skip
    (path,) = rows_of(report, "data path")
    names = ("ours, 2 threads", "ours, 1 thread", "tonic ToFrame")
    data = table(
        ["from N-MNIST files to ticks", "recordings/s"],
        [[name, median_range(path[name])] for name in names if name in path],
    )
    over = median_range(path.get("ours_over_tonic"))
    return "\n\n".join([
        f"Work unit: {unit}; `sample` and `online` at their defaults. `batch` is "
        f"{number(summary['full_rank_over_batch'])} times as fast a generation as our full-rank "
        f"ES; noise and update take {100 * summary['update_share']:.1f} % of it.",
        rates, shares, "![scaling](../plots/scaling.svg)", memory, data,
        f"Ours over tonic's: {over}. 60,000 simulated recordings are held in "
        f"{path['bytes_of_60000'] / 1e6:.0f} MB.",
        source(report),
    ])  # fmt: skip


def peers(report: Report) -> str:
    """Tables of bench peers."""
    ours = next(row for row in rows_of(report, "rate") if row["family"] == "ours")
    rate = table(
        ["", "member evaluations/s", "ours over it", "ms a generation", "compiling, s", "peak MiB"],
        [
            [row["name"], median_range(row["member_evals_per_s"]),
             number(ours["member_evals_per_s"]["median"] / row["member_evals_per_s"]["median"]),
             median_range(row["generation_seconds"], 1000), median_range(row["compile_seconds"]),
             median_range(row["peak_mib"])]
            if "member_evals_per_s" in row
            else [row["name"], row["why"], "-", "-", "-", "-"]
            for row in rows_of(report, "rate")
        ],
    )  # fmt: skip
    times = table(
        ["", f"seconds of training to {report['target']:.0f} %", "compiling, first step, s"],
        [
            [row["name"], median_range(row["seconds"]) if "seconds" in row else row["why"],
             median_range(row.get("compile_seconds"))]
            for row in rows_of(report, "seconds to 90")
        ],
    )  # fmt: skip
    rows = [row for row in report["rows"] if row.get("command")]
    commands = "\n".join(f"* {row['name']}: `tools/peers/{row['command']}`" for row in rows)
    summary = report["summary"]
    return "\n\n".join([
        f"`batch` over the fastest JAX: {number(summary['ours_over_jax'])}; over the fastest "
        f"torch with snnTorch's neurons or a library: {number(summary['ours_over_torch'])}; over "
        "our own layer for torch.compile: "
        f"{number(summary['ours_over_torch_compiled'])}.",
        rate, times, f"Commands:\n\n{commands}", source(report),
    ])  # fmt: skip


def mcu(report: Report) -> str:
    """Table of bench mcu: its summary, a line a board."""
    found = report["summary"]
    fields = list(dict.fromkeys(field for board in found.values() for field in board))
    head = ["board", *(field.replace("_", " ") for field in fields)]
    rows = [[name, *(exact(b[field]) for field in fields)] for name, b in found.items()]
    where = source(report).split(" Medians")[0]  # counts are exact: no spread
    return f"{table(head, rows)}\n\n{where}"


SECTIONS: dict[str, Callable[[Report], str]] = {"host": host, "peers": peers, "mcu": mcu}


def render(page: str) -> str:
    """The page with the sections of all saved files made anew."""
    for kind, write in SECTIONS.items():
        path = RESULTS / f"bench-{kind}.json"
        if path.exists():
            start, end = f"<!-- tools/results/performance.py: {kind} -->", f"<!-- end of {kind} -->"
            before, rest = page.split(start)
            page = (
                f"{before}{start}\n{write(json.loads(path.read_text()))}\n{end}{rest.split(end)[1]}"
            )
    return page


def plot_scaling(report: Report, path: Path) -> None:
    """Time of a generation against hidden, rank and pairs, on one and two threads."""
    import matplotlib

    matplotlib.use("svg")
    matplotlib.rcParams["svg.hashsalt"] = "eggroll-edge"  # the same ids in every run
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(1, 3, figsize=(9, 2.8), sharey=True, layout="constrained")
    for axis, name in zip(axes, ("hidden", "rank", "pairs"), strict=True):
        for threads, marker in ((1, "o"), (2, "s")):
            rows = [
                row
                for row in rows_of(report, "scaling")
                if (row["vary"], row["threads"]) == (name, threads)
            ]
            sizes = [row["size"] for row in rows]
            times = [1000 * row["seconds"] for row in rows]
            label = f"{threads} thread{'s' * (threads > 1)}"
            axis.loglog(sizes, times, marker=marker, label=label)
            if threads == 1:
                line = [times[-1] * size / sizes[-1] for size in sizes]
                axis.loglog(sizes, line, ":", color="grey", label="in proportion")
        axis.set_xlabel(name)
        axis.set_xticks(sizes, [str(size) for size in sizes])
        axis.minorticks_off()
    axes[0].set_ylabel("ms a generation of batch")
    axes[0].legend(fontsize=8)
    path.parent.mkdir(exist_ok=True)
    figure.savefig(path, metadata={"Date": None})
    pyplot.close(figure)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.parse_args()
    PAGE.write_text(render(PAGE.read_text()))
    path = RESULTS / "bench-host.json"
    if path.exists():
        plot_scaling(json.loads(path.read_text()), PLOTS / "scaling.svg")


if __name__ == "__main__":
    main()
