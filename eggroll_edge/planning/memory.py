"""RAM and flash that a net and its training take on a microcontroller, computed in advance.

The sizes are exact: the C core's layout code computes them, compiled with a microcontroller's
constants (runtime_c/host/egg_memory_plan.h).
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from eggroll_edge._core import lib
from eggroll_edge.boards.table import BOARDS, KIB, Board
from eggroll_edge.core.config import EsConfig, NetConfig
from eggroll_edge.errors import ConfigError

SAMPLE_BUFFER = 4096
"""Default bytes for one recording's stream: an event takes about one byte, and a recording of
N-MNIST has about 4,000 events."""
CODE_RESERVE = 40 * KIB
"""Bytes of flash set aside for the program."""


@dataclass(frozen=True)
class Plan:
    """Bytes that a net takes on a microcontroller. Its int8 weights are trained in place, in RAM.

    `inference` and `training_extra` are exact; the caller chooses `sample_buffer`.
    """

    weights: int
    """All matrices, biases included."""
    inference: int
    """Workspace to run the net."""
    training_extra: int
    """What training adds: more workspace, and the fitness, active rows and sums of a generation."""
    sample_buffer: int
    """Memory for the stream of one recording; inference and training share it."""
    shift_buffer: int = 0
    """With a shift: memory for the recording that training has moved."""

    @property
    def ram_inference(self) -> int:
        """RAM to run the net."""
        return self.weights + self.inference + self.sample_buffer

    @property
    def ram_training(self) -> int:
        """RAM to train the net."""
        return self.ram_inference + self.training_extra + self.shift_buffer

    @property
    def flash(self) -> int:
        """Flash: the program, and the two copies of the weights that survive a power cut."""
        return CODE_RESERVE + 2 * self.weights

    def ram_left(self, board: Board) -> int:
        """RAM that training leaves for stack and firmware; negative if it does not fit."""
        return board.ram - self.ram_training

    def fits(self, board: Board) -> bool:
        """Whether the board can train the net."""
        return self.ram_left(board) >= board.reserve and self.flash <= board.flash

    def verdict(self, board: Board) -> str:
        """In a few words: whether training fits the board, and if not, why."""
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
    """The memory that `net` and its training by `es` take. ConfigError if the core refuses them.

    sample_buffer: bytes for one recording's stream, at least one for each tick.
    online: the estimator updates the weights after each recording. Otherwise all but `batch` sum up
    the updates of a mini-batch, which takes four more bytes for each weight.
    """
    es.check(net)
    if es.estimator == "full":
        raise ConfigError("estimator full exists on hosts only: plan another one")
    if sample_buffer < net.ticks:
        raise ConfigError(
            f"the buffer of a recording has {sample_buffer} bytes, but a recording of {net.ticks} "
            f"ticks takes {net.ticks} at least; N-MNIST needs about {SAMPLE_BUFFER}"
        )
    sizes = lib.egg_memory_plan_of(net.native(), es.native(), online)
    moved = int(lib.egg_shifted_bytes(net.native(), es.native(), sample_buffer))
    return Plan(int(sizes.weights), int(sizes.inference), int(sizes.training), sample_buffer, moved)
