"""Fits the model of planning.instructions to exact counts of instructions in emulators.

    python -m eggroll_edge.bench.cost_fit

writes instruction_costs.json. It needs the emulators and scipy (the `data` or `bench` extra).
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np

from eggroll_edge.bench.mcu_counter import TARGETS, Counted, Target, count
from eggroll_edge.bench.mcu_work import Work, make_work, run_on_host
from eggroll_edge.bench.report import Notify
from eggroll_edge.core.config import LEARN_ABOVE_MAX, EsConfig, LifConfig, NetConfig
from eggroll_edge.data.stream import decode_stream
from eggroll_edge.planning.instructions import FILE, Load, terms

LEAST_LIVE = 0.1
"""Work of `sweep` in which fewer neurons have a credit is left out of the fit: an update that has
nothing to do ends at once."""


def fit(notify: Notify, targets: Sequence[Target] = TARGETS) -> dict[str, Any]:
    """Count fit_works() on each target and fit the model; returns instruction_costs.json."""
    units = fit_works()
    found: dict[str, Any] = {}
    for target in targets:
        counted = [c for part in (units[:33], units[33:]) for c in count(target, part)]
        kinds: dict[str, Any] = {}
        for kind, estimator in (("batch", "batch"), ("online", "sample"), ("sweep", "sweep")):
            chosen = [
                (work, one)
                for work, one in zip(units, counted, strict=True)
                if work.es.estimator == estimator
                and (estimator != "sweep" or work.es.learn_above or one.live >= LEAST_LIVE)
            ]
            loads = [terms(load_of(work, c)) for work, c in chosen]
            kinds[kind] = {}
            for part in ("evaluation", "update"):
                counts = [getattr(c, part) for _, c in chosen]
                costs = _non_negative_fit([t[part] for t in loads], counts)
                kinds[kind][part] = costs
                off = [
                    sum(costs.get(k, 0.0) * v for k, v in t[part].items()) / n - 1
                    for t, n in zip(loads, counts, strict=True)
                ]
                notify(f"{target.core} {kind} {part}: within {100 * max(map(abs, off)):.1f} %")
        found[target.core] = kinds
    return {
        "what": "instructions a turn of each loop: eggroll_edge/planning/instructions.py, "
        "fitted by python -m eggroll_edge.bench.cost_fit",
        "cores": found,
    }


def load_of(work: Work, counted: Counted) -> Load:
    """The load of work that was counted: the inputs of the model."""
    net, segments = work.net, work.es.segments
    seen, rows, spans = np.zeros(net.inputs, bool), [], []
    for stream, _ in work.recordings:
        hit = np.zeros((segments, net.inputs), bool)
        for tick, events in enumerate(decode_stream(np.frombuffer(stream, np.uint8), net.ticks)):
            hit[tick * segments // net.ticks, events] = True
        seen |= hit.any(0)
        rows.append(int(hit.any(0).sum()))
        spans.append(int(hit.sum()))
    batch = work.es.estimator == "batch"
    mean_rows = float(seen.sum() if batch else np.mean(rows))
    n = len(work.recordings)
    moved, learned = run_on_host(work)[1], 0.0 if work.es.learn_above else 1.0  # see _sweep_work()
    spanned = float(np.mean(spans))
    return Load(net, work.es, n, work.events, counted.live, mean_rows, spanned, moved, learned)


def fit_works() -> list[Work]:
    """Work with nets and estimators of many sizes, for the fit."""
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
        event_rate = float(rng.choice([0.05, 0.11, 0.2]))
        found.append(
            make_work(f"fit{i}", net, es, 1 + i % 3, std=std, seed=i, event_rate=event_rate)
        )
    return found + [_sweep_work(i) for i in range(30)]


def _sweep_work(i: int) -> Work:
    """Work of `sweep`. The thresholds vary how many neurons have a credit.

    A quarter of it is of recordings that are all below learn_above: a gain of 0 makes all classes
    about equally likely, so that the loss is below 4 bits.
    """
    rng = np.random.default_rng(100 + i)
    below = i % 4 == 1
    hidden = int(rng.choice([16, 24, 32, 48, 64, 80] if i % 4 < 3 else [18, 30, 49]))
    inputs, outputs = int(rng.choice([80, 144, 289, 400, 578])), int(rng.choice([4, 10, 16]))
    threshold, ticks = int(rng.choice([900, 2000, 3000])), int(rng.choice([8, 10, 15, 20, 25]))
    outputs = min(outputs, 10) if below else outputs
    net = NetConfig(inputs, outputs, ticks, (LifConfig(hidden, threshold),), gain=0 if below else 5)
    segments, least = int(rng.choice([1, 2, 3, 5])), LEARN_ABOVE_MAX if below else 0
    es = EsConfig("sweep", 1, 1, segments, learn_above=least)
    std, event_rate = int(rng.choice([24, 40, 64])), float(rng.choice([0.05, 0.11, 0.2]))
    return make_work(f"sweep{i}", net, es, 1 + i % 3, std=std, seed=i, event_rate=event_rate)


def _non_negative_fit(rows: list[dict[str, float]], counts: list[int]) -> dict[str, float]:
    """A cost >= 0 for each term, by least squares of the relative errors."""
    from scipy.optimize import nnls

    names = [name for name in rows[0] if any(row[name] for row in rows)]
    pairs = zip(rows, counts, strict=True)
    matrix = np.array([[row[name] / count for name in names] for row, count in pairs])
    scale = matrix.max(axis=0)
    costs = nnls(matrix / scale, np.ones(len(rows)))[0] / scale
    return {name: float(f"{c:.5g}") for name, c in zip(names, costs, strict=True) if c > 0}


def main() -> None:
    """Write instruction_costs.json."""
    model = fit(print)
    Path(str(files("eggroll_edge.planning").joinpath(FILE))).write_text(
        json.dumps(model, indent=1) + "\n"
    )


if __name__ == "__main__":
    main()
