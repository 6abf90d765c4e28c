"""The most stack that an image can use, compared with what its linker script gives.

    python -m tools.firmware.stack [BOARD...] [--image egg|selftest] [--verbose]
    python -m tools.firmware.stack --write     also write the table into the documentation's page

Frames and calls are those that gcc reports (-fcallgraph-info=su). Calls of libgcc come from the
relocations of the object files, and libgcc's frames from its disassembly. A call through a pointer
is looked up in INDIRECT by the text of its source line. A call that is not there is an error, and
so are recursion and frames of unknown size. The bound is the deepest chain from reset, plus the
deepest interrupt; interrupts do not nest.
"""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

from eggroll_edge.boards.build import FIRMWARE, build
from eggroll_edge.boards.table import BOARDS, find_board
from tools.firmware.size import TOOLS
from tools.lib.paths import BOARDS_PAGE
from tools.lib.tables import table, write_section

INDIRECT: list[tuple[str, str]] = [
    # The text of a call up to its bracket, and a pattern of the functions that it may reach, by
    # name or file:name. A question mark before the pattern: an image may have none of them.
    (r"kernels->(current|project|combine|round_row)$", r"\1_packed"),
    (r"kernels->(convolve|collect)$", r"?egg_packed16_\1"),  # an image may lack convolutions
    (r"kernels->convolve_wide$", r"?convolve_wide_portable"),
    (r"kernels->(\w+)$", r"\1_portable"),
    (r"^credit_band$", r"egg_(sweep|eprop)\.c:credit_band"),
    (r"^add$", r"egg_packed16_convolution\.c:add_\w+"),
    (r"io\.write$|^write$", r"main\.c:serial_write"),
    (r"io\.clock$", r"main\.c:now"),
    (r"io\.label$", r"main\.c:label"),
    (r"io\.baud$", r"main\.c:baud"),
    (r"io\.selftest$", r"main\.c:selftest"),
    (r"io->(read|write|erase)$", r"main\.c:nvm_\1"),
    (r"^table\[.*\]\.run$", r"egg_session_commands\.c:\w+"),
    (r"^report$", r"?selftest_main\.c:report"),  # main.c gives none
    (r"^go$", r"flash_change"),
    (r"^find$", r""),  # the RP2040's boot ROM, see ROM_STACK
    (r"^r->\w+$", r""),
]
ROM_STACK = 256
"""Stack for functions of a chip's boot ROM (an empty target above), which cannot be measured."""

ROOTS = {"arm": "reset", "riscv": "start_c"}
INTERRUPTS = {"arm": "board_interrupt", "riscv": "trap"}
EXCEPTION_FRAME = {"arm": 8 * 4 + 4, "riscv": 0}
"""What the processor itself pushes: eight words and an alignment. No FPU is used."""


class UnboundedError(Exception):
    """The bound cannot be computed."""


@dataclass
class Function:
    """A node of the call graph."""

    name: str
    frame: int = 0
    """Bytes of stack."""
    calls: set[str] = field(default_factory=set)
    indirect: set[str] = field(default_factory=set)
    """Places of calls through pointers, file:line:column."""


Graph = dict[str, Function]

_NODE = re.compile(r'node: \{ title: "([^"]+)" label: "([^"]+)"')
_EDGE = re.compile(r'edge: \{ sourcename: "([^"]+)" targetname: "([^"]+)"(?: label: "([^"]+)")?')
_FRAME = re.compile(r"(\d+) bytes \((static|dynamic|dynamic,bounded)\)")


def read_callgraph(text: str, graph: Graph) -> None:
    """Add the content of a .ci file of gcc to the graph."""
    for title, label in _NODE.findall(text):
        if frame := _FRAME.search(label):
            if frame[2] == "dynamic":
                raise UnboundedError(f"{title} has a frame of unknown size")
            graph.setdefault(title, Function(title)).frame = int(frame[1])
    for source, target, where in _EDGE.findall(text):
        function = graph.setdefault(source, Function(source))
        if target == "__indirect_call":
            function.indirect.add(where)
        else:
            function.calls.add(target)


def objects_of(link_map: str) -> list[Path]:
    """The object files of an image, from the linker's map."""
    found = re.findall(r"^LOAD (\S+\.o)$", link_map, re.MULTILINE)
    return [Path(file) for file in found]


def library_calls(prefix: str, file: Path) -> dict[str, set[str]]:
    """The undefined symbols to which each function of an object file branches."""
    out = subprocess.run(
        [f"{prefix}objdump", "-dr", str(file)], capture_output=True, text=True, check=True
    ).stdout
    calls: dict[str, set[str]] = {}
    function = ""
    for line in out.splitlines():
        if start := re.match(r"[0-9a-f]+ <(.+)>:$", line):
            function = start[1]
        elif branch := re.search(r"R_(?:ARM_THM_CALL|ARM_THM_JUMP24|RISCV_CALL\w*)\s+(\S+)", line):
            calls.setdefault(function, set()).add(re.sub(r"[+-]0x.*", "", branch[1]))
    return calls


