"""Write the table of settings into docs/reference/configuration.md, from TrainConfig's definition.

python -m tools.generate.settings           print it
python -m tools.generate.settings --write   put it between the marks of the page
"""

from __future__ import annotations

import sys

from eggroll_edge.training.config import TrainConfig
from eggroll_edge.training.settings import Setting, settings_of
from tools.lib.paths import SETTINGS_PAGE
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
    if "--write" in sys.argv[1:]:
        write_section(SETTINGS_PAGE, "settings", settings_table())
    else:
        print(settings_table())


if __name__ == "__main__":
    main()
