"""The size of the firmware on every board, and whether it is within its budget.

python -m tools.firmware.size             build all boards and print a table; exit 1 over budget
python -m tools.firmware.size BOARD...    only these boards
python -m tools.firmware.size --json      print JSON instead
python -m tools.firmware.size --write     also write the table into the documentation's page
--image selftest                          the selftest instead of the firmware (without budget)
"""

from __future__ import annotations

import argparse
import json
import re
import subprocess
import sys
from dataclasses import asdict, dataclass
from pathlib import Path

from eggroll_edge.boards.build import FIRMWARE, build
from eggroll_edge.boards.table import BOARDS, find_board
from tools.lib.paths import BOARDS_PAGE
from tools.lib.tables import paragraph, table, write_section

KIB = 1024
SMALL = ("microbit", "pico")
"""Boards with smaller budgets than all others."""
FLASH_BUDGET, OTHER_BUDGET = 35 * KIB, 38 * KIB
"""Bytes of .text + .data of the whole image: of those boards, and of all others."""
DENSE = {"CONVOLUTION": "0"}
"""Variables of an image without convolutions, which is measured, too."""
DENSE_BUDGET, OTHER_DENSE_BUDGET = 29 * KIB, 31 * KIB
"""The same for that image."""
LEAN = "sweep"
"""The one estimator of the smallest image that is measured; it has no convolutions either."""
LEAN_BUDGET, OTHER_LEAN_BUDGET = 22 * KIB, 24 * KIB
"""The same for that image."""
RAM_BUDGET = 2 * KIB + KIB // 2
"""Bytes of .data + .bss. Stack and arena are not part of it."""
LARGE_KIB, LARGE_RAM_BUDGET = 64, 6 * KIB
"""Boards with this much RAM have a longer receive ring and keep more replies."""

TOOLS = {"arm": "arm-none-eabi-", "riscv": "riscv64-unknown-elf-"}
"""Prefixes of the names of compiler and binutils."""


@dataclass(frozen=True)
class Size:
    """Sizes of one image, in bytes.

    text is split by origin: the learning core, the link (frames, session, checkpoints), the
    drivers of the board, and the rest (start-up, main loop, libgcc).
    """

    board: str
    core: str
    text: int
    data: int
    bss: int
    stack: int
    arena: int
    text_core: int
    text_link: int
    text_board: int
    text_rest: int
    budget: int
    ram_budget: int = RAM_BUDGET
    dense: int = 0
    """Flash of the image without convolutions; 0 if it was not built."""
    dense_budget: int = 0
    lean: int = 0
    """The same with LEAN alone."""
    lean_budget: int = 0

    @property
    def flash(self) -> int:
        """What the image takes of the flash."""
        return self.text + self.data

    def over(self) -> list[str]:
        """A sentence for each budget that is exceeded."""
        found = []
        if self.budget and self.flash > self.budget:
            found.append(f"{self.board}: {self.flash} bytes of flash, budget {self.budget}")
        for what, flash, budget in (
            ("no convolutions", self.dense, self.dense_budget),
            (f"{LEAN} alone", self.lean, self.lean_budget),
        ):
            if flash > budget:
                found.append(f"{self.board}, {what}: {flash} bytes of flash, budget {budget}")
        ram = self.data + self.bss
        if self.budget and ram > self.ram_budget:
            found.append(f"{self.board}: {ram} bytes of .data + .bss, budget {self.ram_budget}")
        return found


def sections(elf: Path, prefix: str) -> dict[str, int]:
    """Bytes of each section of an image."""
    out = subprocess.run(
        [f"{prefix}size", "-A", str(elf)], capture_output=True, text=True, check=True
    ).stdout
    found = re.findall(r"^(\.\w+)\s+(\d+)\s+\d+$", out, re.MULTILINE)
    return {name: int(size) for name, size in found}


def symbols(elf: Path, prefix: str) -> dict[str, int]:
    """Address of each symbol of an image."""
    out = subprocess.run(
        [f"{prefix}nm", str(elf)], capture_output=True, text=True, check=True
    ).stdout
    return {name: int(address, 16) for address, _, name in map(str.split, out.splitlines())}


_PIECE = re.compile(
    r"^ \.(?:vectors|text|rodata|srodata|boot2|ramfunc)\S*\s+0x[0-9a-f]+\s+0x([0-9a-f]+) (\S+)$",
    re.MULTILINE,
)


