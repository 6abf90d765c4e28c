"""Guest instructions of the firmware's core in emulators, counted exactly between two marks.

The image `bench` (firmware/images/bench_main.c) runs generations that are written here, on the same
objects as the product image: `batch`, online `sample`, and full-rank ES with the same kernels
below it. QEMU counts with a plugin (tests/emulator/insncount.c), rp2040js in its own loop. These
are instructions, never cycles or seconds. The digest of the weights proves the work: it must be
the host's.

Recordings and weights are random, a recording has as many events as N-MNIST at 2 x 2 pooling.
Neurons whose spikes no perturbation can move cost next to nothing, so a count depends on the share
of the others, and each row says it (`live`): about 0.3 here. A net is at 0.2 when its training
starts and at 0.56 when `batch` has trained it on N-MNIST: plan's --live tells what that changes.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import serial

from eggroll_edge import core
from eggroll_edge._core import ffi, lib
from eggroll_edge.boards import BoardError, build, find_board
from eggroll_edge.core import I8, Net, Population, Samples, Steps, Workspace
from eggroll_edge.emulate import emulator
from eggroll_edge.events import decode_stream
from eggroll_edge.mcu_cost import EVENT_RATE, FILE, Load, terms
from eggroll_edge.netconfig import ESTIMATORS, FITNESSES, READOUTS, EsConfig, LifConfig, NetConfig

ROOT = Path(__file__).resolve().parent.parent
PLUGIN = ROOT / "tests/emulator/insncount.c"
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
    steps: Steps
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
        "batch": Steps((1536, 512), ((120, 8), (120, 8))),
        "sample": Steps((500, 7987), ((110, 13), (110, 13))),
        "full": Steps((1086, 362), ((120, 9), (120, 9))),
    }[es.estimator]
    recorded = recordings(net, samples, seed, rate)
    return Work(name, net, es, steps, trained.weights.copy(), recorded, seed)


def expected_digest(work: Work) -> int:
    """The same on the host."""
    net = Net(work.net)
    net.weights[:] = work.weights
    streams = [np.frombuffer(stream, np.uint8) for stream, _ in work.samples]
    samples = Samples(
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
    diff, active = np.zeros(pairs, np.int32), np.zeros(core.active_bytes(work.net), np.uint8)
    f = np.zeros(pairs, np.int8)
    if work.es.estimator == "batch":
        population.eval_batch(ws, samples, index, diff, active)
        core.shape(diff, f)
        population.update_batch(ws, f, active)
        return net.digest
    base = core._aligned(2 * n * work.net.ticks * core.padded(work.net.layers[0].size))
    currents = base.view(np.int16)
    population.share_full(ws, samples, index, currents, active)
    population.eval_full(ws, samples, index, currents, 0, pairs, diff)
    core.shape(diff, f)
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


# ---- the model that `plan` predicts with --------------------------------------------------------


def load_of(work: Work, counted: Counted) -> Load:
    """What the model wants to know of a work."""
    net, segments = work.net, work.es.segments
    seen, rows, spans = np.zeros(net.inputs, bool), [], []
    for stream, _ in work.samples:
        hit = np.zeros((segments, net.inputs), bool)
        for tick, events in enumerate(decode_stream(np.frombuffer(stream, np.uint8), net.ticks)):
            hit[tick * segments // net.ticks, events] = True
        seen |= hit.any(0)
        rows.append(int(hit.any(0).sum()))
        spans.append(int(hit.sum()))
    batch = work.es.estimator == "batch"
    mean_rows = float(seen.sum() if batch else np.mean(rows))
    n = len(work.samples)
    return Load(net, work.es, n, work.events, counted.live, mean_rows, float(np.mean(spans)))


def fit_works() -> list[Work]:
    """Works of many shapes, for the fit."""
    rng = np.random.default_rng(7)
    found = []
    for i in range(44):
        batch = i % 2 == 0
        hidden = int(rng.choice([16, 24, 32, 48, 64, 80] if i % 8 < 6 else [18, 30, 49]))
        inputs = int(rng.choice([80, 144, 289, 400, 578]))
        ticks = int(rng.choice([8, 10, 15, 20, 25]))
        pairs = int(rng.choice([8, 16, 32, 32, 64])) if i % 8 < 6 else 32
        std = int(rng.choice([24, 40, 64] if batch else [48, 64]))
        threshold = 900 if batch else 2000
        net = NetConfig(
            inputs, int(rng.choice([4, 10, 16])), ticks, (LifConfig(hidden, threshold),)
        )
        rank = int(rng.choice([1, 1, 2, 3, 4])) if batch else 1
        segments = 1 if batch else int(rng.choice([1, 3, 5]))
        es = EsConfig("batch" if batch else "sample", pairs, rank, segments)
        rate = float(rng.choice([0.05, 0.11, 0.2]))
        found.append(make_work(f"fit{i}", net, es, 1 + i % 3, std=std, seed=i, rate=rate))
    return found


def _least_squares(rows: list[dict[str, float]], counts: list[int]) -> dict[str, float]:
    """Costs >= 0 of each term, least relative squares: negative ones are left out, one by one."""
    names = [name for name in rows[0] if any(row[name] for row in rows)]
    while True:
        pairs = zip(rows, counts, strict=True)
        matrix = np.array([[row[name] / n for name in names] for row, n in pairs])
        scale = matrix.max(axis=0)
        costs = np.linalg.lstsq(matrix / scale, np.ones(len(rows)), rcond=None)[0] / scale
        if costs.min() >= 0:
            return {name: float(f"{c:.5g}") for name, c in zip(names, costs, strict=True)}
        names.pop(int((costs * scale).argmin()))


def fit(say: Say, targets: Sequence[Target] = TARGETS) -> dict[str, Any]:
    """Counts fit_works() on each target and fits the model; for mcu_cost.json."""
    units = fit_works()
    found: dict[str, Any] = {}
    for target in targets:
        counted = count(target, units)
        kinds: dict[str, Any] = {}
        for kind, estimator in (("batch", "batch"), ("online", "sample")):
            chosen = [p for p in zip(units, counted, strict=True) if p[0].es.estimator == estimator]
            loads = [terms(load_of(work, c)) for work, c in chosen]
            kinds[kind] = {}
            for part in ("evaluation", "update"):
                counts = [getattr(c, part) for _, c in chosen]
                costs = _least_squares([t[part] for t in loads], counts)
                kinds[kind][part] = costs
                off = [
                    sum(costs.get(k, 0.0) * v for k, v in t[part].items()) / n - 1
                    for t, n in zip(loads, counts, strict=True)
                ]
                say(f"{target.core} {kind} {part}: within {100 * max(map(abs, off)):.1f} %")
        found[target.core] = kinds
    return {
        "what": "instructions a turn of each loop: eggroll_edge/mcu_cost.py, fitted by "
        "python -m eggroll_edge.bench_mcu",
        "cores": found,
    }


def main() -> None:
    """Writes mcu_cost.json anew."""
    model = fit(print)
    Path(__file__).with_name(FILE).write_text(json.dumps(model, indent=1) + "\n")


if __name__ == "__main__":
    main()
