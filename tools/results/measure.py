"""Run the commands behind the tables of README.md and of the documentation's results page.

    python -m tools.results.measure                all of them (about two hours on two cores)
    python -m tools.results.measure digits         some of them, by the names in rows.py
    python -m tools.results.measure board-pico     a session on an emulated board, and on the host
    python -m tools.results.measure --devices ...  only RAM and instructions, of the saved results
    python -m tools.results.measure --table        only write the tables again

Every result goes to results/NAME.json: the command, its seeds, the machine, the commit, and the
JSON line of every run. The N-MNIST rows of the tables come from results/bench-accuracy.json, which
`eggroll-edge bench accuracy` writes. The datasets are in ../shared/data, or in the folder that
EGGROLL_DATA names.
"""

from __future__ import annotations

import argparse
import json
import shlex
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from eggroll_edge.bench.accuracy import CORES, on_a_device
from eggroll_edge.bench.report import data_folder, record, save
from eggroll_edge.boards.emulator import emulator
from eggroll_edge.boards.table import find_board
from eggroll_edge.journal.reader import JournalReader
from eggroll_edge.link.session import Session
from eggroll_edge.link.transport import opener
from eggroll_edge.planning.instructions import cost
from eggroll_edge.planning.load import measured_load, modelled
from eggroll_edge.training.config import TrainConfig
from eggroll_edge.training.run_dir import load_config
from eggroll_edge.training.splits import open_split
from tools.lib.paths import README, RESULTS, RESULTS_PAGE, ROOT
from tools.lib.tables import write_section
from tools.results.rows import (
    ASKED_OF_BOARD,
    CYCLES_PER_INSTRUCTION,
    MEASUREMENTS,
    SESSIONS,
    SHOWN_DATA,
    BoardSession,
    Measurement,
)
from tools.results.stretches import counted_instructions
from tools.results.tables import long_tables, short_table


def command(arguments: str) -> dict[str, Any]:
    """Run `eggroll-edge ARGUMENTS --json`, and return the JSON line with which it ends."""
    line = [sys.executable, "-m", "eggroll_edge", *shlex.split(arguments), "--json"]
    print("$ eggroll-edge", arguments, file=sys.stderr, flush=True)
    done = subprocess.run(line, stdout=subprocess.PIPE, text=True, check=True, cwd=ROOT)
    result: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return result


def measure(row: Measurement) -> None:
    """Run a command with each of its seeds."""
    runs = []
    with tempfile.TemporaryDirectory() as folder:
        for seed in row.seeds:
            out = Path(folder, f"s{seed}")
            run = command(f"train {row.train} --seed {seed} --out {out}")
            runs.append(run | {"seed": seed, "run_dir": None})
        device = _device(out, statistics.mean(run["learned"] / run["recordings"] for run in runs))
    shown = f"eggroll-edge train {row.train} --seed SEED"
    _save(row.name, shown, {"what": row.what, "runs": runs, **device})


def _device(run: Path, learned: float) -> dict[str, Any]:
    """RAM and instructions of runs like the one in this directory, on a device."""
    config = load_config(run)
    data = open_split(config, "train")
    found = on_a_device(config, data, learned)
    if found["training_bytes"] and not found["instructions"] and config.credits_recordings:
        found["instructions"] = counted_instructions(run, data, learned)
    return found


def measure_device(name: str) -> None:
    """Write RAM and instructions of a saved result again: train its first seed on the host, which
    must give the weights that the result has."""
    path = RESULTS / f"{name}.json"
    report = json.loads(path.read_text())
    train = report["command"].removeprefix("eggroll-edge ").replace("--seed SEED", "--seed 1")
    train = train.removesuffix(" --port URL").replace(SHOWN_DATA, str(data_folder()))
    with tempfile.TemporaryDirectory() as folder:
        run = Path(folder, "run")
        trained = command(f"{train} --out {run}")
        saved = report["runs"][0]
        if trained["weights_digest"] != saved.get("digest_on_host", saved.get("weights_digest")):
            raise SystemExit(f"{name}: other weights than saved ones; measure it again")
        learned = trained["learned"] / trained["recordings"]
        if "digest_on_host" in saved:
            session = next(one for one in SESSIONS if one.name == name)
            saved |= _instructions(session, load_config(run), learned)
        else:
            report |= _device(run, learned)
    save(path, report)


