"""`eggroll-edge train` and `resume`."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from eggroll_edge.cli import options as option
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
    Patience,
    Port,
    SaveEvery,
    check_ports,
    link_totals,
    training_on,
)
from eggroll_edge.journal.reader import NAME as JOURNAL
from eggroll_edge.journal.records import Throughput
from eggroll_edge.link.connection import PATIENCE_S
from eggroll_edge.link.transport import BAUD
from eggroll_edge.training.results import RunResult
from eggroll_edge.training.run import resume as resume_run
from eggroll_edge.training.run import train as train_run
from eggroll_edge.training.run_dir import RESULT, existing_run, load_config
from eggroll_edge.training.splits import open_both
from eggroll_edge.training.trainer import Stop

INTERRUPTED = 130  # what a shell reports for a command that SIGINT ended


def train(
    ctx: typer.Context,
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
    data: option.Data = None,
    test_data: option.TestData = None,
    skip_first: option.SkipFirst = None,
    ticks: option.Ticks = None,
    pool: option.Pool = None,
    polarity: option.Polarity = None,
    first_saccade_only: option.FirstSaccade = None,
    stabilize: option.Stabilize = None,
    hidden: option.Hidden = None,
    threshold: option.Threshold = None,
    leak_shift: option.Leak = None,
    refractory: option.Refractory = None,
    readout: option.Readout = None,
    gain: option.Gain = None,
    init_std: option.InitStd = None,
    readout_std: option.ReadoutStd = None,
    start_from: option.StartFrom = None,
    estimator: option.Estimator = None,
    online: option.Online = None,
    pairs: option.Pairs = None,
    batch: option.Batch = None,
    rank: option.Rank = None,
    segments: option.Segments = None,
    fitness: option.Fitness = None,
    penalty_bits: option.Penalty = None,
    sigma: option.Sigma = None,
    sigma_readout: option.SigmaReadout = None,
    sigma_final: option.SigmaFinal = None,
    generations: option.Generations = None,
    seed: option.Seed = None,
    lr: option.Lr = None,
    lr_readout: option.LrReadout = None,
    lr_final: option.LrFinal = None,
    eval_every: option.EvalEvery = None,
    early_stop: option.EarlyStop = None,
    port: Port = None,
    baud: Baud = BAUD,
    patience: Patience = PATIENCE_S,
    check_every: CheckEvery = 1,
    save_every: SaveEvery = 0,
) -> None:
    """Train a spiking net without gradients, and journal it.

    Without any flag: scikit-learn's digits through a simulated event camera, no download.

    Examples:

        eggroll-edge train

        eggroll-edge train --data path/to/N-MNIST --hidden 128 --generations 2000 --seed 2

        eggroll-edge train --estimator batch --pairs 512 --batch 256 --json

        eggroll-edge train --online --pairs 16 --out runs/as-on-the-device

        eggroll-edge train --online --pool 2 --hidden 32 --port /dev/ttyACM0 --baud 921600

        eggroll-edge train --estimator batch --pool 2 --port /dev/ttyACM0 --port /dev/ttyACM1
    """
    config = option.config_of(ctx.params)
    check_ports(port, config)
    run_dir = out or option.run_dir_for(config, preset, data)
    show = console(as_json)

    def run(display: RunDisplay, stop: Stop) -> RunResult:
        taken = (run_dir / JOURNAL).exists() and not force  # then refused before data are decoded
        recordings, tests = (None, None) if taken else open_both(config, display.counting, workers)
        with training_on(port, baud, patience, check_every, save_every) as make_trainer:
            return train_run(
                config,
                run_dir,
                workers=workers,
                on_event=display,
                stop=stop,
                data=recordings,
                test_data=tests,
                force=force,
                make_trainer=make_trainer,
            )

    _carry_out(run, run_dir, show, as_json, bool(port))


def resume(
    run_dir: option.Run,
    workers: option.Workers = None,
    as_json: option.AsJson = False,
    port: Port = None,
    baud: Baud = BAUD,
    patience: Patience = PATIENCE_S,
    check_every: CheckEvery = 1,
    save_every: SaveEvery = 0,
) -> None:
    """Go on with a run that was stopped, to the same bits as if it had not been.

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
        with training_on(ports, baud, patience, check_every, save_every) as make_trainer:
            return resume_run(
                run_dir,
                workers=workers,
                on_event=display,
                stop=stop,
                data=recordings,
                test_data=tests,
                make_trainer=make_trainer,
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
    tell = "Ctrl-C: finishing this generation; once more to stop at once"
    with RunDisplay(show) as display, interruptible(display, tell) as stop:
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


def _summary(result: RunResult, used: list[Throughput], show: Console) -> None:
    what = {
        "finished": "done",
        "early_stop": "stopped early, no improvement",
        "interrupted": "interrupted",
    }[result.stopped]
    show.print(
        f"\n{what}: {result.generations} generations in {duration(result.seconds)}, "
        f"{si_number(result.member_evals_per_s)} member evaluations/s"
    )
    if result.test_accuracy is not None:
        show.print(f"  test accuracy   {percent(result.test_accuracy)} (final weights)")
    show.print(
        f"  train loss      {result.train_loss:.3f} bits, accuracy "
        f"{percent(result.train_accuracy)}\n"
        f"  firing          {firing(result.firing_rate)}\n"
        f"  weights digest  {result.weights_digest}"
    )
    for part in used:
        show.print(f"  {part.board} at {part.port}: {part}")
    run = result.run_dir
    if result.stopped == "interrupted":
        show.print(f"\nnext:\n  eggroll-edge resume {run}    go on where it stopped, same bits")
        return
    show.print(
        "\nnext:\n"
        f"  eggroll-edge eval {run}      accuracy of each class\n"
        f"  eggroll-edge replay {run}    rebuild the weights from the journal, check every digest\n"
        f"  eggroll-edge plot {run}      curves, confusion, weights, an event movie"
    )
