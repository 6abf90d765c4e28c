"""`eggroll-edge plan`: will it fit?"""

from __future__ import annotations

from typing import Annotated

import typer
from rich.table import Table

from eggroll_edge.cli import options as option
from eggroll_edge.cli.display import console, print_json
from eggroll_edge.data.sources import source_of
from eggroll_edge.planning.instructions import LIVE, Cost, cores, cost, modelled, typical_load
from eggroll_edge.planning.memory import BOARDS, CODE_RESERVE, SAMPLE_BUFFER, Plan, plan_of
from eggroll_edge.planning.memory import board as board_named


def plan(
    ctx: typer.Context,
    preset: option.Preset = None,
    board: Annotated[
        str | None,
        typer.Option(
            "--board",
            metavar="NAME",
            show_default=False,
            help=f"Exit code 1 if it does not fit there: {', '.join(BOARDS)}.",
        ),
    ] = None,
    inputs: Annotated[
        int | None,
        typer.Option(
            metavar="N", show_default=False, help="Inputs, where they are not N-MNIST's events."
        ),
    ] = None,
    outputs: Annotated[
        int | None,
        typer.Option(metavar="K", show_default=False, help="Classes (those of the data, or 10)."),
    ] = None,
    sample_buffer: Annotated[
        int, typer.Option("--sample-buffer", metavar="BYTES", help="For one recording's stream.")
    ] = SAMPLE_BUFFER,
    as_json: option.AsJson = False,
    ticks: option.Ticks = None,
    pool: option.Pool = None,
    polarity: option.Polarity = None,
    hidden: option.Hidden = None,
    readout: option.Readout = None,
    estimator: option.Estimator = None,
    online: option.Online = None,
    pairs: option.Pairs = None,
    rank: option.Rank = None,
    segments: option.Segments = None,
    batch: option.Batch = None,
    events: Annotated[
        float | None,
        typer.Option(
            metavar="N",
            min=0,
            show_default=False,
            help="Events a recording, for the instructions: as many as N-MNIST has.",
        ),
    ] = None,
    live: Annotated[
        float,
        typer.Option(
            metavar="X", min=0, max=1, help="Share of neurons whose spikes perturbations move."
        ),
    ] = LIVE,
    clock_mhz: Annotated[
        float | None,
        typer.Option(
            "--clock-mhz", metavar="F", min=0.001, show_default=False, help="Estimate seconds, too."
        ),
    ] = None,
    cpi: Annotated[
        float, typer.Option(metavar="X", min=0.1, help="Clock cycles an instruction, for that.")
    ] = 1.5,
) -> None:
    """RAM, flash and instructions that a net and its training take on a microcontroller.

    Examples:

        eggroll-edge plan --pool 2 --hidden 64 --pairs 32

        eggroll-edge plan --pool 2 --polarity merged --hidden 16 --online --board microbit

        eggroll-edge plan --pool 2 --hidden 64 --pairs 32 --estimator batch -b 16 --clock-mhz 64
    """
    wanted = board_named(board) if board else None
    config = option.config_of(ctx.params)
    source = source_of(config.data)
    outputs = outputs or (source.classes if source else 10)
    net = config.net_config(config.binning().n_in if inputs is None else inputs, outputs)
    sizes = plan_of(net, config.es_config(), sample_buffer, online=config.online)
    layers = "-".join(str(size) for size in (net.inputs, *(layer.size for layer in net.layers)))
    name = layers if net.readout == "spikes" else f"{layers}-{outputs}"
    fits = sizes.fits(wanted) if wanted else None
    costs: list[Cost] = []
    known = config.estimator == "batch" or config.online
    if known and modelled(net, config.es_config()):
        load = typical_load(net, config.es_config(), config.batch, events, live)
        costs = [cost(core, load) for core in cores()]
    if as_json:
        about = {"net": name, "estimator": config.estimator, "pairs": config.pairs}
        found = {
            c.core: c.to_dict()
            | ({"estimated_seconds": c.seconds(clock_mhz, cpi)} if clock_mhz else {})
            for c in costs
        }
        print_json({**about, **sizes.to_dict(), "board": board, "fits": fits, "cores": found})
    _show(sizes, f"{name}, {config.ticks} ticks, {config.kind}, {config.pairs} pairs", as_json)
    _show_costs(costs, config.batch, live, clock_mhz, cpi, as_json)
    if wanted:
        hint = ""
        if not fits and config.kind == "sample":
            learnt_at_once = plan_of(net, config.es_config(), sample_buffer, online=True)
            hint = "; with --online it fits" if learnt_at_once.fits(wanted) else ""
        console(as_json).print(f"{wanted.title}: {sizes.verdict(wanted)}{hint}")
    if fits is False:
        raise typer.Exit(1)


def _show_costs(
    costs: list[Cost], batch: int, live: float, clock_mhz: float | None, cpi: float, as_json: bool
) -> None:
    show = console(as_json)
    if not costs:
        show.print(
            "instructions: the model is of batch and online, one LIF layer with leak shift 1, no "
            "refractory time, an even threshold, readout integrate"
        )
        return
    table = Table("core", "instructions a generation", "a member evaluation", "the update")
    if clock_mhz:
        table.add_column("seconds, estimated")
    for column in table.columns[1:]:
        column.justify = "right"
    for c in costs:
        row = [c.generation, c.evaluation / c.members, c.update]
        seconds = [f"{c.seconds(clock_mhz, cpi):.3g}"] if clock_mhz else []
        table.add_row(c.core, *(f"{x:,.0f}" for x in row), *seconds)
    show.print(table)
    about = f"a generation of {batch} recordings; perturbations move the spikes of {live:.0%} of"
    guess = ""
    if clock_mhz:
        guess = f"; seconds are a guess for {clock_mhz:g} MHz and {cpi:g} cycles an instruction"
    show.print(f"instructions: a model fitted to counts in emulators, {about} the neurons{guess}")


def _show(sizes: Plan, title: str, as_json: bool) -> None:
    show = console(as_json)
    table = Table("RAM, bytes", "", title=title, title_justify="left")
    table.columns[1].justify = "right"
    for what, size in (
        ("weights (int8, trained in place)", sizes.weights),
        ("inference workspace", sizes.inference),
        ("sample buffer", sizes.sample_buffer),
        ("= to run the net", sizes.ram_inference),
        ("training, extra", sizes.training_extra),
        ("= to train it", sizes.ram_training),
    ):
        table.add_row(what, f"{size:,}", end_section=what.startswith("="))
    show.print(table)
    boards = Table("board", "core", "RAM", "left for stack, firmware", "train on it?")
    for column in boards.columns[2:4]:
        column.justify = "right"
    for one in BOARDS.values():
        left = sizes.ram_left(one)
        boards.add_row(one.name, one.core, f"{one.ram:,}", f"{left:,}", sizes.verdict(one))
    show.print(boards)
    show.print(
        "fits: enough RAM is left (3 KB on boards with 16 KB, else 10 KB), and "
        f"{sizes.flash:,} B of flash are there ({CODE_RESERVE:,} for the program, two copies of "
        "the weights)"
    )
