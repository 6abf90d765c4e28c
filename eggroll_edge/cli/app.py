"""The command line, `eggroll-edge`. Each command calls one function of the library.

Exit codes: 0: done. 1: an error that a message explains, or a board that is too small, or a digest
that differs. 2: wrong usage. 130: interrupted by Ctrl-C.
"""

from __future__ import annotations

import os
import sys
import warnings
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, version
from typing import Annotated

import typer
from rich.table import Table

from eggroll_edge.cli import bench as cli_bench
from eggroll_edge.cli import control as cli_control
from eggroll_edge.cli import data as cli_data
from eggroll_edge.cli import device as cli_device
from eggroll_edge.cli import plan as cli_plan
from eggroll_edge.cli import runs as cli_run
from eggroll_edge.cli import train as cli_train
from eggroll_edge.cli.display import console
from eggroll_edge.cli.old_spellings import current_spelling
from eggroll_edge.errors import EggrollError
from eggroll_edge.training.presets import load_preset, merge, preset_description, preset_names
from eggroll_edge.training.settings import DERIVED

app = typer.Typer(
    name="eggroll-edge",
    no_args_is_help=True,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    context_settings={
        "help_option_names": ["-h", "--help"],
        "token_normalize_func": current_spelling,
    },
)
app.command()(cli_train.train)
app.command()(cli_train.resume)
app.command(name="eval")(cli_run.evaluate)
app.command()(cli_run.replay)
app.command()(cli_run.plot)
app.command()(cli_plan.plan)
app.command()(cli_control.control)
app.add_typer(cli_data.app, name="data")
app.add_typer(cli_bench.app, name="bench")
app.command()(cli_device.devices)
app.command()(cli_device.monitor)
app.command()(cli_device.flash)
app.command()(cli_device.emulate)


def _print_version(wanted: bool) -> None:
    if wanted:
        try:
            typer.echo(f"eggroll-edge {version('eggroll-edge')}")
        except PackageNotFoundError:  # run from a source tree that is not installed
            typer.echo("eggroll-edge (not installed)")
        raise typer.Exit


@app.callback()
def _main(
    debug: Annotated[
        bool,
        typer.Option(
            "--debug", help="Show the traceback of an error. May also stand after the command."
        ),
    ] = False,
    show_version: Annotated[
        bool,
        typer.Option("--version", callback=_print_version, is_eager=True, help="Show the version."),
    ] = False,
) -> None:
    """On-device learning for spiking networks: integer LIF + low-rank Evolution Strategies.

    Start with: eggroll-edge train
    """


@app.command()
def presets(
    name: Annotated[
        str | None, typer.Argument(show_default=False, help="Show all settings of this one.")
    ] = None,
) -> None:
    """List the presets, or all settings of one.

    Examples:

        eggroll-edge presets

        eggroll-edge presets digits
    """
    if name is not None:
        config = merge(load_preset(name), {})
        for field, value in config.to_dict().items():
            shown = DERIVED if field in config.left_to_data else value
            console().print(f"{field} = {shown}")
        return
    table = Table("preset", "what it is for", box=None)
    for known in preset_names():
        table.add_row(known, preset_description(known))
    console().print(table)
    console().print("use one: eggroll-edge train --preset NAME; its settings: presets NAME")


def main(argv: Sequence[str] | None = None) -> None:
    """Run the command line and raise SystemExit; argv defaults to the arguments of the process."""
    words = list(sys.argv[1:] if argv is None else argv)
    debug = "--debug" in words  # before or after the command
    warnings.formatwarning = lambda message, *_: f"warning: {message}\n"
    try:
        app([word for word in words if word != "--debug"], prog_name="eggroll-edge")
    except BrokenPipeError:  # whoever reads our output has gone, as with `| head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise SystemExit(1) from None
    except (EggrollError, OSError) as error:
        if debug:
            raise
        print(f"error: {error}", file=sys.stderr)
        raise SystemExit(1) from None


if __name__ == "__main__":
    main()
