#!/usr/bin/env python3
"""Runs the commands behind the tables of README and docs/reference/results.md, into results/*.json.

    tools/measure.py                 all of them (about an hour on two cores)
    tools/measure.py digits          some of them
    tools/measure.py board-pico      a session on an emulated board, and the same on the host
    tools/measure.py --table         only rewrites the tables from the saved results

The N-MNIST rows are those of results/bench-accuracy.json, from `eggroll-edge bench accuracy`.
Each result file holds the command, its seeds, the machine, the commit and the JSON line of every
run. The datasets are those of ../shared/data, or of the folder that EGGROLL_DATA names.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import shlex
import statistics
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from eggroll_edge.boards.emulator import emulator
from eggroll_edge.boards.table import find_board
from eggroll_edge.journal.reader import JournalReader
from eggroll_edge.journal.records import GenerationLine
from eggroll_edge.link.session import Session
from eggroll_edge.link.transport import opener
from eggroll_edge.planning.instructions import cost, typical_load
from eggroll_edge.training.run_dir import load_config
from eggroll_edge.training.splits import open_split

ROOT = Path(__file__).resolve().parents[2]

DATA = Path(os.environ.get("EGGROLL_DATA", ROOT.parent / "shared" / "data"))
RESULTS = ROOT / "results"
START, END = "<!-- results: tools/results/measure.py -->", "<!-- end of results -->"


@dataclass(frozen=True)
class Measurement:
    """One row of the table: a training command, run once a seed."""

    name: str
    what: str
    train: str
    seeds: tuple[int, ...] = (1,)


SMALL, MNIST = f"{DATA}/nmnist_small", f"idx:{DATA}/mnist"
MEASUREMENTS = [
    Measurement(
        "digits", "scikit-learn digits, simulated events", "--data digits", (1, 2, 3, 4, 5)
    ),
    Measurement(
        "chirps-sample",
        "chirps: words whose class is in the order of events, `sample`",
        "--preset chirps",
        (1, 2, 3, 4, 5),
    ),
    Measurement(
        "chirps-leak1",
        "the same with a leak that forgets within two ticks",
        "--preset chirps --leak-shift 1",
    ),
    Measurement(
        "chirps-batch",
        "the same words, `batch`",
        "--preset chirps --estimator batch --threshold 300 --pairs 512 --batch 128 "
        "--generations 400",
    ),
    Measurement(
        "chirps-online",
        "the same words, `sample` online",
        "--preset chirps --online --threshold 300 --sigma 30 --pairs 64 --lr 0.08 "
        "--sigma-readout 1.95 --lr-readout 0.06 --penalty-bits 0.002 --generations 150000",
    ),
]


@dataclass(frozen=True)
class BoardSession:
    """A training session on a board in an emulator, through the link."""

    board: str
    preset: str
    data: str
    clock_mhz: int
    """Of the board, for an estimate of seconds."""

    @property
    def name(self) -> str:
        """Of its result file."""
        return f"board-{self.board}" + ("" if self.data == SMALL else "-mnist")


SESSIONS = [
    BoardSession("pico", "pico", MNIST, 125),
    BoardSession("pico", "board-small", SMALL, 125),
    BoardSession("stm32f405", "board-small", SMALL, 168),
    BoardSession("microbit", "microbit", SMALL, 16),
    BoardSession("hifive1", "microbit", SMALL, 320),
]
CPI = 1.5
"""Cycles that an instruction is taken to last: a guess, as no emulator here tells cycles."""
ON_BOARD = 1000
"""Test recordings that the board itself answers, at most."""


def machine() -> str:
    """The processor's name and the number of cores."""
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return f"{line.split(':', 1)[1].strip()}, {os.cpu_count()} cores"
    return f"{platform.processor()}, {os.cpu_count()} cores"


def command(arguments: str) -> dict[str, Any]:
    """Runs `eggroll-edge ARGUMENTS --json` and returns its last line."""
    line = [sys.executable, "-m", "eggroll_edge", *shlex.split(arguments), "--json"]
    print("$ eggroll-edge", arguments, file=sys.stderr, flush=True)
    done = subprocess.run(line, stdout=subprocess.PIPE, text=True, check=True, cwd=ROOT)
    result: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return result