def origins(link_map: str) -> dict[str, int]:
    """Bytes of code and constants by their origin, from the linker's map."""
    total = dict.fromkeys(("core", "link", "board", "rest"), 0)
    kept = link_map[link_map.index("Linker script and memory map") :]
    kept = kept[: kept.find("\n/DISCARD/")] if "\n/DISCARD/" in kept else kept
    for size, file in _PIECE.findall(kept):
        path = Path(file)
        if path.parent.parent.name == "core":
            origin = "link" if path.parent.name == "link" else "core"
        elif path.parent.name == "chips" or path.parent.parent.name == "boards":
            origin = "board"
        else:
            origin = "rest"
        total[origin] += int(size, 16)
    return total


def measure(name: str, image: str = "egg", out: Path | None = None) -> Size:
    """Build the image of a board and measure it."""
    board = find_board(name)
    prefix = TOOLS[board.arch]
    elf = build(name, image, out=out)
    size, at = sections(elf, prefix), symbols(elf, prefix)
    text = size[".text"] + size.get(".boot2", 0)
    by = origins(elf.with_suffix(".map").read_text())
    small = name in SMALL
    budget, dense, lean = 0, 0, 0

    def flash_of(folder: str, variables: dict[str, str]) -> int:
        path = (out or FIRMWARE / "build") / folder
        found = sections(build(name, out=path, variables=variables), prefix)
        return found[".text"] + found.get(".boot2", 0) + found.get(".data", 0)

    if image == "egg":
        budget = FLASH_BUDGET if small else OTHER_BUDGET
        dense = flash_of("dense", DENSE)
        lean = flash_of(f"dense-{LEAN}", DENSE | {"ESTIMATORS": LEAN})
    return Size(
        board=name,
        core=board.core,
        text=text,
        data=size.get(".data", 0),
        bss=size.get(".bss", 0),
        stack=at["stack_top"] - at["stack_bottom"],
        arena=at["arena_end"] - at["arena_start"],
        text_core=by["core"],
        text_link=by["link"],
        text_board=by["board"],
        text_rest=text - by["core"] - by["link"] - by["board"],  # start-up, libgcc, alignment
        budget=budget,
        ram_budget=LARGE_RAM_BUDGET if board.ram >= LARGE_KIB * KIB else RAM_BUDGET,
        dense=dense,
        dense_budget=DENSE_BUDGET if small else OTHER_DENSE_BUDGET,
        lean=lean,
        lean_budget=LEAN_BUDGET if small else OTHER_LEAN_BUDGET,
    )


def size_table(sizes: list[Size]) -> str:
    """A line for each board, and how the images were compiled."""
    head = [
        "board", "core", ".text", "core / link / board / rest", ".data", ".bss", "stack", "arena",
        "budget", "no convolutions", f"{LEAN} alone",
    ]  # fmt: skip
    rows = []
    for s in sizes:
        parts = f"{s.text_core} / {s.text_link} / {s.text_board} / {s.text_rest}"
        numbers = (s.data, s.bss, s.stack, s.arena, s.budget or "-", s.dense or "-", s.lean or "-")
        rows.append([s.board, s.core, str(s.text), parts, *map(str, numbers)])
    return f"{table(head, rows, 'llrrrrrrrrr')}\n\n{note()}"


def note() -> str:
    """How the images were compiled."""
    return paragraph(f"Bytes, -Os (inner loops -O2), {compilers()}; by `tools/firmware/size.py`.")


def compilers() -> str:
    """Names and versions of the cross compilers."""
    found = []
    for prefix in TOOLS.values():
        out = subprocess.run([f"{prefix}gcc", "-dumpfullversion"], capture_output=True, text=True)
        found.append(f"{prefix}gcc {out.stdout.strip()}")
    return ", ".join(found)


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("boards", nargs="*", help="by default all")
    parser.add_argument("--image", default="egg", choices=["egg", "selftest"])
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    parser.add_argument("--write", action="store_true", help=f"write into {BOARDS_PAGE.name}, too")
    options = parser.parse_args(arguments)
    if options.write and (options.boards or options.image != "egg"):
        parser.error("--write is for the firmware of all boards")
    sizes = [measure(name, options.image) for name in options.boards or BOARDS]
    if options.write:
        write_section(BOARDS_PAGE, "sizes", size_table(sizes))
    if options.json:
        print(json.dumps([{**asdict(s), "flash": s.flash} for s in sizes], indent=1))
    else:
        print(size_table(sizes))
    over = [line for s in sizes for line in s.over()]
    for line in over:
        print(f"over budget: {line}", file=sys.stderr)
    return 1 if over else 0


if __name__ == "__main__":
    sys.exit(main())
