"""`eggroll-edge eval`, `replay` and `plot`: commands that use an existing run."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from eggroll_edge.cli import options as option
from eggroll_edge.cli.display import RunDisplay, console, duration, firing, percent, print_json
from eggroll_edge.data.dataset import EventDataset
from eggroll_edge.data.sources import check_spec
from eggroll_edge.errors import ConfigError
from eggroll_edge.journal.format import RESULT
from eggroll_edge.journal.records import EvalResult
from eggroll_edge.plots.run_figures import KINDS, plot_run
from eggroll_edge.training.evaluation import evaluate as evaluate_net
from eggroll_edge.training.replay import replay as replay_run
from eggroll_edge.training.run_dir import existing_run, load, load_config
from eggroll_edge.training.splits import open_split, set_aside


def _open(run_dir: Path, data: str | None, split: str) -> EventDataset:
    """A split of the run's data, or of `data`, cut into ticks in the same way."""
    config = load_config(run_dir)
    if data is not None:
        check_spec(data)
        config = replace(config, data=data, test_data=None, skip_first=0)
    return open_split(config, split)


def _to_evaluate(run_dir: Path, data: str | None, split: str) -> EventDataset:
    """As _open(). Also "validation"; "train" then leaves out what the run set aside."""
    config = load_config(run_dir)
    if data is not None or split not in ("train", "validation"):
        if split == "validation":
            raise ConfigError(
                "--split validation is of the recordings that the run set aside: leave --data out"
            )
        return _open(run_dir, data, split)
    if split == "validation" and not config.validation:
        raise ConfigError(
            f"{run_dir} set no recordings aside: train with --validation N, or use --split test"
        )
    trained, aside = set_aside(config, open_split(config, "train"))
    return trained if split == "train" or aside is None else aside


def evaluate(
    run_dir: option.Run,
    data: option.OtherData = None,
    split: Annotated[
        str, typer.Option("--split", metavar="NAME", help="train, validation, test or all.")
    ] = "test",
    workers: option.Workers = None,
    as_json: option.AsJson = False,
) -> None:
    """Accuracy of a run's final weights, overall and for each class.

    Examples:

        eggroll-edge eval runs/digits-sample-s1

        eggroll-edge eval runs/mnist-sample-s1 --data path/to/N-MNIST --split all --json
    """
    existing_run(run_dir)
    show = console(as_json)
    net = load(run_dir)
    dataset = _to_evaluate(run_dir, data, split)
    result = evaluate_net(net, dataset, workers)
    digest = f"{net.digest:08x}"
    _print_eval(result, dataset.name, digest, show)
    if as_json:
        print_json({**_of_training(run_dir), **_eval_json(result, dataset, split, digest)})


def _of_training(run_dir: Path) -> dict[str, Any]:
    """The figures that training reported at its end; nulls if it has not ended."""
    keys = ("train_loss", "generations", "seconds", "member_evals_per_s")
    try:
        values = json.loads((run_dir / RESULT).read_text())
    except (OSError, ValueError):
        values = {}
    return {**{key: values.get(key) for key in keys}, "run_dir": str(run_dir)}


def _eval_json(
    result: EvalResult, dataset: EventDataset, split: str, digest: str
) -> dict[str, Any]:
    values = result.to_dict()
    values["eval_seconds"] = values.pop(
        "seconds"
    )  # in train's JSON, "seconds" is the time of training
    return {
        **values,
        "test_accuracy": result.accuracy,
        "weights_digest": digest,
        "data": dataset.name,
        "split": split,
    }


def _print_eval(result: EvalResult, name: str, digest: str, show: Console) -> None:
    table = Table(title=f"{name}: {result.samples:,} recordings", title_justify="left")
    for heading in ("class", "recordings", "right", "accuracy", "most often taken for"):
        table.add_column(heading, justify="right")
    for label, row in enumerate(result.confusion):
        total, right = int(row.sum()), int(row[label])
        wrong = row.copy()
        wrong[label] = 0
        other = f"{wrong.argmax()} ({wrong.max()} times)" if wrong.any() else "-"
        share = percent(100 * right / total if total else None)
        table.add_row(f"{label}", f"{total:,}", f"{right:,}", share, other)
    show.print(table)
    show.print(
        f"accuracy  {percent(result.accuracy)}\n"
        f"loss      {result.loss_bits:.3f} bits\n"
        f"firing    {firing(result.firing_rate)}\n"
        f"weights   {digest}"
    )
    if result.dead_outputs:
        show.print(f"note: {result.dead_outputs} of the classes are never the answer")


def replay(
    run_dir: option.Run,
    until: Annotated[
        int | None,
        typer.Option(
            "--until", metavar="G", min=0, show_default=False, help="Stop after generation G."
        ),
    ] = None,
    write: Annotated[
        Path | None,
        typer.Option(
            "--write",
            metavar="FILE",
            show_default=False,
            help="Write the rebuilt weights there: raw int8, matrix after matrix, row-major.",
        ),
    ] = None,
    data: option.OtherData = None,
    workers: option.Workers = None,
    as_json: option.AsJson = False,
) -> None:
    """Rebuild a run's weights from its journal and check the digest of every generation.

    Estimator batch needs the journal alone. Estimator sample also needs the recordings, but no
    population runs. Estimator sweep evaluates the recordings again. If a digest
    differs, the command names the generation; the exit code is 1.

    Examples:

        eggroll-edge replay runs/digits-sample-s1

        eggroll-edge replay runs/digits-sample-s1 --until 100 --write generation-100.weights
    """
    existing_run(run_dir)
    show = console(as_json)
    other = _open(run_dir, data, "train") if data else None
    with RunDisplay(show) as display:
        result = replay_run(
            run_dir, until=until, on_event=display, data_override=other, workers=workers
        )
    wrong = result.mismatch
    if wrong:
        show.print(
            f"MISMATCH after generation {wrong.generation} (line {wrong.line} of the journal): "
            f"the journal has {wrong.expected}, the rebuilt weights have {wrong.found}"
        )
    else:
        show.print(
            f"{result.generations} generations rebuilt in {duration(result.seconds)}, "
            f"{result.checked} digests checked, all agree: weights {result.weights_digest}"
        )
    if result.torn:
        show.print("note: the last line of the journal is incomplete and was left out")
    if write and not wrong:
        write.write_bytes(result.net.weights.tobytes())
        show.print(f"{write}: {result.net.weights.size:,} weights")
    if as_json:
        print_json({**result.to_dict(), "run_dir": str(run_dir)})
    if wrong:
        raise typer.Exit(1)


def plot(
    run_dir: option.Run,
    kind: Annotated[
        str, typer.Option("--kind", metavar="NAME", help=f"{', '.join(KINDS)} or all.")
    ] = "all",
    data: option.OtherData = None,
    sample: Annotated[
        int,
        typer.Option(
            "--sample", metavar="N", min=0, help="For the movie: index of the test recording."
        ),
    ] = 0,
    workers: option.Workers = None,
) -> None:
    """Draw figures of a run into RUN/plots: curves, confusion, weights, an event movie.

    Examples:

        eggroll-edge plot runs/digits-sample-s1

        eggroll-edge plot runs/digits-sample-s1 --kind movie --sample 7
    """
    existing_run(run_dir)
    kinds = KINDS if kind == "all" else (kind,)

    def recordings() -> EventDataset:
        return _open(run_dir, data, "test")

    for path in plot_run(run_dir, kinds, recordings, recording=sample, workers=workers):
        console().print(f"{path}")
