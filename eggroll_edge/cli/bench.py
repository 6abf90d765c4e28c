"""`eggroll-edge bench`: the benchmarks. The last line printed is one JSON object."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from eggroll_edge.bench import report
from eggroll_edge.cli.display import print_json

app = typer.Typer(
    no_args_is_help=True,
    help="Benchmarks. The tables of docs/performance.md are made from their saved files.",
)

Quick = Annotated[bool, typer.Option("--quick", help="The same figures, less exact, in a minute.")]
JsonFile = Annotated[
    Path | None,
    typer.Option(
        "--json", metavar="FILE", show_default=False, help="Save the whole record in this file."
    ),
]
Runs = Annotated[
    int | None,
    typer.Option(
        min=1, metavar="N", show_default=False,
        help=f"Rounds in which each case runs once; by default {report.RUNS}, fewer with --quick.",
    ),
]  # fmt: skip
Data = Annotated[
    str | None,
    typer.Option(
        metavar="DIR", show_default=False,
        help="Folder that holds mnist and nmnist_small; by default the folder that EGGROLL_DATA "
        "names, or shared/data beside the source checkout.",
    ),
]  # fmt: skip


@app.command()
def host(quick: Quick = False, json: JsonFile = None, runs: Runs = None, data: Data = None) -> None:
    """Member evaluations a second, phases, scaling, memory and data path on this machine.

    Examples:

        eggroll-edge bench host --quick

        eggroll-edge bench host --json results/bench-host.json
    """
    _run("host", quick, json, runs=runs, data=data)


@app.command()
def mcu(quick: Quick = False, json: JsonFile = None) -> None:
    """Instructions of a member evaluation and of a generation on emulated microcontrollers.

    Needs a source checkout, the cross compilers and the emulators.

    Example:

        eggroll-edge bench mcu --json results/bench-mcu.json
    """
    _run("mcu", quick, json)


@app.command()
def peers(
    quick: Quick = False, json: JsonFile = None, runs: Runs = None, data: Data = None
) -> None:
    """The same work in JAX and torch, and the time that each takes to 90 %.

    Needs a source checkout and the `bench` extra: pip install -e '.\\[bench]'

    Example:

        eggroll-edge bench peers --json results/bench-peers.json
    """
    _run("peers", quick, json, runs=runs, data=data)


@app.command()
def accuracy(quick: Quick = False, json: JsonFile = None, data: Data = None) -> None:
    """Test accuracies of our recipes, with several seeds, and of other methods.

    Takes about an hour. The other methods need a source checkout and the `bench` extra, which
    pip install -e '.\\[bench]' installs; without them their rows say what is missing. With --quick:
    our recipes alone, with one seed, in some minutes.

    Example:

        eggroll-edge bench accuracy --json results/bench-accuracy.json
    """
    _run("accuracy", quick, json, data=data)


def _run(kind: str, quick: bool, file: Path | None, **more: Any) -> None:
    def notify(text: str) -> None:
        print(text, file=sys.stderr, flush=True)

    found = report.measure(kind, quick, notify, **more)
    if file is not None:
        options = [f"--{k} {v}" for k, v in more.items() if v is not None and k != "data"]
        command = " ".join(["eggroll-edge bench", kind, *(["--quick"] if quick else []), *options])
        report.save(file, report.record(kind, command, quick, found))
    print_json(found["summary"])