def measure(row: Measurement) -> None:
    """Runs one row and writes results/<name>.json."""
    runs = []
    with tempfile.TemporaryDirectory() as folder:
        for seed in row.seeds:
            out = f"{folder}/s{seed}"
            run = command(f"train {row.train} --seed {seed} --out {out}")
            runs.append(run | {"seed": seed, "run_dir": None})
    data = str(DATA)
    report = {
        "what": row.what,
        "command": f"eggroll-edge train {row.train} --seed SEED".replace(data, "../shared/data"),
    }
    write(row.name, report, runs)


def write(name: str, report: dict[str, Any], runs: list[dict[str, Any]]) -> None:
    """results/<name>.json: the report, where it was made, and its runs."""
    commit = subprocess.run(
        ["git", "describe", "--always", "--dirty"], capture_output=True, text=True, cwd=ROOT
    ).stdout.strip()
    report = report | {"machine": machine(), "commit": commit, "runs": runs}
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / f"{name}.json").write_text(json.dumps(report, indent=1) + "\n")


def measure_board(session: BoardSession, seed: int = 1) -> None:
    """A whole session on an emulated board, the same run on the host, and tests on the board.

    Instructions are by the model of `plan`, whose costs were fitted to exact counts.
    """
    board = find_board(session.board)
    train = f"train --preset {session.preset} --data {session.data} --seed {seed}"
    with tempfile.TemporaryDirectory() as folder, emulator(session.board) as running:
        host = command(f"{train} --out {folder}/host")
        trained = command(f"{train} --port {running.url} --out {folder}/board")
        lines = JournalReader(f"{folder}/board")
        link = [t for x in lines if isinstance(x, GenerationLine) for t in x.link]
        config = load_config(f"{folder}/board")
        recordings, tests = open_split(config, "train"), open_split(config, "test")
        asked = min(ON_BOARD, len(tests))
        with Session(opener(running.url)) as device:
            digest = f"{device.digest()[1]:08x}"
            answers = [device.infer(tests[i].tobytes()).predicted for i in range(asked)]
    samples = sum(part.samples for part in link)
    right = sum(a == b for a, b in zip(answers, tests.labels[:asked], strict=True))
    net = config.net_config(recordings.n_in, recordings.n_classes)
    events = len(recordings.streams) / len(recordings) - config.ticks  # a byte an event, and a tick
    taken = cost(board.core, typical_load(net, config.es_config(), 1, events))
    run = {
        "seed": seed,
        "samples": samples,
        "test_accuracy": trained["test_accuracy"],
        "answered_by_board": asked,
        "right_on_board_percent": 100 * right / asked,
        "digest_on_board": digest,
        "digest_on_host": host["weights_digest"],
        "same_digest": digest == trained["weights_digest"] == host["weights_digest"],
        "bytes_to_board_per_sample": sum(part.bytes_in for part in link) / samples,
        "bytes_from_board_per_sample": sum(part.bytes_out for part in link) / samples,
        "frames_sent_again": sum(part.retries for part in link),
        "instructions_per_sample_by_model": round(taken.generation),
        "estimated_seconds_per_sample": round(taken.seconds(session.clock_mhz, CPI), 4),
        "estimate": f"{session.clock_mhz} MHz, {CPI} cycles an instruction, without the link",
    }
    report = {
        "what": f"{board.title}, {board.core}, emulated",
        "command": f"eggroll-edge {train} --port URL".replace(str(DATA), "../shared/data"),
    }
    write(session.name, report, [run])


def summary() -> str:
    """The README's tables."""
    record = json.loads((RESULTS / "bench-accuracy.json").read_text())
    lines = [*side_by_side(), "", *speed_table()]
    return "\n".join([*lines, "", f"Measured on: {record['machine']}. Files: `results/*.json`."])


def details() -> str:
    """The tables of docs/reference/results.md."""
    return "\n".join([*accuracy_table(), "", *board_table(), "", *other_table()])


def other_table() -> list[str]:
    """Of MEASUREMENTS."""
    lines = [
        "| other data | command | test accuracy, final weights | seconds of training "
        "| member evaluations/s |",
        "|---|---|---|---|---|",
    ]
    for row in MEASUREMENTS:
        path = RESULTS / f"{row.name}.json"
        if not path.exists():
            continue
        report = json.loads(path.read_text())
        runs = report["runs"]
        accuracy = scores([run["test_accuracy"] for run in runs])
        seconds = statistics.mean(run["seconds"] for run in runs)
        rate = statistics.mean(run["member_evals_per_s"] for run in runs)
        shown = report["command"].removeprefix("eggroll-edge ").removesuffix(" --seed SEED")
        figures = f"{accuracy} | {seconds:.0f} | {rate / 1e6:.2f} M"
        lines.append(f"| {row.what} | `{shown}` | {figures} |")
    return lines


