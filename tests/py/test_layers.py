"""Dependencies flow one way: a file may use only what stands before it in these lists."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

# Folders of the core; a file may include files of its folder and of those before it.
C_LAYERS = ["base", "kernels", "net", "estimators", "link", "host"]
# Each name on a line may use the lines above its line, not its neighbours.
PYTHON_LAYERS = [
    "errors version _core",
    "netconfig events wire transport boards pty_bridge",
    "messages",
    "core link plots saccade chirps cartpole presets emulate flash",
    "sources mcu_cost",
    "plan config datasets.cache datasets.images session",
    "datasets.nmnist datasets.fetched control throughput",
    "sampling progress datasets crew checkpoint hostboard",
    "estimators evaluate journal",
    "course",
    "journal_write replay",
    "bench trainer device",
    "device_train train bench_host bench_scripts",
    "plot_run lesson bench_mcu bench_peers bench_baselines",
    "bench_accuracy",
    "",  # the package's face, __init__
    "cli_show cli_options",
    "cli_data cli_device cli_bench",
    "cli_train cli_run cli_plan cli_control",
    "cli",
    "__main__",
]
PRIVATE = {"_build_core"}


def ranks(layers: list[str]) -> dict[str, int]:
    return {name: rank for rank, line in enumerate(layers) for name in line.split(" ")}


PYTHON_RANK = ranks(PYTHON_LAYERS)
C_FILES = sorted((ROOT / "runtime_c").rglob("*.[ch]"))
PYTHON_FILES = sorted(
    path for path in (ROOT / "eggroll_edge").rglob("*.py") if path.stem not in PRIVATE
)


def c_name(path: Path) -> str:
    return str(path.relative_to(ROOT / "runtime_c"))


def c_includes(path: Path) -> list[str]:
    return re.findall(r'^#include "(.*?)"', path.read_text(), re.MULTILINE)


def is_public(header: str) -> bool:
    return header.endswith(".h") and not header.endswith(("_private.h", "_impl.h"))


def python_name(path: Path) -> str:
    parts = path.relative_to(ROOT / "eggroll_edge").with_suffix("").parts
    return ".".join(part for part in parts if part != "__init__")


@pytest.mark.parametrize("path", C_FILES, ids=c_name)
def test_c_includes_flow_one_way(path: Path) -> None:
    name = c_name(path)
    rank = C_LAYERS.index(path.parent.name)
    for included in c_includes(path):
        assert (ROOT / "runtime_c" / included).is_file(), f"{name} includes {included}: no path"
        folder = included.partition("/")[0]
        assert C_LAYERS.index(folder) <= rank, f"{name} includes {included} of a folder above it"
        if is_public(name):
            assert is_public(included), f"{name} is public, and includes {included}"


def test_c_headers_form_no_circle() -> None:
    below = {c_name(path): c_includes(path) for path in C_FILES if path.suffix == ".h"}
    while below:
        leaves = [name for name, included in below.items() if not set(included) & below.keys()]
        assert leaves, f"these headers include each other: {', '.join(below)}"
        for name in leaves:
            del below[name]


def test_firmware_includes_public_headers_only() -> None:
    found = [
        included
        for path in (ROOT / "firmware").rglob("*.[ch]")
        for included in c_includes(path)
        if included.partition("/")[0] in C_LAYERS
    ]
    assert found
    assert [included for included in found if not is_public(included)] == []


@pytest.mark.parametrize("path", PYTHON_FILES, ids=python_name)
def test_python_imports_flow_one_way(path: Path) -> None:
    own = python_name(path)
    for node in ast.walk(ast.parse(path.read_text())):
        if not isinstance(node, ast.ImportFrom) or node.module is None:
            continue
        if not node.module.startswith("eggroll_edge"):
            continue
        module = node.module.removeprefix("eggroll_edge").removeprefix(".")
        below = [f"{module}.{alias.name}".removeprefix(".") for alias in node.names]
        for target in [name for name in below if name in PYTHON_RANK] or [module]:
            assert PYTHON_RANK[target] < PYTHON_RANK[own], f"{own} imports {target}"


def test_what_is_formatted_is_what_is_checked() -> None:
    """`make format` and tools/test give clang-format the same files: all that git knows."""
    files = "git ls-files '*.c' '*.h' | xargs .venv/bin/clang-format "
    for name, option in (("Makefile", "-i"), ("tools/test", "--dry-run -Werror")):
        assert files + option + "\n" in (ROOT / name).read_text(), name
