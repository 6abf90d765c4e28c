"""Several devices at once: results, errors, and Ctrl-C while one of them does not answer."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from eggroll_edge.devices.parallel import run_all

SILENT_DEVICE = """
import signal, sys, time
from eggroll_edge.boards.host_board import HostBoard, InProcess
from eggroll_edge.devices.device_estimator import on_devices
from eggroll_edge.link.session import Session
from eggroll_edge.training.run import train
from tests.helpers.tiny_dataset import TEST, TRAIN, config

signal.signal(signal.SIGINT, signal.default_int_handler)  # the parent may ignore it

class FallsSilent(InProcess):
    writes = 0

    def write(self, data):
        self.writes += 1
        if self.writes < 60:
            super().write(data)
        elif self.writes == 60:
            print("silent", flush=True)

    def read(self, timeout):
        data = super().read(timeout)
        if not data:
            time.sleep(timeout)
        return data

with (
    Session(lambda: InProcess(HostBoard())) as good,
    Session(lambda: FallsSilent(HostBoard()), timeout=60) as silent,
):
    make = on_devices(good, silent)
    train(config("batch"), sys.argv[1], data=TRAIN, test_data=TEST, make_estimator=make)
"""


def test_results_in_order() -> None:
    def late(number: int) -> int:
        time.sleep(0.05 * (3 - number))
        return number

    assert run_all(partial(late, i) for i in range(4)) == [0, 1, 2, 3]
    assert run_all([]) == []


def test_all_end_before_the_first_error_is_raised() -> None:
    ended = threading.Event()

    def fails(text: str) -> None:
        raise ValueError(text)

    def ends() -> None:
        time.sleep(0.1)
        ended.set()

    tasks: list[Callable[[], None]] = [ends, partial(fails, "first"), partial(fails, "second")]
    with pytest.raises(ValueError, match="first"):
        run_all(tasks)
    assert ended.is_set()


def test_ctrl_c_while_a_device_does_not_answer(tmp_path: Path) -> None:
    """The program ends at once, not after the timeout of the link."""
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    command = [sys.executable, "-c", SILENT_DEVICE, str(tmp_path / "run")]
    with subprocess.Popen(
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "silent\n"
        time.sleep(0.5)  # the other device is done, and the main thread waits
        process.send_signal(signal.SIGINT)
        begun = time.monotonic()
        _, errors = process.communicate(timeout=30)
    assert time.monotonic() - begun < 10
    assert "KeyboardInterrupt" in errors
    assert process.returncode != 0
