"""`eggroll-edge devices`, `monitor`, `emulate` and `flash`: commands for boards."""

from __future__ import annotations

import contextlib
import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table
from serial.tools import list_ports

from eggroll_edge.boards.build import build
from eggroll_edge.boards.emulator import emulator
from eggroll_edge.boards.flasher import flash as flash_board
from eggroll_edge.boards.host_board import HostBoard, flash_memory, on_pty, on_tcp
from eggroll_edge.boards.pty_bridge import as_pty
from eggroll_edge.boards.table import BOARDS, EMULATED
from eggroll_edge.cli import options as option
from eggroll_edge.cli.display import console, print_json
from eggroll_edge.cli.ports import Baud, ThePort, Timeout, session_at
from eggroll_edge.devices.meter import Meter
from eggroll_edge.devices.standalone import write_standalone
from eggroll_edge.errors import ConfigError, LinkError
from eggroll_edge.link.connection import TIMEOUT_S
from eggroll_edge.link.session import Session
from eggroll_edge.link.transport import BAUD
from eggroll_edge.training.run_dir import existing_run

_QUICK_S = 0.3
"""Seconds that `devices` waits for an answer at each port; at most twice as long."""
_NEGOTIATE_S = 4.0
"""The same for a port that the user names, or if a baud rate is to be negotiated. It is longer,
because a device leaves an unconfirmed baud rate only after two seconds."""

Standalone = Annotated[
    Path | None,
    typer.Option(
        "--standalone",
        metavar="RUN",
        show_default=False,
        help="The board repeats the training of this run by itself, from recordings in its flash.",
    ),
]


def devices(
    urls: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[URL]...", show_default=False, help="Ask at these ports instead of all."
        ),
    ] = None,
    baud: Baud = BAUD,
    as_json: option.AsJson = False,
) -> None:
    """Ask at every serial port for a device, and show what answers; with --baud, also at which baud
    rate.

    Examples:

        eggroll-edge devices

        eggroll-edge devices socket://127.0.0.1:5000
    """
    show = console(as_json)
    ports = urls or [port.device for port in list_ports.comports()]
    columns = ("port", "board", "core", "baud", "arena", "generation", "digest")
    table, found = Table(*columns, box=None), []
    for port in ports:
        try:
            timeout = _NEGOTIATE_S if urls or baud != BAUD else _QUICK_S
            with session_at(port, baud, timeout, reply_timeout=_QUICK_S) as session:
                hello, rate = session.hello, session.baud
        except LinkError as error:
            show.print(f"{port}: {str(error).split(':')[0] if not urls else error}")
            continue
        digest = f"{hello.digest:08x}" if hello.configured else "no net"
        arena = f"{hello.arena:,} bytes"
        core = BOARDS[hello.board].core if hello.board in BOARDS else None
        generation = str(hello.generation)
        table.add_row(port, hello.board, core or "-", str(rate), arena, generation, digest)
        found.append({"port": port, "baud": rate, "core": core, **hello.to_dict()})
    if found:
        show.print(table)
    else:
        show.print(
            f"no device answered at {len(ports)} ports: plug a board in (eggroll-edge flash BOARD "
            "puts the firmware on it), or start one: eggroll-edge emulate host"
        )
    if as_json:
        print_json({"devices": found})
    if not found:
        raise typer.Exit(1)


def monitor(
    port: ThePort,
    baud: Baud = BAUD,
    timeout: Timeout = TIMEOUT_S,
    every: Annotated[
        float, typer.Option("--every", metavar="S", min=0.05, help="Seconds between lines.")
    ] = 1.0,
    count: Annotated[
        int, typer.Option("--count", metavar="N", min=0, help="Lines to show; 0: until Ctrl-C.")
    ] = 0,
    selftest: Annotated[
        bool,
        typer.Option("--selftest", help="Run the device's selftest; the device loses its net."),
    ] = False,
) -> None:
    """Show what a device does: recordings, bytes, and how its time divides into computing and link.

    Examples:

        eggroll-edge monitor --port /dev/ttyACM0

        eggroll-edge monitor --port /dev/ttyACM0 --selftest
    """
    show = console()
    with session_at(port, baud, timeout) as session:
        hello = session.hello
        for note in session.notes:
            show.print(f"note: {note}")
        show.print(
            f"{hello.board}: protocol {hello.protocol}, arena {hello.arena:,} bytes, "
            f"{hello.free:,} free, frames of {hello.max_payload}, window of "
            f"{hello.receive_window} bytes, "
            f"{session.baud} baud, generation {hello.generation}, digest {hello.digest:08x}"
        )
        if selftest:
            _selftest(session, show)
            return
        meter, lines = Meter(session), 0
        with contextlib.suppress(KeyboardInterrupt):
            while not count or lines < count:
                time.sleep(every)
                grown = meter.read()
                for line in session.text_lines():
                    show.print(line)
                updates = meter.latest.updates
                show.print(f"recordings {meter.latest.samples}, updates {updates}: {grown}")
                lines += 1


