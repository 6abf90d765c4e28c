"""Guest instructions of the firmware's core in emulators, counted exactly between two marks.

The image `bench` (firmware/images/bench_main.c) runs generations that are written here, on the same
objects as the product image: `batch`, online `sample`, and full-rank ES with the same kernels
below it. QEMU counts with a plugin (tests/firmware/insncount.c), rp2040js in its own loop. These
are instructions, never cycles or seconds. The digest of the weights proves the work: it must be
the host's.

Recordings and weights are random, a recording has as many events as N-MNIST at 2 x 2 pooling.
Neurons whose spikes no perturbation can move cost next to nothing, so a count depends on the share
of the others, and each row says it (`live`): about 0.3 here. A net is at 0.2 when its training
starts and at 0.56 when `batch` has trained it on N-MNIST: plan's --live tells what that changes.
"""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import serial

from eggroll_edge._core import ffi, lib
from eggroll_edge.boards.build import build
from eggroll_edge.boards.emulator import emulator
from eggroll_edge.boards.table import BoardError, find_board
from eggroll_edge.core.arrays import I8, aligned
from eggroll_edge.core.config import (
    ESTIMATORS,
    FITNESSES,
    READOUTS,
    EsConfig,
    Hyperparameters,
    LifConfig,
    NetConfig,
)
from eggroll_edge.core.net import Net, active_bytes, padded
from eggroll_edge.core.population import Population, Workspace, shape_fitness
from eggroll_edge.core.recordings import Recordings
from eggroll_edge.planning.instructions import EVENT_RATE

ROOT = Path(__file__).resolve().parents[2]
PLUGIN = ROOT / "tests/firmware/insncount.c"
SILENCE_S = 120.0
"""A bench image that says nothing for so long hangs."""

Say = Callable[[str], None]


@dataclass(frozen=True)
class Target:
    """A core, and the emulated board that its code runs on."""

    name: str
    core: str
    board: str
    variables: Mapping[str, str] = field(default_factory=dict)
    """Of the Makefile, where the board is another than the core's own."""
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
class Work:
    """A generation (online: one for each sample) to be counted."""

    name: str
    net: NetConfig
    es: EsConfig
    steps: Hyperparameters
    weights: I8
    samples: tuple[tuple[bytes, int], ...]
    """Streams and labels."""
    seed: int = 1

    @property
    def members(self) -> int:
        """Member evaluations: one member on one sample."""
        return 2 * self.es.pairs * len(self.samples)

    @property
    def events(self) -> float:
        """Mean events of a recording."""
        return float(np.mean([_events(stream) for stream, _ in self.samples]))


@dataclass(frozen=True)
class Counted:
    """Guest instructions of one piece of work."""

    evaluation: int
    """All member evaluations, and the unperturbed runs."""
    update: int
    """Fitness to weights."""
    live: float
    """Share of the first layer's neurons whose spikes a perturbation can move; 0: not known."""
    digest: int
    """CRC-32 of the weights after it."""

    @property
    def generation(self) -> int:
        return self.evaluation + self.update


def _events(stream: bytes) -> int:
    data = np.frombuffer(stream, np.uint8)
    return int(((data > 0) & (data < 255)).sum())


def recordings(
    net: NetConfig, n: int, seed: int, rate: float = EVENT_RATE
) -> tuple[tuple[bytes, int], ...]:
    """Random recordings: an event with probability `rate` an input and tick."""
    rng = np.random.default_rng(seed)
    found = []
    for _ in range(n):
        spikes = (rng.random((net.ticks, net.inputs)) < rate).astype(np.uint8)
        out = np.zeros(lib.egg_stream_bytes(net.ticks, net.inputs), np.uint8)
        size = lib.egg_stream_encode(
            ffi.from_buffer("uint8_t[]", spikes), net.ticks, net.inputs,
            ffi.from_buffer("uint8_t[]", out),
        )  # fmt: skip
        found.append((out[:size].tobytes(), int(rng.integers(net.outputs))))
    return tuple(found)


def make_work(
    name: str,
    net: NetConfig,
    es: EsConfig,
    samples: int,
    *,
    std: int = 40,
    seed: int = 1,
    rate: float = EVENT_RATE,
) -> Work:
    """Work on random weights of standard deviation std and random recordings."""
    trained = Net(net)
    trained.randomize(seed, std, 24)
    steps = {
        "batch": Hyperparameters((1536, 512), ((120, 8), (120, 8))),
        "sample": Hyperparameters((500, 7987), ((110, 13), (110, 13))),
        "full": Hyperparameters((1086, 362), ((120, 9), (120, 9))),
    }[es.estimator]
    recorded = recordings(net, samples, seed, rate)
    return Work(name, net, es, steps, trained.weights.copy(), recorded, seed)