def library_functions(prefix: str, elf: Path, names: set[str]) -> Graph:
    """Functions that have no call graph: their frames and calls, from their instructions."""
    out = subprocess.run(
        [f"{prefix}objdump", "-d", str(elf)], capture_output=True, text=True, check=True
    ).stdout
    blocks: list[tuple[int, str, list[str]]] = []  # address, label, instructions
    for line in out.splitlines():
        if start := re.match(r"([0-9a-f]+) <(.+)>:$", line):
            blocks.append((int(start[1], 16), start[2], []))
        elif (
            blocks
            and "\t" in line
            and not re.search(r"\t(nop|\.word|\.short|\.byte|mov\s+r8, r8)", line)
        ):
            blocks[-1][2].append(line.split("@")[0].rstrip())
    place = {address: i for i, (address, _, _) in enumerate(blocks)}
    at = {
        name: place[address] for name, address in addresses(prefix, elf).items() if address in place
    }
    graph: Graph = {}
    todo = set(names)
    while todo:
        name = todo.pop()
        if name not in at:
            raise UnboundedError(f"{name} is called, and nothing is known about it")
        function = graph[name] = Function(name)
        body = blocks[at[name]][2]
        for line in body:
            function.frame += instruction_frame(line)
            if (target := re.search(r"<([^+>]+)>$", line)) and target[1] != name:
                function.calls.add(target[1])
        if (
            not re.search(r"\t(?:(?:bx|b|b\.n|b\.w|ret|j)\b|pop\s.*pc\})", body[-1])
            and len(blocks) > at[name] + 1
        ):
            function.calls.add(blocks[at[name] + 1][1])  # it continues in the next function
        todo |= {call for call in function.calls if call not in graph}
    return graph


def addresses(prefix: str, elf: Path) -> dict[str, int]:
    """Address of each symbol of an image, without the bit that marks Thumb code."""
    out = subprocess.run(
        [f"{prefix}nm", str(elf)], capture_output=True, text=True, check=True
    ).stdout
    return {line.split()[-1]: int(line.split()[0], 16) & ~1 for line in out.splitlines()}


def instruction_frame(line: str) -> int:
    """Bytes that one instruction takes from the stack."""
    if push := re.search(r"\b(?:push|stmdb\s+sp!,)\s*\{(.*)\}", line):
        count = 0
        for item in push[1].split(","):
            first, _, last = item.strip().partition("-")
            count += int(last[1:]) - int(first[1:]) + 1 if last else 1
        return 4 * count
    if sub := re.search(r"\bsub(?:\.w)?\s+sp,(?: sp,)? ?#(\d+)", line):
        return int(sub[1])
    if add := re.search(r"\baddi\s+sp,sp,-(\d+)", line):
        return int(add[1])
    return 0


def callees(where: str, folder: Path) -> list[str]:
    """The expressions that the source calls at file:line:column and after it on that line.

    Several are possible: if a call is an argument of another one that was inlined, gcc reports the
    place of the outer call.
    """
    file, line, column = where.rsplit(":", 2)
    rest = (folder / file).read_text().splitlines()[int(line) - 1][int(column) - 1 :]
    return re.findall(r"((?:\w|\.|->|\[[^\]]*\])+)\(", rest)


def targets_of(where: str, folder: Path) -> str | None:
    """The pattern that INDIRECT has for the call at a place; None if it has none."""
    for text in callees(where, folder):
        for call, targets in INDIRECT:
            if match := re.search(call, text):
                return targets.replace(r"\1", match[1] if match.lastindex else "")
    return None


def resolve(graph: Graph, roots: list[str], folder: Path) -> None:
    """Turn calls through pointers into calls, in all functions that the roots reach."""
    graph["(boot ROM)"] = Function("(boot ROM)", ROM_STACK)
    todo, seen = list(roots), set(roots)
    while todo:
        function = graph[todo.pop()]
        for where in sorted(function.indirect):
            names = targets_of(where, folder)
            if names is None:
                raise UnboundedError(
                    f"{function.name} calls through a pointer at {where} "
                    f"({', '.join(callees(where, folder))}): say in INDIRECT what it may reach"
                )
            if not names:
                function.calls.add("(boot ROM)")
                continue
            pattern = re.compile(rf"(^|[:/])({names.lstrip('?')})$")
            found = {name for name in graph if pattern.search(name)}
            if not found and not names.startswith("?"):
                raise UnboundedError(f"{where}: no function matches {names}")
            function.calls |= found
        todo += function.calls - seen
        seen |= function.calls


