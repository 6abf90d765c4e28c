"""Write the tables and plots of the documentation's performance page from results/bench-*.json.

    eggroll-edge bench host --json results/bench-host.json     (likewise peers, and mcu)
    python -m tools.results.performance

Each benchmark has a section of the page. If its file is missing, the section stays as it is. Plots
go to docs/plots.
"""

from __future__ import annotations

import argparse
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tools.lib.paths import PERFORMANCE_PAGE, RESULTS, ROOT
from tools.lib.tables import paragraph, peer_command, replace_section, table

PAGE, PLOTS = PERFORMANCE_PAGE, ROOT / "docs" / "plots"
Report = dict[str, Any]


def number(value: float | None) -> str:
    """Three digits; from 10,000 on with a unit prefix. "-" for no value."""
    if value is None:
        return "-"
    for least, scale, unit in ((1e6, 1e6, " M"), (1e4, 1e3, " k")):
        if abs(value) >= least:
            return f"{value / scale:.3g}{unit}"
    return f"{value:.0f}" if abs(value) >= 1000 else f"{value:.3g}"


def exact(value: float) -> str:
    """A count with all its digits, or a ratio with one decimal."""
    return f"{value:,.0f}" if value >= 100 else f"{value:.1f}"


def median_range(values: dict[str, Any] | None, scale: float = 1.0) -> str:
    """Median (minimum-maximum) of several runs, or the value of one. "-" for no value."""
    if values is None:
        return "-"
    median, least, most = (number(scale * values[k]) for k in ("median", "min", "max"))
    return median if len(values["runs"]) == 1 else f"{median} ({least}-{most})"


def source(report: Report, spread: bool = True) -> str:
    """How and where the figures of a report were measured. Exact counts have no spread."""
    text = (
        f"`{report['command']}` on {report['machine']}, load average {report['load_average']:.1f} "
        f"at the end, commit {report['commit']}, {report['date'][:10]}."
    )
    if spread:
        text += " Medians, and in brackets the minimum and the maximum of the alternating runs."
        if report["quick"]:
            text += " This was a `--quick` run: the figures are rough."
    return paragraph(text)


def rows_of(report: Report, what: str) -> list[dict[str, Any]]:
    """The rows of one kind."""
    return [row for row in report["rows"] if row["what"] == what]


def host(report: Report) -> str:
    """The section of `bench host`."""
    work, summary = report["work"], report["summary"]
    unit = f"{work['net']}, {work['ticks']} ticks, {work['pairs']} pairs, batch {work['batch']}"
    speeds = table(
        ["estimator", "ms for a generation", "member evaluations/s", "recordings/s"],
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
    over, plots = median_range(path.get("ours_over_tonic")), os.path.relpath(PLOTS, PAGE.parent)
    opening = paragraph(
        f"Work unit: {unit}; `sample` and `online` at their defaults. `batch` is "
        f"{number(summary['full_rank_over_batch'])} times as fast as our full-rank ES. Noise and "
        f"update take {100 * summary['update_share']:.1f} % of it."
    )
    return "\n\n".join([
        opening, speeds, shares, f"![scaling]({plots}/scaling.svg)", memory, data,
        f"Ours over tonic's: {over}. 60,000 simulated recordings are held in "
        f"{path['bytes_of_60000'] / 1e6:.0f} MB.",
        source(report),
    ])  # fmt: skip


def peers(report: Report) -> str:
    """The section of `bench peers`."""
    ours = next(row for row in rows_of(report, "rate") if row["family"] == "ours")
    speed = table(
        ["", "member evaluations/s", "ours over it", "ms for a generation", "compiling, s",
         "peak MiB"],
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
    commands = table(
        ["", "command"],
        [
            [row["name"], f"`{peer_command(row['command'])}`"]
            for row in report["rows"]
            if row.get("command")
        ],
    )
    summary = report["summary"]
    opening = paragraph(
        f"`batch` over the fastest JAX: {number(summary['ours_over_jax'])}; over the fastest "
        f"torch with snnTorch's neurons or a library: {number(summary['ours_over_torch'])}; over "
        "our layer for torch.compile: "
        f"{number(summary['ours_over_torch_compiled'])}."
    )
    parts = [opening, speed, times]
    if over := summary.get("surrogate_over_ours_to_90"):
        parts.append(paragraph(
            f"To {report['target']:.0f} %, the fastest surrogate gradient in torch takes "
            f"{number(over)} times as long as our fastest estimator. This time depends on the "
            "initial weights and on the order of the recordings, so each round has another seed. "
            "`sweep` and the two baselines in our core learn online, on one thread; their settings "
            "were chosen on recordings set aside."
        ))  # fmt: skip
    return "\n\n".join([*parts, commands, source(report)])


def mcu(report: Report) -> str:
    """The section of `bench mcu`: a line for each board."""
    found = report["summary"]
    fields = list(dict.fromkeys(field for board in found.values() for field in board))
    head = ["board", *(field.replace("_", " ") for field in fields)]
    rows = [[name, *(exact(b[field]) for field in fields)] for name, b in found.items()]
    exact_counts = source(report, spread=False)
    return f"{table(head, rows)}\n\n{exact_counts}"


SECTIONS: dict[str, Callable[[Report], str]] = {"host": host, "peers": peers, "mcu": mcu}


def render(page: str) -> str:
    """The text of the page, with new sections for all result files that exist."""
    for kind, write in SECTIONS.items():
        path = RESULTS / f"bench-{kind}.json"
        if path.exists():
            page = replace_section(page, kind, write(json.loads(path.read_text())))
    return page


def plot_scaling(report: Report, path: Path) -> None:
    """Plot the time of a generation against hidden, rank and pairs, on one and two threads."""
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
    axes[0].set_ylabel("ms for a generation of batch")
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
