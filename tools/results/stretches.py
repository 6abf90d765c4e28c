"""Count the instructions of real stretches of training sessions, and compare them with the model.

    python -m tools.results.stretches

A session is that of the row `pico sweep`, `pico eprop` or `pico linear` of bench-accuracy, seed 1:
online training on simulated N-MNIST. The host runs it, and rebuilds the weights at STAGES places
that are spread over the session. From each place, an emulated core goes on for some recordings,
with the weights, recordings, learning rates and random numbers of the session. All its instructions
are counted. The weights that it ends with must be those of the host, and 250 recordings of the
host's form of the same work must end with the weights of the session.

results/stretches.json has the counts, and what the model of `plan` predicts for the same stretches.
The datasets are in ../shared/data, or in the folder that EGGROLL_DATA names.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from eggroll_edge.bench.cost_fit import load_of
from eggroll_edge.bench.mcu_counter import TARGETS, Counted, Target, count
from eggroll_edge.bench.mcu_work import Work, run_on_host
from eggroll_edge.bench.recipes import RECIPES
from eggroll_edge.bench.report import data_folder, record, save
from eggroll_edge.data.dataset import EventDataset
from eggroll_edge.planning.instructions import cost
from eggroll_edge.planning.load import measured_load
from eggroll_edge.training.batches import RecordingOrder
from eggroll_edge.training.config import ONLINE_CHUNK, TrainConfig
from eggroll_edge.training.replay import replay
from eggroll_edge.training.run import train
from eggroll_edge.training.run_dir import load_config
from eggroll_edge.training.splits import open_split
from tools.lib.paths import RESULTS

SESSIONS = ("pico sweep", "pico eprop", "pico linear")
CORES = ("Cortex-M0", "Cortex-M0+", "Cortex-M4")
STAGES, LENGTH = 16, 8
"""Stretches of a session, and recordings of each."""
AT_ONCE = 8
"""Stretches in an image, so that their weights and recordings fit the flash of all boards."""


def stretch(config: TrainConfig, run: Path, data: EventDataset, first: int, length: int) -> Work:
    """Generations [first, first + length) of the session. `first` begins a chunk."""
    net = replay(run, until=first, data_override=data).net
    index = RecordingOrder(config.seed, len(data), 1).indices(first, length)
    recordings = tuple((data[int(i)].tobytes(), int(data.labels[i])) for i in index)
    return Work(
        f"at{first}", net.config, config.es_config(), config.hyperparameters_at(first),
        net.weights.copy(), recordings, config.seed, first,
    )  # fmt: skip


def stretches(config: TrainConfig, run: Path, data: EventDataset) -> list[Work]:
    """STAGES stretches, in the middle of equal parts of the session."""
    found = []
    for stage in range(STAGES):
        middle = (2 * stage + 1) * config.generations // (2 * STAGES)
        first = middle // ONLINE_CHUNK * ONLINE_CHUNK
        whole = stretch(config, run, data, first, ONLINE_CHUNK)
        after = replay(run, until=first + ONLINE_CHUNK, data_override=data).weights_digest
        if f"{run_on_host(whole).digest:08x}" != after:
            raise SystemExit(f"the stretch at {first} is not a part of the session")
        found.append(replace(whole, recordings=whole.recordings[:LENGTH]))
    return found


def counts(target: Target, works: list[Work]) -> list[Counted]:
    """The counts of some works, a few of them in each image."""
    parts = (works[at : at + AT_ONCE] for at in range(0, len(works), AT_ONCE))
    return [one for part in parts for one in count(target, part)]


def of_core(target: Target, works: list[Work], share: float, data: EventDataset) -> dict[str, Any]:
    """Exact counts on a core, and those of the model."""
    counted = counts(target, works)
    loads = [load_of(work, one) for work, one in zip(works, counted, strict=True)]
    recordings = sum(load.samples for load in loads)
    predicted = sum(cost(target.core, load).generation for load in loads)
    exact = sum(one.generation for one in counted)
    parts = np.array([part for one in counted for part in one.parts]).sum(1)
    learned = np.concatenate([_learned(work) for work in works])
    with_credit, without = parts[learned].mean(), parts[~learned].mean() if share < 1 else 0.0
    net, es = works[0].net, works[0].es
    table = cost(target.core, measured_load(net, es, 1, data, share)).generation
    weight = np.array([load.learned * load.samples for load in loads])
    live = float(np.average([load.live for load in loads], weights=weight))
    columns = net.layers[0].size if net.layers else net.outputs
    touched = [load.rows * load.live * columns for load in loads]
    moved = float(np.average([load.moved for load in loads], weights=weight))
    return {
        "recordings": recordings,
        "learned": round(float(learned.mean()), 4),
        "instructions": round(exact / recordings),
        "by_model": round(predicted / recordings),
        "with_credit": round(float(with_credit)),
        "without_credit": round(float(without)),
        "of_session": round(float(share * with_credit + (1 - share) * without)),
        "of_session_by_table": round(table),
        "live": round(live, 4),
        "moved": round(moved / float(np.average(touched, weights=weight)), 4),
    }


def _learned(work: Work) -> np.ndarray:
    """bool [recordings]: which of them leave credit."""
    net, found = work.weights, []
    for i, recording in enumerate(work.recordings):
        one = replace(work, weights=net, recordings=(recording,), first=work.first + i)
        run = run_on_host(one)
        net = run.weights
        found.append(run.learned == 1)
    return np.array(found)


def measure(name: str, folder: Path) -> dict[str, Any]:
    """A session: the share of recordings that it learned from, and its counts on each core."""
    recipe = next(recipe for recipe in RECIPES if recipe.name == name)
    with tempfile.TemporaryDirectory() as temporary:
        run, config = Path(temporary) / "run", recipe.config(folder, 1)
        data = open_split(config, "train")
        result = train(config, run, data=data, workers=1)
        works = stretches(load_config(run), run, data)
    share = result.learned / result.recordings
    found: dict[str, Any] = {"name": name, "command": recipe.command, "learned": round(share, 5)}
    for target in TARGETS:
        if target.core in CORES:
            print(f"{name} on {target.core}", file=sys.stderr, flush=True)
            found[target.core] = of_core(target, works, share, data)
            print(found[target.core], file=sys.stderr, flush=True)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.parse_args()
    rows = [measure(name, data_folder()) for name in SESSIONS]
    command = "python -m tools.results.stretches"
    save(RESULTS / "stretches.json", record("stretches", command, False, {"rows": rows}))


if __name__ == "__main__":
    main()
