"""Includes run one way, as runtime_c/README.md and firmware/README.md state the rules."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

# Folders of the core. A file may include files of its folder and of those that stand before it.
C_LAYERS = ["base", "kernels", "net", "estimators", "link", "host"]
C_FILES = sorted((ROOT / "runtime_c").rglob("*.[ch]"))


def c_name(path: Path) -> str:
    return str(path.relative_to(ROOT / "runtime_c"))


def c_includes(path: Path) -> list[str]:
    return re.findall(r'^#include "(.*?)"', path.read_text(), re.MULTILINE)


def is_public(header: str) -> bool:
    return header.endswith(".h") and not header.endswith(("_private.h", "_impl.h"))


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


# Parts of the firmware, and the parts whose headers each may include beside those of its folder.
FIRMWARE = {
    "board.h": set[str](),
    "common": {"board.h"},
    "chips": {"common", "board.h"},
    "boards": {"chips", "common", "board.h"},
    "images": {"common", "board.h", *C_LAYERS},
}


@pytest.mark.parametrize("part", FIRMWARE)
def test_firmware_includes_flow_one_way(part: str) -> None:
    top = ROOT / "firmware" / part
    found = 0
    for path in [top, *top.rglob("*.[chS]")]:
        for included in c_includes(path) if path.is_file() else ():
            folder = included.partition("/")[0]
            made = included == "bench_work.h"  # written for each benchmark, beside the image
            assert made or folder in {part, *FIRMWARE[part]}, f"{path.name} includes {included}"
            found += 1
    assert found or part == "board.h"


def test_firmware_includes_public_headers_only() -> None:
    found = [
        included
        for path in (ROOT / "firmware").rglob("*.[ch]")
        for included in c_includes(path)
        if included.partition("/")[0] in C_LAYERS
    ]
    assert found
    assert [included for included in found if not is_public(included)] == []