def expected_digest(work: Work) -> int:
    """The same on the host."""
    net = Net(work.net)
    net.weights[:] = work.weights
    streams = [np.frombuffer(stream, np.uint8) for stream, _ in work.samples]
    samples = Recordings(
        np.concatenate(streams),
        np.cumsum([0, *map(len, streams)]),
        np.array([label for _, label in work.samples], np.uint8),
    )
    samples.check(work.net, work.name)
    population, ws = Population(net, work.es, work.seed), Workspace(work.net, work.es)
    population.at(0, work.steps)
    n, pairs = len(samples), work.es.pairs
    index = np.arange(n, dtype=np.uint32)
    if work.es.estimator == "sample":
        f, e = np.zeros(n * pairs, np.int8), np.zeros(n, np.uint8)
        population.online(ws, samples, index, False, f, e)
        return net.digest
    diff, active = np.zeros(pairs, np.int32), np.zeros(active_bytes(work.net), np.uint8)
    f = np.zeros(pairs, np.int8)
    if work.es.estimator == "batch":
        population.eval_batch(ws, samples, index, diff, active)
        shape_fitness(diff, f)
        population.update_batch(ws, f, active)
        return net.digest
    base = aligned(2 * n * work.net.ticks * padded(work.net.layers[0].size))
    currents = base.view(np.int16)
    population.share_full(ws, samples, index, currents, active)
    population.eval_full(ws, samples, index, currents, 0, pairs, diff)
    shape_fitness(diff, f)
    total = np.zeros(work.net.parameters, np.int32)
    for m, (rows, _) in enumerate(work.net.shapes):
        population.steps_full(ws, f, active, m, 0, rows, total)
        population.apply(ws, m, 0, rows, total)
    return net.digest


# ---- running it in an emulator -----------------------------------------------------------------


def _array(ctype: str, name: str, values: bytes) -> str:
    return f"static const {ctype} {name}[] = {{{','.join(map(str, values))}}};"


def header(works: Sequence[Work]) -> str:
    """bench_work.h of bench_main.c."""
    parts, rows = [], []
    for i, w in enumerate(works):
        signed = w.weights.astype(np.int8).tolist()
        parts.append(f"static const int8_t weights_{i}[] = {{{','.join(map(str, signed))}}};")
        streams = b"".join(stream for stream, _ in w.samples)
        parts.append(_array("uint8_t", f"streams_{i}", streams))
        offset, samples = 0, []
        for stream, label in w.samples:
            samples.append(f"{{streams_{i} + {offset}, {label}}}")
            offset += len(stream)
        parts.append(f"static const bench_sample samples_{i}[] = {{{', '.join(samples)}}};")
        net, es = w.net, w.es
        layers = ", ".join(
            f"{{{x.size}, {x.threshold}, {x.leak_shift}, {x.refractory}}}" for x in net.layers
        )
        config = (
            f"{{{net.inputs}, {net.outputs}, {net.ticks}, {len(net.layers)}, "
            f"{READOUTS.index(net.readout)}, {net.gain}, {{{layers}}}}}"
        )
        estimator = (
            f"{{{es.pairs}, {es.penalty}, {ESTIMATORS.index(es.estimator)}, {es.rank}, "
            f"{es.segments}, {FITNESSES.index(es.fitness)}}}"
        )
        rates = ", ".join(f"{{{m}, {n}}}" for m, n in w.steps.rate)
        rows.append(
            f'{{"{w.name}", {config}, {estimator}, {{{w.steps.sigma[0]}, {w.steps.sigma[1]}}}, '
            f"{rates}, {w.seed}, {len(w.samples)}, weights_{i}, samples_{i}}}"
        )
    table = ",\n".join(rows)
    return "\n".join([*parts, f"static const bench_work bench_works[] = {{\n{table}}};\n"])


def _marks(elf: Path, arch: str) -> tuple[int, int]:
    prefix = {"arm": "arm-none-eabi-", "riscv": "riscv64-unknown-elf-"}[arch]
    out = subprocess.run([f"{prefix}nm", str(elf)], capture_output=True, text=True, check=True)
    at = {line.split()[-1]: int(line.split()[0], 16) & ~1 for line in out.stdout.splitlines()}
    return at["bench_begin"], at["bench_end"]


def _options(board: str, elf: Path, folder: Path, out: Path) -> list[str]:
    """Of the emulator, so that it counts."""
    begin, end = _marks(elf, find_board(board).arch)
    if find_board(board).emulator[0] == "node":
        return [f"count={begin},{end},{out}"]
    plugin = folder / "insncount.so"
    if not PLUGIN.exists():
        raise BoardError(f"{PLUGIN} is missing: it comes with the repository. Clone it.")
    flags = ["-O2", "-Wall", "-Wextra", "-Werror", "-fPIC", "-shared"]
    subprocess.run(["gcc", *flags, str(PLUGIN), "-o", str(plugin)], check=True)
    return ["-plugin", f"{plugin},begin={begin:#x},end={end:#x},out={out}"]


