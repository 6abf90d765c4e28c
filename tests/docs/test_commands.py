"""The commands that README and the documentation show do what they show."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.docs import pages


@pytest.fixture(scope="module")
def exact(tmp_path_factory: pytest.TempPathFactory) -> Iterator[bool]:
    """One cache for all pages; whether the figures of simulated events are to be compared."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("EGGROLL_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield pages.same_events()


@pytest.mark.parametrize("page", pages.pages(), ids=lambda page: str(page.relative_to(pages.ROOT)))
def test_a_pages_commands_print_what_it_shows(page: Path, exact: bool, tmp_path: Path) -> None:
    with pages.session(tmp_path) as session:
        for block in pages.BLOCK.findall(page.read_text()):
            for command in pages.commands(block):
                printed, code = session.run(command)
                assert code == command.exit_code, f"$ {command.text}\n{printed}"
                if command.output:
                    shown = f"{page} shows\n$ {command.text}\n{command.output}"
                    assert pages.agrees(command.output, printed, exact), (
                        f"{shown}\nbut it printed\n{printed}"
                    )


def test_the_comparison_notices_other_output() -> None:
    shown = "done: 60 generations in 0:03, 8.7M member evaluations/s\n  weights digest  f3d5890f\n"
    other_time = shown.replace("0:03", "0:14").replace("8.7M", "911k")
    other_digest = shown.replace("f3d5890f", "f3d5890e")
    assert pages.agrees(shown, other_time, exact=True)
    assert not pages.agrees(shown, other_digest, exact=True)
    assert pages.agrees(shown, other_digest, exact=False)
    assert not pages.agrees(shown, shown.replace("weights", "weight"), exact=False)
    assert pages.agrees("...\n  weights digest  f3d5890f\n", shown, exact=True)


def test_a_block_is_read_as_commands_and_their_output() -> None:
    text = "$ one --a \\\n    --b\nprinted\n$ two &\n$ three   # exit code 2\n"
    one, two, three = pages.commands(text)
    assert (one.text, one.output) == ("one --a \\\n    --b", "printed\n")
    assert (one.background, two.background) == (False, True)
    assert (one.exit_code, three.exit_code) == (0, 2)


def test_new_output_keeps_what_a_page_leaves_out() -> None:
    shown = "net of 5\n...\nstep 9: 3 %\n\ndone in 0:01\n...\n"
    printed = "net of 6\nstep 1: 1 %\nstep 2: 2 %\n\ndone in 0:02\nnext\n"
    assert pages.filled(shown, printed) == "net of 6\n...\nstep 2: 2 %\n\ndone in 0:02\n...\n"
    assert pages.filled("?\n", printed) == printed