def _instructions(session: BoardSession, config: TrainConfig, learned: float) -> dict[str, Any]:
    """The instructions of a recording by the model, and seconds that follow from them; without
    those where the model does not cover the net."""
    board, data = find_board(session.board), open_split(config, "train")
    net = config.net_config(data.n_in, data.n_classes, data.shape)
    if not modelled(net, config.es_config()):
        return {"learned": round(learned, 5)}
    load = measured_load(net, config.es_config(), 1, data, learned)
    taken = cost(board.core, load)
    return {
        "learned": round(learned, 5),
        "instructions_per_sample_by_model": round(taken.generation),
        "instructions": {core: round(cost(core, load).generation) for core in CORES},
        "estimated_seconds_per_sample": round(
            taken.seconds(session.clock_mhz, CYCLES_PER_INSTRUCTION), 4
        ),
        "estimate": f"{session.clock_mhz} MHz, {CYCLES_PER_INSTRUCTION} cycles an instruction, "
        "without the link",
    }


def measure_board(session: BoardSession, seed: int = 1) -> None:
    """Train on an emulated board and, in the same way, on the host; then test on the board.

    The board answers for at most ASKED_OF_BOARD recordings. Instructions are those of the model
    behind `eggroll-edge plan`, which was fitted to exact counts.
    """
    board = find_board(session.board)
    template = f"train {session.options} --data {session.data} --seed {seed}"
    train = template.format(data=data_folder())
    with tempfile.TemporaryDirectory() as folder, emulator(session.board) as running:
        host = command(f"{train} --out {folder}/host")
        trained = command(f"{train} --port {running.url} --out {folder}/board")
        records = JournalReader(f"{folder}/board").generations()
        link = [part for record in records for part in record.link]
        config = load_config(f"{folder}/board")
        tests = open_split(config, "test")
        asked = min(ASKED_OF_BOARD, len(tests))
        with Session(opener(running.url)) as device:
            digest = f"{device.digest()[1]:08x}"
            answers = [device.infer(tests[i].tobytes()).predicted for i in range(asked)]
    trained_on = sum(part.samples for part in link)
    right = sum(a == b for a, b in zip(answers, tests.labels[:asked], strict=True))
    learned = trained["learned"] / trained["recordings"]
    run = {
        "seed": seed,
        "samples": trained_on,
        "test_accuracy": trained["test_accuracy"],
        "answered_by_board": asked,
        "right_on_board_percent": 100 * right / asked,
        "digest_on_board": digest,
        "digest_on_host": host["weights_digest"],
        "same_digest": digest == trained["weights_digest"] == host["weights_digest"],
        "bytes_to_board_per_sample": sum(part.bytes_in for part in link) / trained_on,
        "bytes_from_board_per_sample": sum(part.bytes_out for part in link) / trained_on,
        "frames_sent_again": sum(part.retries for part in link),
        **_instructions(session, config, learned),
    }
    shown = f"eggroll-edge {template.format(data=SHOWN_DATA)} --port URL"
    _save(session.name, shown, {"what": f"{board.title}, {board.core}, emulated", "runs": [run]})


def _save(name: str, shown: str, found: dict[str, Any]) -> None:
    save(RESULTS / f"{name}.json", record(name, shown, False, found))


def write_tables() -> None:
    """Write the tables of the saved results into the pages."""
    pages: dict[Path, str] = {README: short_table(), RESULTS_PAGE: long_tables()}
    for page, tables in pages.items():
        write_section(page, "results", tables)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    names = [*(row.name for row in MEASUREMENTS), *(row.name for row in SESSIONS)]
    parser.add_argument("names", nargs="*", choices=[[], *names], help="by default all")
    parser.add_argument("--devices", action="store_true", help="only RAM and instructions")
    parser.add_argument("--table", action="store_true", help="only write the tables again")
    arguments = parser.parse_args()
    chosen = arguments.names or names
    if arguments.devices:
        for name in chosen:
            if (RESULTS / f"{name}.json").exists():
                measure_device(name)
    elif not arguments.table:
        for row in MEASUREMENTS:
            if row.name in chosen:
                measure(row)
        for session in SESSIONS:
            if session.name in chosen:
                measure_board(session)
    write_tables()


if __name__ == "__main__":
    main()
