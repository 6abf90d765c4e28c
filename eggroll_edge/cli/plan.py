"""`eggroll-edge plan`: whether a net and its training fit a board."""

from __future__ import annotations

import re
from typing import Annotated, Any

import typer
from rich.table import Table

from eggroll_edge.boards.table import BOARDS, find_board
from eggroll_edge.cli import options as option
from eggroll_edge.cli.configuration import config_of
from eggroll_edge.cli.display import console, print_json
from eggroll_edge.core.config import WITHOUT_PAIRS
from eggroll_edge.data.sources import sensor_of
from eggroll_edge.errors import ConfigError
from eggroll_edge.planning.instructions import Cost, cores, cost, per_recording
from eggroll_edge.planning.load import LEARNED, LIVE, Load, modelled, typical_load
from eggroll_edge.planning.memory import CODE_RESERVE, SAMPLE_BUFFER, Plan, plan_of
from eggroll_edge.training.derivation import derive_without_data


@option.takes_settings(
    "data", "ticks", "pool", "polarity", "hidden", "readout", "readout_pool", "estimator", "online",
    "pairs", "rank", "segments", "batch", "learn_above", "shift",
)  # fmt: skip
def plan(
    preset: option.Preset = None,
    board: Annotated[
        str | None,
        typer.Option(
            "--board",
            metavar="NAME",
            show_default=False,
            help=f"The exit code is 1 if it does not fit this board: {', '.join(BOARDS)}.",
        ),
    ] = None,
    inputs: Annotated[
        str | None,
        typer.Option(
            metavar="N|CxRxC",
            show_default=False,
            help="Inputs of the net, by default those of the data: a number, or channels x rows x "
            "columns, such as 2x128x128, which a convolution needs.",
        ),
    ] = None,
    outputs: Annotated[
        int | None,
        typer.Option(
            metavar="K", show_default=False, help="Classes; by default those of the data, or 10."
        ),
    ] = None,
    sample_buffer: Annotated[
        int,
        typer.Option(
            "--sample-buffer", metavar="BYTES", help="Bytes for the stream of one recording."
        ),
    ] = SAMPLE_BUFFER,
    as_json: option.AsJson = False,
    *,
    settings: option.Settings,
    events: Annotated[
        float | None,
        typer.Option(
            metavar="N",
            min=0,
            show_default=False,
            help="Events of a recording, for the instructions; by default as many as N-MNIST has.",
        ),
    ] = None,
    live: Annotated[
        float | None,
        typer.Option(
            metavar="X",
            min=0,
            max=1,
            show_default=False,
            help="Share of the neurons whose spikes a perturbation can change (by default "
            f"{LIVE['sample']}), or with sweep that have a credit ({LIVE['sweep']}; eprop "
            f"{LIVE['eprop']}).",
        ),
    ] = None,
    learned: Annotated[
        float,
        typer.Option(
            metavar="X",
            min=0,
            max=1,
            help="Share of the recordings with a loss of learn_above or more (sweep, eprop).",
        ),
    ] = LEARNED,
    clock_mhz: Annotated[
        float | None,
        typer.Option(
            "--clock-mhz",
            metavar="F",
            min=0.001,
            show_default=False,
            help="Clock of the core: estimate seconds, too.",
        ),
    ] = None,
    cpi: Annotated[
        float,
        typer.Option(metavar="X", min=0.1, help="Clock cycles of an instruction, for the seconds."),
    ] = 1.5,
) -> None:
    """RAM, flash and instructions that a net and its training take on a microcontroller.

    Examples:

        eggroll-edge plan --pool 2 --hidden 64

        eggroll-edge plan --hidden "conv 16 k5 s2" --readout-pool 2

        eggroll-edge plan --pool 2 --polarity merged --hidden 16 --online --board microbit

        eggroll-edge plan --pool 2 --hidden 64 --pairs 32 --estimator batch -b 16 --clock-mhz 64
    """
    wanted = find_board(board) if board else None
    config = config_of(preset, settings)
    sensor = sensor_of(config.data)
    outputs = outputs or (sensor.classes if sensor else 10)
    seen = config.binning()
    number, shape = (seen.n_in, seen.shape) if inputs is None else _inputs(inputs)
    config = derive_without_data(config, shape)
    net = config.net_config(number, outputs, shape)
    sizes = plan_of(net, config.es_config(), sample_buffer, online=config.online)
    name = str(net)
    fits = sizes.fits(wanted) if wanted else None
    load, costs = None, []
    if modelled(net, config.es_config()):
        share = learned if config.learn_above else 1.0
        load = typical_load(
            net, config.es_config(), config.batch, events, live, share, config.online
        )
        costs = [cost(core, load) for core in cores()]
    if as_json:
        names = {"net": name, "estimator": config.estimator, "pairs": config.pairs}
        found = {
            c.core: c.to_dict()
            | _of_recordings(c.core, load)
            | ({"estimated_seconds": c.seconds(clock_mhz, cpi)} if clock_mhz else {})
            for c in costs
        }
        print_json({**names, **sizes.to_dict(), "board": board, "fits": fits, "cores": found})
    _show(sizes, f"{name}, {config.ticks} ticks, {config.kind}, {config.perturbations}", as_json)
    _show_costs(costs, load, clock_mhz, cpi, as_json)
    if wanted:
        hint = ""
        if not fits and config.kind in ("sample", "sweep"):
            updated_at_once = plan_of(net, config.es_config(), sample_buffer, online=True)
            hint = "; with --online it fits" if updated_at_once.fits(wanted) else ""
        console(as_json).print(f"{wanted.title}: {sizes.verdict(wanted)}{hint}")
    if fits is False:
        raise typer.Exit(1)


