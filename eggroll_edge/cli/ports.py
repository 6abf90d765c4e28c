"""Options that name serial ports, and the opening of these ports."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import typer

from eggroll_edge.devices.device_estimator import Options, check_estimator, on_devices
from eggroll_edge.errors import ConfigError
from eggroll_edge.journal.reader import JournalReader
from eggroll_edge.journal.records import Throughput, total
from eggroll_edge.link.session import Session
from eggroll_edge.link.transport import opener
from eggroll_edge.training.config import TrainConfig
from eggroll_edge.training.context import MakeEstimator, on_host

_PANEL = "Device"

# fmt: off
Port = Annotated[list[str] | None, typer.Option("--port", metavar="URL", show_default=False,
    rich_help_panel=_PANEL, help="Train on the device at this port: /dev/ttyACM0, COM3, "
    "socket://host:port; `eggroll-edge devices` lists them. Given several times, the devices are "
    "one population and divide each generation's recordings (estimator batch).")]
Baud = Annotated[int, typer.Option("--baud", metavar="N", min=9600, rich_help_panel=_PANEL,
    help="Baud rate to negotiate with the device after the start at 115200. It stays at 115200 if "
    "the board or the line cannot change.")]
Timeout = Annotated[float, typer.Option("--timeout", metavar="S", min=0.1, rich_help_panel=_PANEL,
    help="Seconds to wait for an answer, or for a cable that is out, before giving up.")]
CheckEvery = Annotated[int, typer.Option("--check-every", metavar="G", min=1,
    rich_help_panel=_PANEL, help="With --port: generations between comparisons of the device's "
    "digest with the host's.")]
SaveEvery = Annotated[int, typer.Option("--save-every", metavar="G", min=0,
    rich_help_panel=_PANEL, help="With --port: generations between checkpoints in the device's "
    "flash; 0: none.")]
ThePort = Annotated[str, typer.Option("--port", metavar="URL", show_default=False,
    help="Port of the device: /dev/ttyACM0, COM3, socket://host:port; `eggroll-edge devices` lists "
    "them.")]
# fmt: on


def check_ports(ports: list[str] | None, config: TrainConfig) -> None:
    """ConfigError if devices at these ports cannot train this config. Reads no data."""
    if not ports:
        return
    if len(set(ports)) < len(ports):
        raise ConfigError(f"--port {' --port '.join(ports)}: the same port is named twice")
    check_estimator(config, len(ports))


@contextlib.contextmanager
def training_on(
    ports: list[str] | None,
    baud: int,
    timeout: float,
    check_every: int,
    save_every: int,
) -> Iterator[MakeEstimator]:
    """Yields the make_estimator for train() and resume(): the devices at `ports`, or this
    computer."""
    if not ports:
        yield on_host
        return
    with contextlib.ExitStack() as stack:
        sessions = [stack.enter_context(session_at(port, baud, timeout)) for port in ports]
        yield on_devices(*sessions, options=Options(check_every, save_every))


def session_at(port: str, baud: int, timeout: float, **more: Any) -> Session:
    """A session with the device at a port. LinkError if none answers."""
    return Session(opener(port), baud=baud, timeout=timeout, name=port, **more)


def link_totals(run_dir: Path) -> list[Throughput]:
    """Bytes, times and recordings of each device of a run, summed over its journal."""
    records = JournalReader(run_dir).generations()
    return total(part for record in records for part in record.link)