def _selftest(session: Session, show: Console) -> None:
    wrong = session.selftest()
    show.print(f"selftest: {'passed' if wrong == 0 else f'{wrong} digests differ'}")
    if wrong:
        raise typer.Exit(1)


def flash(
    board: Annotated[str, typer.Argument(metavar="BOARD", help="microbit, pico, stm32f405, ...")],
    standalone: Standalone = None,
) -> None:
    """Put the firmware on a board. It is built first if necessary.

    With --standalone the board trains by itself after each reset: the same recordings in the same
    order as the run, with the same digests. It prints them on its serial port, continues from its
    checkpoint after a loss of power, and answers INFER all the time.

    Examples:

        eggroll-edge flash pico

        eggroll-edge flash pico --standalone runs/pico
    """
    typer.echo(flash_board(board, standalone=_packed(standalone)))


def emulate(
    board: Annotated[
        str, typer.Argument(metavar="BOARD", help=f"host (this computer), {', '.join(EMULATED)}.")
    ] = "host",
    tcp: Annotated[
        int | None,
        typer.Option(
            "--tcp",
            metavar="PORT",
            show_default=False,
            help="Serve on this TCP port; 0: any free one.",
        ),
    ] = None,
    pty: Annotated[
        bool, typer.Option("--pty", help="Serve on a pseudo-terminal, as host does by default.")
    ] = False,
    memory: Annotated[
        Path | None,
        typer.Option(
            "--memory", metavar="FILE", show_default=False, help="Keep checkpoints in this file."
        ),
    ] = None,
    standalone: Standalone = None,
) -> None:
    """Start a board that needs no hardware, and print its URL; Ctrl-C ends it.

    Examples:

        eggroll-edge emulate host

        eggroll-edge emulate microbit --tcp 5000

        eggroll-edge emulate microbit --pty

        eggroll-edge emulate pico --standalone runs/pico
    """
    if standalone is not None and board == "host":
        raise ConfigError(f"--standalone needs a board: use one of {', '.join(EMULATED)}")
    if pty and tcp is not None:
        raise ConfigError("--pty and --tcp: the board has only one port, use one of them")
    # so that SIGTERM, too, ends the emulator
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(128 + number))
    with _running(board, tcp, pty, memory, _packed(standalone)) as url:
        typer.echo(url)
        sys.stdout.flush()
        command = "train --online" if standalone is None else "monitor"
        purpose = "train on it: " if standalone is None else ""
        typer.echo(f"{purpose}eggroll-edge {command} --port {url}", err=True)
        with contextlib.suppress(KeyboardInterrupt):
            while True:
                time.sleep(3600)


def _packed(run_dir: Path | None) -> Path | None:
    """The file that makes a board repeat this run; it is written into the run directory."""
    return None if run_dir is None else write_standalone(existing_run(run_dir))


@contextlib.contextmanager
def _running(
    board: str, tcp: int | None, pty: bool, memory: Path | None, standalone: Path | None
) -> Iterator[str]:
    """Run a board in an emulator and yield its URL."""
    if board != "host":
        elf = build(board, standalone=standalone)
        with contextlib.ExitStack() as stack:
            url = stack.enter_context(emulator(board, elf, memory=memory, port=tcp or 0)).url
            yield stack.enter_context(as_pty(url)) if pty else url
        return
    host = HostBoard(flash=flash_memory(path=memory))
    host.load()
    with on_pty(host) if tcp is None else on_tcp(host, tcp) as url:
        yield url
