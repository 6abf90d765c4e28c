"""Several devices as one population give the bits of one device, and of the host."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from eggroll_edge.boards.host_board import HostBoard, InProcess, flash_memory, on_pty
from eggroll_edge.devices.device_estimator import Options, on_devices
from eggroll_edge.errors import ConfigError, DeviceError, LinkError
from eggroll_edge.journal.records import total
from eggroll_edge.link.session import Session
from eggroll_edge.link.transport import opener
from eggroll_edge.training.progress import Event, Note
from eggroll_edge.training.replay import replay
from eggroll_edge.training.run import resume, train
from tests.devices.test_device_estimator import PowerCuts, options, throughputs
from tests.helpers.journals import generations
from tests.helpers.link import BitFlip
from tests.helpers.tiny_dataset import TEST, TRAIN, config

BATCH: dict[str, Any] = {"generations": 12, "batch": 10}


class Plug:
    """A board on a pty that can be pulled out; its path stays the same, like a name of udev."""

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
    """A board that sets `reached` after a given number of bytes."""

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
        stack.enter_context(
            Session(opener(str(p.path)), name=p.path.name, reply_timeout=0.1, **more)
        )
        for p in plugs
    ]


def in_process(*boards: HostBoard) -> list[Session]:
    def session(board: HostBoard) -> Session:
        return Session(lambda: InProcess(board))

    return [session(board) for board in boards]


@pytest.mark.parametrize(
    ("devices", "changes"), [(2, {}), (3, {"rank": 3}), (3, {"pairs": 300}), (2, {"shift": 1})]
)
def test_same_journal_as_on_the_host(devices: int, changes: dict[str, Any], tmp_path: Path) -> None:
    wanted = config("batch", **{**BATCH, **changes})
    train(wanted, tmp_path / "host", **options())
    boards = [HostBoard(f"board-{i}") for i in range(devices)]
    with plugged(boards, tmp_path) as plugs, contextlib.ExitStack() as stack:
        make = on_devices(*sessions_of(plugs, stack))
        result = train(wanted, tmp_path / "all", **options(make_estimator=make))
    assert generations(tmp_path / "all") == generations(tmp_path / "host")
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
            sessions = sessions_of(plugs, stack, timeout=20)
            make = on_devices(*sessions)
            train(wanted, tmp_path / "all", **options(make_estimator=make, on_event=listen))
        thread.join()
    assert generations(tmp_path / "all") == generations(tmp_path / "host")
    assert sessions[1].reconnects == 1
    assert notes[0].startswith("watched at board1: the link broke (")
    assert "waiting for it, up to 20 s" in notes[0]
    assert notes[1].startswith("watched at board1: the link is back after 0.")
    again = "watched at board1: was switched off; it gets the weights and its share of this "
    assert any(note.startswith(again) for note in notes) == power


def test_boards_that_lose_their_power_at_any_time(tmp_path: Path) -> None:
    """While it gets recordings, before the update, and within the update."""
    wanted = config("batch", **{**BATCH, "generations": 40})
    train(wanted, tmp_path / "host", **options())
    links = [PowerCuts(HostBoard(), every) for every in (61, 83, 10**9)]
    sessions = [Session(lambda link=link: link) for link in links]  # type: ignore[misc]
    train(wanted, tmp_path / "all", **options(make_estimator=on_devices(*sessions)))
    assert links[0].cuts >= 7
    assert links[1].cuts >= 4
    assert generations(tmp_path / "all") == generations(tmp_path / "host")


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
        sessions = sessions_of(plugs, stack, timeout=2)
        with pytest.raises(LinkError, match=r"watched at board1: the link broke .* within 2 s"):
            train(wanted, tmp_path / "all", **options(make_estimator=on_devices(*sessions)))
        thread.join()
        plugs[1].plug_in()  # so that the `with` block can pull it out
    done = len(generations(tmp_path / "all"))
    assert 0 < done < wanted.generations
    resume(tmp_path / "all", **options(make_estimator=on_devices(*in_process(HostBoard()))))
    assert generations(tmp_path / "all") == generations(tmp_path / "host")


def test_more_boards_than_recordings(tmp_path: Path) -> None:
    wanted = config("batch", generations=3, batch=2)
    train(wanted, tmp_path / "host", **options())
    boards = [HostBoard() for _ in range(3)]
    make = on_devices(*in_process(*boards))
    train(wanted, tmp_path / "all", **options(make_estimator=make))
    assert generations(tmp_path / "all") == generations(tmp_path / "host")


def test_checkpoints_on_every_board_that_has_a_store(tmp_path: Path) -> None:
    memories = [flash_memory(1 << 16), flash_memory(1 << 16)]
    boards = [HostBoard(flash=memory) for memory in memories] + [HostBoard()]
    make = on_devices(*in_process(*boards), options=Options(check_every=5, save_every=5))
    train(config("batch", **BATCH), tmp_path / "run", **options(make_estimator=make))
    for memory in memories:
        board = HostBoard(flash=memory)
        assert board.load()
        assert f"{board.digest:08x}" == f"{generations(tmp_path / 'run')[9].digest:08x}"
    assert len(throughputs(tmp_path / "run")) == 6  # two readings of each of three boards


def test_a_board_that_computes_wrong_is_named(tmp_path: Path) -> None:
    good, bad = HostBoard("good"), HostBoard("bad")

    line = BitFlip(bad)
    sessions = [*in_process(good), Session(lambda: line, name="COM7")]
    with pytest.raises(DeviceError, match=r"bad at COM7 have the digest|good or bad at COM7 and"):
        train(
            config("batch", **BATCH),
            tmp_path / "run",
            **options(make_estimator=on_devices(*sessions)),
        )


@pytest.mark.parametrize(
    ("kind", "why"),
    [
        ("online", "nothing to share out"),
        ("sweep-online", "nothing to share out"),
        ("sample", "sums of all weights"),
        ("sweep", "sums of all weights"),
    ],
)
def test_what_cannot_be_shared(kind: str, why: str, tmp_path: Path) -> None:
    make = on_devices(*in_process(HostBoard(), HostBoard()))
    with pytest.raises(ConfigError, match=rf"on 2 devices: .*{why}.*; use --estimator batch"):
        train(config(kind), tmp_path / "run", data=TRAIN, test_data=TEST, make_estimator=make)
