"""Runs on a device have the journal and the digests of the same run on the host."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import pytest

from eggroll_edge.boards.host_board import HostBoard, InProcess, flash_memory, on_pty
from eggroll_edge.devices.device_estimator import Options, on_devices
from eggroll_edge.errors import ConfigError, DeviceError
from eggroll_edge.journal.reader import JournalReader
from eggroll_edge.journal.records import Throughput, total
from eggroll_edge.link.session import Session
from eggroll_edge.link.transport import opener
from eggroll_edge.training.replay import replay
from eggroll_edge.training.run import resume, train
from eggroll_edge.training.run_dir import load
from tests.helpers.journals import generations
from tests.helpers.link import BitFlip
from tests.helpers.tiny_dataset import TEST, TRAIN, config

RUNS: list[tuple[str, dict[str, Any]]] = [
    ("batch", {"pairs": 24, "batch": 8, "generations": 20}),
    ("batch", {"pairs": 300, "batch": 8, "generations": 5, "rank": 3}),
    ("sample", {"generations": 20}),
    ("online", {"generations": 600}),
    ("online", {"generations": 60, "pairs": 250}),
    ("sample", {"generations": 20, "validation": 40}),
    ("sweep", {"generations": 20}),
    ("sweep", {"generations": 10, "hidden": (12, 8), "penalty_bits": 0.01, "validation": 40}),
    ("sweep", {"generations": 10, "fitness": "accuracy", "sigma_readout": 0.5}),
    ("sweep-online", {"generations": 600}),
    ("sweep-online", {"generations": 300, "hidden": (12, 8), "refractory": 1}),
    ("sweep-online", {"generations": 300, "hidden": ()}),
    ("sweep", {"generations": 10, "hidden": ()}),
    ("batch", {"pairs": 24, "batch": 8, "generations": 10, "shift": 1}),
    ("sample", {"generations": 10, "shift": 2}),
    ("sweep-online", {"generations": 300, "shift": 1}),
    ("sweep", {"generations": 10, "hidden": ("conv 4 k3",), "readout_pool": 2}),
    ("sweep-online", {"generations": 300, "hidden": ("conv 4 k3",), "readout_pool": 2}),
    ("sweep-online", {"generations": 300, "hidden": ("conv 4 k3 p1", "conv 3 k2 s2", 8)}),
    ("eprop-online", {"generations": 300, "hidden": ("conv 4 k3 s2 p1",)}),
    ("eprop", {"generations": 10}),
    ("eprop-online", {"generations": 300, "hidden": (12, 8)}),
]


def throughputs(where: Path) -> list[Throughput]:
    return [part for record in JournalReader(where).generations() for part in record.link]


def options(**more: Any) -> dict[str, Any]:
    return {"data": TRAIN, "test_data": TEST, "workers": 1, **more}


@pytest.mark.parametrize(("kind", "changes"), RUNS)
def test_same_journal_as_on_the_host(kind: str, changes: dict[str, Any], tmp_path: Path) -> None:
    wanted = config(kind, **changes)
    train(wanted, tmp_path / "host", **options())
    board = HostBoard()
    with on_pty(board) as url, Session(opener(url)) as session:
        result = train(wanted, tmp_path / "board", **options(make_estimator=on_devices(session)))
    assert generations(tmp_path / "board") == generations(tmp_path / "host")
    assert result.weights_digest == f"{board.digest:08x}"
    assert replay(tmp_path / "board", data_override=TRAIN, workers=1).mismatch is None
    (used,) = total(throughputs(tmp_path / "board"))
    assert used.samples == wanted.generations * wanted.batch
    assert used.bytes_in > 50 * used.samples
    assert used.bytes_out > 15 * used.samples
    assert used.compute_s is not None
    assert used.link_s is not None
    assert 0 < used.compute_s + used.link_s <= used.seconds
    assert throughputs(tmp_path / "host") == []


@pytest.mark.parametrize("kind", ["online", "sweep-online"])
def test_stopped_and_resumed(kind: str, tmp_path: Path) -> None:
    """The second sitting has another board, which gets the weights."""
    wanted = config(kind, generations=1000)
    train(wanted, tmp_path / "host", **options())
    with Session(lambda: InProcess(HostBoard())) as session:
        asked = iter([False, True])
        train(
            wanted,
            tmp_path / "board",
            **options(make_estimator=on_devices(session), stop=lambda: next(asked)),
        )
    assert len(generations(tmp_path / "board")) == 1
    with Session(lambda: InProcess(HostBoard())) as session:
        resume(tmp_path / "board", **options(make_estimator=on_devices(session)))
    assert generations(tmp_path / "board") == generations(tmp_path / "host")
    assert load(tmp_path / "board").digest == load(tmp_path / "host").digest


def test_a_net_of_the_host_adapts_on_a_board(tmp_path: Path) -> None:
    source = train(config("sample", generations=60), tmp_path / "source", **options())
    adapt = config("online", generations=100, seed=9, start_from=str(tmp_path / "source"))
    train(adapt, tmp_path / "host", **options())
    board = HostBoard()
    with Session(lambda: InProcess(board)) as session:
        result = train(adapt, tmp_path / "board", **options(make_estimator=on_devices(session)))
    assert result.weights_digest == f"{board.digest:08x}" != source.weights_digest
    assert generations(tmp_path / "board") == generations(tmp_path / "host")


class PowerCuts(InProcess):
    """A board that loses its power at every `every`-th write."""

    def __init__(self, board: HostBoard, every: int) -> None:
        super().__init__(board)
        self._board_, self._every, self._writes, self.cuts = board, every, 0, 0

    def write(self, data: bytes) -> None:
        self._writes += 1
        if self._writes % self._every == 0:
            self._board_.start()
            self.cuts += 1
        super().write(data)


@pytest.mark.parametrize("kind", ["batch", "online", "sweep", "sweep-online"])
def test_board_switched_off_in_the_middle(kind: str, tmp_path: Path) -> None:
    online = "online" in kind
    wanted = config(kind, **({"generations": 750} if online else {"generations": 12, "batch": 8}))
    train(wanted, tmp_path / "host", **options())
    link = PowerCuts(HostBoard(), 431 if online else 41)
    with Session(lambda: link) as session:
        train(wanted, tmp_path / "board", **options(make_estimator=on_devices(session)))
    assert link.cuts >= 2
    assert generations(tmp_path / "board") == generations(tmp_path / "host")


def test_checkpoints_on_the_board(tmp_path: Path) -> None:
    flash = flash_memory(1 << 16)
    board = HostBoard(flash=flash)
    with Session(lambda: InProcess(board)) as session:
        make = on_devices(session, options=Options(check_every=5, save_every=5))
        result = train(
            config("batch", generations=12, batch=4),
            tmp_path / "run",
            **options(make_estimator=make),
        )
    board.start()
    session = Session(lambda: InProcess(board))
    loaded = session.load()
    assert loaded.generation == 10
    assert loaded.digest == [x.digest for x in generations(tmp_path / "run")][9]
    assert result.generations == 12
    assert len(throughputs(tmp_path / "run")) == 2


@pytest.mark.parametrize("kind", ["batch", "sweep"])
def test_a_device_that_computes_wrong_ends_the_run(kind: str, tmp_path: Path) -> None:
    with (
        Session(lambda: BitFlip(HostBoard())) as session,
        pytest.raises(DeviceError, match=r"digest [0-9a-f]{8}|fitness bytes|differ in the losses"),
    ):
        train(
            config(kind, generations=12, batch=8),
            tmp_path / "run",
            **options(make_estimator=on_devices(session)),
        )
    assert len(generations(tmp_path / "run")) >= 1  # the generations before it are in the journal


def test_what_a_device_cannot_do(tmp_path: Path) -> None:
    with Session(lambda: InProcess(HostBoard(arena=2048))) as session:
        make = on_devices(session)
        with pytest.raises(ConfigError, match="a device does sweep, sample and batch"):
            train(config("full"), tmp_path / "full", **options(make_estimator=make))
        with pytest.raises(DeviceError, match="the board has 2048"):
            train(config("batch"), tmp_path / "big", **options(make_estimator=make))


def test_an_estimator_that_cannot_be_made_leaves_no_thread(tmp_path: Path) -> None:
    before = threading.active_count()
    with Session(lambda: InProcess(HostBoard(arena=2048))) as session:
        make = on_devices(session)
        for kind in ("full", "batch"):
            with pytest.raises((ConfigError, DeviceError)):
                train(config(kind), tmp_path / kind, **options(make_estimator=make, workers=3))
    assert threading.active_count() == before
