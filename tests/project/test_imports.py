"""Imports and includes run one way: a part of the project may use only what lies below it."""

from __future__ import annotations

import functools
import subprocess
import sys
from pathlib import Path

import grimp

ROOT = Path(__file__).resolve().parents[2]


def test_python_imports_run_downwards() -> None:
    """The layers stand in pyproject.toml, [tool.importlinter]."""
    done = subprocess.run(
        [Path(sys.executable).with_name("lint-imports"), "--no-cache"],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout


def test_longest_import_chain_between_packages() -> None:
    graph = grimp.build_graph("eggroll_edge", cache_dir=None)
    for package in sorted(graph.find_children("eggroll_edge")):
        graph.squash_module(package)

    @functools.cache
    def chain(module: str) -> tuple[str, ...]:
        below = graph.find_modules_directly_imported_by(module) - {"eggroll_edge._core"}
        return (module, *max(map(chain, below), key=len, default=()))

    longest = max((chain(module) for module in graph.find_children("eggroll_edge")), key=len)
    assert len(longest) <= 8, longest


def test_the_package_imports_no_serial_port_and_no_plotting() -> None:
    program = (
        "import sys, eggroll_edge; print(*sorted({name.partition('.')[0] for name in sys.modules}))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True)
    loaded = set(done.stdout.decode().split())
    commands_only = {"cobs", "matplotlib", "rich", "serial", "sklearn", "tonic", "typer"}
    assert not loaded & commands_only


MODULES = [
    path
    for part in ("eggroll_edge", "runtime_c", "firmware", "tests", "tools", "examples")
    for path in sorted((ROOT / part).rglob("*"))
    if path.suffix in (".py", ".c", ".h")
    and not {"node_modules", "build"} & set(path.relative_to(ROOT).parts)
]


def test_no_module_is_longer_than_400_lines() -> None:
    lengths = {path.relative_to(ROOT): len(path.read_text().splitlines()) for path in MODULES}
    assert not {str(path): n for path, n in lengths.items() if n > 400}
