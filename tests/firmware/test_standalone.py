"""Boards that train by themselves, on recordings in their flash.

They reach the digests of the same run on the host, continue after power loss, and answer the host
while they train.
"""

from __future__ import annotations

import re
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from pathlib import Path

import pytest

from eggroll_edge.boards.build import build
from eggroll_edge.boards.emulator import emulator
from eggroll_edge.boards.host_board import HostBoard, InProcess
from eggroll_edge.boards.table import BoardError
from eggroll_edge.devices.standalone import pack
from eggroll_edge.journal.reader import JournalReader
from eggroll_edge.link.frames import Decoder
from eggroll_edge.link.messages import DeviceConfig
from eggroll_edge.link.session import Session
from eggroll_edge.link.transport import SerialTransport
from eggroll_edge.training.batches import RecordingOrder
from eggroll_edge.training.config import TrainConfig
from eggroll_edge.training.run import train
from tests.helpers.tiny_dataset import TEST, TRAIN, config
from tools.firmware import stack as stack_bound

ONLINE = config("online", generations=400)
BATCH = config("batch", generations=30, batch=8)
SWEEP_ONLINE = config("sweep-online", generations=400, learn_above=1.0)
SHIFTED = config("sweep-online", generations=400, learn_above=1.0, shift=1)
CONVOLUTION = config(
    "sweep-online", generations=400, hidden=("conv 4 k3",), readout_pool=2, learn_above=1.0
)
SWEEP = config("sweep", generations=30, batch=8, hidden=(12, 8), learn_above=1.9)


class Line:
    """The text lines on the serial port of a board."""

    def __init__(self, url: str) -> None:
        host, port = url.removeprefix("socket://").split(":")
        self._socket = socket.create_connection((host, int(port)), timeout=60)
        self._decoder = Decoder()

    def lines(self) -> Iterator[str]:
        while True:
            said, self._decoder.text_lines = self._decoder.text_lines, []
            yield from said
            data = self._socket.recv(4096)
            assert data, "the board is gone"
            self._decoder.feed(data)

    def until(self, start: str) -> list[str]:
        """All lines up to the first that starts like this."""
        found: list[str] = []
        for line in self.lines():
            found.append(line)
            if line.startswith((start, "standalone: stopped")):
                break
        return found

    def __enter__(self) -> Line:
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.close()


@cache
def run(wanted: TrainConfig, folder: Path) -> tuple[dict[int, str], float]:
    """Train on the host: the digest after each line of the journal, and the test accuracy."""
    result = train(wanted, folder, workers=1, data=TRAIN, test_data=TEST)
    lines = JournalReader(folder).generations()
    assert result.test_accuracy is not None
    if wanted.learn_above:
        assert 0 < result.learned < result.recordings
    return {x.generation + x.generations: f"{x.digest:08x}" for x in lines}, result.test_accuracy


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("standalone")


def image(board: str, folder: Path, wanted: TrainConfig = ONLINE, every: int | None = None) -> Path:
    file = folder / "standalone.bin"
    file.write_bytes(pack(wanted, TRAIN, TEST, every))
    return build(board, standalone=file, out=folder / "build")


def reported(lines: list[str]) -> dict[int, str]:
    """The digests that a board has reported, by generation."""
    found = (re.match(r"generation (\d+): .*digest ([0-9a-f]{8})", line) for line in lines)
    return {int(match[1]): match[2] for match in found if match}


@pytest.mark.parametrize(
    ("board", "wanted"),
    [
        ("microbit", ONLINE),
        ("pico", ONLINE),
        ("hifive1", ONLINE),
        ("mps2-an386", BATCH),
        ("microbit", SWEEP_ONLINE),
        ("pico", SWEEP_ONLINE),
        ("microbit", SHIFTED),
        ("pico", SHIFTED),
        ("stm32f405", SWEEP_ONLINE),
        ("hifive1", SWEEP_ONLINE),
        ("microbit", CONVOLUTION),
        ("pico", CONVOLUTION),
        ("mps2-an386", SWEEP),
        ("riscv-virt", SWEEP),
    ],
)
def test_digests_of_the_same_run_on_the_host(board: str, wanted: TrainConfig, folder: Path) -> None:
    name = f"{wanted.kind}-{wanted.shift}-{wanted.readout_pool}"
    digests, accuracy = run(wanted, folder / name)
    every = 50 if wanted.online else 3
    with emulator(board, image(board, folder, wanted, every)) as running, Line(running.url) as line:
        lines = line.until("standalone: over")
    assert lines[0] == f"standalone: {wanted.generations} generations, from 0"
    found = reported(lines)
    assert len(found) == wanted.generations // every
    common = found.keys() & digests.keys()
    assert len(common) >= 2
    assert {g: found[g] for g in common} == {g: digests[g] for g in common}
    end = f"generation {wanted.generations}: right {accuracy:.0f} of {len(TEST)}"
    assert lines[-1].startswith(f"standalone: over after {end}")
    assert lines[-1].endswith(digests[wanted.generations])
    saves = board not in ("hifive1", "stm32f405")  # which have no checkpoints, here
    assert all(line.endswith(", saved") == saves for line in lines[1:-1])


