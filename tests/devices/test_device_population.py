"""Several devices as one population: the bits of one device, and of the host."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from eggroll_edge.boards.host_board import HostBoard, InProcess, flash_memory, on_pty
from eggroll_edge.devices.device_trainer import Options, on_device
from eggroll_edge.errors import ConfigError, DeviceError, LinkError
from eggroll_edge.journal.records import total
from eggroll_edge.link.session import Session
from eggroll_edge.link.transport import opener
from eggroll_edge.training.progress import Event, Note
from eggroll_edge.training.replay import replay
from eggroll_edge.training.run import resume, train
from tests.devices.test_device_trainer import PowerCuts, history, options, throughputs
from tests.helpers.tiny_dataset import TEST, TRAIN, config

BATCH: dict[str, Any] = {"generations": 12, "batch": 10}


class Plug:
    """A board on a pty whose path stays the same, as udev's names do; can be pulled out."""

    def __init__(self, board: HostBoard, path: Path) -> None:
        self.board, self.path = board, path
        self._stack = contextlib.ExitStack()
        self.plug_in()

    def plug_in(self) -> None:
        self.path.symlink_to(self._stack.enter_context(on_pty(self.board)))

    def pull_out(self) -> None:
        self.path.unlink()
        self._stack.close()


class Watched(HostBoard):
    """Calls for a hand after so many bytes."""

    def __init__(self, after: int) -> None:
        super().__init__("watched")
        self.reached = threading.Event()
        self._left = after

    def receive(self, data: bytes) -> bytes:
        self._left -= len(data)
        if self._left < 0:
            self.reached.set()
        return super().receive(data)


@contextlib.contextmanager
def plugged(boards: list[HostBoard], folder: Path) -> Iterator[list[Plug]]:
    plugs = [Plug(board, folder / f"board{i}") for i, board in enumerate(boards)]
    try:
        yield plugs
    finally:
        for plug in plugs:
            plug.pull_out()


def sessions_of(plugs: list[Plug], stack: contextlib.ExitStack, **more: Any) -> list[Session]:
    return [
        stack.enter_context(Session(opener(str(p.path)), name=p.path.name, timeout=0.1, **more))
        for p in plugs
    ]


def in_process(*boards: HostBoard) -> list[Session]:
    def session(board: HostBoard) -> Session:
        return Session(lambda: InProcess(board))

    return [session(board) for board in boards]


