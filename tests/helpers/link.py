"""For tests of the link: small nets, what the reference model gives for them, and sessions."""

from __future__ import annotations

import atexit
import os
import select
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import astuple, replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from eggroll_edge.boards.host_board import HostBoard, InProcess
from eggroll_edge.core.config import EsConfig, Hyperparameters, LifConfig, NetConfig
from eggroll_edge.link.messages import DeviceConfig
from eggroll_edge.link.session import Session
from tests import reference

ROOT = Path(__file__).resolve().parents[2]
NET = NetConfig(20, 4, 5, (LifConfig(10, 96, 2, 1),), "integrate", 4)
DEEP = NetConfig(20, 4, 5, (LifConfig(8, 96, 2), LifConfig(6, 64, 1)), "integrate", 4)
SHAPED = replace(NET, input_shape=(1, 4, 5))
_KERNELS = (LifConfig(4, 60, 1, 0, 3, 1, 1), LifConfig(3, 96, 2, 1, 3, 2, 0))
CONVOLUTION = NetConfig(40, 4, 5, _KERNELS[:1], "integrate", 4, 1, (2, 4, 5), 2)
DEEP_CONVOLUTION = NetConfig(
    40, 4, 5, (*_KERNELS, LifConfig(6, 64, 1)), "integrate", 4, 1, (2, 4, 5)
)
SEED, STD = 7, 32
Recording = tuple[bytes, int]
"""Its stream and its label."""


def recordings(n: int, seed: int = 1, net: NetConfig = NET) -> list[Recording]:
    """Random recordings, about 25 bytes each."""
    rng = np.random.default_rng(seed)

    def ticks() -> list[list[int]]:
        return [np.flatnonzero(rng.random(net.inputs) < 0.2).tolist() for _ in range(net.ticks)]

    return [(reference.encode(ticks()), int(rng.integers(net.outputs))) for _ in range(n)]


def batch(rank: int) -> EsConfig:
    return EsConfig("batch", 12, rank)


ONLINE = EsConfig("sample", 10, 1, 3)
SWEEP = EsConfig("sweep", 1, 1, 3, penalty=2)
EPROP = EsConfig("eprop", 1, 1, 5, penalty=2)
SELECTIVE = EsConfig("sweep", 1, 1, 3, penalty=2, learn_above=8000)
"""Recordings with a loss below 2 bits leave no credit."""
SHIFTED = tuple(replace(es, shift=1) for es in (EsConfig("batch", 12), ONLINE, SWEEP))
"""With recordings that are shifted, for the net SHAPED."""
BATCH_STEPS = Hyperparameters((400, 300), ((90, 6), (64, 6)))
SAMPLE_STEPS = Hyperparameters((40, 700), ((96, 11), (80, 11)))
SWEEP_STEPS = Hyperparameters((40, 0), ((96, 8), (80, 7)))
STEPS = {
    "batch": BATCH_STEPS,
    "sample": SAMPLE_STEPS,
    "sweep": SWEEP_STEPS,
    "eprop": Hyperparameters((60, 0), ((96, 6), (80, 7))),
}


def device_config(es: EsConfig, online: bool = False, net: NetConfig = NET) -> DeviceConfig:
    return DeviceConfig(net, es, online, SEED, STD, STD, 400)


def model(es: EsConfig, steps: Hyperparameters, net: NetConfig = NET) -> tuple[reference.Net, Any]:
    """A net of the reference model, and its estimator."""
    layers = tuple(reference.LayerConfig(*astuple(x)) for x in net.layers)
    shape = reference.Shape(*net.input_shape) if net.input_shape else None
    ref = reference.Net(
        reference.NetConfig(
            net.inputs, net.ticks, layers, net.readout, net.outputs, net.gain, 1, shape,
            net.readout_pool,
        )
    )  # fmt: skip
    ref.init_weights(SEED, STD, STD)
    return ref, reference.EsConfig(
        es.estimator, es.pairs, es.rank, es.segments, *steps.sigma, es.fitness, es.penalty,
        es.learn_above, es.shift,
    )  # fmt: skip


@cache
def expected_batch(rank: int, generations: int, per: int, net: NetConfig = NET) -> list[int]:
    """The digest after each generation of `batch`, by the reference model."""
    ref, es = model(batch(rank), BATCH_STEPS, net)
    data, found = recordings(generations * per, net=net), []
    for g in range(generations):
        reference.generation_batch(
            ref, es, SEED, g, data[g * per : (g + 1) * per], *BATCH_STEPS.rate
        )
        found.append(ref.digest())
    return found


@cache
def expected_online(n: int, net: NetConfig = NET, es: EsConfig = ONLINE) -> list[int]:
    """The digest after each recording of online training, by the reference model."""
    return expected_credited(es, n, 1, net)


