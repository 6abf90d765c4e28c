"""Fits the model of instruction counts to exact counts of emulators."""

from __future__ import annotations

import json
from collections.abc import Sequence
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np

from eggroll_edge.bench.mcu import TARGETS, Counted, Say, Target, Work, count, make_work
from eggroll_edge.core.config import EsConfig, LifConfig, NetConfig
from eggroll_edge.data.stream import decode_stream
from eggroll_edge.planning.instructions import FILE, Load, terms


def load_of(work: Work, counted: Counted) -> Load:
    """What the model wants to know of a work."""
    net, segments = work.net, work.es.segments
    seen, rows, spans = np.zeros(net.inputs, bool), [], []
    for stream, _ in work.samples:
        hit = np.zeros((segments, net.inputs), bool)
        for tick, events in enumerate(decode_stream(np.frombuffer(stream, np.uint8), net.ticks)):
            hit[tick * segments // net.ticks, events] = True
        seen |= hit.any(0)
        rows.append(int(hit.any(0).sum()))
        spans.append(int(hit.sum()))
    batch = work.es.estimator == "batch"
    mean_rows = float(seen.sum() if batch else np.mean(rows))
    n = len(work.samples)
    return Load(net, work.es, n, work.events, counted.live, mean_rows, float(np.mean(spans)))


def fit_works() -> list[Work]:
    """Works of many shapes, for the fit."""
    rng = np.random.default_rng(7)
    found = []
    for i in range(44):
        batch = i % 2 == 0
        hidden = int(rng.choice([16, 24, 32, 48, 64, 80] if i % 8 < 6 else [18, 30, 49]))
        inputs = int(rng.choice([80, 144, 289, 400, 578]))
        ticks = int(rng.choice([8, 10, 15, 20, 25]))
        pairs = int(rng.choice([8, 16, 32, 32, 64])) if i % 8 < 6 else 32
        std = int(rng.choice([24, 40, 64] if batch else [48, 64]))
        threshold = 900 if batch else 2000
        net = NetConfig(
            inputs, int(rng.choice([4, 10, 16])), ticks, (LifConfig(hidden, threshold),)
        )
        rank = int(rng.choice([1, 1, 2, 3, 4])) if batch else 1
        segments = 1 if batch else int(rng.choice([1, 3, 5]))
        es = EsConfig("batch" if batch else "sample", pairs, rank, segments)
        rate = float(rng.choice([0.05, 0.11, 0.2]))
        found.append(make_work(f"fit{i}", net, es, 1 + i % 3, std=std, seed=i, rate=rate))
    return found


def _least_squares(rows: list[dict[str, float]], counts: list[int]) -> dict[str, float]:
    """Costs >= 0 of each term, least relative squares: negative ones are left out, one by one."""
    names = [name for name in rows[0] if any(row[name] for row in rows)]
    while True:
        pairs = zip(rows, counts, strict=True)
        matrix = np.array([[row[name] / n for name in names] for row, n in pairs])
        scale = matrix.max(axis=0)
        costs = np.linalg.lstsq(matrix / scale, np.ones(len(rows)), rcond=None)[0] / scale
        if costs.min() >= 0:
            return {name: float(f"{c:.5g}") for name, c in zip(names, costs, strict=True)}
        names.pop(int((costs * scale).argmin()))


def fit(say: Say, targets: Sequence[Target] = TARGETS) -> dict[str, Any]:
    """Counts fit_works() on each target and fits the model; for instruction_costs.json."""
    units = fit_works()
    found: dict[str, Any] = {}
    for target in targets:
        counted = count(target, units)
        kinds: dict[str, Any] = {}
        for kind, estimator in (("batch", "batch"), ("online", "sample")):
            chosen = [p for p in zip(units, counted, strict=True) if p[0].es.estimator == estimator]
            loads = [terms(load_of(work, c)) for work, c in chosen]
            kinds[kind] = {}
            for part in ("evaluation", "update"):
                counts = [getattr(c, part) for _, c in chosen]
                costs = _least_squares([t[part] for t in loads], counts)
                kinds[kind][part] = costs
                off = [
                    sum(costs.get(k, 0.0) * v for k, v in t[part].items()) / n - 1
                    for t, n in zip(loads, counts, strict=True)
                ]
                say(f"{target.core} {kind} {part}: within {100 * max(map(abs, off)):.1f} %")
        found[target.core] = kinds
    return {
        "what": "instructions a turn of each loop: eggroll_edge/planning/instructions.py, "
        "fitted by python -m eggroll_edge.bench.cost_fit",
        "cores": found,
    }


def main() -> None:
    """Writes instruction_costs.json anew."""
    model = fit(print)
    Path(str(files("eggroll_edge.planning").joinpath(FILE))).write_text(
        json.dumps(model, indent=1) + "\n"
    )


if __name__ == "__main__":
    main()
