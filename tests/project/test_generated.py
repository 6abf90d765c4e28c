"""Sections of the documentation that tools write are those of the saved results."""

from __future__ import annotations

from pathlib import Path

import pytest

from tools.lib.paths import README, RESULTS_PAGE
from tools.lib.tables import paragraph, peer_command, replace_section, table, write_section
from tools.results.tables import long_tables, short_table

COMMAND = "run python -m tools.results.measure --table"


def test_results_of_the_readme() -> None:
    text = README.read_text()
    assert replace_section(text, "results", short_table()) == text, COMMAND


def test_results_of_the_page() -> None:
    text = RESULTS_PAGE.read_text()
    assert replace_section(text, "results", long_tables()) == text, COMMAND


def test_a_section_is_replaced(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("before\n<!-- sizes: a/b.py -->\nold\n<!-- end of sizes -->\nafter\n")
    write_section(page, "sizes", "new\n")
    assert page.read_text() == (
        "before\n<!-- sizes: a/b.py -->\nnew\n<!-- end of sizes -->\nafter\n"
    )


def test_a_page_without_the_section_is_refused(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("<!-- other: a/b.py -->\nold\n<!-- end of other -->\n")
    with pytest.raises(SystemExit, match=r"page\.md: there is no section <!-- sizes: "):
        write_section(page, "sizes", "new")


def test_a_table() -> None:
    assert table(["", "n"], [["a", "1"]], "lr") == "| | n |\n|---|--:|\n| a | 1 |"


def test_paragraphs_keep_the_width() -> None:
    lines = paragraph("word " * 50).splitlines()
    assert len(lines) == 3
    assert all(len(line) <= 100 for line in lines)


@pytest.mark.parametrize("saved", ["ours.py --x 1", "tools/bench/ours.py --x 1"])
def test_commands_of_peers_are_those_of_today(saved: str) -> None:
    assert peer_command(saved) == "python -m tools.peers.ours --x 1"
