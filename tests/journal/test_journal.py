"""The journal: its content, and what happens to a damaged one."""

from __future__ import annotations

import errno
import json
import os
import zlib
from pathlib import Path
from typing import Any

import pytest

from eggroll_edge.errors import JournalError
from eggroll_edge.journal.reader import JournalReader
from eggroll_edge.journal.records import GenerationRecord
from eggroll_edge.journal.writer import JournalWriter
from eggroll_edge.training.replay import replay
from eggroll_edge.training.run import resume, train
from tests.helpers.tiny_dataset import SETTINGS, TEST, TRAIN, config


def run(where: Path, kind: str = "sample", generations: int = 8, **options: Any) -> Path:
    few = config(kind, generations=generations, eval_every=3)
    train(few, where, data=TRAIN, test_data=TEST, workers=1, **options)
    return where / "journal.jsonl"


def signed(values: dict[str, Any]) -> bytes:
    text = json.dumps(values).encode()
    return b"%b\t%08x\n" % (text, zlib.crc32(text))


def values_of(line: bytes) -> dict[str, Any]:
    values = json.loads(line.split(b"\t")[0])
    assert isinstance(values, dict)
    return values


def test_the_header_says_what_the_run_depends_on(tmp_path: Path) -> None:
    run(tmp_path)
    header = JournalReader(tmp_path).header.values
    assert header["config"] == config(generations=8, eval_every=3).to_dict()
    assert header["dataset"]["digest"] == TRAIN.digest
    assert header["dataset"]["samples"] == 200
    assert header["net"]["layers"][0]["size"] == 16
    assert header["es"]["pairs"] == 8
    for name in ("format", "version", "core", "seed", "initial_digest", "created", "host"):
        assert name in header


@pytest.mark.parametrize("kind", SETTINGS)
def test_lines(kind: str, tmp_path: Path) -> None:
    path = run(tmp_path, kind, 300 if "online" in kind else 8)
    reader = JournalReader(tmp_path)
    lines = [x for x in reader if isinstance(x, GenerationRecord)]
    assert not reader.torn
    assert reader.whole_bytes == path.stat().st_size
    assert len(lines) == (2 if "online" in kind else 8)
    for x in lines:
        sample, credited = kind in ("sample", "online"), "sweep" in kind or "eprop" in kind
        recordings = x.counts.recordings
        rows = 0 if credited else recordings if sample else 1
        assert len(x.fitness_bytes) == config(kind).pairs * rows
        assert len(x.exponents) == (recordings if sample else 0)
        assert (x.active is None) == (sample or credited)
        assert 0 <= x.counts.correct <= recordings
        assert x.counts.loss > 0
    for line in path.read_bytes().splitlines():
        text, crc = line.rsplit(b"\t")
        assert int(crc, 16) == zlib.crc32(text)


def test_a_flipped_byte_names_its_line(tmp_path: Path) -> None:
    path = run(tmp_path)
    good = path.read_bytes()
    lines = good.splitlines(keepends=True)
    start = 0
    for number, line in enumerate(lines[:-1], 1):
        for at in (start, start + len(line) // 2, start + len(line) - 2):
            bad = bytearray(good)
            bad[at] ^= 4
            path.write_bytes(bad)
            with pytest.raises(JournalError, match=f"line {number}: its checksum"):
                list(JournalReader(tmp_path))
            with pytest.raises(JournalError, match=f"line {number}: its checksum"):
                replay(tmp_path, data_override=TRAIN)
        start += len(line)
    path.write_bytes(good[: len(lines[0]) - 1] + good[len(lines[0]) :])  # a lost newline
    with pytest.raises(JournalError, match="line 1: its checksum"):
        JournalReader(tmp_path)


def test_a_torn_tail_is_left_out_wherever_it_is_torn(tmp_path: Path) -> None:
    path = run(tmp_path)
    good = path.read_bytes()
    lines = good.splitlines(keepends=True)
    last = len(lines[-1])
    expected = list(JournalReader(tmp_path))
    for cut in (1, 2, 9, last // 2, last - 1):
        path.write_bytes(good[:-cut])
        reader = JournalReader(tmp_path)
        assert list(reader) == expected[:-1]
        assert reader.torn
        assert reader.whole_bytes == len(good) - last
    path.write_bytes(good[:-last])
    reader = JournalReader(tmp_path)
    assert list(reader) == expected[:-1]
    assert not reader.torn


def test_a_run_that_died_at_once(tmp_path: Path) -> None:
    path = run(tmp_path)
    header = path.read_bytes().splitlines(keepends=True)[0]
    for start in (b"", header[:50]):
        path.write_bytes(start)
        with pytest.raises(JournalError, match=r"no whole header.*--force"):
            resume(tmp_path)
    path.write_bytes(header)  # the run has begun, and done nothing
    (tmp_path / "result.json").unlink()
    (tmp_path / "weights.bin").unlink()
    assert resume(tmp_path, data=TRAIN, test_data=TEST).generations == 8


def test_lines_that_do_not_belong(tmp_path: Path) -> None:
    path = run(tmp_path)
    lines = path.read_bytes().splitlines(keepends=True)
    cases = [
        (lines[:3] + lines[4:], "line 5: generation 3, 2 expected"),
        (lines[:3] + lines[2:], "line 4: generation 1, 2 expected"),
        ([lines[0], signed({"h": 1}), lines[1]], "line 2: not a line of format 1"),
        ([lines[0], signed({**values_of(lines[1]), "f": "?"}), *lines[2:]], "line 2: not a line"),
        ([signed({**values_of(lines[0]), "format": 2}), *lines[1:]], "line 1: format 2"),
    ]
    for content, text in cases:
        path.write_bytes(b"".join(content))
        with pytest.raises(JournalError, match=text):
            list(JournalReader(tmp_path))
    with pytest.raises(JournalError, match="is this the folder of a run"):
        JournalReader(tmp_path / "nowhere")


@pytest.mark.parametrize("part", [0, 100])
def test_a_full_disk(part: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The disk takes `part` bytes of a line and then no more; later there is room again."""
    whole = run(tmp_path / "whole")
    real, written = os.write, 0

    def write(file: int, data: bytes) -> int:
        nonlocal written
        if written < 5:
            written += 1
            return real(file, data)
        if part and written == 5:
            written += 1
            return real(file, data[:part])
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr("eggroll_edge.journal.writer.os.write", write)
    with pytest.raises(JournalError, match=r"journal.jsonl: cannot be written, the disk is full"):
        run(tmp_path / "full")
    monkeypatch.undo()
    reader = JournalReader(tmp_path / "full")
    assert len(list(reader)) == 4  # header and four lines
    assert not reader.torn
    resume(tmp_path / "full", data=TRAIN, test_data=TEST)
    digests = [
        [x.digest for x in JournalReader(where) if isinstance(x, GenerationRecord)]
        for where in (whole.parent, tmp_path / "full")
    ]
    assert digests[0] == digests[1]


def test_one_writer_at_a_time(tmp_path: Path) -> None:
    pytest.importorskip("fcntl")
    with JournalWriter(tmp_path), pytest.raises(JournalError, match="another process"):
        JournalWriter(tmp_path)
    with JournalWriter(tmp_path):
        pass


def test_a_folder_that_cannot_be(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(JournalError, match="cannot be written"):
        run(tmp_path / "file" / "run")
