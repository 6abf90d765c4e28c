"""Real recordings through the link, on each board that one can buy.

A shortened session of the board's preset gives the same bits as the host, and it learns. The whole
sessions are run by `python -m tools.results.measure board-...`.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from eggroll_edge.boards.emulator import emulator
from eggroll_edge.boards.table import BOARDS
from eggroll_edge.devices.device_estimator import on_devices
from eggroll_edge.link.session import Session
from eggroll_edge.link.transport import SerialTransport
from eggroll_edge.training.presets import load_preset, merge
from eggroll_edge.training.run import train
from eggroll_edge.training.splits import open_split
from tests.helpers.real_data import NMNIST_SMALL, needs_real_data

pytestmark = needs_real_data

SESSIONS: dict[str, tuple[str, dict[str, Any], int]] = {
    # the slowest emulator: a smaller net
    "pico": ("board-small", {"generations": 250, "seed": 3, "hidden": [32]}, 40),
    "stm32f405": ("board-small", {"generations": 250, "seed": 2}, 45),
    "microbit": ("microbit", {"generations": 600}, 40),
    "hifive1": ("microbit", {"generations": 600}, 40),
}
"""Of each board: its preset, what the test changes in it, and the least accuracy in percent."""


def test_every_board_with_an_emulator_that_one_can_buy_is_here() -> None:
    assert set(SESSIONS) == {name for name, x in BOARDS.items() if x.is_hardware and x.emulator}


@pytest.mark.parametrize("board", SESSIONS)
def test_session_on_real_recordings(board: str, tmp_path: Path) -> None:
    preset, changes, least = SESSIONS[board]
    recordings = changes["generations"]
    changes = {"data": str(NMNIST_SMALL), "eval_every": recordings, **changes}
    config = merge(load_preset(preset), changes)
    data, test = open_split(config, "train"), open_split(config, "test")
    assert data.n_in == 17 * 17 * 2
    host = train(config, tmp_path / "host", workers=1, data=data, test_data=test)
    with (
        emulator(board) as running,
        Session(lambda: SerialTransport(running.url), timeout=2) as session,
    ):
        assert not session.hello.configured
        found = train(
            config,
            tmp_path / "board",
            workers=1,
            data=data,
            test_data=test,
            make_estimator=on_devices(session),
        )
        digest = session.digest()
        answers = [session.infer(test[i].tobytes()).predicted for i in range(20)]
        assert session.stats().samples == recordings
    assert digest == (recordings, int(host.weights_digest, 16))
    assert found.weights_digest == host.weights_digest
    assert host.test_accuracy == found.test_accuracy
    assert found.test_accuracy is not None
    assert found.test_accuracy >= least  # 10 % would be chance
    right = sum(a == b for a, b in zip(answers, test.labels, strict=False))
    assert right >= 5  # what the board itself answers: 2 would be chance
