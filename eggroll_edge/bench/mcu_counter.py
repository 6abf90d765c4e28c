"""Counts the guest instructions of the core in emulators, exactly, between two marks.

The image `bench` (firmware/images/bench_main.c) runs the generations that this module describes, on
the same object files as the product image: `batch`; `sample`, `sweep` and `eprop`, online or with
mini-batches; and full-rank ES with the same kernels. QEMU counts with a plugin
(tests/firmware/insncount.c); rp2040js counts in its loop. The counts are instructions, never clock
cycles or seconds. The digest of the weights proves that the work was done: it must equal that of
the host.
"""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import astuple, dataclass, field
from pathlib import Path

import serial

from eggroll_edge.bench.mcu_work import Work, expected_digest
from eggroll_edge.boards.build import FIRMWARE, build
from eggroll_edge.boards.emulator import emulator
from eggroll_edge.boards.table import BoardError, find_board
from eggroll_edge.core.config import ESTIMATORS, FITNESSES, READOUTS

PLUGIN = FIRMWARE.parent / "tests" / "firmware" / "insncount.c"
SILENCE_S = 120.0
"""Seconds after which a bench image that prints nothing is taken to hang."""


@dataclass(frozen=True)
class Target:
    """A core, and the emulated board that its code runs on."""

    name: str
    core: str
    board: str
    variables: Mapping[str, str] = field(default_factory=dict)
    """Variables of the Makefile, needed if the emulated board has another core."""
    note: str = ""


TARGETS = (
    Target(
        "cortex-m0",
        "Cortex-M0",
        "mps2-an386",
        {"CPU": "-mcpu=cortex-m0 -mthumb"},
        "the micro:bit's code (-mcpu=cortex-m0) on a board with more RAM: the net has 37 KB",
    ),
    Target("stm32f405", "Cortex-M4", "stm32f405"),
    Target("pico", "Cortex-M0+", "pico"),
    Target("mps2-an500", "Cortex-M7", "mps2-an500", note="emulated only"),
    Target("riscv-virt", "RV32IMAC", "riscv-virt", note="emulated only; the HiFive1's code"),
)


@dataclass(frozen=True)
class Counted:
    """Guest instructions of one piece of work."""

    evaluation: int
    """All member evaluations, and the unperturbed runs."""
    update: int
    """All that follows the evaluations, from the fitness to the new weights."""
    live: float
    """Share of the first layer's neurons whose spikes a perturbation can change, or (estimators
    without pairs) that have a credit; 0: unknown."""
    digest: int
    """CRC-32 of the weights after it."""
    parts: tuple[tuple[int, int], ...] = ()
    """(evaluation, update) of each recording; `batch` and `full`: of the whole generation."""

    @property
    def generation(self) -> int:
        """All instructions of the work."""
        return self.evaluation + self.update


def count(target: Target, works: Sequence[Work]) -> list[Counted]:
    """Run the works on a target. BoardError if a tool is missing or a digest is not the host's."""
    if shutil.which("gcc") is None:
        raise BoardError("gcc, for QEMU's plugin, is not installed (apt install gcc)")
    with tempfile.TemporaryDirectory(prefix="eggroll-edge-") as name:
        folder = Path(name)
        (folder / "bench_work.h").write_text(header(works))
        variables = {**target.variables, "BENCH": name}
        elf = build(target.board, "bench", out=folder / "build", variables=variables)
        out = folder / "counts"
        options = counting_options(target.board, elf, folder, out)
        with (
            emulator(target.board, elf, options=options) as running,
            serial.serial_for_url(running.url, timeout=SILENCE_S) as port,
        ):
            lines = [_line(target, port) for _ in works]
            if (last := _line(target, port)) != "DONE":
                raise BoardError(f"{target.name}: expected DONE, the bench image printed {last!r}")
        regions = iter(map(int, out.read_text().split()))
    found = []
    for work, line in zip(works, lines, strict=True):
        name, _, live, _, digest = line.split()
        if name != work.name or int(digest, 16) != expected_digest(work):
            raise BoardError(f"{target.name}: {line!r} is not {work.name} as the host computes it")
        parts = tuple((next(regions), next(regions)) for _ in range(work.regions))
        columns = work.net.layers[0].size if work.net.layers else work.net.outputs
        neurons = columns * len(work.recordings)
        evaluation, update = sum(p[0] for p in parts), sum(p[1] for p in parts)
        found.append(Counted(evaluation, update, int(live, 16) / neurons, int(digest, 16), parts))
    return found


