"""The tools that measure size and stack, on the firmware's images and on small programs."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from eggroll_edge.boards.build import FIRMWARE, build
from eggroll_edge.boards.table import BOARDS, BoardError
from tools.firmware import size as size_report
from tools.firmware import stack as stack_bound
from tools.lib.paths import BOARDS_PAGE, ROOT

IMAGES = ["egg", "selftest"]


@pytest.fixture(scope="module")
def sizes() -> list[size_report.Size]:
    return [size_report.measure(name) for name in BOARDS]


def test_every_board_is_within_its_budget(sizes: list[size_report.Size]) -> None:
    assert [line for size in sizes for line in size.over()] == []


def test_core_session_and_board_take_24_kb_on_a_cortex_m0(sizes: list[size_report.Size]) -> None:
    """With `sweep` alone. All estimators take at most 29 KB, and convolutions 6 KB more."""
    microbit = next(size for size in sizes if size.board == "microbit")
    assert 20 * 1024 < microbit.lean <= 24 * 1024
    assert microbit.lean + 2 * 1024 < microbit.dense <= 28 * 1024
    assert microbit.dense + 2 * 1024 < microbit.flash <= 34 * 1024


def test_the_parts_add_up(sizes: list[size_report.Size]) -> None:
    for size in sizes:
        assert size.text == size.text_core + size.text_link + size.text_board + size.text_rest
        assert size.text_core > 8000, size.board
        assert 0 < size.text_board < 3000, size.board
        assert 0 <= size.text_rest < 5000, size.board
        ram = BOARDS[size.board].ram
        used = size.data + size.bss + size.stack + size.arena
        assert ram - 16 <= used <= ram, size.board


def test_the_arena_is_what_a_plan_counts_on(sizes: list[size_report.Size]) -> None:
    for size in sizes:
        board = BOARDS[size.board]
        assert size.arena >= board.ram - board.reserve, size.board


def test_estimators_that_do_not_exist_are_refused(tmp_path: Path) -> None:
    for names in ("sweep full", ""):
        with pytest.raises(BoardError, match="ESTIMATORS may name"):
            build("microbit", out=tmp_path, variables={"ESTIMATORS": names})


def test_a_budget_that_is_exceeded_is_named() -> None:
    size = size_report.Size("x", "M0", 1000, 24, 3000, 0, 0, 0, 0, 0, 0, budget=1023)
    assert size.over() == [
        "x: 1024 bytes of flash, budget 1023",
        "x: 3024 bytes of .data + .bss, budget 2560",
    ]
    lean = size_report.Size("x", "M0", 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, lean=11, lean_budget=10)
    assert lean.over() == ["x, sweep alone: 11 bytes of flash, budget 10"]


def page_of_these_compilers() -> str:
    """The page of the boards. Its sizes depend on the versions of the compilers."""
    text = BOARDS_PAGE.read_text()
    if size_report.note() not in text:
        pytest.skip(f"{BOARDS_PAGE.name} is not of {size_report.compilers()}")
    return text


def test_the_written_sizes_are_these(sizes: list[size_report.Size]) -> None:
    written = size_report.size_table(sizes)
    assert written in page_of_these_compilers(), "run python -m tools.firmware.size --write"


def test_the_written_stacks_are_these() -> None:
    written = stack_bound.stack_table([stack_bound.bound(board, "egg") for board in BOARDS])
    assert written in page_of_these_compilers(), "run python -m tools.firmware.stack --write"


@pytest.mark.parametrize("image", IMAGES)
@pytest.mark.parametrize("board", BOARDS)
def test_stack_holds_the_deepest_chain(board: str, image: str) -> None:
    bound = stack_bound.bound(board, image)
    assert bound.total <= bound.given, bound.chain
    assert bound.main > 500  # else the tool would have lost the chain


# ---- programs whose use of the stack is known --------------------------------------------------

PROGRAM = """
__attribute__((noinline)) int leaf(int x) { volatile char b[100]; b[x] = 1; return b[0]; }
__attribute__((noinline)) int middle(int x) { return leaf(x) + 1; }
typedef struct { int (*run)(int); } table;
static const table kernels_ = {middle};
const table *volatile kernels = &kernels_;
int top(int x);
int top(int x) { return kernels->run(x) + 1; }
"""


def graph_of(source: str, folder: Path) -> stack_bound.Graph:
    file = folder / "program.c"
    file.write_text(source)
    flags = ["-mcpu=cortex-m0", "-mthumb", "-Os", "-ffreestanding", "-fcallgraph-info=su"]
    subprocess.run(["arm-none-eabi-gcc", *flags, "-c", file.name], cwd=folder, check=True)
    graph: stack_bound.Graph = {}
    stack_bound.read_callgraph((folder / "program.ci").read_text(), graph)
    return graph


def test_a_chain_through_a_pointer_is_followed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    graph = graph_of(PROGRAM, tmp_path)
    with pytest.raises(stack_bound.UnboundedError, match="no function matches"):
        stack_bound.resolve(graph, ["top"], tmp_path)
    monkeypatch.setattr(stack_bound, "INDIRECT", [(r"kernels->run$", "middle")])
    stack_bound.resolve(graph, ["top"], tmp_path)
    depth, chain = stack_bound.deepest(graph, "top")
    assert chain == ["top", "middle", "leaf"]
    assert depth == sum(graph[name].frame for name in chain) >= 100


def test_a_program_without_a_bound_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    graph = graph_of(
        "int f(int x); int f(int x) { return x < 2 ? x : f(x - 1) + f(x - 2); }", tmp_path
    )
    with pytest.raises(stack_bound.UnboundedError, match="recursion: f -> f"):
        stack_bound.deepest(graph, "f")
    with pytest.raises(stack_bound.UnboundedError, match="unknown size"):
        graph_of("int g(int *); int f(int n); int f(int n) { int a[n]; return g(a); }", tmp_path)
    graph = graph_of("int f(int (*p)(void)); int f(int (*p)(void)) { return p() + 1; }", tmp_path)
    monkeypatch.setattr(stack_bound, "INDIRECT", [])
    with pytest.raises(stack_bound.UnboundedError, match="say in INDIRECT"):
        stack_bound.resolve(graph, ["f"], tmp_path)


@pytest.mark.parametrize(
    ("line", "frame"),
    [
        (" 1b0:\tb5f7      \tpush\t{r0, r1, r2, r4, r5, r6, r7, lr}", 32),
        (" 1b0:\te92d 4ff0 \tstmdb\tsp!, {r4, r5, r6, r7, r8, r9, sl, fp, lr}", 36),
        (" 1b2:\tb087      \tsub\tsp, #28", 28),
        (" 1b2:\tf5ad 7d00 \tsub.w\tsp, sp, #512", 512),
        ("20010010:\t1141                \taddi\tsp,sp,-16", 16),
        ("20010010:\t0141                \taddi\tsp,sp,16", 0),
        (" 1b4:\t4a14      \tldr\tr2, [pc, #80]", 0),
    ],
)
def test_frames_of_instructions(line: str, frame: int) -> None:
    assert stack_bound.instruction_frame(line) == frame


def test_libgcc_is_counted() -> None:
    """A Cortex-M0 cannot divide, so libgcc has a function for it. Its frame is in the graph."""
    graph, _ = stack_bound.load(
        build("microbit", "selftest"), "arm-none-eabi-", FIRMWARE, ("reset", "main")
    )
    assert graph["__aeabi_uidiv"].frame > 0 or graph["__aeabi_uidiv"].calls
    assert any("__aeabi_uidiv" in f.calls for f in graph.values())


# ---- the firmware's layout ---------------------------------------------------------------------

MAY_INCLUDE = {
    "common": {"common", "board.h"},
    "chips": {"chips", "common", "board.h"},
    "images": {"images", "common", "board.h", "core", "bench_work.h"},
    "boards": {"chips", "common", "board.h"},
    "board.h": set(),
}


@pytest.mark.parametrize("folder", MAY_INCLUDE)
def test_includes_of_the_firmware_go_one_way(folder: str) -> None:
    """boards > images, chips > common > board.h; only images know the learning core."""
    top = FIRMWARE / folder
    files = [top] if top.is_file() else sorted(top.rglob("*.[ch]"))
    assert files
    for file in files:
        for included in re.findall(r'#include "([^"]+)"', file.read_text()):
            core = list((ROOT / "runtime_c").rglob(Path(included).name))
            origin = "core" if core else included.partition("/")[0]
            assert origin in MAY_INCLUDE[folder], f"{file} includes {included}"
