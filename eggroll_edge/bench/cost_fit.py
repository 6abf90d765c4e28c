"""Fits the model of planning.instructions to exact counts of instructions in emulators.

    python -m eggroll_edge.bench.cost_fit

writes instruction_costs.json. It needs the emulators and scipy (the `data` or `bench` extra).
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from importlib.resources import files
from pathlib import Path
from typing import Any, Literal

import numpy as np

from eggroll_edge.bench.mcu_counter import TARGETS, Counted, Target, count
from eggroll_edge.bench.mcu_work import Work, make_work, run_on_host
from eggroll_edge.bench.report import Notify
from eggroll_edge.core.config import (
    LEARN_ABOVE_MAX,
    EsConfig,
    EstimatorName,
    Hyperparameters,
    LifConfig,
    NetConfig,
)
from eggroll_edge.data.stream import decode_stream
from eggroll_edge.planning.instructions import FILE, terms
from eggroll_edge.planning.load import LIVE, Load

LEAST_LIVE = 0.1
"""Work without pairs in which fewer neurons have a credit is left out of the fit: an update that
has nothing to do ends at once."""
Kind = Literal["sample", "sweep", "eprop", "linear"]
AT_ONCE = 20
"""Works in an image, so that their weights and recordings fit the flash of all boards."""


def fit(notify: Notify, targets: Sequence[Target] = TARGETS) -> dict[str, Any]:
    """Count fit_works() on each target and fit the model; returns instruction_costs.json."""
    units = fit_works()
    found: dict[str, Any] = {}
    for target in targets:
        images = [units[at : at + AT_ONCE] for at in range(0, len(units), AT_ONCE)]
        counted = [one for image in images for one in count(target, image)]
        loads = [load_of(work, one) for work, one in zip(units, counted, strict=True)]
        kinds: dict[str, Any] = {}
        for kind in LIVE:
            chosen = [
                (terms(load), one)
                for load, one in zip(loads, counted, strict=True)
                if load.kind == kind and _has_work(load)
            ]
            kinds[kind] = {}
            for part in ("evaluation", "update", "sums"):
                rows = [found[part] for found, _ in chosen if part in found]
                if not rows:
                    continue
                name = "evaluation" if part == "evaluation" else "update"
                counts = [getattr(one, name) for found, one in chosen if part in found]
                costs = _non_negative_fit(rows, counts)
                kinds[kind][part] = costs
                off = [
                    sum(costs.get(k, 0.0) * v for k, v in row.items()) / n - 1
                    for row, n in zip(rows, counts, strict=True)
                ]
                notify(f"{target.core} {kind} {part}: within {100 * max(map(abs, off)):.1f} %")
        found[target.core] = kinds
    return {
        "what": "instructions a turn of each loop: eggroll_edge/planning/instructions.py, "
        "fitted by python -m eggroll_edge.bench.cost_fit",
        "cores": found,
    }


def _has_work(load: Load) -> bool:
    """Whether the fit takes it."""
    pairs = load.kind in ("batch", "sample")
    return pairs or load.learned == 0 or load.live >= LEAST_LIVE


def load_of(work: Work, counted: Counted) -> Load:
    """The load of work that was counted: the inputs of the model."""
    net, n = work.net, len(work.recordings)
    segments = work.es.segments if net.layers else net.input_segments
    seen, rows, spans = np.zeros(net.inputs, bool), [], []
    for stream, _ in work.recordings:
        hit = np.zeros((segments, net.inputs), bool)
        for tick, events in enumerate(decode_stream(np.frombuffer(stream, np.uint8), net.ticks)):
            hit[tick * segments // net.ticks, events] = True
        seen |= hit.any(0)
        rows.append(int(hit.any(0).sum()) if net.layers else int(hit.sum()))
        spans.append(int(hit.sum()))
    mean_rows = float(seen.sum() if work.es.estimator == "batch" else np.mean(rows))
    run = run_on_host(work)
    learned, moved = run.learned / n, run.moved / max(1, run.learned)
    live = counted.live / learned if learned else 0.0
    return Load(
        net, work.es, n, work.events, live, mean_rows, float(np.mean(spans)), moved, learned,
        work.mini_batch,
    )  # fmt: skip


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
    found += [_sweep_work(i) for i in range(30)]
    found += [_random_work(i, "eprop") for i in range(30)]
    found += [_random_work(i, "linear") for i in range(20)]
    summed: tuple[Kind, ...] = ("sample", "sweep", "eprop", "linear")
    for kind in summed:
        found += [_random_work(i, kind, mini_batch=True) for i in range(20)]
    return found


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


def _random_work(i: int, kind: Kind, mini_batch: bool = False) -> Work:
    """Work of `kind`, a key of LIVE. A quarter of it is below learn_above, as in _sweep_work()."""
    rng = np.random.default_rng(200 + i + 100 * mini_batch)
    below = kind in ("eprop", "linear") and i % 4 == 1 and not mini_batch
    hidden = int(rng.choice([16, 24, 32, 48, 64] if i % 4 < 3 else [18, 30, 49]))
    inputs, outputs = int(rng.choice([80, 144, 289, 400, 578])), int(rng.choice([4, 10, 16]))
    outputs = min(outputs, 10) if below else outputs
    if mini_batch:
        inputs = min(inputs, 289)  # sums take four bytes for each weight
    ticks, gain = int(rng.choice([8, 10, 15, 20, 25])), 0 if below else 5
    layers = () if kind == "linear" else (LifConfig(hidden, int(rng.choice([900, 2000]))),)
    segments = int(rng.choice([1, 2, 3, 5]))
    net = NetConfig(
        inputs, outputs, ticks, layers, gain=gain, input_segments=1 if layers else segments
    )
    estimator: EstimatorName = "sweep" if kind == "linear" else kind
    if kind in ("eprop", "linear"):
        segments = ticks if layers else 1
    es = EsConfig(
        estimator, 32 if kind == "sample" else 1, 1, segments,
        learn_above=LEARN_ABOVE_MAX if below else 0,
    )  # fmt: skip
    std, event_rate = int(rng.choice([24, 40, 64])), float(rng.choice([0.05, 0.11, 0.2]))
    work = make_work(
        f"{kind}{i}{'s' * mini_batch}", net, es, 1 + i % 3, std=std, seed=i,
        event_rate=event_rate, mini_batch=mini_batch,
    )  # fmt: skip
    if kind != "eprop":
        return work
    (sigma, _), rates = work.hyperparameters  # a narrow surrogate gives fewer neurons a credit
    narrow = int(sigma // rng.choice([1, 2, 4, 8, 16]))
    return replace(work, hyperparameters=Hyperparameters((narrow, 0), rates))


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
