"""Building firmware: calls make in firmware/ with the cross compiler of the board."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from eggroll_edge.boards.table import BoardError, find_board

try:
    import fcntl
except ModuleNotFoundError:  # Windows
    fcntl = None  # type: ignore[assignment]

FIRMWARE = Path(__file__).resolve().parents[2] / "firmware"
"""The firmware's sources. They are in the repository, not in an installed wheel."""

COMPILERS = {"arm": "arm-none-eabi-gcc", "riscv": "riscv64-unknown-elf-gcc"}
COMPILER_PACKAGES = {"arm": "gcc-arm-none-eabi", "riscv": "gcc-riscv64-unknown-elf"}


def build(
    name: str,
    image: str = "egg",
    *,
    standalone: Path | None = None,
    defines: str = "",
    out: Path | None = None,
    variables: Mapping[str, str] | None = None,
) -> Path:
    """Build an image for a board and return its .elf; the image's other files are in that folder.

    image: egg (the product), selftest, or another image of the Makefile.
    standalone: a file that devices.standalone.write_standalone() made. The board then trains by
    itself on that file, and `image` is ignored.
    defines: compiler flags. variables: variables of the Makefile, such as CPU. A build with either
    needs a separate `out` folder.
    BoardError, with the compiler's messages, if a tool is missing or the build fails.
    """
    board = find_board(name)
    if not (FIRMWARE / "Makefile").exists():
        raise BoardError(
            f"the firmware's sources are not at {FIRMWARE}: they come with the repository, not "
            "with the installed package. Clone it, and run pip install -e . there."
        )
    if shutil.which("make") is None:
        raise BoardError("make is not installed (Debian, Ubuntu: apt install make)")
    compiler = COMPILERS[board.arch]
    if shutil.which(compiler) is None:
        package = COMPILER_PACKAGES[board.arch]
        raise BoardError(f"{compiler} is not installed (Debian, Ubuntu: apt install {package})")
    out = (FIRMWARE / "build" if out is None else out).resolve()
    command = ["make", "-s", "-C", str(FIRMWARE), f"BOARD={name}", f"OUT={out}"]
    if standalone is not None:
        image = "standalone"
        command.append(f"STANDALONE={standalone.resolve()}")
    command.append(f"IMAGE={image}")
    if defines:
        command.append(f"DEFINES={defines}")
    command += [f"{name}={value}" for name, value in (variables or {}).items()]
    with _locked(out):
        done = subprocess.run(command, capture_output=True, text=True)
    if over := re.search(r"region `FLASH' overflowed by (\d+) bytes", done.stderr):
        raise BoardError(
            f"{image} does not fit the flash of {name} by {int(over[1]):,} bytes"
            + (": leave out recordings (train --skip-first N), or pool them" if standalone else "")
        )
    if done.returncode != 0:
        raise BoardError(
            f"building {image} for {name} failed:\n{done.stdout}{done.stderr}".rstrip()
        )
    return out / name / f"{image}.elf"


@contextmanager
def _locked(out: Path) -> Iterator[None]:
    """Let one process at a time build in a folder: two would overwrite each other's files."""
    if fcntl is None:
        yield
        return
    out.mkdir(parents=True, exist_ok=True)
    with (out / ".lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
