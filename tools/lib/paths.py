"""Where things are in the source checkout: results, and the pages that hold generated sections."""

from __future__ import annotations

from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
RESULTS = ROOT / "results"

README = ROOT / "README.md"
RESULTS_PAGE = ROOT / "docs" / "reference" / "results.md"
PERFORMANCE_PAGE = ROOT / "docs" / "reference" / "performance.md"
BOARDS_PAGE = ROOT / "docs" / "reference" / "boards.md"
SETTINGS_PAGE = ROOT / "docs" / "reference" / "configuration.md"
DATA_PAGE = ROOT / "docs" / "reference" / "data.md"
DESIGN_PAGE = ROOT / "docs" / "explanation" / "design.md"