def header(works: Sequence[Work]) -> str:
    """The text of bench_work.h, which bench_main.c includes."""
    arrays = [line for i, work in enumerate(works) for line in _arrays(i, work)]
    table = ",\n".join(_entry(i, work) for i, work in enumerate(works))
    return "\n".join([*arrays, f"static const bench_work bench_works[] = {{\n{table}}};\n"])


def _arrays(i: int, work: Work) -> Iterator[str]:
    """The C arrays of work number i: weights, streams, and where each recording begins."""
    weights = ",".join(map(str, work.weights.tolist()))
    yield f"static const int8_t weights_{i}[] = {{{weights}}};"
    streams = ",".join(str(byte) for stream, _ in work.recordings for byte in stream)
    yield f"static const uint8_t streams_{i}[] = {{{streams}}};"
    offset, rows = 0, []
    for stream, label in work.recordings:
        rows.append(f"{{streams_{i} + {offset}, {label}}}")
        offset += len(stream)
    yield f"static const bench_recording recordings_{i}[] = {{{', '.join(rows)}}};"


def _entry(i: int, work: Work) -> str:
    """The C struct of work number i."""
    net, es, (sigma, rates) = work.net, work.es, work.hyperparameters
    layers = ", ".join(f"{{{', '.join(map(str, astuple(x)))}}}" for x in net.layers)
    shape = ", ".join(map(str, net.input_shape or (0, 0, 0)))
    config = (
        f"{{{net.inputs}, {net.outputs}, {net.ticks}, {len(net.layers)}, "
        f"{READOUTS.index(net.readout)}, {net.gain}, {{{layers}}}, {net.input_segments}, {shape}, "
        f"{net.readout_pool}}}"
    )
    estimator = (
        f"{{{es.pairs}, {es.penalty}, {ESTIMATORS.index(es.estimator)}, {es.rank}, "
        f"{es.segments}, {FITNESSES.index(es.fitness)}, {es.learn_above}, {es.shift}}}"
    )
    learning_rates = ", ".join(f"{{{m}, {n}}}" for m, n in rates)
    return (
        f'{{"{work.name}", {config}, {estimator}, {{{sigma[0]}, {sigma[1]}}}, '
        f"{learning_rates}, {work.seed}, {work.first}, {int(work.mini_batch)}, "
        f"{len(work.recordings)}, weights_{i}, recordings_{i}}}"
    )


def counting_options(board: str, elf: Path, folder: Path, out: Path) -> list[str]:
    """The emulator's arguments that make it count."""
    begin, end = _marks(elf, find_board(board).arch)
    if find_board(board).emulator[0] == "node":
        return [f"count={begin},{end},{out}"]
    plugin = folder / "insncount.so"
    if not PLUGIN.exists():
        raise BoardError(f"{PLUGIN} is missing: it comes with the repository. Clone it.")
    flags = ["-O2", "-Wall", "-Wextra", "-Werror", "-fPIC", "-shared"]
    subprocess.run(["gcc", *flags, str(PLUGIN), "-o", str(plugin)], check=True)
    return ["-plugin", f"{plugin},begin={begin:#x},end={end:#x},out={out}"]


def _marks(elf: Path, arch: str) -> tuple[int, int]:
    """Addresses of the two marks between which the emulator counts."""
    prefix = {"arm": "arm-none-eabi-", "riscv": "riscv64-unknown-elf-"}[arch]
    out = subprocess.run([f"{prefix}nm", str(elf)], capture_output=True, text=True, check=True)
    at = {line.split()[-1]: int(line.split()[0], 16) & ~1 for line in out.stdout.splitlines()}
    return at["bench_begin"], at["bench_end"]


def _line(target: Target, port: serial.SerialBase) -> str:
    """A line of the bench image; BoardError if it reports a fault or prints nothing."""
    line = port.readline().decode(errors="replace")
    if not line.endswith("\n") or "FAULT" in line:
        raise BoardError(f"{target.name}: the bench image stopped at {line!r}")
    return str(line.rstrip())
