"""The board loses its power in a run that the host feeds (`train --port --save-every`).

The board keeps its last whole checkpoint, and the run continues to the same digest.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from eggroll_edge.boards.emulator import emulator
from eggroll_edge.boards.host_board import HostBoard, InProcess
from eggroll_edge.errors import DeviceError
from eggroll_edge.journal.reader import JournalReader
from eggroll_edge.link.session import Session
from eggroll_edge.link.transport import SerialTransport
from tests.helpers.ports import free_port

BOARD, GENERATIONS = "mps2-an386", 60
RUN = [
    *(sys.executable, "-m", "eggroll_edge", "train", "--json", "--data", "digits"),
    *("--pool", "2", "--polarity", "merged", "--ticks", "8", "--hidden", "12"),
    *("--estimator", "batch", "--batch", "4", "--pairs", "16", "--generations", str(GENERATIONS)),
]


def saved(memory: Path) -> tuple[int, int]:
    """Generation and digest of the checkpoint in a memory file, as the C core reads it here."""
    content = np.fromfile(memory, np.uint8, 1 << 20)
    board = HostBoard(flash=content, erase=4096, program=4)
    try:
        loaded = Session(lambda: InProcess(board)).load()
    except DeviceError:  # there is no whole one
        return 0, 0
    return loaded.generation, loaded.digest


def wait_for_checkpoint(memory: Path, least: int, run: subprocess.Popen[str]) -> None:
    while saved(memory)[0] < least:
        assert run.poll() is None, "the run ended too early"
        time.sleep(0.02)


def test_power_loss_in_a_run_of_the_host(tmp_path: Path) -> None:
    pytest.importorskip("sklearn")
    memory, port = tmp_path / "memory", free_port()
    run: subprocess.Popen[str] | None = None
    found = []  # checkpoints, each time the board has lost its power
    try:
        for least in (15, 35, GENERATIONS):
            with emulator(BOARD, memory=memory, port=port) as running:
                if run is None:
                    where = ["--out", str(tmp_path / "run"), "--port", running.url]
                    pipe = subprocess.PIPE
                    command = [*RUN, *where, "--save-every", "5"]
                    run = subprocess.Popen(command, stdout=pipe, stderr=pipe, text=True)
                if least < GENERATIONS:
                    wait_for_checkpoint(memory, least, run)
                else:
                    printed, notes = run.communicate(timeout=100)
            found.append(saved(memory))
    finally:
        if run is not None:
            run.kill()
    assert run is not None
    assert run.returncode == 0, notes
    assert " ".join(notes.split()).count("was switched off") == 2

    done = subprocess.run([*RUN, "--out", str(tmp_path / "host")], capture_output=True, text=True)
    digest = json.loads(done.stdout)["weights_digest"]
    assert json.loads(printed)["weights_digest"] == digest
    lines = JournalReader(tmp_path / "host").generations()
    digests = {x.generation + x.generations: x.digest for x in lines}
    assert all(each == digests[generation] for generation, each in found)
    assert 15 <= found[0][0] <= found[1][0] < GENERATIONS
    assert found[2] == (GENERATIONS, int(digest, 16))
    with (
        emulator(BOARD, memory=memory) as running,
        Session(lambda: SerialTransport(running.url)) as session,
    ):
        assert (session.hello.generation, session.hello.digest) == found[2]
