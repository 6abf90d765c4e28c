"""The site: it builds without a warning and without a network, and links lead somewhere."""

from __future__ import annotations

import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path

import pytest

from tests.docs import pages

PAGES = [
    *(pages.ROOT / name for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md")),
    *sorted((pages.ROOT / "docs").rglob("*.md")),
    *sorted((pages.ROOT / "runtime_c").glob("*.md")),
]
FENCED = re.compile(r"^```.*?^```$|`[^`\n]*`", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\]\(([^()\s]+)\)")
HEADING = re.compile(r"^#+ +(.*)$", re.MULTILINE)


def anchors(page: Path) -> set[str]:
    """As GitHub makes them of headings."""
    headings = HEADING.findall(re.sub(r"^```.*?^```$", "", page.read_text(), flags=re.M | re.S))
    words = [re.sub(r"[^\w\- ]", "", heading.lower()) for heading in headings]
    return {heading.strip().replace(" ", "-") for heading in words}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(pages.ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    for link in LINK.findall(FENCED.sub("", page.read_text())):
        if re.match(r"https?://|mailto:", link):
            continue
        target, _, anchor = link.partition("#")
        file = (page.parent / target).resolve() if target else page
        assert file.exists(), f"{link} leads nowhere"
        if anchor:
            assert anchor in anchors(file), f"{link}: no such heading"


class External(HTMLParser):
    """Collects what a browser would fetch from elsewhere when it shows a page."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        link = values.get("src") or (values.get("href") if tag == "link" else None)
        if link and re.match(r"(https?:)?//", link) and values.get("rel") != "canonical":
            self.found.append(link)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    done = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir", str(folder)],
        cwd=pages.ROOT,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return folder


def test_every_page_is_in_the_site(site: Path) -> None:
    docs = pages.ROOT / "docs"
    for page in docs.rglob("*.md"):
        assert (site / page.relative_to(docs)).with_suffix(".html").is_file()
    for original in ("reference/spec", "reference/protocol", "contributing", "changelog"):
        assert (site / f"{original}.html").is_file()


def test_the_site_fetches_nothing_from_elsewhere(site: Path) -> None:
    for page in site.rglob("*.html"):
        parser = External()
        parser.feed(page.read_text())
        assert not parser.found, f"{page.name} fetches {parser.found}"


def test_originals_headers_and_formulas_are_shown(site: Path) -> None:
    assert "Arithmetic" in (site / "reference/spec.html").read_text()
    assert "egg_net_init" in (site / "reference/c.html").read_text()
    assert "<math" in (site / "explanation/design.html").read_text()
    assert "TrainConfig" in (site / "reference/python.html").read_text()


NAMED = re.compile(r"`((?:runtime_c|firmware|eggroll_edge|tests|tools|docs|examples)/[\w./-]+)`")


@pytest.mark.parametrize(
    "page",
    [page for page in PAGES if page.name != "CHANGELOG.md"],  # it also names what there was
    ids=lambda page: str(page.relative_to(pages.ROOT)),
)
def test_files_that_are_named_exist(page: Path) -> None:
    named = NAMED.findall(page.read_text())
    missing = [name for name in named if not (pages.ROOT / name).exists()]
    assert not missing
