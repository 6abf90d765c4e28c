"""Will it fit? RAM and flash of a net and its training on a microcontroller, before any flashing.

The sizes come from the C core's own layout code, compiled with a microcontroller's constants
(runtime_c/host/egg_memory_plan.h), not from an estimate beside it.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from difflib import get_close_matches
from typing import Any

from eggroll_edge._core import lib
from eggroll_edge.errors import ConfigError
from eggroll_edge.netconfig import EsConfig, NetConfig

KIB = 1024
SAMPLE_BUFFER = 4096
"""Default bytes for one recording's stream: about one byte an event, N-MNIST has some 4,000."""
CODE_RESERVE = 32 * KIB
"""Bytes of flash set aside for the program."""


@dataclass(frozen=True)
class Board:
    """What a board that one can buy has."""

    name: str
    title: str
    core: str
    ram: int
    """Bytes of the one RAM block that data and stack share."""
    flash: int
    """Bytes."""
    reserve: int = 10 * KIB
    """Bytes of RAM that must remain: stack, serial buffers, the firmware's own variables."""


BOARDS = {
    board.name: board
    for board in (
        Board("microbit", "BBC micro:bit v1 (nRF51822)", "Cortex-M0", 16 * KIB, 256 * KIB, 3 * KIB),
        Board("hifive1", "SiFive HiFive1 Rev B (FE310)", "RV32IMAC", 16 * KIB, 4096 * KIB, 3 * KIB),
        Board("stm32f405", "STM32F405 boards", "Cortex-M4", 128 * KIB, 1024 * KIB),
        Board("nucleo-f446re", "ST Nucleo-F446RE", "Cortex-M4", 128 * KIB, 512 * KIB),
        Board("nrf52840-dk", "Nordic nRF52840 DK", "Cortex-M4", 256 * KIB, 1024 * KIB),
        Board("pico", "Raspberry Pi Pico (RP2040)", "Cortex-M0+", 264 * KIB, 2048 * KIB),
    )
}


@dataclass(frozen=True)
class Plan:
    """Bytes that a net takes on a microcontroller; int8 weights are trained where they lie, in RAM.

    `inference` and `training_extra` are exact, `sample_buffer` is the caller's choice.
    """

    weights: int
    """All matrices, biases included."""
    inference: int
    """Workspace to run the net."""
    training_extra: int
    """What training adds: more workspace, and a generation's fitness, active rows, sums."""
    sample_buffer: int
    """One recording as it comes in: the same for inference and training."""

    @property
    def ram_inference(self) -> int:
        """RAM to run the net."""
        return self.weights + self.inference + self.sample_buffer

    @property
    def ram_training(self) -> int:
        """RAM to train the net."""
        return self.ram_inference + self.training_extra

    @property
    def flash(self) -> int:
        """Flash: the program's reserve, and the two slots of weights that outlive a power cut."""
        return CODE_RESERVE + 2 * self.weights

    def ram_left(self, board: Board) -> int:
        """RAM that training leaves for stack and firmware; negative if it does not fit."""
        return board.ram - self.ram_training

    def fits(self, board: Board) -> bool:
        """Whether the board can train the net."""
        return self.ram_left(board) >= board.reserve and self.flash <= board.flash

    def verdict(self, board: Board) -> str:
        """Why it fits or not, in a few words."""
        if self.fits(board):
            return "fits"
        if self.flash > board.flash:
            return f"flash short by {self.flash - board.flash:,} B"
        short = board.reserve - self.ram_left(board)
        runs = board.ram - self.ram_inference >= board.reserve
        return f"RAM short by {short:,} B" + (", but inference fits" if runs else "")

    def to_dict(self) -> dict[str, Any]:
        """Ready for JSON: bytes, and the verdict for each board."""
        boards = {
            board.name: {
                "ram": board.ram,
                "flash": board.flash,
                "ram_left": self.ram_left(board),
                "fits": self.fits(board),
            }
            for board in BOARDS.values()
        }
        totals = {
            "ram_inference": self.ram_inference,
            "ram_training": self.ram_training,
            "flash": self.flash,
        }
        return {**asdict(self), **totals, "boards": boards}


def plan_of(
    net: NetConfig, es: EsConfig, sample_buffer: int = SAMPLE_BUFFER, *, online: bool = False
) -> Plan:
    """What `net` and its training by `es` take. ConfigError if the core cannot run the pair.

    sample_buffer: bytes, at least one a tick (an empty recording).
    online: estimator sample updates after each recording; else it sums up a mini-batch, four bytes
    a weight.
    """
    es.check(net)
    if es.estimator == "full":
        raise ConfigError(
            "estimator full is the baseline and exists on hosts only: plan batch or sample"
        )
    if sample_buffer < net.ticks:
        raise ConfigError(
            f"sample buffer is {sample_buffer} bytes, but a recording of {net.ticks} ticks takes "
            f"{net.ticks} at least; N-MNIST needs about {SAMPLE_BUFFER}"
        )
    sizes = lib.egg_memory_plan_of(net.native(), es.native(), online)
    return Plan(int(sizes.weights), int(sizes.inference), int(sizes.training), sample_buffer)


def board(name: str) -> Board:
    """A board by name; ConfigError that lists the boards, the nearest first, if there is none."""
    if name in BOARDS:
        return BOARDS[name]
    near = get_close_matches(name.lower(), BOARDS, 1)
    hint = f" (did you mean {near[0]}?)" if near else ""
    raise ConfigError(f"board {name!r} is not known{hint}: use one of {', '.join(BOARDS)}")
