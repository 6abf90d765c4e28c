"""Firmware in an emulator, with its serial port as a pyserial URL.

    with emulator("microbit") as running:
        port = serial.serial_for_url(running.url)

QEMU emulates all boards except the Pico; rp2040js, under Node, emulates the Pico. The board starts
at the first connection, so that nothing it sends is lost.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from eggroll_edge.boards.build import FIRMWARE, build
from eggroll_edge.boards.table import EMULATED, BoardError, find_board

PICO = FIRMWARE / "pico-emulator"
INSTALL = {
    "qemu-system-arm": "Debian, Ubuntu: apt install qemu-system-arm",
    "qemu-system-riscv32": "Debian, Ubuntu: apt install qemu-system-misc",
    "node": "Debian, Ubuntu: apt install nodejs npm",
}
START_S = 20.0
"""Seconds until an emulator must have opened its port."""

_PORT = re.compile(r"tcp:127\.0\.0\.1:([1-9]\d*)|^listening on ([1-9]\d*)", re.MULTILINE)


@dataclass(frozen=True)
class Emulator:
    """A running emulator."""

    url: str
    """The board's serial port as socket://127.0.0.1:PORT, for opener() or serial_for_url()."""
    process: subprocess.Popen[bytes]
    """The emulator's process."""
    log: Path
    """The file that receives what the emulator itself prints."""


def check_emulator(name: str) -> None:
    """BoardError if the board's emulator is missing; the message says how to install it."""
    board = find_board(name)
    if not board.emulator:
        raise BoardError(f"no emulator has a {name}; these are emulated: {', '.join(EMULATED)}")
    program = board.emulator[0]
    if shutil.which(program) is None:
        raise BoardError(f"{program}, which emulates {name}, is not installed ({INSTALL[program]})")
    if program == "node" and not (PICO / "node_modules" / "rp2040js").is_dir():
        raise BoardError(f"the emulator of the Pico is not installed: run npm ci --prefix {PICO}")


def _make_erased(memory: Path, length: int) -> None:
    """Make the memory file, with the contents of erased flash, if it is missing."""
    if memory.exists():
        return
    with memory.open("wb") as file:
        for _ in range(length >> 20):
            file.write(b"\xff" * (1 << 20))


def emulator_command(name: str, elf: Path, memory: Path | None = None, port: int = 0) -> list[str]:
    """The command that emulates an image. BoardError if the board cannot keep its memory in a file.

    port: the TCP port of the serial line; 0 takes any free port.
    """
    board = find_board(name)
    command = board.emulator
    if memory is not None:
        if not board.persistent_flash_args:
            raise BoardError(f"the emulator of {name} cannot keep its non-volatile memory")
        replaces = any("{elf}" in word for word in board.persistent_flash_args)
        command = (
            board.persistent_flash_args if replaces else (*command, *board.persistent_flash_args)
        )
    files = {
        "elf": elf,
        "uf2": elf.with_suffix(".uf2"),
        "rom": elf.with_name("rom.bin"),
        "pico": PICO / "pico.mjs",
        "memory": memory,
        "port": port,
    }
    filled = [word.format(**files) for word in command]
    if filled[0] == "node":
        return filled
    serial = ["-serial", f"tcp:127.0.0.1:{port},server=on,wait=on,nodelay=on"]
    return [*filled, "-nographic", "-monitor", "none", *serial]


@contextmanager
def emulator(
    name: str,
    image: str | Path = "egg",
    *,
    memory: Path | None = None,
    port: int = 0,
    options: Sequence[str] = (),
) -> Iterator[Emulator]:
    """Run firmware in the emulator of a board until the `with` block ends.

    Args:
        name: Name of the board, such as "microbit".
        image: "egg" or "selftest", which are built if necessary, or the Path of an .elf file.
        memory: File that keeps the board's non-volatile memory; it is made if it is missing. None
            loses that memory when the emulator ends.
        port: TCP port to listen on; 0 takes any free port.
        options: More arguments for the emulator, such as -plugin.

    Yields:
        The running emulator. Its `url` opens the board's serial port.

    Raises:
        BoardError: The board is unknown, or the emulator is not installed or does not start.
    """
    check_emulator(name)
    elf = image if isinstance(image, Path) else build(name, image)
    if not elf.exists():
        raise BoardError(f"there is no image {elf}")
    if memory is not None:
        _make_erased(memory, find_board(name).memory_bytes)
    command = [*emulator_command(name, elf, memory, port), *options]
    with tempfile.TemporaryDirectory(prefix="eggroll-edge-") as folder:
        log = Path(folder) / "log"
        with log.open("wb") as file:
            process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=file, stderr=subprocess.STDOUT
            )
        try:
            opened = _wait_for_port(name, process, log)
            yield Emulator(f"socket://127.0.0.1:{opened}", process, log)
        finally:
            process.kill()
            process.wait()


def _wait_for_port(name: str, process: subprocess.Popen[bytes], log: Path) -> int:
    end = time.monotonic() + START_S
    while time.monotonic() < end:
        ended = process.poll() is not None
        text = log.read_text(errors="replace")
        if not ended and (match := _PORT.search(text)):
            return int(match[1] or match[2])
        if ended:
            raise BoardError(f"the emulator of {name} ended by itself:\n{text}".rstrip())
        time.sleep(0.01)
    raise BoardError(f"the emulator of {name} opened no port in {START_S:.0f} s:\n{text}".rstrip())