def _inputs(text: str) -> tuple[int, tuple[int, int, int] | None]:
    """(inputs, their shape or None) from text such as "578" or "2x34x34"."""
    found = re.fullmatch(r"(\d{1,6})(?:x(\d{1,6})x(\d{1,6}))?", text.strip())
    if found is None:
        raise ConfigError(f"inputs: {text!r} is no number: write 578, or a shape, 2x17x17")
    channels, rows, columns = (int(part or 1) for part in found.groups())
    shape = (channels, rows, columns)
    return channels * rows * columns, shape if found.group(2) else None


def _of_recordings(core: str, load: Load | None) -> dict[str, Any]:
    """For JSON: the instructions of a recording with credit, and of one without."""
    if load is None or load.es.estimator not in WITHOUT_PAIRS:
        return {}
    with_credit, without = per_recording(core, load)
    return {
        "instructions_per_learned_recording": round(with_credit),
        "instructions_per_recording_below_learn_above": round(without),
        "learned": load.learned,
    }


def _show_costs(
    costs: list[Cost], load: Load | None, clock_mhz: float | None, cpi: float, as_json: bool
) -> None:
    show = console(as_json)
    if load is None:
        show.print(
            "instructions: none, the model covers nets without a hidden layer, or with one dense "
            "LIF layer of leak shift 1, an even threshold and no refractory time, and readout "
            "integrate"
        )
        return
    without_pairs = load.es.estimator in WITHOUT_PAIRS
    parts = ("a member evaluation", "the update")
    if without_pairs:
        parts = ("a recording it learns from", "one below learn_above")
    table = Table("core", "instructions a generation", *parts)
    if clock_mhz:
        table.add_column("seconds, estimated")
    for column in table.columns[1:]:
        column.justify = "right"
    for c in costs:
        if without_pairs:
            row = [c.generation, *per_recording(c.core, load)]
        else:
            row = [c.generation, c.evaluation / c.members, c.update]
        seconds = [f"{c.seconds(clock_mhz, cpi):.3g}"] if clock_mhz else []
        table.add_row(c.core, *(f"{x:,.0f}" for x in row), *seconds)
    show.print(table)
    about = f"perturbations can change the spikes of {load.live:.0%} of the neurons"
    if without_pairs:
        about = f"{load.live:.0%} of the neurons have a credit"
        if load.es.learn_above:
            about += f" in the {load.learned:.0%} of the recordings that it learns from"
    about = f"a generation of {load.samples} recordings; {about}"
    guess = ""
    if clock_mhz:
        guess = f"; seconds are a guess for {clock_mhz:g} MHz and {cpi:g} cycles an instruction"
    show.print(f"instructions: a model fitted to counts in emulators, {about}{guess}")


def _show(sizes: Plan, title: str, as_json: bool) -> None:
    show = console(as_json)
    table = Table("RAM, bytes", "", title=title, title_justify="left")
    table.columns[1].justify = "right"
    for what, size in (
        ("weights (int8, trained in place)", sizes.weights),
        ("inference workspace", sizes.inference),
        ("buffer of a recording", sizes.sample_buffer),
        ("= to run the net", sizes.ram_inference),
        ("training, extra", sizes.training_extra),
        *([("buffer of a shifted recording", sizes.shift_buffer)] if sizes.shift_buffer else []),
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
        "fits: training leaves the RAM that the firmware and its stack need (3.1 KB on boards with "
        f"16 KB, else 10 KB), and the flash has {sizes.flash:,} bytes ({CODE_RESERVE:,} for the "
        "program, and two copies of the weights)"
    )
