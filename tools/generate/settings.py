"""The tables of settings and of datasets in the documentation, from their definitions in the code.

python -m tools.generate.settings           print them
python -m tools.generate.settings --write   put them into docs/reference/{configuration,data}.md
"""

from __future__ import annotations

import argparse

from eggroll_edge.data.sources import markdown_table
from eggroll_edge.training.config import TrainConfig
from eggroll_edge.training.settings import Setting, settings_of
from tools.lib.paths import DATA_PAGE, SETTINGS_PAGE
from tools.lib.tables import write_section


def settings_table() -> str:
    """Markdown: for each panel of the options, a heading and a table with a row a setting."""
    settings = settings_of(TrainConfig).values()
    lines = []
    for panel in dict.fromkeys(one.panel for one in settings):
        lines += [f"### {panel}", "", "| setting | option | default | range | meaning |"]
        lines += ["|---|---|---|---|---|"]
        lines += [_row(one) for one in settings if one.panel == panel]
        lines += [""]
    return "\n".join(lines)


def _row(one: Setting) -> str:
    options = ", ".join(f"`{option}`" for option in one.options)
    cells = (f"`{one.name}`", options, one.shown_default, one.range, one.help)
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--write", action="store_true", help="write instead of printing")
    if parser.parse_args().write:
        write_section(SETTINGS_PAGE, "settings", settings_table())
        write_section(DATA_PAGE, "datasets", markdown_table())
    else:
        print(settings_table())
        print(markdown_table())


if __name__ == "__main__":
    main()
