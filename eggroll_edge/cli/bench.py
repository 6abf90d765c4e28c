"""`eggroll-edge bench`: the benchmarks. The last line printed is one JSON object."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from eggroll_edge.bench import report as bench
from eggroll_edge.cli.display import print_json

app = typer.Typer(
    no_args_is_help=True,
    help="Benchmarks; their saved files are what docs/reference/performance.md is made from.",
)

Quick = Annotated[bool, typer.Option("--quick", help="The same figures, rougher, in a minute.")]
JsonFile = Annotated[
    Path | None,
    typer.Option("--json", metavar="FILE", show_default=False, help="Save the whole record here."),
]
Runs = Annotated[
    int | None,
    typer.Option(
        min=1, metavar="N", show_default=False,
        help=f"Alternating runs of each case; by default {bench.RUNS}, fewer with --quick.",
    ),
]  # fmt: skip
Data = Annotated[
    str | None,
    typer.Option(
        metavar="DIR", show_default=False,
        help="Holds mnist/ and nmnist_small/; by default EGGROLL_DATA or ../shared/data.",
    ),
]  # fmt: skip


@app.command()
def host(quick: Quick = False, json: JsonFile = None, runs: Runs = None, data: Data = None) -> None:
    """Member evaluations/s, phases, scaling, memory and data path on this machine.

    Examples:

        eggroll-edge bench host --quick

        eggroll-edge bench host --json results/bench-host.json
    """
    _run("host", quick, json, runs=runs, data=data)


@app.command()
def mcu(quick: Quick = False, json: JsonFile = None) -> None:
    """Instructions per member evaluation and generation on emulated microcontrollers.

    Example:

        eggroll-edge bench mcu --json results/bench-mcu.json
    """
    _run("mcu", quick, json)


@app.command()
def peers(
    quick: Quick = False, json: JsonFile = None, runs: Runs = None, data: Data = None
) -> None:
    """The same work in JAX and torch, and the time to 90 % by each; needs the `bench` extra.

    Example:

        eggroll-edge bench peers --json results/bench-peers.json
    """
    _run("peers", quick, json, runs=runs, data=data)


@app.command()
def accuracy(quick: Quick = False, json: JsonFile = None, data: Data = None) -> None:
    """Test accuracies of the recipes, several seeds each, and of others on the same recordings.

    About an hour; the others need the `bench` extra. --quick: one seed of ours, some minutes.

    Example:

        eggroll-edge bench accuracy --json results/bench-accuracy.json
    """
    _run("accuracy", quick, json, data=data)


def _run(kind: str, quick: bool, file: Path | None, **more: Any) -> None:
    def say(text: str) -> None:
        print(text, file=sys.stderr, flush=True)

    found = bench.measure(kind, quick, say, **more)
    if file is not None:
        options = [f"--{k} {v}" for k, v in more.items() if v is not None and k != "data"]
        command = " ".join(["eggroll-edge bench", kind, *(["--quick"] if quick else []), *options])
        bench.save(file, bench.record(kind, command, quick, found))
    print_json(found["summary"])
