"""`eggroll-edge train` and `resume`."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from eggroll_edge.cli import options as option
from eggroll_edge.cli.configuration import config_of, run_dir_for
from eggroll_edge.cli.display import (
    RunDisplay,
    console,
    duration,
    firing,
    interruptible,
    percent,
    print_json,
    si_number,
)
from eggroll_edge.cli.ports import (
    Baud,
    CheckEvery,
    Port,
    SaveEvery,
    Timeout,
    check_ports,
    link_totals,
    training_on,
)
from eggroll_edge.journal.format import JOURNAL, RESULT
from eggroll_edge.journal.records import Throughput
from eggroll_edge.link.connection import TIMEOUT_S
from eggroll_edge.link.transport import BAUD
from eggroll_edge.training.context import Stop
from eggroll_edge.training.results import RunResult
from eggroll_edge.training.run import resume as resume_run
from eggroll_edge.training.run import train as train_run
from eggroll_edge.training.run_dir import existing_run, load_config
from eggroll_edge.training.splits import open_both

INTERRUPTED = 130
"""Exit code that a shell reports for a command that SIGINT ended."""


@option.takes_settings()
def train(
    preset: option.Preset = None,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out",
            "-o",
            metavar="DIR",
            show_default=False,
            help="Run directory (runs/<preset or data>-<estimator>-s<seed>).",
        ),
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace a run that is in --out.")] = False,
    workers: option.Workers = None,
    as_json: option.AsJson = False,
    *,
    settings: option.Settings,
    port: Port = None,
    baud: Baud = BAUD,
    timeout: Timeout = TIMEOUT_S,
    check_every: CheckEvery = 1,
    save_every: SaveEvery = 0,
) -> None:
    """Train a spiking net without backpropagation, and journal it.

    Without any option it trains on scikit-learn's digits, seen by a simulated event camera, and
    downloads nothing. A default in this list holds where no preset sets the value; digits, chirps
    and small folders of recordings choose a preset by themselves.

    Examples:

        eggroll-edge train

        eggroll-edge train --data path/to/N-MNIST --hidden 128 --generations 2000 --seed 2

        eggroll-edge train --estimator batch --pairs 512 --batch 256 --json

        eggroll-edge train --online --out runs/as-on-the-device

        eggroll-edge train --online --pool 2 --hidden 32 --port /dev/ttyACM0 --baud 921600

        eggroll-edge train --estimator batch --pool 2 --port /dev/ttyACM0 --port /dev/ttyACM1
    """
    config = config_of(preset, settings)
    check_ports(port, config)
    run_dir = out or run_dir_for(config, preset, settings.get("data"))
    show = console(as_json)

    def run(display: RunDisplay, stop: Stop) -> RunResult:
        taken = (run_dir / JOURNAL).exists() and not force  # train_run() refuses; decode no data
        recordings, tests = (None, None) if taken else open_both(config, display.counting, workers)
        with training_on(port, baud, timeout, check_every, save_every) as make_estimator:
            return train_run(
                config,
                run_dir,
                workers=workers,
                on_event=display,
                stop=stop,
                data=recordings,
                test_data=tests,
                force=force,
                make_estimator=make_estimator,
            )

    _carry_out(run, run_dir, show, as_json, bool(port))


def resume(
    run_dir: option.Run,
    workers: option.Workers = None,
    as_json: option.AsJson = False,
    port: Port = None,
    baud: Baud = BAUD,
    timeout: Timeout = TIMEOUT_S,
    check_every: CheckEvery = 1,
    save_every: SaveEvery = 0,
) -> None:
    """Continue a run that was stopped: the result is the same, bit for bit, as without the stop.

    Examples:

        eggroll-edge resume runs/digits-sample-s1
    """
    existing_run(run_dir)

    def run(display: RunDisplay, stop: Stop) -> RunResult:
        config = load_config(run_dir)
        check_ports(port, config)
        over = (run_dir / RESULT).exists()
        recordings, tests = (None, None) if over else open_both(config, display.counting, workers)
        ports = None if over else port
        with training_on(ports, baud, timeout, check_every, save_every) as make_estimator:
            return resume_run(
                run_dir,
                workers=workers,
                on_event=display,
                stop=stop,
                data=recordings,
                test_data=tests,
                make_estimator=make_estimator,
            )

    _carry_out(run, run_dir, console(as_json), as_json, bool(port))


def _carry_out(
    run: Callable[[RunDisplay, Stop], RunResult],
    run_dir: Path,
    show: Console,
    as_json: bool,
    linked: bool,
) -> None:
    resume_with = f"eggroll-edge resume {run_dir}"
    notice = "Ctrl-C: finishing this generation; once more to stop at once"
    with RunDisplay(show) as display, interruptible(display, notice) as stop:
        try:
            result = run(display, stop)
        except KeyboardInterrupt:
            hint = f"; {resume_with}" if display.started else ""
            # Not through rich, which may have been interrupted in the middle of a line.
            print(f"\nstopped at once{hint}", file=sys.stderr)
            raise typer.Exit(INTERRUPTED) from None
    used = link_totals(run_dir) if linked else []
    _summary(result, used, show)
    if as_json:
        link = {"link": [part.to_dict() for part in used]} if linked else {}
        print_json({**result.to_dict(), **link})
    if result.stopped == "interrupted":
        raise typer.Exit(INTERRUPTED)


def _summary(result: RunResult, devices: list[Throughput], show: Console) -> None:
    outcome = {
        "finished": "done",
        "early_stop": "stopped early, no improvement",
        "interrupted": "interrupted",
    }[result.stopped]
    show.print(
        f"\n{outcome}: {result.generations} generations in {duration(result.seconds)}, "
        f"{si_number(result.member_evals_per_s)} member evaluations/s"
    )
    if result.validation_accuracy is not None:
        show.print(f"  validation      {percent(result.validation_accuracy)} (final weights)")
    if result.test_accuracy is not None:
        show.print(f"  test accuracy   {percent(result.test_accuracy)} (final weights)")
    show.print(
        f"  train loss      {result.train_loss:.3f} bits, accuracy "
        f"{percent(result.train_accuracy)}\n"
        f"  firing          {firing(result.firing_rate)}\n"
        f"  weights digest  {result.weights_digest}"
    )
    if result.learned < result.recordings:
        share = 100 * result.learned / result.recordings
        show.print(
            f"  learned from    {result.learned:,} of {result.recordings:,} recordings "
            f"({percent(share)}); the loss of the others was below learn_above"
        )
    for part in devices:
        show.print(f"  {part.board} at {part.port}: {part}")
    run = result.run_dir
    if result.stopped == "interrupted":
        show.print(f"\nnext:\n  eggroll-edge resume {run}    continue where it stopped")
        return
    show.print(
        "\nnext:\n"
        f"  eggroll-edge eval {run}      accuracy of each class\n"
        f"  eggroll-edge replay {run}    rebuild the weights from the journal, check the digests\n"
        f"  eggroll-edge plot {run}      curves, confusion, weights, an event movie"
    )