def load(elf: Path, prefix: str, folder: Path, roots: tuple[str, ...]) -> tuple[Graph, list[str]]:
    """The whole call graph of an image, and the roots' names in it."""
    graph: Graph = {}
    files = [folder / file for file in objects_of(elf.with_suffix(".map").read_text())]
    files = [file for file in files if file.with_suffix(".ci").exists()]
    for file in files:
        read_callgraph(file.with_suffix(".ci").read_text(), graph)
    missing: set[str] = set()
    for file in files:
        here = {name.rpartition(":")[2]: name for name in titles(file.with_suffix(".ci"))}
        for name, calls in library_calls(prefix, file).items():
            if name in here:
                new = {call for call in calls if call not in here and not call.startswith(".")}
                graph[here[name]].calls |= new
    known = {name for name, function in graph.items() if function.frame or function.calls}
    for function in graph.values():
        missing |= {c for c in function.calls if c not in graph and c not in known}
    graph.update(library_functions(prefix, elf, missing & set(addresses(prefix, elf))))
    for function in graph.values():  # nothing calls what the linker left out
        function.calls = {call for call in function.calls if call in graph}
    found = [find(graph, root) for root in roots]
    resolve(graph, found, folder)
    return graph, found


def titles(ci: Path) -> list[str]:
    """The functions that a .ci file defines."""
    return [title for title, label in _NODE.findall(ci.read_text()) if _FRAME.search(label)]


def deepest(graph: Graph, root: str) -> tuple[int, list[str]]:
    """The chain of calls from a function that needs most stack: its bytes, and its functions."""
    known: dict[str, tuple[int, list[str]]] = {}

    def visit(name: str, path: tuple[str, ...]) -> tuple[int, list[str]]:
        if name in path:
            raise UnboundedError("recursion: " + " -> ".join([*path[path.index(name) :], name]))
        if name not in known:
            best: tuple[int, list[str]] = (0, [])
            for call in sorted(graph[name].calls):
                best = max(best, visit(call, (*path, name)), key=lambda found: found[0])
            known[name] = (graph[name].frame + best[0], [name, *best[1]])
        return known[name]

    return visit(root, ())


@dataclass(frozen=True)
class Bound:
    """The result for one image. Sizes are in bytes."""

    board: str
    main: int
    interrupt: int
    given: int
    """By the linker script."""
    chain: list[str]
    """The functions of the deepest chain, each with its frame."""

    @property
    def total(self) -> int:
        """The most that the image can use."""
        return self.main + self.interrupt


def find(graph: Graph, name: str) -> str:
    """The title of a function in the graph; static functions have their file before the name."""
    return next(title for title in graph if title == name or title.endswith(f":{name}"))


def bound(
    name: str, image: str = "egg", out: Path | None = None, standalone: Path | None = None
) -> Bound:
    """Build the image of a board and compute its bound. UnboundedError if there is none."""
    board = find_board(name)
    prefix = TOOLS[board.arch]
    elf = build(name, image, standalone=standalone, out=out)
    graph, (reset, handler) = load(
        elf, prefix, FIRMWARE, (ROOTS[board.arch], INTERRUPTS[board.arch])
    )
    main, chain = deepest(graph, reset)
    interrupt, _ = deepest(graph, handler)
    at = addresses(prefix, elf)
    return Bound(
        board=name,
        main=main,
        interrupt=interrupt + EXCEPTION_FRAME[board.arch],
        given=at["stack_top"] - at["stack_bottom"],
        chain=[f"{title} {graph[title].frame}" for title in chain],
    )


def stack_table(bounds: list[Bound]) -> str:
    """A line for each board."""
    head = ["board", "deepest chain", "interrupt", "bound", "stack"]
    rows = [[b.board, *map(str, (b.main, b.interrupt, b.total, b.given))] for b in bounds]
    return table(head, rows, "lrrrr")


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("boards", nargs="*", help="by default all")
    parser.add_argument("--image", default="egg", choices=["egg", "selftest"])
    parser.add_argument("--verbose", action="store_true", help="show the deepest chain")
    parser.add_argument("--write", action="store_true", help=f"write into {BOARDS_PAGE.name}, too")
    options = parser.parse_args(arguments)
    if options.write and (options.boards or options.image != "egg"):
        parser.error("--write is for the firmware of all boards")
    try:
        bounds = [bound(name, options.image) for name in options.boards or BOARDS]
    except UnboundedError as error:
        print(f"no bound: {error}", file=sys.stderr)
        return 1
    print(stack_table(bounds))
    if options.write:
        write_section(BOARDS_PAGE, "stack", stack_table(bounds))
    for b in bounds:
        if options.verbose:
            print(f"{b.board}:\n  " + "\n  ".join(b.chain))
        if b.total > b.given:
            print(f"{b.board}: may use {b.total} bytes of stack, has {b.given}", file=sys.stderr)
    return 1 if any(b.total > b.given for b in bounds) else 0


if __name__ == "__main__":
    sys.exit(main())
