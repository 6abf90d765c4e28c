"""Count the instructions of real stretches of training sessions, and compare them with the model.

    python -m tools.results.stretches

A session is that of the row `pico sweep`, `pico eprop` or `pico linear` of bench-accuracy, seed 1:
online training on simulated N-MNIST. The host runs it, and rebuilds the weights at STAGES places
that are spread over the session. From each place, an emulated core goes on for some recordings,
with the weights, recordings, learning rates and random numbers of the session. All its instructions
are counted. The weights that it ends with must be those of the host.

results/stretches.json has the counts, and what the model of `plan` predicts: for the same stretches
(`instructions_by_model`), and for the whole session as the tables have it (`of_session_by_model`).
`of_session` weighs the exact counts of recordings with credit and of those without by their shares
in the session.

Rows whose nets the model does not cover have instructions by counted_instructions().
The datasets are in ../shared/data, or in the folder that EGGROLL_DATA names.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from dataclasses import dataclass, replace
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
TARGET_OF = {target.core: target for target in TARGETS}
LARGE = {
    "Cortex-M0": TARGET_OF["Cortex-M0"],
    "Cortex-M4": Target("mps2-an386", "Cortex-M4", "mps2-an386"),
}
"""Targets with RAM for large nets."""
STAGES, LENGTH = 16, 8
"""Stretches of a session, and recordings of each."""
AT_ONCE = 8
"""Stretches in an image, so that their weights and recordings fit the flash of all boards."""


def stretch(config: TrainConfig, run: Path, data: EventDataset, first: int, length: int) -> Work:
    """Online: generations [first, first + length) of the session, where `first` begins a chunk.
    With mini-batches: generation `first`."""
    net = replay(run, until=first, data_override=data).net
    order = RecordingOrder(config.seed, len(data), config.batch)
    index = order.indices(first, length if config.online else 1)
    recordings = tuple((data[int(i)].tobytes(), int(data.labels[i])) for i in index)
    return Work(
        f"at{first}", net.config, config.es_config(), config.hyperparameters_at(first),
        net.weights.copy(), recordings, config.seed, first, not config.online,
    )  # fmt: skip


def stretches(run: Path, data: EventDataset, stages: int) -> list[Work]:
    """Stretches in the middle of equal parts of the session. Of the first one it is checked that
    the host ends with the weights of the session."""
    found: list[Work] = []
    config = load_config(run)
    step = ONLINE_CHUNK if config.online else 1
    for stage in range(stages):
        first = (2 * stage + 1) * config.generations // (2 * stages) // step * step
        whole = stretch(config, run, data, first, step)
        if not found:
            after = replay(run, until=first + step, data_override=data).weights_digest
            if f"{run_on_host(whole).digest:08x}" != after:
                raise SystemExit(f"the stretch at {first} is not a part of the session")
        length = LENGTH if config.online else len(whole.recordings)
        found.append(replace(whole, recordings=whole.recordings[:length]))
    return found


@dataclass(frozen=True)
class Costs:
    """Mean instructions in the stretches."""

    with_credit: float
    """Of a recording that leaves credit, and of one that leaves none."""
    without_credit: float
    end: float
    """Of the end of a mini-batch."""

    def of_session(self, learned: float, batch: int) -> float:
        """Of a recording of a session that learned from this share of its recordings."""
        mean = learned * self.with_credit
        if learned < 1:
            mean += (1 - learned) * self.without_credit
        return mean + self.end / batch


def costs_of(works: list[Work], counted: list[Counted]) -> Costs:
    """The costs of a recording, from the counts of each one."""
    taken = np.array([part for one in counted for part in one.parts]).sum(1)
    learned = np.concatenate([_learned(work) for work in works])
    ends = np.zeros(len(taken), bool)
    if works[0].mini_batch:
        ends[np.cumsum([len(work.recordings) for work in works]) - 1] = True
    mean = {
        kind: float(taken[(learned == kind) & ~ends].mean()) if (learned == kind).any() else 0.0
        for kind in (True, False)
    }
    end = 0.0
    if ends.any():
        end = float(np.mean(taken[ends] - [mean[bool(kind)] for kind in learned[ends]]))
    return Costs(mean[True], mean[False], end)


def counts(target: Target, works: list[Work]) -> list[Counted]:
    """The counts of some works, a few of them in each image."""
    parts = (works[at : at + AT_ONCE] for at in range(0, len(works), AT_ONCE))
    return [one for part in parts for one in count(target, part)]


def counted_instructions(run: Path, data: EventDataset, learned: float) -> dict[str, int]:
    """Core -> instructions of a recording in a session of any net, counted in a few stretches. The
    estimator must be one that credits recordings.

    run: directory of the session. data: its training recordings. learned: as in Costs.of_session().
    """
    works, batch = stretches(run, data, 4), load_config(run).batch
    return {
        core: round(costs_of(works, counts(target, works)).of_session(learned, batch))
        for core, target in LARGE.items()
    }


def of_core(target: Target, works: list[Work], share: float, data: EventDataset) -> dict[str, Any]:
    """Exact counts on a core, and those of the model."""
    counted = counts(target, works)
    loads = [load_of(work, one) for work, one in zip(works, counted, strict=True)]
    recordings = sum(load.samples for load in loads)
    predicted = sum(cost(target.core, load).generation for load in loads)
    found = costs_of(works, counted)
    net, es = works[0].net, works[0].es
    table = cost(target.core, measured_load(net, es, 1, data, share)).generation
    weight = [load.learned * load.samples for load in loads]
    columns = net.layers[0].size if net.layers else net.outputs
    touched = [load.rows * load.live * columns for load in loads]
    moved = np.average([load.moved for load in loads], weights=weight)
    return {
        "recordings": recordings,
        "learned": round(sum(weight) / recordings, 4),
        "instructions": round(sum(one.generation for one in counted) / recordings),
        "instructions_by_model": round(predicted / recordings),
        "instructions_with_credit": round(found.with_credit),
        "instructions_without_credit": round(found.without_credit),
        "of_session": round(found.of_session(share, 1)),
        "of_session_by_model": round(table),
        "live": round(float(np.average([load.live for load in loads], weights=weight)), 4),
        "moved": round(float(moved / np.average(touched, weights=weight)), 4),
    }


def _learned(work: Work) -> np.ndarray:
    """bool [recordings]: which of them leave credit."""
    net, found = work.weights, []
    for i, recording in enumerate(work.recordings):
        one = replace(work, weights=net, recordings=(recording,), first=work.first + i)
        run = run_on_host(one)
        net = net if work.mini_batch else run.weights
        found.append(run.learned == 1)
    return np.array(found)


def measure(name: str, folder: Path) -> dict[str, Any]:
    """A session: the share of recordings that it learned from, and its counts on each core."""
    recipe = next(recipe for recipe in RECIPES if recipe.name == name)
    with tempfile.TemporaryDirectory() as temporary:
        run, config = Path(temporary) / "run", recipe.config(folder, 1)
        data = open_split(config, "train")
        result = train(config, run, data=data, workers=1)
        works = stretches(run, data, STAGES)
    share = result.learned / result.recordings
    found: dict[str, Any] = {"name": name, "command": recipe.command, "learned": round(share, 5)}
    for core in ("Cortex-M0", "Cortex-M0+", "Cortex-M4"):
        print(f"{name} on {core}", file=sys.stderr, flush=True)
        found[core] = of_core(TARGET_OF[core], works, share, data)
        print(found[core], file=sys.stderr, flush=True)
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
