"""Measure some rows of results/bench-accuracy.json again; the others stay as they are.

    python -m tools.results.accuracy "online sweep" "pico eprop"   these rows
    python -m tools.results.accuracy --baselines                   the scripts of tools/peers
    python -m tools.results.accuracy --compare                     only the paired tests
    python -m tools.results.accuracy --devices                     only RAM and instructions
    python -m tools.results.accuracy --devices "deep sweep"        the same, of these rows

`eggroll-edge bench accuracy` measures all of them at once. The names are those of the rows in
eggroll_edge/bench/recipes.py; --help lists them. After each row the file and the tables are
written, and rows that were measured earlier keep their commit and date. The datasets are in
../shared/data, or in the folder that EGGROLL_DATA names.
"""

from __future__ import annotations

import argparse
import json
import sys
from typing import Any

from eggroll_edge.bench import baselines as bench_baselines
from eggroll_edge.bench.accuracy import NAMES, RecipeRunner, comparisons
from eggroll_edge.bench.recipes import SEEDS
from eggroll_edge.bench.report import data_folder, record, save
from tools.lib.paths import RESULTS
from tools.results.measure import write_tables
from tools.results.stretches import counted_instructions

RESULT = RESULTS / "bench-accuracy.json"
COMMAND = "eggroll-edge bench accuracy"


def merged(old: list[dict[str, Any]], new: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Old rows with new ones in their place; those that are new come last."""
    renewed = {row["name"]: row for row in new}
    kept = [renewed.pop(row["name"], row) for row in old]
    return kept + list(renewed.values())


def in_order(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Rows in the order of NAMES; rows that belong to others stay with the name before them."""
    place, last = {name: at for at, name in enumerate(NAMES)}, 0
    keys = []
    for row in rows:
        last = place.get(row["name"], last)
        keys.append(last)
    return [row for _, row in sorted(zip(keys, rows, strict=True), key=lambda pair: pair[0])]


def update(report: dict[str, Any], part: str, new: list[dict[str, Any]]) -> dict[str, Any]:
    """The report with new rows in `part`, each with the commit and the date of now."""
    now = record("accuracy", COMMAND, False, {})
    stamp = {key: now[key] for key in ("commit", "date")}
    old = {key: report[key] for key in ("commit", "date")}
    before = [{**old, **row} for row in report[part]]
    found = {**report, part: merged(before, [{**row, **stamp} for row in new])}
    found["rows"] = in_order(found["rows"])
    found["comparisons"] = comparisons([*found["rows"], *found["baselines"]])
    return found


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("names", nargs="*", choices=[[], *NAMES], help="rows to measure")
    parser.add_argument("--baselines", action="store_true", help="measure tools/peers again")
    parser.add_argument("--compare", action="store_true", help="only the paired tests")
    parser.add_argument("--devices", action="store_true", help="only RAM and instructions")
    arguments = parser.parse_args()
    if not (arguments.names or arguments.baselines or arguments.compare or arguments.devices):
        parser.error("name some rows, or use --baselines, --compare or --devices")
    report = json.loads(RESULT.read_text())

    def notify(text: str) -> None:
        print(text, file=sys.stderr, flush=True)

    if arguments.compare:
        save(RESULT, update(report, "rows", []))
    for name in arguments.names if not arguments.devices else ():
        report = update(report, "rows", RecipeRunner(data_folder(), SEEDS, notify).rows(name))
        save(RESULT, report)
    if arguments.devices:
        runner = RecipeRunner(data_folder(), SEEDS, notify)
        for row in report["rows"]:
            if arguments.names and row["name"] not in arguments.names:
                continue
            notify(row["name"])
            row |= runner.on_a_device(row["name"], row.get("learned", 1.0))
            if row["training_bytes"] and not row["instructions"]:
                row["instructions"] = runner.trained(row["name"], counted_instructions)
            save(RESULT, report)
    if arguments.baselines:
        report = update(report, "baselines", bench_baselines.measure(data_folder(), notify))
        save(RESULT, report)
    write_tables()


if __name__ == "__main__":
    main()