@pytest.mark.parametrize(
    ("board", "total"),  # long enough that it is not over at the power cut, on a busy machine too
    [("pico", 500), ("mps2-an386", 10000), ("riscv-virt", 10000)],
)
def test_a_run_continues_after_power_loss(
    board: str, total: int, folder: Path, tmp_path: Path
) -> None:
    wanted = replace(SWEEP_ONLINE, generations=total, learn_above=0.0)
    every = total // 20
    digests, _ = run(wanted, folder / f"{total}")
    elf, memory = image(board, folder, wanted, every), tmp_path / "memory"
    for stop in (2 * every, 4 * every):  # the power is cut at some point after it
        with emulator(board, elf, memory=memory) as running, Line(running.url) as line:
            line.until(f"generation {stop}:")
    with emulator(board, elf, memory=memory) as running, Line(running.url) as line:
        lines = line.until("standalone: over")
    begun = re.fullmatch(rf"standalone: {total} generations, from (\d+)", lines[0])
    assert begun is not None
    assert 4 * every <= int(begun[1]) < total
    found = reported(lines)
    assert min(found) == int(begun[1]) + every
    common = found.keys() & digests.keys()
    assert total in common
    assert {g: found[g] for g in common} == {g: digests[g] for g in common}
    with emulator(board, elf, memory=memory) as running, Line(running.url) as line:
        lines = line.until("standalone: over")  # only the tests are left to do
    assert len(lines) == 2
    assert lines[-1].endswith(digests[total])
    other = image(board, folder, replace(wanted, seed=2), every)
    with emulator(board, other, memory=memory) as running, Line(running.url) as line:
        assert line.until("standalone:") == [f"standalone: {total} generations, from 0"]


def test_a_board_answers_while_it_trains(folder: Path) -> None:
    """INFER between two updates gives the result of the host's net of that generation."""
    wanted = config("online", generations=20000)
    elf = image("mps2-an386", folder, wanted)
    recording = TEST[3].tobytes()
    with (
        emulator("mps2-an386", elf) as running,
        Session(lambda: SerialTransport(running.url)) as session,
    ):
        seen = []
        for _ in range(3):
            before = session.digest()[0]
            answer = session.infer(recording, int(TEST.labels[3]))
            seen.append((before, answer, session.digest()[0]))
            time.sleep(0.2)  # the board trains while it is not asked anything
        session.configure(DeviceConfig(ONLINE.net_config(TRAIN.n_in, 4)))  # the host takes over
        said, done = session.text_lines(), session.stats().samples
        while not said or not said[-1].startswith("standalone: stopped"):
            assert session.stats().samples == done
            said += session.text_lines()
    assert said[0] == "standalone: 20000 generations, from 0"
    assert re.fullmatch(r"standalone: stopped at generation \d+: the host has taken over", said[-1])
    assert 0 < seen[0][2] < seen[1][2] < seen[2][2]

    net = wanted.net_config(TRAIN.n_in, TRAIN.n_classes)
    order = RecordingOrder(wanted.seed, len(TRAIN), wanted.batch).indices(0, seen[-1][2] + 1)
    with Session(lambda: InProcess(HostBoard())) as host:
        host.configure(
            DeviceConfig(
                net, wanted.es_config(), True, wanted.seed, wanted.init_std, wanted.readout_std
            )
        )
        generation = 0
        for before, answer, after in seen:
            possible = []
            while generation <= after:
                if generation >= before:
                    possible.append(host.infer(recording, int(TEST.labels[3])))
                if generation % 250 == 0:
                    host.begin(generation, wanted.hyperparameters_at(generation))
                host.train(TRAIN[order[generation]].tobytes(), int(TRAIN.labels[order[generation]]))
                generation += 1
            assert answer in possible


def test_a_net_that_does_not_fit(folder: Path) -> None:
    wanted = replace(ONLINE, hidden=(400,))
    with emulator("microbit", image("microbit", folder, wanted)) as running, Line(running.url) as x:
        stopped = "standalone: stopped at generation 0: the net does not fit this board"
        assert x.until("standalone:") == [stopped]


def test_recordings_that_do_not_fit(folder: Path) -> None:
    many = TRAIN.subset([i % len(TRAIN) for i in range(4000)])
    file = folder / "many.bin"
    file.write_bytes(pack(ONLINE, many, TEST))
    with pytest.raises(
        BoardError, match=r"standalone does not fit the flash of microbit by [\d,]+ b"
    ):
        build("microbit", standalone=file, out=folder / "build")


def test_the_stack_of_a_standalone_image(folder: Path) -> None:
    file = folder / "standalone.bin"
    file.write_bytes(pack(ONLINE, TRAIN, TEST))
    for board in ("microbit", "hifive1", "pico"):
        bound = stack_bound.bound(board, "standalone", out=folder / "build", standalone=file)
        assert bound.total <= bound.given, bound.chain


def test_command_line(folder: Path) -> None:
    pytest.importorskip("sklearn")
    cli = [sys.executable, "-m", "eggroll_edge"]
    run_dir = str(folder / "digits")
    small = ["--online", "--pool", "2", "--hidden", "12", "--generations", "500"]
    subprocess.run([*cli, "train", *small, "--out", run_dir], check=True, capture_output=True)
    last = JournalReader(Path(run_dir)).generations()[-1]
    command = [*cli, "emulate", "mps2-an386", "--standalone", run_dir]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        url = process.stdout.readline().strip()
        monitor = subprocess.Popen(
            [*cli, "monitor", "--port", url, "--every", "0.2"], stdout=subprocess.PIPE, text=True
        )
        assert monitor.stdout is not None
        found = next(line for line in monitor.stdout if line.startswith("standalone: over"))
        monitor.kill()
        monitor.communicate()
        process.terminate()
    assert found.startswith("standalone: over after generation 500: right ")
    assert found.split()[-1] == f"{last.digest:08x}"
    done = subprocess.run(
        [*cli, "emulate", "--standalone", run_dir], capture_output=True, text=True
    )
    assert done.returncode == 1
    assert "--standalone needs a board: use one of microbit" in done.stderr
