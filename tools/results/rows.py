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


CHIRPS = (
    "--data chirps --ticks 20 --hidden 256 --leak-shift 3 --threshold 200 --mini-batch "
    "--generations 4000"
)
"""The net and the length of the runs on chirps with other estimators than the preset's."""
SEEDS = (1, 2, 3, 4, 5)
MEASUREMENTS = [
    Measurement("digits", "scikit-learn digits, simulated events", "--data digits", SEEDS),
    Measurement(
        "digits-sample", "the same, `sample`",
        "--data digits --estimator sample --generations 1500", SEEDS,
    ),
    Measurement(
        "digits-eprop", "the same, baseline `eprop`",
        "--data digits --estimator eprop --generations 1500", SEEDS,
    ),
    Measurement(
        "digits-linear", "the same, baseline without a hidden layer",
        "--data digits --estimator sweep --hidden none --generations 1500", SEEDS,
    ),
    Measurement(
        "chirps-sweep", "chirps: words whose class is in the order of events, `sweep`",
        "--preset chirps", SEEDS,
    ),
    Measurement(
        "chirps-sample", "the same words, `sample`",
        f"{CHIRPS} --estimator sample --sigma 30 --pairs 48 --lr 20 --penalty-bits 0", SEEDS,
    ),
    Measurement(
        "chirps-eprop", "the same words, baseline `eprop`", f"{CHIRPS} --estimator eprop", SEEDS
    ),
    Measurement(
        "chirps-linear", "the same words, baseline without a hidden layer, 5 segments",
        "--data chirps --ticks 20 --estimator sweep --hidden none --input-segments 5 "
        "--mini-batch --generations 4000", SEEDS,
    ),
    Measurement(
        "chirps-leak1", "`sample` with a leak that forgets within two ticks",
        f"{CHIRPS} --estimator sample --sigma 30 --pairs 48 --lr 20 --penalty-bits 0 "
        "--leak-shift 1",
    ),
    Measurement(
        "chirps-batch", "the same words, `batch`",
        "--preset chirps --estimator batch --leak-shift 3 --threshold 300 --pairs 512 --batch 128 "
        "--generations 400",
    ),
    Measurement(
        "chirps-online", "the same words, `sample` online",
        "--preset chirps --estimator sample --online --leak-shift 3 --threshold 300 --sigma 30 "
        "--pairs 64 --lr 0.08 --sigma-readout 1.95 --lr-readout 0.06 --penalty-bits 0.002 "
        "--generations 150000",
    ),
]  # fmt: skip
"""Settings of `sweep`, `eprop` and of the net without a hidden layer wait for their choice on
recordings that were set aside; a row is in the tables once it has been measured."""


@dataclass(frozen=True)
class BoardSession:
    """A training session through the link, on a board in an emulator."""

    board: str
    preset: str
    data: str
    clock_mhz: int
    """Of the board. Used to estimate seconds from instructions."""
    baseline: str = ""
    """eprop, or linear: the net without a hidden layer. Empty: as the preset says."""

    @property
    def name(self) -> str:
        """Of its result file."""
        where = f"board-{self.board}" + ("" if self.data == SMALL else "-mnist")
        where += "-conv" if self.preset.endswith("-conv") else ""
        return f"{where}-{self.baseline}" if self.baseline else where

    @property
    def options(self) -> str:
        """Of `eggroll-edge train`."""
        other = {
            "": "", "eprop": " --estimator eprop", "linear": " --estimator sweep --hidden none",
        }  # fmt: skip
        return f"--preset {self.preset}{other[self.baseline]}"


SESSIONS = [
    BoardSession("pico", "pico", MNIST, 125),
    BoardSession("pico", "pico", MNIST, 125, "eprop"),
    BoardSession("pico", "pico", MNIST, 125, "linear"),
    BoardSession("pico", "board-small", SMALL, 125),
    BoardSession("stm32f405", "board-small", SMALL, 168),
    BoardSession("microbit", "microbit", SMALL, 16),
    BoardSession("hifive1", "microbit", SMALL, 320),
    BoardSession("microbit", "microbit-conv", MNIST, 16),
    BoardSession("pico", "pico-conv", MNIST, 125),
]
CYCLES_PER_INSTRUCTION = 1.5
"""A guess: the emulators count instructions, not cycles."""
ASKED_OF_BOARD = 1000
"""How many test recordings the board itself must classify, at most."""
