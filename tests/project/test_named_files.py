"""Files that texts name exist: none of them still points to where something was."""

from __future__ import annotations

import re

import pytest

from tests.project.test_words import FILES, ROOT

PATH = re.compile(
    r"(?<![\w./-])(?:runtime_c|firmware|eggroll_edge|tests|tools|docs|examples)/[\w./-]+"
    r"\.(?:py|c|h|md|json|toml)\b"
)
NAME = re.compile(r"(?<![\w/*])(?:egg_\w+\.[ch]|test_\w+\.py)\b")
BY_NAME = {name.rpartition("/")[2] for name in FILES}
PLACEHOLDERS = {"tests/c/PROGRAM.c"}
EXEMPT = {
    ".gitignore",  # names what is made
    "results/profile-batch.txt",  # measured by a script that was elsewhere
    "tests/project/test_generated.py",  # about such results
}


@pytest.mark.parametrize("name", sorted({*FILES} - EXEMPT))
def test_named_files_exist(name: str) -> None:
    text = (ROOT / name).read_text()
    paths = set(PATH.findall(text)) - PLACEHOLDERS
    missing = {path for path in paths if not (ROOT / path).exists()}
    missing |= {one for one in NAME.findall(text) if one not in BY_NAME}
    assert not missing
