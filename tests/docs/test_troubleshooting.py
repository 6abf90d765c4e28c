"""The messages on the page about troubleshooting are those that the program writes."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from tests.docs import pages

ELSEWHERE = "error: command 'cc' failed, or Python.h: No such file"  # pip and gcc write it


def messages() -> Iterator[str]:
    """All text of the package and of the core's status table; a line break for each {value}."""
    for path in (pages.ROOT / "eggroll_edge").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.JoinedStr):
                parts = (getattr(part, "value", "") for part in node.values)
                yield "".join(part if isinstance(part, str) else "\n" for part in parts)
            elif isinstance(node, ast.Constant) and isinstance(node.value, str):
                yield node.value
    yield from re.findall('"(.*?)"', (pages.ROOT / "runtime_c/base/egg_types.c").read_text())


def test_messages_are_those_of_the_program() -> None:
    written = "\n".join(messages())
    page = (pages.ROOT / "docs/troubleshooting.md").read_text()
    shown = [line[2:].split(" | ")[0] for line in page.splitlines() if line.startswith("| ")]
    shown = [message for message in shown if message not in ("message", ELSEWHERE)]
    assert len(shown) > 40
    missing = [
        message
        for message in shown
        for part in message.split("...")
        if part.strip(" `") not in written
    ]
    assert not missing