PUBLISHED = [
    ("EGGROLL with LIF neurons, arXiv 2605.30361", "N-MNIST", "79.21 %", "no"),
    ("CR-FM-NES, 2312-512-10, Spyx's notebook", "N-MNIST", "89.4 %", "no"),
    ("surrogate gradient, the same net, Spyx's notebook", "N-MNIST", "91.2 %", "yes"),
]
"""As their authors give them; not measured here."""


def side_by_side() -> list[str]:
    """Published results, and ours on what is at hand."""
    record = json.loads((RESULTS / "bench-accuracy.json").read_text())
    found = {row["name"]: row for row in record["rows"] + record["baselines"]}
    ours = [
        ("`sample`, 2312-128-10, int8", "N-MNIST, simulated", "sample", "no"),
        ("surrogate gradient of ours, the same net, float", "the same", "surrogate", "yes"),
        ("`batch`, 2312-128-10, int8", "the same", "batch", "no"),
        ("`sample`, trained on simulated events alone", "800 real recordings", "sim_to_real", "no"),
        ("surrogate gradient of ours, simulated events alone", "the same", "surrogate real", "yes"),
        ("`sample`, 700 real recordings to train", "100 real recordings", "small", "no"),
        ("surrogate gradient of ours, on the same", "the same", "surrogate small", "yes"),
        ("a board's net, 578-64-10, simulated events, then adapted online on the 700 real ones",
         "100 real recordings", "adapted", "no"),
    ]  # fmt: skip
    lines = [
        "| | tested on | accuracy | gradients? |",
        "|---|---|---|---|",
        *(
            f"| {who}, published | {where} | {what} | {how} |"
            for who, where, what, how in PUBLISHED
        ),
    ]
    for who, where, name, how in ours:
        if "accuracy" in found[name]:
            lines.append(f"| {who} | {where} | {scores(found[name]['accuracy'])} | {how} |")
    return lines


