"""Options that name serial ports, and opening what they name."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import typer

from eggroll_edge.devices.device_trainer import Options, check_estimator, on_device
from eggroll_edge.errors import ConfigError
from eggroll_edge.journal.reader import JournalReader
from eggroll_edge.journal.records import GenerationLine, Throughput, total
from eggroll_edge.link.session import Session
from eggroll_edge.link.transport import opener
from eggroll_edge.training.config import TrainConfig
from eggroll_edge.training.trainer import MakeTrainer, Trainer

_PANEL = "Device"


# fmt: off
Port = Annotated[list[str] | None, typer.Option("--port", metavar="URL", show_default=False,
    rich_help_panel=_PANEL, help="Train on the device there: /dev/ttyACM0, COM3, "
    "socket://host:port; `eggroll-edge devices` lists them. Several times: the devices are one "
    "population and share out each generation's samples (estimator batch).")]


Baud = Annotated[int, typer.Option("--baud", metavar="N", min=9600, rich_help_panel=_PANEL,
    help="Rate to agree on with the device after a start at 115200; it stays at that if the board "
    "or the line cannot.")]


Patience = Annotated[float, typer.Option("--patience", metavar="S", min=0.1, rich_help_panel=_PANEL,
    help="Seconds without an answer, or with the cable out, before giving up.")]


CheckEvery = Annotated[int, typer.Option("--check-every", metavar="G", min=1,
    rich_help_panel=_PANEL, help="With --port: generations between comparisons of the device's "
    "digest with the host's.")]


SaveEvery = Annotated[int, typer.Option("--save-every", metavar="G", min=0,
    rich_help_panel=_PANEL, help="With --port: generations between checkpoints in the device's "
    "flash; 0 = none.")]


ThePort = Annotated[str, typer.Option("--port", metavar="URL", show_default=False,
    help="/dev/ttyACM0, COM3, socket://host:port; `eggroll-edge devices` lists them.")]


def check_ports(ports: list[str] | None, config: TrainConfig) -> None:
    """ConfigError if devices at these ports cannot train so; before data are decoded."""
    if not ports:
        return
    if len(set(ports)) < len(ports):
        raise ConfigError(f"--port {' --port '.join(ports)}: one of them is there twice")
    check_estimator(config, len(ports))


@contextlib.contextmanager
def training_on(
    ports: list[str] | None,
    baud: int,
    patience: float,
    check_every: int,
    save_every: int,
) -> Iterator[MakeTrainer]:
    """For train() and resume(): on the devices at `ports`, or on this computer without any."""
    if not ports:
        yield Trainer
        return
    with contextlib.ExitStack() as stack:
        sessions = [stack.enter_context(_session(port, baud, patience)) for port in ports]
        yield on_device(*sessions, options=Options(check_every, save_every))


def _session(port: str, baud: int, patience: float, **more: Any) -> Session:
    return Session(opener(port), baud=baud, patience=patience, name=port, **more)


def link_totals(run_dir: Path) -> list[Throughput]:
    """What each device of a run and its link took, from the journal."""
    lines = [x for x in JournalReader(run_dir) if isinstance(x, GenerationLine)]
    return total(part for line in lines for part in line.link)
