"""Puts the firmware onto a real board: builds it if need be, then copies a file to the board's USB
drive, or calls pyocd or openocd. Nothing here was tried on silicon: the tests use stand-ins."""

from __future__ import annotations

import os
import shutil
import string
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from eggroll_edge.boards.build import build
from eggroll_edge.boards.table import Board, BoardError, find_board

INSTALL = {
    "pyocd": "pip install pyocd",
    "openocd": "Debian, Ubuntu: apt install openocd",
}
CONNECT = {
    "pico": "Hold its BOOTSEL button while you plug it in.",
    "microbit": "Plug it in by USB.",
}


def flash(name: str, image: str = "egg", *, standalone: Path | None = None) -> str:
    """Builds and flashes; returns one line of what was done. lesson: as build()."""
    board = find_board(name)
    if not board.flash_with:
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
    """By its name, or by the file that the boot loaders leave there (Windows shows letters)."""
    if folder.name == label:
        return folder.is_dir()
    marks = {"RPI-RP2": ("INFO_UF2.TXT", "RPI-RP2"), "MICROBIT": ("DETAILS.TXT", "micro:bit")}
    file, word = marks[label]
    try:
        return word in (folder / file).read_text(errors="replace")
    except OSError:
        return False


def _copy(board: Board, elf: Path) -> str:
    label = board.flash_arguments[0]
    source = elf.with_suffix(".uf2" if board.name == "pico" else ".hex")
    for folder in drives():
        if _is_drive(folder, label):
            try:
                shutil.copyfile(source, folder / source.name)
            except OSError as error:
                raise BoardError(f"{source} could not be copied to {folder}: {error}") from error
            return f"copied {source} to {folder}; the board restarts by itself"
    raise BoardError(
        f"no {board.title} is connected: no drive named {label} was found. "
        f"{CONNECT[board.name]} Or copy {source} to the drive yourself."
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