@cache
def expected_credited(es: EsConfig, generations: int, per: int, net: NetConfig = NET) -> list[int]:
    """The digest after each generation, by the reference model."""
    ref, settings = model(es, STEPS[es.estimator], net)
    data, found = recordings(generations * per, net=net), []
    for g in range(generations):
        part = data[g * per : (g + 1) * per]
        train = {
            "batch": reference.generation_batch,
            "sample": reference.generation_sample,
            "sweep": reference.generation_credit,
            "eprop": reference.generation_credit,
        }[es.estimator]
        train(ref, settings, SEED, g, part, *STEPS[es.estimator].rate)
        found.append(ref.digest())
    return found


def run_batch(
    session: Session, rank: int, generations: int, per: int, net: NetConfig = NET
) -> Iterator[int]:
    """The digests of expected_batch() on a device."""
    yield from run_generations(session, batch(rank), BATCH_STEPS, generations, per, net)


def run_credited(
    session: Session, es: EsConfig, generations: int, per: int, net: NetConfig = NET
) -> Iterator[int]:
    """The digests of expected_credited() on a device, in mini-batches."""
    yield from run_generations(session, es, STEPS[es.estimator], generations, per, net)


def run_generations(
    session: Session,
    es: EsConfig,
    steps: Hyperparameters,
    generations: int,
    per: int,
    net: NetConfig,
) -> Iterator[int]:
    """Train a device in mini-batches of `per` recordings; yields its digests."""
    session.configure(device_config(es, net=net))
    data = recordings(generations * per, net=net)
    for g in range(generations):
        session.begin(g, steps)
        sent = [
            session.send_recording(*recording, pos=i)
            for i, recording in enumerate(data[g * per : (g + 1) * per])
        ]
        for each in sent:
            session.result(each)
        assert session.update() == g + 1
        yield session.digest()[1]


def run_online(
    session: Session, n: int, net: NetConfig = NET, es: EsConfig = ONLINE
) -> Iterator[int]:
    """The digests of expected_online() on a device."""
    session.configure(device_config(es, online=True, net=net))
    session.begin(0, STEPS[es.estimator])
    for stream, label in recordings(n, net=net):
        session.train(stream, label)
        yield session.digest()[1]


def in_process(board: HostBoard | None = None, **options: Any) -> Session:
    """A session with a device in this process, by default a new one."""
    board = board or HostBoard()
    return Session(lambda: InProcess(board), **options)


class BitFlip(InProcess):
    """A line to a board in this process. During the run, a bit of one of its weights flips."""

    _writes = 0

    def write(self, data: bytes) -> None:
        self._writes += 1
        if self._writes == 60:
            self._board.native.session.net.weights[0][3] ^= 64  # no later update repairs it
        super().write(data)


STRICT = ["-std=c99", "-Wall", "-Wextra", "-Wconversion", "-Werror", "-Wno-psabi", "-O1", "-g"]
SANITIZE = ["-fsanitize=address,undefined,alignment", "-fno-sanitize-recover=all"]


@cache
def _objects(cc: str, *flags: str) -> Path:
    """The core with sanitizers, compiled once in a process for each choice of flags."""
    folder = Path(tempfile.mkdtemp())
    atexit.register(shutil.rmtree, folder)
    core = ROOT / "runtime_c"
    sources = [p for p in core.glob("*/egg_*.c") if p.parent.name != "host"]
    sources.append(core / "host/egg_host_board.c")
    subprocess.run(
        [cc, *STRICT, *SANITIZE, *flags, f"-I{core}", "-c", *map(str, sources)],
        check=True,
        cwd=folder,
    )
    return folder


def build(cc: str, program: str, folder: Path, *flags: str) -> Path:
    """Build tests/c/PROGRAM.c with that core; the flags are for the core."""
    path, source = folder / f"{program}-{cc}", ROOT / f"tests/c/{program}.c"
    objects = map(str, _objects(cc, *flags).glob("*.o"))
    command = [cc, *STRICT, *SANITIZE, f"-I{ROOT / 'runtime_c'}", str(source), *objects]
    subprocess.run([*command, "-o", str(path)], check=True)
    return path


class Program:
    """A Transport to the program of tests/c/link.c."""

    def __init__(self, path: Path) -> None:
        pipe = subprocess.PIPE
        self.process = subprocess.Popen([path], stdin=pipe, stdout=pipe, bufsize=0)

    def write(self, data: bytes) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(data)

    def read(self, timeout: float) -> bytes:
        out = self.process.stdout
        assert out is not None
        ready, _, _ = select.select([out], [], [], timeout)
        return os.read(out.fileno(), 4096) if ready else b""

    def set_baud(self, baud: int) -> None:
        pass

    def close(self) -> None:
        """Ends the program; its sanitizers must have found nothing."""
        self.process.communicate()
        assert self.process.returncode == 0
