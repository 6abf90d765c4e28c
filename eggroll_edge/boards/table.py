"""The boards that the firmware supports, in one table for building, emulating, flashing, planning.

A new board is one more row of _TABLE and a folder firmware/boards/<name>.
"""

from __future__ import annotations

from dataclasses import dataclass

from eggroll_edge.errors import EggrollError, unknown

KIB = 1024
MIB = 1024 * KIB

_RISCV_VIRT = ("qemu-system-riscv32", "-M", "virt", "-bios", "none")


class BoardError(EggrollError):
    """A board that is unknown, or one whose tool or connection is missing."""


@dataclass(frozen=True)
class Board:
    """One row of the table. In commands, {elf}, {uf2}, {rom}, {memory}, ... stand for files."""

    name: str
    """The name that users type, which is also that of the folder in firmware/boards."""
    title: str
    core: str
    """The processor core, such as Cortex-M4."""
    ram: int
    """Bytes of the one block of RAM that data and stack share."""
    flash: int
    """Bytes of flash memory for the program and for two checkpoints."""
    reserve: int = 10 * KIB
    """Bytes of RAM that a net must leave: stack, serial buffers, the firmware's variables."""
    arch: str = "arm"
    """Architecture of the compiler: arm or riscv."""
    emulator: tuple[str, ...] = ()
    """The emulator's command without its serial port; empty if no emulator has this board."""
    persistent_flash_args: tuple[str, ...] = ()
    """Arguments to append to `emulator`, or (if {elf} is among them) the whole command in its
    place, that keep the non-volatile memory in the file {memory}."""
    memory_bytes: int = 0
    """Length of the file {memory}, in bytes."""
    flash_with: str = ""
    """drive (copy a file to the board's USB drive), pyocd or openocd; empty: emulated only."""
    flash_arguments: tuple[str, ...] = ()
    """drive: the name of the drive; pyocd: the target; openocd: its configuration files."""

    @property
    def is_hardware(self) -> bool:
        """Whether the board exists outside emulators."""
        return bool(self.flash_with)


def _qemu_arm(machine: str) -> tuple[str, ...]:
    return ("qemu-system-arm", "-M", machine, "-kernel", "{elf}")


def _mps2(machine: str, core: str) -> Board:
    backend = "memory-backend-file,id=nv,size=16M,mem-path={memory},share=on"
    return Board(
        name=machine,
        title=f"Arm MPS2 {machine[5:].upper()} (emulated only)",
        core=core,
        ram=4 * MIB,
        flash=4 * MIB,
        emulator=_qemu_arm(machine),
        persistent_flash_args=(
            *("qemu-system-arm", "-M", f"{machine},memory-backend=nv", "-m", "16M"),
            *("-object", backend, "-kernel", "{elf}"),
        ),
        memory_bytes=16 * MIB,
    )


_TABLE = (
    Board(
        name="microbit",
        title="BBC micro:bit v1 (nRF51822)",
        core="Cortex-M0",
        ram=16 * KIB,
        flash=256 * KIB,
        reserve=3 * KIB + 128,
        emulator=_qemu_arm("microbit"),
        flash_with="drive",
        flash_arguments=("MICROBIT",),
    ),
    Board(
        name="stm32f405",
        title="STM32F405 (Feather, Olimex H405, Netduino Plus 2)",
        core="Cortex-M4",
        ram=128 * KIB,
        flash=1 * MIB,
        emulator=_qemu_arm("netduinoplus2"),
        flash_with="openocd",
        flash_arguments=("interface/stlink.cfg", "target/stm32f4x.cfg"),
    ),
    Board(
        name="pico",
        title="Raspberry Pi Pico (RP2040)",
        core="Cortex-M0+",
        ram=264 * KIB,
        flash=2 * MIB,
        emulator=("node", "{pico}", "{port}", "{uf2}", "{rom}"),
        persistent_flash_args=("{memory}",),
        memory_bytes=2 * MIB,
        flash_with="drive",
        flash_arguments=("RPI-RP2",),
    ),
    Board(
        name="hifive1",
        title="SiFive HiFive1 Rev B (FE310)",
        core="RV32IMAC",
        ram=16 * KIB,
        flash=4 * MIB,
        reserve=3 * KIB + 128,
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
        ram=1 * MIB,
        flash=1 * MIB,
        arch="riscv",
        emulator=(*_RISCV_VIRT, "-kernel", "{elf}"),
        persistent_flash_args=(
            *_RISCV_VIRT,
            *("-drive", "if=pflash,unit=1,format=raw,file={memory}"),
            *("-device", "loader,file={elf}"),  # with pflash, -kernel hangs
        ),
        memory_bytes=32 * MIB,
    ),
    Board(
        name="nucleo-f446re",
        title="ST Nucleo-F446RE",
        core="Cortex-M4",
        ram=128 * KIB,
        flash=512 * KIB,
        flash_with="openocd",
        flash_arguments=("board/st_nucleo_f4.cfg",),
    ),
    Board(
        name="nrf52840-dk",
        title="Nordic nRF52840 DK",
        core="Cortex-M4",
        ram=256 * KIB,
        flash=1 * MIB,
        flash_with="pyocd",
        flash_arguments=("nrf52840",),
    ),
)

BOARDS: dict[str, Board] = {board.name: board for board in _TABLE}

EMULATED: tuple[str, ...] = tuple(board.name for board in _TABLE if board.emulator)
"""Names of the boards that an emulator has."""


def find_board(name: str) -> Board:
    """The board of this name. BoardError, with the nearest name, if there is none."""
    if name not in BOARDS:
        raise BoardError(unknown("board", name, BOARDS))
    return BOARDS[name]
