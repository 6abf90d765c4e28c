"""The firmware over its serial port: the same training, bit for bit, on host and boards.

A missing emulator is a failure, because tools/test installs all of them.
"""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from eggroll_edge._core import lib

from eggroll_edge.boards.emulator import emulator
from eggroll_edge.boards.host_board import HostBoard, on_pty
from eggroll_edge.boards.table import BOARDS, EMULATED
from eggroll_edge.devices.device_estimator import on_devices
from eggroll_edge.errors import DeviceError
from eggroll_edge.link.frames import Command
from eggroll_edge.link.messages import RunReply
from eggroll_edge.link.session import Session
from eggroll_edge.link.transport import BAUD, SerialTransport
from eggroll_edge.training.run import train
from tests.helpers import link as linked
from tests.helpers import tiny_dataset as synthetic

GENERATIONS, PER, ONLINE = 10, 3, 50
PERSISTENT = [name for name in EMULATED if BOARDS[name].persistent_flash_args]
"""Boards whose emulator keeps their non-volatile memory in a file."""

expected_batch = cache(linked.expected_batch)
expected_online = cache(linked.expected_online)


def connect(url: str, baud: int = BAUD) -> Session:
    return Session(lambda: SerialTransport(url), timeout=20, baud=baud)


@contextlib.contextmanager
def device(target: str, memory: Path | None = None) -> Iterator[Session]:
    """A session with the host as a board, or with a board in its emulator."""
    with contextlib.ExitStack() as stack:
        if target == "in-process":
            yield stack.enter_context(linked.in_process())
        elif target == "pty":
            yield stack.enter_context(connect(stack.enter_context(on_pty(HostBoard()))))
        else:
            running = stack.enter_context(emulator(target, memory=memory))
            yield stack.enter_context(connect(running.url))


@pytest.mark.parametrize("target", ["in-process", "pty", *EMULATED])
def test_same_digest_at_every_generation(target: str) -> None:
    with device(target) as session:
        if target in EMULATED:
            assert session.hello.board == target
            assert session.selftest() == 0
        before = session.retries  # QEMU's STM32 drops an early HELLO; the selftest takes its time
        for rank in (1, 3):
            digests = list(linked.run_batch(session, rank, GENERATIONS, PER))
            assert digests == expected_batch(rank, GENERATIONS, PER)
        assert list(linked.run_online(session, ONLINE)) == expected_online(ONLINE)
        for net in (linked.NET, linked.DEEP):
            digests = list(linked.run_online(session, ONLINE, net, linked.SWEEP))
            assert digests == expected_online(ONLINE, net, linked.SWEEP)
        for net in (linked.CONVOLUTION, linked.DEEP_CONVOLUTION):
            digests = list(linked.run_online(session, 20, net, linked.SWEEP))
            assert digests == expected_online(20, net, linked.SWEEP)
        digests = list(linked.run_online(session, ONLINE, linked.NET, linked.SELECTIVE))
        assert digests == expected_online(ONLINE, linked.NET, linked.SELECTIVE)
        digests = list(linked.run_credited(session, linked.SWEEP, GENERATIONS, PER))
        assert digests == linked.expected_credited(linked.SWEEP, GENERATIONS, PER)
        for es in linked.SHIFTED:
            digests = list(linked.run_credited(session, es, 4, PER, linked.SHAPED))
            assert digests == linked.expected_credited(es, 4, PER, linked.SHAPED)
        assert session.stats().samples == (3 * GENERATIONS + 3 * 4) * PER + 4 * ONLINE + 2 * 20
        assert session.retries <= before + 1


@pytest.mark.parametrize("board", EMULATED)
def test_baud_rate(board: str) -> None:
    """Emulated UARTs work at any baud rate; this shows that the firmware sets it and continues."""
    with emulator(board) as running, connect(running.url, baud=460800) as session:
        digests = list(linked.run_online(session, 5))
        assert digests == expected_online(ONLINE)[:5]
        if board == "riscv-virt":
            assert session.baud == BAUD
            assert "refuses BAUD" in session.notes[0]
        else:
            assert session.baud == 460800
        stats = session.stats()
        assert 0 < stats.busy_clock + stats.link_clock <= stats.clock
        for baud in (0, 1, 100_000_000):
            with pytest.raises(DeviceError, match="baud rate is out of range"):
                session.request(Command.BAUD, baud.to_bytes(4, "little"))


