"""The firmware's selftest in every emulator gives the digests of tests/vectors.

So compiler, processor core and start-up code of every target are right. A missing emulator is a
failure, because tools/test installs all of them.
"""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
import serial

from eggroll_edge.boards.build import build
from eggroll_edge.boards.emulator import emulator
from eggroll_edge.boards.table import EMULATED
from tools.generate import selftest as make_selftest

ROOT = Path(__file__).resolve().parents[2]


def lines_until(url: str, *ends: str, seconds: float = 120) -> list[str]:
    with serial.serial_for_url(url, timeout=seconds) as port:
        return read_lines(port, *ends)


def read_lines(port: serial.SerialBase, *ends: str) -> list[str]:
    lines: list[str] = []
    while not (lines and lines[-1].startswith(ends)):
        line = port.readline().decode()
        assert line.endswith("\n"), f"the board fell silent after {lines} and {line!r}"
        lines.append(line.rstrip())
    return lines


def expected() -> list[str]:
    return [
        f"{run.name} generation {i}: {digest:08x} ok"
        for run in make_selftest.RUNS
        for i, digest in enumerate(make_selftest.digests(run)[1:])
    ]


def test_vectors_are_those_of_the_reference() -> None:
    assert make_selftest.HEADER.read_text() == make_selftest.header()


@pytest.mark.parametrize("board", EMULATED)
def test_selftest(board: str) -> None:
    with (
        emulator(board, "selftest") as running,
        serial.serial_for_url(running.url, timeout=120) as port,
    ):
        first = read_lines(port, "SELFTEST", "FAULT")
        assert first[0].startswith(f"egg selftest {board}, arena ")
        assert first[1:] == [*expected(), "SELFTEST PASS"]
        port.write(b"again")  # the receive interrupt wakes the board
        assert read_lines(port, "SELFTEST", "FAULT") == first


@pytest.mark.parametrize("board", ["nucleo-f446re", "nrf52840-dk", "template"])
@pytest.mark.parametrize("image", ["egg", "selftest"])
def test_boards_without_an_emulator_build(board: str, image: str, tmp_path: Path) -> None:
    make = ["make", "-s", "-C", str(ROOT / "firmware"), f"OUT={tmp_path}"]
    make += [f"BOARD={board}", f"IMAGE={image}"]
    done = subprocess.run(make, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def test_microbit_sees_unaligned_accesses(tmp_path: Path) -> None:
    """The micro:bit's selftest guards against unaligned accesses. Here it must find one."""
    elf = build("microbit", "selftest", defines="-DSELFTEST_UNALIGNED", out=tmp_path)
    with emulator("microbit", elf) as running:
        assert lines_until(running.url, "SELFTEST", "FAULT")[-1] == "FAULT"
