"""The table of boards, which building, flashing, emulating and planning share."""

from __future__ import annotations

from dataclasses import replace

import pytest

from eggroll_edge.boards.emulator import check_emulator
from eggroll_edge.boards.flasher import flash
from eggroll_edge.boards.table import BOARDS, BoardError, find_board
from eggroll_edge.cli.app import main


@pytest.mark.parametrize("use", [find_board, flash, check_emulator])
def test_a_misspelt_board_is_answered_with_the_nearest(use: object) -> None:
    assert callable(use)
    for name, meant in (("picoo", "pico"), ("micro-bit", "microbit"), ("PICO", "pico")):
        with pytest.raises(BoardError, match=rf"no board '{name}' \(did you mean {meant}\?\)"):
            use(name)


def test_a_new_board_is_in_plan(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """As a porter adds one: a row of the table is all that it takes."""
    monkeypatch.setitem(BOARDS, "novel", replace(BOARDS["pico"], name="novel", title="A novel"))
    with pytest.raises(SystemExit) as left:
        main(["plan", "--pool", "2", "--hidden", "16", "--online", "--board", "novel"])
    assert not left.value.code
    said = capsys.readouterr().out
    assert "A novel: fits" in said
    assert said.count("novel") == 2