def accuracy_table() -> list[str]:
    """What `eggroll-edge bench accuracy` found: ours, and the baselines."""
    record = json.loads((RESULTS / "bench-accuracy.json").read_text())
    lines = [
        "| N-MNIST | command | test accuracy, final weights | firing | member evaluations "
        "| bytes exchanged | RAM to train it on a device | seconds |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for row in record["rows"]:
        if row["name"].startswith("curve"):
            continue
        shown = row["command"].removeprefix("eggroll-edge ").removesuffix(" --seed SEED")
        ram = row["training_bytes"]
        lines.append(
            f"| {row['what']} | `{shown}` | {scores(row['accuracy'])} "
            f"| {100 * row['firing_rate']:.1f} % "
            f"| {row['member_evaluations'] / 1e6:,.1f} M | {row['exchanged_bytes'] / 1e6:.2f} MB "
            f"| {f'{ram / 1000:,.0f} KB' if ram else 'hosts only'} | {row['seconds']:.1f} |"
        )
    lines += [
        "",
        "| others, on the same recordings | command | test accuracy, final weights | firing "
        "| member evaluations | seconds |",
        "|---|---|---|---|---|---|",
    ]
    for row in record["baselines"]:
        shown = f"`{row['command'].removesuffix(' --seed SEED')}`"
        shown = shown.replace("tools/bench/", "tools/peers/")  # they have moved since
        if "why" in row:
            lines.append(f"| {row['what']} | {shown} | not measured: {row['why']} | - | - | - |")
            continue
        firing = f"{100 * row['firing_rate']:.0f} %" if "firing_rate" in row else "-"
        members = row.get("member_evaluations")
        lines.append(
            f"| {row['what']} | {shown} | {scores(row['accuracy'])} | {firing} "
            f"| {f'{members / 1e6:,.1f} M' if members else '-'} | {row['seconds']:.0f} |"
        )
    return lines


def speed_table() -> list[str]:
    """The last lines of `eggroll-edge bench host`, `peers` and `mcu`."""
    records = [
        json.loads((RESULTS / f"bench-{kind}.json").read_text())
        for kind in ("host", "peers", "mcu")
    ]
    host, peers, mcu = (record["summary"] for record in records)
    rates = {
        row["name"]: row["member_evals_per_s"]["median"]
        for row in records[1]["rows"]
        if "member_evals_per_s" in row
    }
    published = rates["ours, batch"] / rates["JAX EGGROLL, float32"]
    lines = [
        "| speed | |",
        "|---|---|",
        "| `batch`, 2312-128-10, 15 ticks, 512 pairs x 128, 2 threads "
        f"| {host['member_evals_per_s'] / 1e6:.1f} M member evaluations/s |",
        "| the same: full-rank ES of ours over `batch`, time of a generation "
        f"| {host['full_rank_over_batch']:.1f} |",
        f"| `batch` over EGGROLL in JAX, float32 as published | {published:.1f} |",
        f"| over EGGROLL in JAX with our int16 neuron | {peers['ours_over_jax']:.1f} |",
        "| over torch with snnTorch's neurons or an EGGROLL library, the fastest form "
        f"| {peers['ours_over_torch']:,.0f} |",
        "| over torch with a layer of our own for torch.compile "
        f"| {peers['ours_over_torch_compiled']:.1f} |",
    ]
    lines += ["", "| to 90 % on simulated N-MNIST | seconds of training |", "|---|---|"]
    lines += [
        f"| {name} | {seconds:.2f} |"
        for name, seconds in peers["seconds_to_90"].items()
        if seconds is not None
    ]
    lines += [
        "",
        "| `batch` on a microcontroller, 578-64-10, 15 ticks | instructions a member evaluation "
        "| full-rank ES over `batch`, instructions |",
        "|---|---|---|",
    ]
    lines += [
        f"| {board} | {found['instructions_per_member_eval']:,.0f} "
        f"| {found['full_rank_over_batch']:.1f} |"
        for board, found in mcu.items()
    ]
    return lines


def scores(percent: list[float]) -> str:
    """Their mean; of several seeds, the range."""
    mean = f"{statistics.mean(percent):.1f} %"
    if len(percent) == 1:
        return f"{mean} (one seed)"
    return f"{mean} ({len(percent)} seeds, {min(percent):.1f}-{max(percent):.1f})"


def board_table() -> list[str]:
    """The table of sessions on emulated boards."""
    lines = [
        "| board, emulated | command | test accuracy | digest as on the host "
        "| recordings | bytes to, from the board | instructions a recording | seconds, estimated |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for session in SESSIONS:
        path = RESULTS / f"{session.name}.json"
        if not path.exists():
            continue
        report = json.loads(path.read_text())
        for run in report["runs"]:
            same = f"yes, `{run['digest_on_board']}`" if run["same_digest"] else "NO"
            shown = report["command"].removeprefix("eggroll-edge ").replace(" --seed 1", "")
            there, back = run["bytes_to_board_per_sample"], run["bytes_from_board_per_sample"]
            each = run["estimated_seconds_per_sample"]
            lines.append(
                f"| {report['what'].removesuffix(', emulated')} | `{shown}` "
                f"| {run['test_accuracy']:.1f} % | {same} | {run['samples']:,} "
                f"| {there:.0f}, {back:.0f} "
                f"| {run['instructions_per_sample_by_model'] / 1e6:.2f} M "
                f"| {each:.3f} each, {each * run['samples'] / 60:.0f} min in all |"
            )
    lines += [
        "",
        "Accuracy is the host's test of the weights that the board ended with. Instructions are by "
        "the model of `plan`; seconds are an estimate from them, at the board's clock and "
        f"{CPI:g} cycles an instruction, without the link.",
    ]
    return lines


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    names = [*(row.name for row in MEASUREMENTS), *(row.name for row in SESSIONS)]
    parser.add_argument("names", nargs="*", choices=[[], *names])
    parser.add_argument("--table", action="store_true", help="only rewrite the tables")
    arguments = parser.parse_args()
    if not arguments.table:
        for row in MEASUREMENTS:
            if not arguments.names or row.name in arguments.names:
                measure(row)
        for session in SESSIONS:
            if not arguments.names or session.name in arguments.names:
                measure_board(session)
    for name, text in (("README.md", summary()), ("docs/reference/results.md", details())):
        page = ROOT / name
        before, rest = page.read_text().split(START)
        after = rest.split(END)[1]
        page.write_text(f"{before}{START}\n{text}\n{END}{after}")


if __name__ == "__main__":
    main()
