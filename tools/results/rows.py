"""The measurements behind the documentation's tables: commands, seeds and result files."""

from __future__ import annotations

from dataclasses import dataclass

SMALL, MNIST = "{data}/nmnist_small", "idx:{data}/mnist"
"""Datasets; {data} stands for the folder of eggroll_edge.bench.report.data_folder()."""
SHOWN_DATA = "../shared/data"
"""That folder in the commands that the tables show."""


@dataclass(frozen=True)
class Measurement:
    """A training command that is run once for each seed. Its result file is NAME.json."""

    name: str
    what: str
    train: str
    """Options of `eggroll-edge train`."""
    seeds: tuple[int, ...] = (1,)


MEASUREMENTS = [
    Measurement(
        "digits", "scikit-learn digits, simulated events", "--data digits", (1, 2, 3, 4, 5)
    ),
    Measurement(
        "chirps-sample",
        "chirps: words whose class is in the order of events, `sample`",
        "--preset chirps",
        (1, 2, 3, 4, 5),
    ),
    Measurement(
        "chirps-leak1",
        "the same with a leak that forgets within two ticks",
        "--preset chirps --leak-shift 1",
    ),
    Measurement(
        "chirps-batch",
        "the same words, `batch`",
        "--preset chirps --estimator batch --threshold 300 --pairs 512 --batch 128 "
        "--generations 400",
    ),
    Measurement(
        "chirps-online",
        "the same words, `sample` online",
        "--preset chirps --online --threshold 300 --sigma 30 --pairs 64 --lr 0.08 "
        "--sigma-readout 1.95 --lr-readout 0.06 --penalty-bits 0.002 --generations 150000",
    ),
]


@dataclass(frozen=True)
class BoardSession:
    """A training session through the link, on a board in an emulator."""

    board: str
    preset: str
    data: str
    clock_mhz: int
    """Of the board. Used to estimate seconds from instructions."""

    @property
    def name(self) -> str:
        """Of its result file."""
        return f"board-{self.board}" + ("" if self.data == SMALL else "-mnist")


SESSIONS = [
    BoardSession("pico", "pico", MNIST, 125),
    BoardSession("pico", "board-small", SMALL, 125),
    BoardSession("stm32f405", "board-small", SMALL, 168),
    BoardSession("microbit", "microbit", SMALL, 16),
    BoardSession("hifive1", "microbit", SMALL, 320),
]
CYCLES_PER_INSTRUCTION = 1.5
"""A guess: the emulators count instructions, not cycles."""
ASKED_OF_BOARD = 1000
"""How many test recordings the board itself must classify, at most."""
