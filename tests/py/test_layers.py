"""Dependencies flow one way: a file may use only what stands before it in these lists."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

# Each name on a line may use the lines above its own, not its neighbours.
C_LAYERS = [
    "egg_types",
    "egg_fx egg_rng egg_stream egg_loss egg_lanes host/egg_events",
    "egg_table",
    "egg_kernel_body egg_kernel_mcu",
    "egg_kernel egg_net",
    "egg_ws egg_wire host/egg_crc",
    "egg_forward egg_store host/egg_plan",
    "egg_es",
    "egg_es_private egg_pair host/egg_credit",
    "egg_batch egg_sample egg_session host/egg_host host/egg_group host/egg_steps host/egg_members",
    "egg_session_private host/egg_full host/egg_board host/egg_group_private",
    "egg_command egg_learn host/egg_steps_body host/egg_full_body host/egg_lanes_body",
    "host/egg_group_body host/egg_credit_body host/egg_widths",
]
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


C_RANK, PYTHON_RANK = ranks(C_LAYERS), ranks(PYTHON_LAYERS)
C_FILES = sorted((ROOT / "runtime_c").rglob("*.[ch]"))
PYTHON_FILES = sorted(
    path for path in (ROOT / "eggroll_edge").rglob("*.py") if path.stem not in PRIVATE
)


def c_name(path: Path) -> str:
    return str(path.relative_to(ROOT / "runtime_c").with_suffix(""))


def python_name(path: Path) -> str:
    parts = path.relative_to(ROOT / "eggroll_edge").with_suffix("").parts
    return ".".join(part for part in parts if part != "__init__")


@pytest.mark.parametrize("path", C_FILES, ids=c_name)
def test_c_includes_flow_one_way(path: Path) -> None:
    own = C_RANK.get(c_name(path), C_RANK["egg_es"])
    for included in re.findall(r'^#include "(.*?)\.h"', path.read_text(), re.MULTILINE):
        target = c_name((path.parent / included).resolve().with_suffix(".h"))
        if target == c_name(path):
            continue
        assert C_RANK[target] < own or path.suffix == ".c", f"{path.name} includes {included}.h"
        assert not (target.startswith("host/") and path.parent.name != "host"), (
            f"{path.name} is part of the device's core, and includes {included}.h of the host"
        )


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
    """`make format` and tools/test name the same C files."""
    names = [
        re.findall(r"\S+\.(?:\[ch\]|c)\b", text.partition("clang-format ")[2].partition("\n\n")[0])
        for text in ((ROOT / "Makefile").read_text(), (ROOT / "tools/test").read_text())
    ]
    assert names[0]
    assert names[0] == names[1]
