"""The words and the line widths of every text file of the repository.

Words that only this project understood have plain ones in their place. Lines of code and of prose
keep to one width.
"""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

WORDS = {
    "crew": "worker pool",
    "course": "run history, or schedule",
    "lesson": "standalone run",
    "own": "separate, or leave it out",
    "meanwhile": "overlap, or say what happens at the same time",
    "doubt": "unconfirmed",
    "kappa": "column_bits",
    "rho": "row_bits",
}
"""The word that this project used, and the plain one that it uses now."""
PREFIXES = {"nv_": "nvm_", "say_": "console_"}
FORBIDDEN = re.compile(
    rf"(?<![a-z0-9])(?:{'|'.join(WORDS)})(?![a-z0-9])|(?<![a-z0-9_])(?:{'|'.join(PREFIXES)})",
    re.IGNORECASE,
)
"""Whole words, also as a part of an identifier; and the beginnings of identifiers."""

OLD_SPELLINGS = "eggroll_edge/cli/old_spellings.py"
"""The table of old spellings that the command line still accepts."""
EXEMPT = {
    OLD_SPELLINGS,
    "tests/project/test_words.py",
    "CHANGELOG.md",
    "LICENSE",
    "firmware/pico-emulator/package-lock.json",
}
NO_TEXT = (".bin", ".gif", ".png", ".svg")
WIDTHS = {".py": 100, ".md": 100, ".c": 120, ".h": 120}


def text_files() -> list[str]:
    """Every tracked text file but EXEMPT and measured results."""
    listed = subprocess.run(
        ["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.splitlines()
    return [
        name
        for name in listed
        if name not in EXEMPT
        and Path(name).suffix not in NO_TEXT
        and not (name.startswith("results/") and name.endswith(".json"))
        and (ROOT / name).is_file()
    ]


FILES = text_files()


def test_no_private_words() -> None:
    found = [
        f"{name}:{number}: {match[0]!r}; use: {(WORDS | PREFIXES)[match[0].lower()]}"
        for name in FILES
        for number, line in enumerate((ROOT / name).read_text().splitlines(), 1)
        for match in FORBIDDEN.finditer(line)
    ]
    assert not found, "\n".join(found)


def test_lines_are_not_too_wide() -> None:
    found = []
    for name in FILES:
        width = WIDTHS.get(Path(name).suffix)
        if width is None:
            continue
        lines = (ROOT / name).read_text().splitlines()
        shown = prose(lines) if name.endswith(".md") else enumerate(lines, 1)
        found += [f"{name}:{number}: {len(line)}" for number, line in shown if len(line) > width]
    assert not found, "wider than the width of their kind:\n" + "\n".join(found)


def prose(lines: list[str]) -> Iterator[tuple[int, str]]:
    """The numbered lines of a Markdown page, without tables, code and the targets of links."""
    fence = ""
    for number, line in enumerate(lines, 1):
        mark = re.match(r"\s*(```+|~~~+)", line)
        if fence:
            if mark and mark[1].startswith(fence):
                fence = ""
        elif mark:
            fence = mark[1]
        elif not line.lstrip().startswith("|"):
            yield number, re.sub(r"\]\([^)]*\)|<?https?://[^\s>)]*>?", "", line)


def test_the_search_finds_words_in_prose_and_in_identifiers() -> None:
    finds = ["Of course.", "test_own_cache", "--lesson", "nv_read()", "LESSON=x", "rho,"]
    passes = ["known", "recourse", "lessons", "conv_x", "essay_list", "envy", "rhombus"]
    assert all(FORBIDDEN.search(text) for text in finds)
    assert not any(FORBIDDEN.search(text) for text in passes)


def test_prose_is_what_is_left_of_a_page() -> None:
    page = ["text", "| a | b |", "```sh", "long", "```", "[link](https://example.com) after"]
    assert list(prose(page)) == [(1, "text"), (6, "[link after")]
