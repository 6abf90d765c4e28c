"""Putting the firmware onto a real board.

The image is built if necessary. Then a file is copied to the board's USB drive, or pyocd or openocd
is called. None of this has been tried with real boards: the tests use stand-ins.
"""

from __future__ import annotations

import os
import shutil
import string
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from eggroll_edge.boards.build import build
from eggroll_edge.boards.table import Board, BoardError, find_board


@dataclass(frozen=True)
class UsbDrive:
    """A boot loader that appears as a USB drive and flashes the file that is copied there."""

    info_file: str
    """A file that the boot loader keeps on the drive."""
    info_word: str
    """A word in that file. It identifies the drive on Windows, which shows a letter, not a name."""
    suffix: str
    """The suffix of the image's file that the boot loader takes."""
    connect: str
    """How to connect the board so that the drive appears."""


DRIVES = {
    "RPI-RP2": UsbDrive(
        "INFO_UF2.TXT", "RPI-RP2", ".uf2", "Hold its BOOTSEL button while you plug it in."
    ),
    "MICROBIT": UsbDrive("DETAILS.TXT", "micro:bit", ".hex", "Plug it in by USB."),
}
"""Name of a drive, as in flash_arguments of boards.table -> the drive."""

INSTALL = {
    "pyocd": "pip install pyocd",
    "openocd": "Debian, Ubuntu: apt install openocd",
}


def flash(name: str, image: str = "egg", *, standalone: Path | None = None) -> str:
    """Build and flash an image, with the arguments of build(); returns a line of text about it.

    BoardError if the board is emulated only or not connected, or if a tool is missing or fails.
    """
    board = find_board(name)
    if not board.is_hardware:
        raise BoardError(f"{name} is an emulated board: there is nothing to flash")
    elf = build(name, image, standalone=standalone)
    if board.flash_with == "drive":
        return _copy(board, elf)
    return _run(board, elf)


def drives() -> Iterator[Path]:
    """Folders where this system shows USB drives."""
    if sys.platform == "win32":
        yield from (Path(f"{letter}:\\") for letter in string.ascii_uppercase[2:])
        return
    if sys.platform == "darwin":
        yield from Path("/Volumes").glob("*")
        return
    user = os.environ.get("USER", "*")
    for pattern in (f"run/media/{user}/*", f"media/{user}/*", "media/*", "mnt/*"):
        yield from Path("/").glob(pattern)


def _is_drive(folder: Path, label: str) -> bool:
    """Whether this is the drive, by its name or by the file that the boot loader keeps there."""
    if folder.name == label:
        return folder.is_dir()
    drive = DRIVES[label]
    try:
        return drive.info_word in (folder / drive.info_file).read_text(errors="replace")
    except OSError:
        return False


def _copy(board: Board, elf: Path) -> str:
    label = board.flash_arguments[0]
    drive = DRIVES[label]
    source = elf.with_suffix(drive.suffix)
    for folder in drives():
        if _is_drive(folder, label):
            try:
                shutil.copyfile(source, folder / source.name)
            except OSError as error:
                raise BoardError(f"{source} could not be copied to {folder}: {error}") from error
            return f"copied {source} to {folder}; the board restarts by itself"
    raise BoardError(
        f"no {board.title} is connected: no drive named {label} was found. "
        f"{drive.connect} Or copy {source} to the drive yourself."
    )


def _run(board: Board, elf: Path) -> str:
    tool, hex_file = board.flash_with, elf.with_suffix(".hex")
    if shutil.which(tool) is None:
        raise BoardError(f"{tool}, which flashes {board.name}, is not installed ({INSTALL[tool]})")
    if tool == "pyocd":
        command = [tool, "flash", "--target", board.flash_arguments[0], str(hex_file)]
    else:
        command = [tool]
        for file in board.flash_arguments:
            command += ["-f", file]
        command += ["-c", f"program {{{hex_file}}} verify reset exit"]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode != 0:
        last = "\n".join((done.stdout + done.stderr).splitlines()[-8:])
        raise BoardError(
            f"{tool} did not flash the {board.title}. Is it connected, and may this user open "
            f"its USB device?\n$ {' '.join(command)}\n{last}"
        )
    return f"flashed {hex_file} with {tool}"
