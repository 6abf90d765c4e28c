"""Markdown tables, and the generated sections of the documentation's pages.

A generated section stands between two comments, so the page stays plain Markdown:

    <!-- sizes: tools/firmware/size.py -->
    | board | ...
    <!-- end of sizes -->

The first comment names the section and the file that writes it. (The library cogapp would put
Python code into such comments, which makes the pages harder to read.)
"""

from __future__ import annotations

import argparse
import re
import textwrap
from collections.abc import Iterable, Sequence
from pathlib import Path


def only_tables(description: str | None) -> bool:
    """Parse the command line of a study: whether it shall only write its tables again."""
    parser = argparse.ArgumentParser(
        description=description, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--table", action="store_true", help="only write the tables again")
    return bool(parser.parse_args().table)


def table(head: Sequence[str], rows: Iterable[Sequence[str]], align: str = "") -> str:
    """A Markdown table. `align` has a letter for each column: r (right), any other is left."""
    marks = [("--:" if align[i : i + 1] == "r" else "---") for i in range(len(head))]
    lines = [f"| {' | '.join(line)} |".replace("|  |", "| |") for line in (head, *rows)]
    return "\n".join([lines[0], f"|{'|'.join(marks)}|", *lines[1:]])


def paragraph(text: str) -> str:
    """Text in lines of at most 100 columns, the width of the documentation."""
    return textwrap.fill(text, 100, break_long_words=False, break_on_hyphens=False)


def peer_command(command: str) -> str:
    """How to run a script of tools/peers today; saved results name its file, or an older folder."""
    return re.sub(r"^(?:tools/(?:bench|peers)/)?(\w+)\.py\b", r"python -m tools.peers.\1", command)


def replace_section(text: str, name: str, content: str) -> str:
    """The text of a page with new content in its section `name`. ValueError if it has none."""
    section = re.compile(rf"(<!-- {re.escape(name)}: [^>]* -->\n).*?(<!-- end of {name} -->)", re.S)
    if not section.search(text):
        raise ValueError(f"there is no section <!-- {name}: ... --> ... <!-- end of {name} -->")
    return section.sub(lambda found: f"{found[1]}{content.strip()}\n{found[2]}", text, count=1)


def write_section(page: Path, name: str, content: str) -> None:
    """Write new content into the section `name` of a page."""
    try:
        text = replace_section(page.read_text(), name, content)
    except ValueError as error:
        raise SystemExit(f"{page}: {error}") from None
    page.write_text(text)
