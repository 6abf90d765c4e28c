"""Sizes of the firmware on every board, against budgets.

python -m tools.firmware.size                   build all, print the table; exit 1 over budget
python tools/size_report.py --json            print JSON instead
python -m tools.firmware.size --write         put the table between the marks <!-- sizes --> and
                                              <!-- /sizes --> of docs/reference/boards.md
--image selftest                              the selftest instead of the firmware (no budget)
"""

from __future__ import annotations

import argparse
import json
import re
import subprocess
import sys
from dataclasses import asdict, dataclass
from pathlib import Path

from eggroll_edge.boards.build import build
from eggroll_edge.boards.table import BOARDS, find_board

ROOT = Path(__file__).resolve().parents[2]

KIB = 1024
FLASH_BUDGET = {"microbit": 24 * KIB, "pico": 24 * KIB, "hifive1": 26 * KIB}
"""Bytes of .text + .data of the whole image; other boards have room, and OTHER_BUDGET."""
OTHER_BUDGET = 26 * KIB
RAM_BUDGET = 2 * KIB + KIB // 2
"""Bytes of .data + .bss, without stack and arena."""
LARGE_KIB, LARGE_RAM_BUDGET = 64, 6 * KIB
"""Boards with so much RAM have a longer receive ring, and keep more replies."""

TOOLS = {"arm": "arm-none-eabi-", "riscv": "riscv64-unknown-elf-"}


@dataclass(frozen=True)
class Size:
    """All in bytes. text is split by origin: core, link (wire, session, store), board, rest."""

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

    @property
    def flash(self) -> int:
        return self.text + self.data

    def over(self) -> list[str]:
        """What is over its budget, in words."""
        found = []
        if self.budget and self.flash > self.budget:
            found.append(f"{self.board}: {self.flash} bytes of flash, budget {self.budget}")
        ram = self.data + self.bss
        if self.budget and ram > self.ram_budget:
            found.append(f"{self.board}: {ram} bytes of .data + .bss, budget {self.ram_budget}")
        return found


def sections(elf: Path, prefix: str) -> dict[str, int]:
    out = subprocess.run(
        [f"{prefix}size", "-A", str(elf)], capture_output=True, text=True, check=True
    ).stdout
    found = re.findall(r"^(\.\w+)\s+(\d+)\s+\d+$", out, re.MULTILINE)
    return {name: int(size) for name, size in found}


def symbols(elf: Path, prefix: str) -> dict[str, int]:
    out = subprocess.run(
        [f"{prefix}nm", str(elf)], capture_output=True, text=True, check=True
    ).stdout
    return {name: int(address, 16) for address, _, name in map(str.split, out.splitlines())}


_PIECE = re.compile(
    r"^ \.(?:vectors|text|rodata|srodata|boot2|ramfunc)\S*\s+0x[0-9a-f]+\s+0x([0-9a-f]+) (\S+)$",
    re.MULTILINE,
)


def origins(link_map: str) -> dict[str, int]:
    """Bytes of code and constants by origin, from the linker's map."""
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
    board = find_board(name)
    prefix = TOOLS[board.arch]
    elf = build(name, image, out=out)
    size, at = sections(elf, prefix), symbols(elf, prefix)
    text = size[".text"] + size.get(".boot2", 0)
    by = origins(elf.with_suffix(".map").read_text())
    budget = FLASH_BUDGET.get(name, OTHER_BUDGET) if image == "egg" else 0
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
    )


def table(sizes: list[Size]) -> str:
    lines = [
        "| board | core | .text | core / link / board / rest "
        "| .data | .bss | stack | arena | budget |",
        "|---|---|--:|--:|--:|--:|--:|--:|--:|",
    ]
    for s in sizes:
        parts = f"{s.text_core} / {s.text_link} / {s.text_board} / {s.text_rest}"
        lines.append(
            f"| {s.board} | {s.core} | {s.text} | {parts} | {s.data} | {s.bss} | {s.stack} "
            f"| {s.arena} | {s.budget or '-'} |"
        )
    return "\n".join(lines)


def note() -> str:
    return f"Bytes, -Os (inner loops -O2), {compilers()}; by `tools/firmware/size.py`."


WRITTEN = {ROOT / "docs/reference/boards.md": table}


def compilers() -> str:
    found = []
    for prefix in TOOLS.values():
        out = subprocess.run([f"{prefix}gcc", "-dumpfullversion"], capture_output=True, text=True)
        found.append(f"{prefix}gcc {out.stdout.strip()}")
    return ", ".join(found)


def put_table(file: Path, text: str, mark: str) -> None:
    """Replaces what is between <!-- mark --> and <!-- /mark -->."""
    start, end = f"<!-- {mark} -->", f"<!-- /{mark} -->"
    before, found_start, rest = file.read_text().partition(start)
    _, found_end, after = rest.partition(end)
    if not found_start or not found_end:
        raise SystemExit(f"{file} has no marks {start} ... {end}")
    file.write_text(f"{before}{start}\n{text}\n{end}{after}")


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("boards", nargs="*", help="default: all")
    parser.add_argument("--image", default="egg", choices=["egg", "selftest"])
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--write", action="store_true")
    options = parser.parse_args(arguments)
    if options.write and (options.boards or options.image != "egg"):
        parser.error("--write is for the firmware of all boards")
    sizes = [measure(name, options.image) for name in options.boards or BOARDS]
    for file, form in WRITTEN.items() if options.write else ():
        put_table(file, f"{form(sizes)}\n\n{note()}", "sizes")
    if options.json:
        print(json.dumps([{**asdict(s), "flash": s.flash} for s in sizes], indent=1))
    else:
        print(f"{table(sizes)}\n\n{note()}")
    over = [line for s in sizes for line in s.over()]
    for line in over:
        print(f"over budget: {line}", file=sys.stderr)
    return 1 if over else 0


if __name__ == "__main__":
    sys.exit(main())