@pytest.mark.parametrize(("devices", "changes"), [(2, {}), (3, {"rank": 3}), (3, {"pairs": 300})])
def test_same_journal_as_on_the_host(devices: int, changes: dict[str, Any], tmp_path: Path) -> None:
    wanted = config("batch", **{**BATCH, **changes})
    train(wanted, tmp_path / "host", **options())
    boards = [HostBoard(f"board-{i}") for i in range(devices)]
    with plugged(boards, tmp_path) as plugs, contextlib.ExitStack() as stack:
        make = on_device(*sessions_of(plugs, stack))
        result = train(wanted, tmp_path / "all", **options(make_trainer=make))
    assert history(tmp_path / "all") == history(tmp_path / "host")
    assert {f"{board.digest:08x}" for board in boards} == {result.weights_digest}
    assert replay(tmp_path / "all", data_override=TRAIN, workers=1).mismatch is None
    used = total(throughputs(tmp_path / "all"))
    assert [(x.port, x.board) for x in used] == [
        (f"board{i}", f"board-{i}") for i in range(devices)
    ]
    assert sum(x.samples for x in used) == wanted.generations * wanted.batch
    assert min(x.samples for x in used) >= wanted.generations * (wanted.batch // devices)


@pytest.mark.parametrize("power", [False, True], ids=["stays on", "loses its power"])
@pytest.mark.parametrize("after", [1500, 4000])
def test_unplugged_and_plugged_in_again(power: bool, after: int, tmp_path: Path) -> None:
    wanted = config("batch", **BATCH)
    train(wanted, tmp_path / "host", **options())
    watched = Watched(after)
    notes: list[str] = []

    def listen(event: Event) -> None:
        if isinstance(event, Note):
            notes.append(event.text)

    with plugged([HostBoard(), watched, HostBoard()], tmp_path) as plugs:

        def hand() -> None:
            assert watched.reached.wait(30)
            plugs[1].pull_out()
            if power:
                watched.start()
            time.sleep(0.2)
            plugs[1].plug_in()

        thread = threading.Thread(target=hand)
        thread.start()
        with contextlib.ExitStack() as stack:
            sessions = sessions_of(plugs, stack, patience=20)
            make = on_device(*sessions)
            train(wanted, tmp_path / "all", **options(make_trainer=make, on_event=listen))
        thread.join()
    assert history(tmp_path / "all") == history(tmp_path / "host")
    assert sessions[1].reconnects == 1
    assert notes[0].startswith("watched at board1: the link broke (")
    assert "waiting for it, up to 20 s" in notes[0]
    assert notes[1].startswith("watched at board1: the link is back after 0.")
    again = "watched at board1: was switched off; it gets the weights and its share of this "
    assert any(note.startswith(again) for note in notes) == power


def test_boards_that_lose_their_power_at_any_time(tmp_path: Path) -> None:
    """In the middle of samples, between the shares and the step, within the step."""
    wanted = config("batch", **{**BATCH, "generations": 40})
    train(wanted, tmp_path / "host", **options())
    links = [PowerCuts(HostBoard(), every) for every in (61, 83, 10**9)]
    sessions = [Session(lambda link=link: link) for link in links]  # type: ignore[misc]
    train(wanted, tmp_path / "all", **options(make_trainer=on_device(*sessions)))
    assert links[0].shards_of >= 7
    assert links[1].shards_of >= 4
    assert history(tmp_path / "all") == history(tmp_path / "host")


def test_a_board_that_stays_away_ends_the_run_and_the_run_goes_on_without_it(
    tmp_path: Path,
) -> None:
    wanted = config("batch", **BATCH)
    train(wanted, tmp_path / "host", **options())
    watched = Watched(4000)
    with plugged([HostBoard(), watched], tmp_path) as plugs, contextlib.ExitStack() as stack:

        def hand() -> None:
            assert watched.reached.wait(30)
            plugs[1].pull_out()

        thread = threading.Thread(target=hand)
        thread.start()
        sessions = sessions_of(plugs, stack, patience=2)
        with pytest.raises(LinkError, match=r"watched at board1: the link broke .* within 2 s"):
            train(wanted, tmp_path / "all", **options(make_trainer=on_device(*sessions)))
        thread.join()
        plugs[1].plug_in()  # for the end of the with
    done = len(history(tmp_path / "all"))
    assert 0 < done < wanted.generations
    resume(tmp_path / "all", **options(make_trainer=on_device(*in_process(HostBoard()))))
    assert history(tmp_path / "all") == history(tmp_path / "host")


def test_more_boards_than_samples(tmp_path: Path) -> None:
    wanted = config("batch", generations=3, batch=2)
    train(wanted, tmp_path / "host", **options())
    boards = [HostBoard() for _ in range(3)]
    make = on_device(*in_process(*boards))
    train(wanted, tmp_path / "all", **options(make_trainer=make))
    assert history(tmp_path / "all") == history(tmp_path / "host")


def test_checkpoints_on_every_board_that_has_a_store(tmp_path: Path) -> None:
    memories = [flash_memory(1 << 16), flash_memory(1 << 16)]
    boards = [HostBoard(flash=memory) for memory in memories] + [HostBoard()]
    make = on_device(*in_process(*boards), options=Options(check_every=5, save_every=5))
    train(config("batch", **BATCH), tmp_path / "run", **options(make_trainer=make))
    for memory in memories:
        board = HostBoard(flash=memory)
        assert board.load()
        assert f"{board.digest:08x}" == f"{history(tmp_path / 'run')[9][-1]:08x}"
    assert len(throughputs(tmp_path / "run")) == 6  # two readings of three


def test_a_board_that_computes_wrong_is_named(tmp_path: Path) -> None:
    good, bad = HostBoard("good"), HostBoard("bad")

    class Cosmic(InProcess):
        """A weight that no later step repairs flips after some generations."""

        writes = 0

        def write(self, data: bytes) -> None:
            self.writes += 1
            if self.writes == 60:
                bad.native.session.net.weights[0][3] ^= 64
            super().write(data)

    line = Cosmic(bad)
    sessions = [*in_process(good), Session(lambda: line, name="COM7")]
    with pytest.raises(DeviceError, match=r"bad at COM7 have the digest|good or bad at COM7 and"):
        train(
            config("batch", **BATCH), tmp_path / "run", **options(make_trainer=on_device(*sessions))
        )


@pytest.mark.parametrize(
    ("kind", "why"), [("online", "nothing to share out"), ("sample", "sums of all weights")]
)
def test_what_cannot_be_shared(kind: str, why: str, tmp_path: Path) -> None:
    make = on_device(*in_process(HostBoard(), HostBoard()))
    with pytest.raises(ConfigError, match=rf"on 2 devices: .*{why}.*; use --estimator batch"):
        train(config(kind), tmp_path / "run", data=TRAIN, test_data=TEST, make_trainer=make)
