"""`eggroll-edge data`: inspect recordings, simulate some, decode them ahead of time."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer
from rich.table import Table

from eggroll_edge.cli import options as option
from eggroll_edge.cli.display import console, counting, print_json
from eggroll_edge.core.arrays import U8
from eggroll_edge.core.workers import worker_count
from eggroll_edge.data import images
from eggroll_edge.data.binning import Binning
from eggroll_edge.data.cache import Progress
from eggroll_edge.data.dataset import EventDataset
from eggroll_edge.data.event_camera import CHUNK, simulate
from eggroll_edge.data.loading import open_dataset
from eggroll_edge.data.nmnist import write_bin
from eggroll_edge.data.sources import check_spec, known
from eggroll_edge.errors import DataError
from eggroll_edge.training.splits import SPLITS

app = typer.Typer(no_args_is_help=True, help="Inspect, simulate and cache event recordings.")

BINNING = ("ticks", "pool", "polarity", "first_saccade_only", "stabilize")
"""The settings that are also fields of Binning."""

EVENT_BYTES = 5
"""Bytes of an event in N-MNIST's files."""

_BARS = " ▁▂▃▄▅▆▇█"

Spec = Annotated[
    str,
    typer.Argument(metavar="SPEC", show_default=False, help=f"{known()}."),
]
Limit = Annotated[
    int | None,
    typer.Option(
        "--limit",
        metavar="N",
        min=1,
        show_default=False,
        help="At most N recordings of each split.",
    ),
]
Seed = Annotated[int, typer.Option("--seed", min=0, help="Seed of the simulated camera.")]


def _each_split(
    spec: str, binning: Binning, limit: int | None, workers: int | None, as_json: bool
) -> dict[str, EventDataset]:
    check_spec(spec)
    found: dict[str, EventDataset] = {}
    for split in SPLITS:
        with counting(console(as_json), f"decoding {spec}, {split}") as progress:
            found[split] = open_dataset(
                spec,
                split,
                binning,
                limit=limit,
                workers=worker_count(workers),
                progress=progress,
            )
    return found


@app.command()
@option.takes_settings(*BINNING)
def info(
    spec: Spec,
    *,
    settings: option.Settings,
    limit: Limit = None,
    workers: option.Workers = None,
    as_json: option.AsJson = False,
) -> None:
    """Count recordings, classes, events and bytes of both splits.

    Examples:

        eggroll-edge data info digits

        eggroll-edge data info path/to/N-MNIST --pool 2 --json
    """
    sets = _each_split(spec, Binning(**settings), limit, workers, as_json)
    infos, binning = {k: one.info() for k, one in sets.items()}, sets["train"].binning
    if as_json:
        print_json(infos)
        return
    console().print(_info_table(spec, binning, infos))


@app.command()
@option.takes_settings(*BINNING)
def cache(
    spec: Spec,
    *,
    settings: option.Settings,
    workers: option.Workers = None,
) -> None:
    """Decode both splits into the cache, so that training starts at once.

    The cache is in EGGROLL_CACHE, or ~/.cache/eggroll-edge.

    Examples:

        eggroll-edge data cache nmnist

        EGGROLL_CACHE=/scratch eggroll-edge data cache idx:path/to/mnist --ticks 10
    """
    binning = Binning(**settings)
    for split, dataset in _each_split(spec, binning, None, workers, False).items():
        # A cached dataset is a numpy.memmap of its file, which has its name in `filename`.
        file = getattr(dataset.streams, "filename", None)
        where = f"{file} ({Path(file).stat().st_size / 1e6:.1f} MB)" if file else "in RAM only"
        console().print(f"{split}: {len(dataset):,} recordings, {where}")


