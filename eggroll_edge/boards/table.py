"""The boards that the firmware supports: one table."""

from __future__ import annotations

from dataclasses import dataclass

from eggroll_edge.errors import EggrollError


class BoardError(EggrollError):
    """A board that is unknown, or a tool or a plug that it needs and that is not there."""


@dataclass(frozen=True)
class Board:
    """One row of the table. In commands, {elf}, {uf2}, {rom}, {memory} stand for files."""

    name: str
    title: str
    core: str
    ram_kib: int
    flash_kib: int
    arch: str = "arm"
    emulator: tuple[str, ...] = ()
    """Command of the emulator without its serial port; empty: none there is."""
    persistent_flash_args: tuple[str, ...] = ()
    """More of the command, or (if it has {elf}) another one, that keeps non-volatile memory in the
    file {memory}."""
    memory_bytes: int = 0
    """Length of that file."""
    flash_with: str = ""
    """drive (copy a file to the board's USB drive), pyocd, openocd; empty: an emulated board."""
    flash_arguments: tuple[str, ...] = ()
    """drive: name of the drive; pyocd: the target; openocd: its configuration files."""

    @property
    def is_hardware(self) -> bool:
        return bool(self.flash_with)


def _qemu_arm(machine: str) -> tuple[str, ...]:
    return ("qemu-system-arm", "-M", machine, "-kernel", "{elf}")


def _mps2(machine: str, core: str) -> Board:
    backend = "memory-backend-file,id=nv,size=16M,mem-path={memory},share=on"
    return Board(
        name=machine,
        title=f"Arm MPS2 {machine[5:].upper()} (emulated only)",
        core=core,
        ram_kib=4096,
        flash_kib=4096,
        emulator=_qemu_arm(machine),
        persistent_flash_args=(
            *("qemu-system-arm", "-M", f"{machine},memory-backend=nv", "-m", "16M"),
            *("-object", backend, "-kernel", "{elf}"),
        ),
        memory_bytes=16 << 20,
    )


_ALL = (
    Board(
        name="microbit",
        title="BBC micro:bit v1 (nRF51822)",
        core="Cortex-M0",
        ram_kib=16,
        flash_kib=256,
        emulator=_qemu_arm("microbit"),
        flash_with="drive",
        flash_arguments=("MICROBIT",),
    ),
    Board(
        name="stm32f405",
        title="STM32F405 (Feather, Olimex H405, Netduino Plus 2)",
        core="Cortex-M4",
        ram_kib=128,
        flash_kib=1024,
        emulator=_qemu_arm("netduinoplus2"),
        flash_with="openocd",
        flash_arguments=("interface/stlink.cfg", "target/stm32f4x.cfg"),
    ),
    Board(
        name="pico",
        title="Raspberry Pi Pico (RP2040)",
        core="Cortex-M0+",
        ram_kib=264,
        flash_kib=2048,
        emulator=("node", "{pico}", "{port}", "{uf2}", "{rom}"),
        persistent_flash_args=("{memory}",),
        memory_bytes=2 << 20,
        flash_with="drive",
        flash_arguments=("RPI-RP2",),
    ),
    Board(
        name="hifive1",
        title="SiFive HiFive1 Rev B (FE310)",
        core="RV32IMAC",
        ram_kib=16,
        flash_kib=4096,
        arch="riscv",
        emulator=("qemu-system-riscv32", "-M", "sifive_e,revb=on", "-kernel", "{elf}"),
        flash_with="openocd",
        flash_arguments=("board/sifive-hifive1-revb.cfg",),
    ),
    _mps2("mps2-an500", "Cortex-M7"),
    _mps2("mps2-an386", "Cortex-M4"),
    Board(
        name="riscv-virt",
        title="QEMU RISC-V virt (emulated only)",
        core="RV32IMAC",
        ram_kib=1024,
        flash_kib=1024,
        arch="riscv",
        emulator=("qemu-system-riscv32", "-M", "virt", "-bios", "none", "-kernel", "{elf}"),
        persistent_flash_args=(
            *("qemu-system-riscv32", "-M", "virt", "-bios", "none"),
            *("-drive", "if=pflash,unit=1,format=raw,file={memory}"),
            *("-device", "loader,file={elf}"),  # -kernel hangs beside pflash
        ),
        memory_bytes=32 << 20,
    ),
    Board(
        name="nucleo-f446re",
        title="ST Nucleo-F446RE",
        core="Cortex-M4",
        ram_kib=128,
        flash_kib=512,
        flash_with="openocd",
        flash_arguments=("board/st_nucleo_f4.cfg",),
    ),
    Board(
        name="nrf52840-dk",
        title="Nordic nRF52840 DK",
        core="Cortex-M4",
        ram_kib=256,
        flash_kib=1024,
        flash_with="pyocd",
        flash_arguments=("nrf52840",),
    ),
)


BOARDS: dict[str, Board] = {board.name: board for board in _ALL}


EMULATED: tuple[str, ...] = tuple(board.name for board in _ALL if board.emulator)


def find_board(name: str) -> Board:
    try:
        return BOARDS[name]
    except KeyError:
        raise BoardError(f"no board '{name}'; there are: {', '.join(BOARDS)}") from None