def count(target: Target, works: Sequence[Work]) -> list[Counted]:
    """Runs the works on a target. BoardError if a tool is missing or a digest is not the host's."""
    if shutil.which("gcc") is None:
        raise BoardError("gcc, for QEMU's plugin, is not installed (apt install gcc)")
    with tempfile.TemporaryDirectory(prefix="eggroll-edge-") as name:
        folder = Path(name)
        (folder / "bench_work.h").write_text(header(works))
        variables = {**target.variables, "BENCH": name}
        elf = build(target.board, "bench", out=folder / "build", variables=variables)
        out = folder / "counts"
        options = _options(target.board, elf, folder, out)
        with (
            emulator(target.board, elf, options=options) as running,
            serial.serial_for_url(running.url, timeout=SILENCE_S) as port,
        ):
            said = [_line(target, port) for _ in works]
            if (last := _line(target, port)) != "DONE":
                raise BoardError(f"{target.name}: expected DONE, the bench image says {last!r}")
        regions = iter(map(int, out.read_text().split()))
    found = []
    for work, line in zip(works, said, strict=True):
        name, _, live, _, digest = line.split()
        if name != work.name or int(digest, 16) != expected_digest(work):
            raise BoardError(f"{target.name}: {line!r} is not {work.name} as the host computes it")
        online = work.es.estimator == "sample"
        parts = [(next(regions), next(regions)) for _ in range(len(work.samples) if online else 1)]
        neurons = work.net.layers[0].size * len(work.samples)
        evaluation, update = sum(p[0] for p in parts), sum(p[1] for p in parts)
        found.append(Counted(evaluation, update, int(live, 16) / neurons, int(digest, 16)))
    return found


def _line(target: Target, port: serial.SerialBase) -> str:
    line = port.readline().decode(errors="replace")
    if not line.endswith("\n") or "FAULT" in line:
        raise BoardError(f"{target.name}: the bench image stopped at {line!r}")
    return str(line.rstrip())


# ---- the benchmark -----------------------------------------------------------------------------


def works(samples: int) -> list[Work]:
    """The work unit 578-64-10, 15 ticks, 32 pairs: batch, full-rank on the same, online sample."""
    batch = NetConfig(578, 10, 15, (LifConfig(64, 900),), gain=4)
    online = NetConfig(578, 10, 15, (LifConfig(64, 2000),), gain=5)
    return [
        make_work("batch", batch, EsConfig("batch", 32), samples),
        make_work("full", batch, EsConfig("full", 32), samples),
        make_work("online", online, EsConfig("sample", 32, segments=5), samples, std=64),
    ]


def measure(quick: bool, say: Say) -> dict[str, Any]:
    """Counts the work unit on every target.

    quick: 2 samples a generation instead of 12, for a look; the Pico's full-rank count is then the
    Cortex-M0's, which it equals: rp2040js takes a minute for it.
    Returns rows (one a target and estimator) and a summary: member evaluations of `batch`, and
    how many times the instructions of its generation full-rank ES takes.
    """
    samples = 2 if quick else 12
    rows: list[dict[str, Any]] = []
    summary: dict[str, dict[str, float]] = {}
    of_m0: Counted | None = None
    units = works(samples)
    for target in TARGETS:
        say(f"{target.name} ({target.core}): {samples} samples in {target.board}'s emulator")
        as_m0 = of_m0 if quick and target.core == "Cortex-M0+" else None
        run = [w for w in units if not (as_m0 and w.name == "full")]
        counted = dict(zip((w.name for w in run), count(target, run), strict=True))
        if as_m0:
            counted["full"] = as_m0
        of_m0 = counted["full"] if target.core == "Cortex-M0" else of_m0
        for work in run:
            c = counted[work.name]
            generations = len(work.samples) if work.name == "online" else 1
            rows.append(
                {
                    "board": target.name,
                    "core": target.core,
                    "emulated": target.board,
                    "note": target.note,
                    "estimator": work.name,
                    "net": "578-64-10",
                    "ticks": work.net.ticks,
                    "pairs": work.es.pairs,
                    "samples": len(work.samples) // generations,
                    "generations": generations,
                    "events": round(work.events, 1),
                    "live": round(c.live, 3) if work.name != "full" else None,
                    "instructions_per_member_eval": round(c.evaluation / work.members, 1),
                    "instructions_update": c.update // generations,
                    "instructions_per_generation": c.generation // generations,
                    "digest": f"{c.digest:08x}",
                }
            )
        ratio = counted["full"].generation / counted["batch"].generation
        summary[target.name] = {
            f"{prefix}instructions_per_member_eval": round(
                counted[work.name].evaluation / work.members, 1
            )
            for prefix, work in (("", units[0]), ("online_", units[-1]))
        }
        summary[target.name] |= {
            "full_rank_over_batch": round(ratio, 2),
        }
        say(f"  {summary[target.name]}")
    return {"rows": rows, "summary": summary}