def test_two_boards_of_two_kinds_are_one_population(tmp_path: Path) -> None:
    """A Cortex-M0 and a RISC-V share the recordings of each generation; the digests are equal."""
    wanted = synthetic.config("batch", generations=4, batch=6, pairs=24)
    data: dict[str, Any] = {"data": synthetic.TRAIN, "test_data": synthetic.TEST, "workers": 1}
    expected = train(wanted, tmp_path / "host", **data).weights_digest
    with (
        emulator("microbit") as one,
        emulator("hifive1") as other,
        connect(one.url) as a,
        connect(other.url) as b,
    ):
        found = train(wanted, tmp_path / "boards", **data, make_estimator=on_devices(a, b))
        assert {f"{session.digest()[1]:08x}" for session in (a, b)} == {expected}
        assert [session.stats().samples for session in (a, b)] == [12, 12]
    assert found.weights_digest == expected


@pytest.mark.parametrize("board", ["microbit", "pico"])
def test_emulated_board_on_a_pty(board: str) -> None:
    """With QEMU and with rp2040js. `eggroll-edge devices` finds the board there."""
    cli = [sys.executable, "-m", "eggroll_edge"]
    command = [*cli, "emulate", board, "--pty"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            path = process.stdout.readline().strip()
            assert path.startswith("/dev/")
            for _ in range(2):  # two programs, one after the other
                with connect(path, baud=460800) as session:
                    assert session.hello.board == board
                    assert session.baud == 460800
                    assert list(linked.run_online(session, ONLINE)) == expected_online(ONLINE)
            done = subprocess.run([*cli, "devices", path, "--json"], capture_output=True, text=True)
            (found,) = json.loads(done.stdout)["devices"]
            assert (found["board"], found["core"]) == (board, BOARDS[board].core)
            assert BOARDS[board].core in done.stderr
        finally:
            process.terminate()


@pytest.mark.parametrize("board", PERSISTENT)
def test_a_checkpoint_survives_power_loss(board: str, tmp_path: Path) -> None:
    memory = tmp_path / "memory"
    with device(board, memory) as session:
        assert not session.hello.configured
        digests = list(linked.run_online(session, 5))
        assert session.save() == 5
        kept = digests[-1]
        session.train(*linked.recordings(1)[0])  # lost
    with device(board, memory) as session:
        assert session.hello.configured
        assert (session.hello.generation, session.hello.digest) == (5, kept)
        for number in (6, 7, 8):  # each slot more than once
            session.begin(number - 1, linked.SAMPLE_STEPS)
            session.train(*linked.recordings(8)[number - 1])
            assert session.save() == number
        kept = session.digest()[1]
    with device(board, memory) as session:
        assert (session.hello.generation, session.hello.digest) == (8, kept)


def test_checkpoint_in_the_microbits_flash() -> None:
    """QEMU has a model of its flash controller, but loses the flash when it ends."""
    with device("microbit") as session:
        kept = list(linked.run_online(session, 3))[-1]
        for number in (3, 4, 5):
            assert session.save() == number
            session.reset()
            assert (loaded := session.load()).digest == kept
            assert loaded.generation == number
            session.begin(number, linked.SAMPLE_STEPS)
            session.train(*linked.recordings(5)[number - 1])
            kept = session.digest()[1]


@pytest.mark.parametrize("board", ["stm32f405", "hifive1"])
def test_a_board_without_flash_to_write_says_so(board: str) -> None:
    """QEMU has no flash controller for the STM32F405, and the HiFive1 has no checkpoints."""
    with device(board) as session:
        digest = list(linked.run_online(session, 1))[-1]
        with pytest.raises(DeviceError, match=f"{board} refuses SAVE"):
            session.save()
        assert session.digest() == (1, digest)


def train_without_label(session: Session) -> RunReply:
    """Send a recording without a label, so that the board must give it."""
    session.configure(linked.device_config(linked.ONLINE, online=True))
    session.begin(0, linked.SAMPLE_STEPS)
    return session.train(linked.recordings(1)[0][0], None)


@pytest.mark.parametrize("board", ["microbit", "pico", "hifive1"])
def test_no_button_is_pressed(board: str) -> None:
    """Or the board has no buttons: it refuses the recording, and learns nothing."""
    with device(board) as session:
        with pytest.raises(DeviceError, match=f"{board} refuses SAMPLE") as error:
            train_without_label(session)
        assert error.value.status == lib.EGG_E_LABEL
        assert session.stats().samples == 0


@pytest.mark.parametrize(("pin", "label"), [(14, 0), (15, 1)])
def test_the_label_of_a_button(pin: int, label: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PICO_PRESSED", str(pin))
    with device("pico") as session, linked.in_process() as other:
        assert train_without_label(session).label == label
        other.configure(linked.device_config(linked.ONLINE, online=True))
        other.begin(0, linked.SAMPLE_STEPS)
        other.train(linked.recordings(1)[0][0], label)
        assert session.digest() == other.digest()
