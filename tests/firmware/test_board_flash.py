"""Building and flashing, with stand-ins for drives and tools. No board is needed."""

from __future__ import annotations

import shutil
import struct
from pathlib import Path

import pytest

from eggroll_edge.boards import build as boards
from eggroll_edge.boards import emulator as emulate
from eggroll_edge.boards import flasher as flash
from eggroll_edge.boards.table import BOARDS, BoardError
from tests.helpers.command_line import Cli
from tests.helpers.ports import free_port


@pytest.fixture(autouse=True)
def no_drives(monkeypatch: pytest.MonkeyPatch) -> None:
    """No test sees the drives of this machine."""
    monkeypatch.setattr(flash, "drives", lambda: iter(()))


def fake_tool(folder: Path, name: str, status: int) -> None:
    """A program that notes its arguments and ends with a status."""
    folder.mkdir(exist_ok=True)
    tool = folder / name
    tool.write_text(
        f'#!/bin/sh\necho "$@" > {folder}/arguments\necho no probe here\nexit {status}\n'
    )
    tool.chmod(0o755)


def test_the_pico_gets_a_uf2(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    drive = tmp_path / "RPI-RP2"
    drive.mkdir()
    monkeypatch.setattr(flash, "drives", lambda: iter([tmp_path / "other", drive]))
    assert "copied" in flash.flash("pico", "selftest")
    data = (drive / "selftest.uf2").read_bytes()
    blocks = [data[i : i + 512] for i in range(0, len(data), 512)]
    for i, block in enumerate(blocks):
        head = struct.unpack("<8I", block[:32])
        assert head[:3] == (0x0A324655, 0x9E5D5157, 0x2000)
        assert head[3:] == (0x10000000 + 256 * i, 256, i, len(blocks), 0xE48BFF56)
        assert block[508:] == struct.pack("<I", 0x0AB16F30)
    boot2 = blocks[0][32 : 32 + 256]
    crc = 0xFFFFFFFF
    for byte in boot2[:252]:
        for bit in range(7, -1, -1):
            top = crc >> 31 ^ (byte >> bit & 1)
            crc = (crc << 1 & 0xFFFFFFFF) ^ (0x04C11DB7 if top else 0)
    assert boot2[252:] == struct.pack("<I", crc)  # or the ROM of the chip would not start it


def test_the_microbit_is_found_by_its_details_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    drive = tmp_path / "E"  # as Windows shows it: a letter
    drive.mkdir()
    (drive / "DETAILS.TXT").write_text(
        "# DAPLink Firmware - see https://mbed.com/daplink\nmicro:bit\n"
    )
    monkeypatch.setattr(flash, "drives", lambda: iter([drive]))
    flash.flash("microbit", "selftest")
    assert (drive / "selftest.hex").read_text().startswith(":")


def test_no_drive(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(BoardError, match=r"no drive named RPI-RP2 .* BOOTSEL"):
        flash.flash("pico", "selftest")


@pytest.mark.parametrize(("board", "tool"), [("stm32f405", "openocd"), ("nrf52840-dk", "pyocd")])
def test_tools(board: str, tool: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = "/usr/bin:/bin"
    monkeypatch.setenv("PATH", path)
    real = shutil.which
    monkeypatch.setattr(shutil, "which", lambda name: None if name == tool else real(name))
    with pytest.raises(BoardError, match=rf"{tool}, which flashes {board}, is not installed"):
        flash.flash(board, "selftest")
    monkeypatch.setattr(shutil, "which", real)
    fake_tool(tmp_path / "bin", tool, 0)
    monkeypatch.setenv("PATH", f"{tmp_path}/bin:{path}")
    assert "flashed" in flash.flash(board, "selftest")
    assert "selftest.hex" in (tmp_path / "bin/arguments").read_text()
    fake_tool(tmp_path / "bin", tool, 1)
    with pytest.raises(BoardError, match=r"(?s)Is it connected.*no probe here"):
        flash.flash(board, "selftest")


def test_the_command_line(cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By a drive and by a tool: the firmware, and a run that the board will repeat by itself."""
    pytest.importorskip("sklearn")
    run, drive = tmp_path / "run", tmp_path / "RPI-RP2"
    small = ["--online", "--pool", "2", "--polarity", "merged", "--first-saccade-only"]
    assert cli("train", *small, "--generations", 10, "--out", run).code == 0
    drive.mkdir()
    monkeypatch.setattr(flash, "drives", lambda: iter([drive]))
    fake_tool(tmp_path / "bin", "openocd", 0)
    monkeypatch.setenv("PATH", f"{tmp_path}/bin:/usr/bin:/bin")
    for words, image in (([], "egg"), (["--standalone", run], "standalone")):
        assert f"{image}.uf2 to {drive}" in cli("flash", "pico", *words).out
        assert (drive / f"{image}.uf2").exists()
        assert f"{image}.hex with openocd" in cli("flash", "stm32f405", *words).out
        assert f"{image}.hex" in (tmp_path / "bin/arguments").read_text()
    text = (boards.FIRMWARE / "build/stm32f405/standalone.hex").read_text()
    assert len(text) > len((boards.FIRMWARE / "build/stm32f405/egg.hex").read_text())
    refused = cli("flash", "mps2-an386")
    assert refused.code == 1
    assert "there is nothing to flash" in refused.err
    refused = cli("flash", "pico", "--standalone", drive)
    assert refused.code == 1
    assert "no run here" in refused.err


def test_emulated_boards_and_unknown_ones_are_refused() -> None:
    with pytest.raises(BoardError, match="emulated board"):
        flash.flash("mps2-an386")
    with pytest.raises(BoardError, match="there is no board 'arduino': use one of microbit"):
        flash.flash("arduino")


def test_messages_name_what_is_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(emulate, "PICO", tmp_path)
    with pytest.raises(BoardError, match="npm ci --prefix"):
        emulate.check_emulator("pico")
    with pytest.raises(BoardError, match="no emulator has a nucleo-f446re"):
        emulate.check_emulator("nucleo-f446re")
    with pytest.raises(BoardError, match="cannot keep"):
        emulate.emulator_command("microbit", Path("x.elf"), Path("memory"))
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(BoardError, match="qemu-system-arm, which emulates microbit, is not inst"):
        emulate.check_emulator("microbit")
    with pytest.raises(BoardError, match="make is not installed"):
        boards.build("microbit")
    monkeypatch.setattr(boards, "FIRMWARE", tmp_path)
    with pytest.raises(BoardError, match="Clone it"):
        boards.build("microbit")


def test_a_build_that_fails_shows_why(tmp_path: Path) -> None:
    with pytest.raises(BoardError, match="building selftest for microbit failed"):
        boards.build("microbit", "selftest", defines="-Dmain=;", out=tmp_path)


def test_an_emulator_that_ends_by_itself_is_noticed(tmp_path: Path) -> None:
    elf = tmp_path / "lonely.elf"
    with pytest.raises(BoardError, match="there is no image"), emulate.emulator("pico", elf):
        pass
    elf.touch()
    with pytest.raises(BoardError, match="ended by itself"), emulate.emulator("pico", elf):
        pass


def test_the_port_can_be_chosen() -> None:
    for board in ("microbit", "pico"):
        port = free_port()
        with emulate.emulator(board, "selftest", port=port) as running:
            assert running.url == f"socket://127.0.0.1:{port}"


def test_every_board_of_the_firmware_is_in_the_table() -> None:
    folders = {folder.name for folder in (boards.FIRMWARE / "boards").iterdir()}
    assert folders == {*BOARDS, "template"}
    for board in BOARDS.values():
        assert bool(board.flash_with) == bool(board.flash_arguments)
        assert board.emulator or board.flash_with