def _info_table(spec: str, binning: Binning, infos: dict[str, dict[str, Any]]) -> Table:
    """A table of EventDataset.info() for each split, with a bar for the events of each tick."""
    first = infos["train"]
    channels, rows, columns = binning.shape
    table = Table(
        title=f"{spec}: {first['n_in']} inputs ({channels} x {rows} x {columns}), "
        f"{first['ticks']} ticks of {binning.window_us / binning.ticks / 1000:.1f} ms",
        title_justify="left",
    )
    table.add_column("")
    for split in infos:
        table.add_column(split, justify="right")
    columns_of = list(infos.values())
    table.add_row("recordings", *(f"{one['samples']:,}" for one in columns_of))
    for label in range(len(first["class_counts"])):
        table.add_row(
            f"  class {label}", *(f"{one['class_counts'][label]:,}" for one in columns_of)
        )
    table.add_row("events a recording", *(f"{one['events_per_sample']:.1f}" for one in columns_of))
    table.add_row("bytes a recording", *(f"{one['bytes_per_sample']:.1f}" for one in columns_of))
    table.add_row("bytes in all", *(f"{one['bytes']:,}" for one in columns_of))
    for tick in range(first["ticks"]):
        means = [one["events_per_tick"][tick] for one in columns_of]
        most = max(max(one["events_per_tick"]) for one in columns_of) or 1
        bars = [_BARS[round(8 * mean / most)] for mean in means]
        table.add_row(
            f"events in tick {tick}",
            *(f"{mean:.1f} {bar}" for mean, bar in zip(means, bars, strict=True)),
        )
    return table


@app.command(name="simulate")
def simulate_command(
    pictures: Annotated[
        str,
        typer.Option("--images", metavar="SPEC", show_default=False, help="digits or idx:DIR."),
    ],
    out: Annotated[
        Path,
        typer.Option("--out", metavar="DIR", show_default=False, help="A new or empty folder."),
    ],
    limit: Limit = None,
    seed: Seed = 0,
) -> None:
    """Show images to a simulated event camera; write .bin files in the layout of N-MNIST.

    They are the same recordings that `train --data` makes of the same images.

    Examples:

        eggroll-edge data simulate --images digits --out digits-events --limit 100

        eggroll-edge data simulate --images idx:path/to/mnist --out mnist-events
    """
    check_spec(pictures)
    if pictures != "digits" and not pictures.startswith("idx:"):
        raise DataError(f"--images {pictures!r}: only images can be simulated, digits or idx:DIR")
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise DataError(f"{out}: exists and is not empty; name a new folder with --out")
    show = console()
    for split, folder in zip(SPLITS, ("Train", "Test"), strict=True):
        drawn, labels = _images(pictures, split)
        drawn, labels = drawn[:limit], labels[:limit]
        with counting(show, f"simulating {split}") as progress:
            written = _simulate(drawn, labels, out / folder, seed, split, progress)
        show.print(f"{out / folder}: {len(labels):,} recordings, {written / 1e6:.1f} MB")
    show.print(f"next: eggroll-edge train --data {out}")


def _images(spec: str, split: str) -> tuple[U8, U8]:
    """(images, labels) of a split of digits or idx:DIR."""
    if spec == "digits":
        return images.load_digits(split)
    return images.load_idx(Path(spec.removeprefix("idx:")).expanduser(), split)


def _simulate(
    drawn: U8, labels: U8, folder: Path, seed: int, split: str, progress: Progress
) -> int:
    """Write the recordings of a split into folder/<label>; returns the bytes written."""
    written = 0
    for at in range(0, len(labels), CHUNK):
        # The seed of a split is the one of open_dataset(), which gives the same events.
        events, starts = simulate(
            np.asarray(drawn[at : at + CHUNK]),
            seed=images.simulator_seed(seed, split),
            first_index=at,
        )
        for i, label in enumerate(labels[at : at + CHUNK]):
            where = folder / str(label)
            where.mkdir(parents=True, exist_ok=True)
            recording = events.take(slice(starts[i], starts[i + 1]))
            number = at + i + 1  # the numbers of N-MNIST's files begin at 1
            write_bin(where / f"{number:05d}.bin", recording)
            written += EVENT_BYTES * len(recording.t)
        progress(min(at + CHUNK, len(labels)), len(labels))
    return written
