"""Hooks of mkdocs.yml: pages and headers that live beside the code, and formulas as MathML.

The originals in ORIGINALS stay where their readers look for them, and appear in the site as pages.
A relative link on any page is resolved from where its file really is. If it leads to a page, it
becomes a link to that page; if it leads to another file of the repository, only its text is shown.
`<!-- include: PATTERN -->` shows the C headers of that pattern, except private ones.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

import latex2mathml.converter
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files

ROOT = Path(__file__).resolve().parents[1]
ORIGINALS = {
    "reference/spec.md": "runtime_c/SPEC.md",
    "reference/protocol.md": "runtime_c/PROTOCOL.md",
    "contributing.md": "CONTRIBUTING.md",
    "changelog.md": "CHANGELOG.md",
}
_PAGES = {original: page for page, original in ORIGINALS.items()} | {"README.md": "index.md"}
_LINK = re.compile(r"(?<!!)\[((?:[^\[\]]|\[[^\]]*\])*)\]\(([^()\s]+)\)")
_FENCED = re.compile(r"(^```.*?^```$)", re.MULTILINE | re.DOTALL)  # splits: blocks at odd places
_CODE = re.compile(r"(^```.*?^```$|`[^`\n]+`)", re.MULTILINE | re.DOTALL)
_INCLUDE = re.compile(r"^<!-- include: (\S+) -->$", re.MULTILINE)
_FORMULA = re.compile(r'<(span|div) class="arithmatex">\\[(\[](.*?)\\[)\]]</\1>', re.DOTALL)


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Adds the originals."""
    for page, original in ORIGINALS.items():
        files.append(File.generated(config, page, abs_src_path=str(ROOT / original)))
    return files


def on_page_markdown(markdown: str, page: Any, **_: object) -> str:
    """Links, as the docstring of this module says."""
    name = page.file.src_uri
    source = ORIGINALS.get(name, f"docs/{name}")

    def link(found: re.Match[str]) -> str:
        text, (target, _, anchor) = found[1], found[2].partition("#")
        if not target or "://" in target or target.startswith("mailto:"):
            return found[0]
        path = os.path.normpath(os.path.join(os.path.dirname(source), target))
        inside = _PAGES.get(path, path.removeprefix("docs/") if path.startswith("docs/") else "")
        if not inside:
            return text
        relative = os.path.relpath(inside, os.path.dirname(name) or ".")
        return f"[{text}]({relative}{'#' if anchor else ''}{anchor})"

    parts = _FENCED.split(markdown)
    linked = "".join(part if i % 2 else _LINK.sub(link, part) for i, part in enumerate(parts))
    parts = _CODE.split(linked)  # W[i][j] is no reference to a link called j
    plain = "".join(part if i % 2 else part.replace("][", "]\\[") for i, part in enumerate(parts))
    return _INCLUDE.sub(_headers, plain)


def _headers(found: re.Match[str]) -> str:
    files = sorted(ROOT.glob(found[1]))
    public = [file for file in files if not file.stem.endswith(("_private", "_impl"))]
    return "\n\n".join(f"### {file.name}\n\n```c\n{file.read_text()}```" for file in public)


def on_page_content(html: str, **_: object) -> str:
    """Formulas as MathML: no script, nothing to fetch."""

    def formula(found: re.Match[str]) -> str:
        text = found[2].replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
        display = "block" if found[1] == "div" else "inline"
        return latex2mathml.converter.convert(text, display=display)

    return _FORMULA.sub(formula, html)
