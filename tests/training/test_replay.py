"""Replay: it rebuilds the weights from the journal, and checks every digest."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

import pytest

from eggroll_edge.errors import ConfigError, DataError, JournalError
from eggroll_edge.journal.reader import JournalReader
from eggroll_edge.journal.records import GenerationRecord
from eggroll_edge.training.progress import Event, Replayed
from eggroll_edge.training.replay import replay
from eggroll_edge.training.run import resume, train
from tests.helpers.tiny_dataset import SETTINGS, TEST, TRAIN, config, dataset
from tests.journal.test_journal import signed, values_of

MORE: list[tuple[str, dict[str, Any]]] = [
    *((kind, {}) for kind in SETTINGS),
    ("sample", {"hidden": (9, 7), "threshold": 80}),
    ("batch", {"hidden": (9, 7), "rank": 3}),
    ("sample", {"readout": "spikes", "threshold": 80}),
    ("full", {"readout": "spikes", "threshold": 80}),
    ("sweep", {"hidden": (9, 7), "threshold": 80, "sigma": 80}),
    ("sweep", {"readout": "spikes", "threshold": 80, "sigma": 80}),
    ("sweep", {"hidden": ()}),
    ("sweep-online", {"hidden": ()}),
    ("eprop", {"hidden": (9, 7), "threshold": 80}),
    ("sweep", {"learn_above": 1.5}),
    ("sweep-online", {"learn_above": 1.5}),
]


def run(where: Path, kind: str, **changes: Any) -> list[GenerationRecord]:
    few = config(kind, **{"generations": 600 if "online" in kind else 15, **changes})
    train(few, where, data=TRAIN, test_data=TEST, workers=2)
    return JournalReader(where).generations()


@pytest.mark.parametrize(("kind", "changes"), MORE)
def test_every_digest_agrees(kind: str, changes: dict[str, Any], tmp_path: Path) -> None:
    lines = run(tmp_path, kind, **changes)
    # batch and full need no recordings: those of the config, "digits", are not even opened
    data = None if kind in ("batch", "full") else TRAIN
    for workers in (1, 3):
        events: list[Event] = []
        result = replay(tmp_path, data_override=data, workers=workers, on_event=events.append)
        assert result.mismatch is None
        assert result.checked == len(lines)
        assert len({x.digest for x in lines}) > len(lines) // 2
        assert result.weights_digest == f"{lines[-1].digest:08x}"
        assert events[-1] == Replayed(result.generations, result.generations)
    for until in (0, 1, lines[-2].generation):
        part = replay(tmp_path, until=until, data_override=data)
        assert part.generations >= until
        assert part.checked == sum(x.generation < until for x in lines)
        if until:
            assert f"{lines[part.checked - 1].digest:08x}" == part.weights_digest
    assert result.to_dict()["mismatch"] is None


@pytest.mark.parametrize("kind", SETTINGS)
def test_a_forged_byte_is_found(kind: str, tmp_path: Path) -> None:
    """The checksum of the line is right, but its fitness bytes are not those of the run.

    `sweep` and `eprop` have none: there a learning rate is forged.
    """
    run(tmp_path, kind)
    path = tmp_path / "journal.jsonl"
    lines = path.read_bytes().splitlines(keepends=True)
    at = next(i for i in range(2, len(lines)) if b'"f":' in lines[i])
    values = values_of(lines[at])
    f = bytearray(base64.b64decode(values["f"]))
    if "sweep" in kind or "eprop" in kind:
        assert not f
        values["rate"][0] = [1, 20]
    for i in range(len(f)):
        f[i] ^= 0x55
    values["f"] = base64.b64encode(f).decode()
    lines[at] = signed(values)
    path.write_bytes(b"".join(lines))
    result = replay(tmp_path, data_override=TRAIN)
    assert result.mismatch is not None
    assert result.mismatch.line == at + 1
    assert result.mismatch.expected == values["digest"] != result.mismatch.found
    assert result.generations == values["g"]
    assert result.to_dict()["mismatch"]["line"] == at + 1
    assert replay(tmp_path, until=values["g"], data_override=TRAIN).mismatch is None
    for name in ("result.json", "weights.bin"):
        (tmp_path / name).unlink()
    with pytest.raises(JournalError, match=f"line {at + 1}: rebuilt weights have the digest"):
        resume(tmp_path, data=TRAIN, test_data=TEST)


def test_other_data(tmp_path: Path) -> None:
    run(tmp_path, "sample")
    with pytest.raises(
        DataError, match=r"synthetic-7 \(200 recordings.*not what the run was trained"
    ):
        replay(tmp_path, data_override=dataset(200, 7))


def test_a_line_of_another_run(tmp_path: Path) -> None:
    """The checksum is right, but a length is wrong: the core must never see such a line."""
    for kind, part, text in (
        ("sample", "f", "f holds 100 bytes, 128 expected"),
        ("sample", "e", "e holds 100 bytes, 16 expected"),
        ("sweep", "f", "f holds 100 bytes, 0 expected"),
        ("sweep", "e", "e holds 100 bytes, 0 expected"),
        ("batch", "f", "f holds 100 bytes, 64 expected"),
    ):
        where = tmp_path / (kind + part)
        run(where, kind)
        path = where / "journal.jsonl"
        lines = path.read_bytes().splitlines(keepends=True)
        lines[1] = signed({**values_of(lines[1]), part: base64.b64encode(b"x" * 100).decode()})
        path.write_bytes(b"".join(lines))
        with pytest.raises(JournalError, match=f"line 2: {text}"):
            replay(where, data_override=TRAIN)
    lines[1] = signed({**values_of(lines[2]), "g": 0, "sigma": [40000, 40000], "f": "A" * 88})
    for name, change, text in (
        ("seed", {"initial_digest": "00000000"}, "initial weights have the digest"),
        ("gone", {"net": None}, "header has no net"),
    ):
        header = values_of(lines[0]) | change
        header = {k: v for k, v in header.items() if v is not None}
        path.write_bytes(signed(header) + b"".join(lines[2:]))
        with pytest.raises(JournalError, match=text):
            replay(where)
        assert name
    with pytest.raises(ConfigError, match="until is -1"):
        replay(where, until=-1)


def test_the_order_of_recordings_is_checked(tmp_path: Path) -> None:
    run(tmp_path, "sample")
    path = tmp_path / "journal.jsonl"
    lines = path.read_bytes().splitlines(keepends=True)
    lines[1] = signed({**values_of(lines[1]), "idx": [0, 16]})
    path.write_bytes(b"".join(lines))
    with pytest.raises(JournalError, match="line 2: recordings 16 from epoch 0, 16, but"):
        replay(tmp_path, data_override=TRAIN)
