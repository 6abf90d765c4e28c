"""The power is cut at many points of a SAVE. Afterwards the old checkpoint or the new one exists.

A plugin ends QEMU at an exact instruction. rp2040js ends at an exact byte of flash, in the middle
of a page or of an erase. The C core then reads the memory file on the host. Sometimes the board
itself is started again with it.
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from eggroll_edge.boards.build import build
from eggroll_edge.boards.emulator import emulator
from eggroll_edge.boards.host_board import HostBoard, InProcess
from eggroll_edge.boards.table import BOARDS
from eggroll_edge.link.session import Session
from tests.helpers import link as linked
from tools.firmware.size import TOOLS, symbols

ROOT = Path(__file__).resolve().parents[2]

MANY = float(os.environ.get("EGGROLL_POWER_CUTS", "1"))
"""A factor for the number of cuts: 5 makes the search longer."""
RESTART_EVERY = 10
"""How often the board is started again after a cut."""


@dataclass(frozen=True)
class Medium:
    """The part of a memory file that holds the checkpoints, as the board's board_nvm."""

    offset: int
    size: int
    erase: int
    program: int
    cuts: int


MEDIA = {
    "mps2-an386": Medium(0, 1 << 20, 4096, 4, 160),
    "riscv-virt": Medium(0, 512 << 10, 256 << 10, 4, 70),
    "pico": Medium(1536 << 10, 512 << 10, 4096, 256, 70),
}


@pytest.fixture(scope="module")
def plugin(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("plugin") / "powercut.so"
    source = str(ROOT / "tests/firmware/powercut.c")
    flags = ["-O2", "-Wall", "-Wextra", "-Werror", "-fPIC", "-shared"]
    subprocess.run(["gcc", *flags, source, "-o", str(file)], check=True)
    return file


class Line:
    """A Transport like SerialTransport. It is used because pyserial closes a socket in 0.3 s."""

    def __init__(self, url: str) -> None:
        host, port = url.removeprefix("socket://").split(":")
        self._socket = socket.create_connection((host, int(port)))

    def write(self, data: bytes) -> None:
        self._socket.sendall(data)

    def read(self, timeout: float) -> bytes:
        self._socket.settimeout(max(timeout, 0.001))
        try:
            data = self._socket.recv(4096)
        except TimeoutError:
            return b""
        if not data:
            raise OSError("the emulator is gone")
        return data

    def set_baud(self, baud: int) -> None:
        pass

    def close(self) -> None:
        self._socket.close()


class PowerCutError(Exception):
    """The line broke, and there is nothing to connect to."""


def connect(url: str) -> Session:
    lines = iter([Line(url)])

    def open_once() -> Line:
        for line in lines:
            return line
        raise PowerCutError

    return Session(open_once, reply_timeout=0.25, timeout=60)


def saved_on_host(memory: Path, medium: Medium) -> tuple[int, int]:
    """Generation and digest of the checkpoint that the C core finds in a memory file."""
    content = np.fromfile(memory, np.uint8, medium.size, offset=medium.offset)
    board = HostBoard(flash=content, erase=medium.erase, program=medium.program)
    loaded = Session(lambda: InProcess(board)).load()
    return loaded.generation, loaded.digest


def saved_on_board(board: str, memory: Path) -> tuple[int, int]:
    """Generation and digest of the checkpoint that the board finds when it starts."""
    with emulator(board, memory=memory) as running, connect(running.url) as session:
        assert session.hello.configured
        return session.hello.generation, session.hello.digest


def save_once_more(session: Session) -> None:
    number = session.hello.generation
    session.begin(number, linked.SAMPLE_STEPS)
    session.train(*linked.recordings(number + 1)[number])
    session.save()


def cut_options(board: str, plugin: Path, **arguments: object) -> list[str]:
    """Options of QEMU: the plugin, which counts from the begin of egg_checkpoint_save()."""
    at = symbols(build(board), TOOLS[BOARDS[board].arch])
    values = {"begin": hex(at["egg_checkpoint_save"] & ~1), **arguments}
    return ["-plugin", ",".join([str(plugin), *(f"{k}={v}" for k, v in values.items())])]


def length_of_save(board: str, memory: Path, medium: Medium, plugin: Path, folder: Path) -> int:
    """Instructions (on the Pico, bytes of flash) of a SAVE without a power cut."""
    if board == "pico":
        with emulator(board, memory=memory) as running, connect(running.url) as session:
            save_once_more(session)
        config = linked.device_config(linked.ONLINE, online=True).pack()
        size = 20 + len(config) + linked.NET.parameters + 4
        return sum(-(-size // unit) * unit for unit in (medium.erase, medium.program))
    out = folder / "count"
    at = symbols(build(board), TOOLS[BOARDS[board].arch])
    options = cut_options(board, plugin, end=hex(at["serial_write"] & ~1), out=out)
    with (
        emulator(board, memory=memory, options=options) as running,
        connect(running.url) as session,
    ):
        save_once_more(session)
    return int(out.read_text())


def cut_at(board: str, memory: Path, after: int, plugin: Path, patch: pytest.MonkeyPatch) -> bool:
    """Save with a power cut. Returns whether the board stopped before the end."""
    options: list[str] = []
    if board == "pico":
        patch.setenv("PICO_CUT", str(after))
    else:
        options = cut_options(board, plugin, after=after)
    with emulator(board, memory=memory, options=options) as running:
        try:
            with connect(running.url) as session:
                save_once_more(session)
        except PowerCutError:
            running.process.wait(timeout=20)
            return True
        finally:
            patch.delenv("PICO_CUT", raising=False)
        return False


@pytest.mark.parametrize("board", MEDIA)
def test_old_or_new_checkpoint(
    board: str, plugin: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    medium = MEDIA[board]
    first, memory = tmp_path / "first", tmp_path / "memory"
    with emulator(board, memory=first) as running, connect(running.url) as session:
        old = (4, list(linked.run_online(session, 4))[-1])
        session.save()  # so that both slots are in use
        assert session.save() == 4
    new = (5, linked.expected_online(5)[-1])
    shutil.copyfile(first, memory)
    length = length_of_save(board, memory, medium, plugin, tmp_path)
    assert saved_on_host(memory, medium) == saved_on_board(board, memory) == new

    cuts = int(medium.cuts * MANY)
    found = []
    for i in range(cuts + 1):  # the last cut is after the end of the SAVE
        shutil.copyfile(first, memory)
        stopped = cut_at(board, memory, length * i // (cuts - 1), plugin, monkeypatch)
        found.append(saved_on_host(memory, medium))
        assert found[-1] in (old, new), f"cut {i} of {cuts}"
        assert stopped or found[-1] == new, f"cut {i} of {cuts}"
        if i % RESTART_EVERY == 0:
            assert saved_on_board(board, memory) == found[-1]
    assert found[0] == old
    assert found[-1] == new
    assert found == sorted(found)  # once the new checkpoint is whole, it stays
