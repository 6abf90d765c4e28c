"""examples/: programs run, the C program learns, and pages show it as it is."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

from tests.docs import pages

STRICT = ("-std=c99", "-O2", "-Wall", "-Wextra", "-Wconversion", "-Werror")
FOLDERS = ("base", "kernels", "net", "estimators")


@pytest.mark.parametrize("compiler", ["gcc", "clang"])
def test_online_learns(compiler: str, tmp_path: Path) -> None:
    core = pages.ROOT / "runtime_c"
    sources = [str(file) for folder in FOLDERS for file in sorted((core / folder).glob("*.c"))]
    program = tmp_path / "online"
    example = str(pages.ROOT / "examples/online.c")
    command = [compiler, *STRICT, f"-I{core}", example, *sources, "-o", str(program)]
    subprocess.run(command, check=True)
    done = subprocess.run([program], check=True, capture_output=True, text=True)
    right = [float(share) for share in re.findall(r"([\d.]+) % right", done.stdout)]
    assert right == [78.0, 97.2, 100.0, 98.8, 100.0, 100.0]
    assert done.stdout.splitlines()[-1] == "596 bytes of weights, 1112 bytes of working memory"


def test_pages_show_the_programs_as_they_are() -> None:
    shown = pages.parts()
    assert {page.name for page, *_ in shown} >= {"README.md", "a-net-in-c.md"}
    for page, file, number, text in shown:
        assert text == pages.part(file, number), (
            f"{page}, part {number}: run python -m tests.docs.pages"
        )


def test_the_picture_of_readme_is_drawn(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EGGROLL_CACHE", str(tmp_path))
    script, picture = pages.ROOT / "examples/readme_picture.py", tmp_path / "learning.gif"
    subprocess.run([sys.executable, script, picture], check=True)
    kept = pages.ROOT / "docs/img/learning.gif"
    assert kept.stat().st_size < 300_000
    with Image.open(picture) as drawn, Image.open(kept) as shown:
        assert (drawn.n_frames, drawn.size) == (shown.n_frames, shown.size) == (15, (760, 310))
