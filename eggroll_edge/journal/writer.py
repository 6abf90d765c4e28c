"""Appending to a training journal; format.py describes the file."""

from __future__ import annotations

import base64
import contextlib
import os
import zlib
from pathlib import Path
from types import TracebackType
from typing import Any

from eggroll_edge.errors import JournalError
from eggroll_edge.files import lock, reason
from eggroll_edge.journal.format import FORMAT, JOURNAL, encode_line, xor_maps
from eggroll_edge.journal.records import EvalResult, EvalSplit, GenerationRecord, Header


class JournalWriter:
    """Appends lines to a journal.

    Each line is handed to the operating system at once, so that a killed process loses none.

    Any method raises JournalError if the file cannot be written; the file then ends with its last
    whole line.
    """

    def __init__(self, run_dir: Path, whole_bytes: int = 0, active: bytes | None = None) -> None:
        """Open the journal of a run directory and cut it off after its first `whole_bytes` bytes.

        0 begins a new journal. To continue one, give JournalReader.whole_bytes and, in `active`,
        the bit map of its last generation. JournalError if another process writes this journal.
        """
        self.path = run_dir / JOURNAL
        self._active = active or b""
        try:
            run_dir.mkdir(parents=True, exist_ok=True)
            self._file = os.open(self.path, os.O_RDWR | os.O_CREAT, 0o644)
            self._lock()
            os.ftruncate(self._file, whole_bytes)
            os.lseek(self._file, whole_bytes, os.SEEK_SET)
        except OSError as error:
            raise JournalError(f"{self.path}: cannot be written, {reason(error)}") from error
        self._size = whole_bytes

    def _lock(self) -> None:
        try:
            lock(self._file, wait=False)
        except OSError as error:
            os.close(self._file)
            raise JournalError(
                f"{self.path}: another process is writing it: wait for that run, or stop it"
            ) from error

    def __enter__(self) -> JournalWriter:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        os.close(self._file)

    def write_header(self, header: Header) -> None:
        """Write the first line and wait until the disk holds it."""
        self._write({"format": FORMAT, **header.values})
        self.sync()

    def write_generation(self, record: GenerationRecord) -> None:
        """Write a generation; `line` of the record is not used."""
        counts = record.counts
        values: dict[str, Any] = {
            "g": record.generation,
            "n": counts.recordings,
            "idx": (record.epoch, record.offset),
            "sigma": record.hyperparameters.sigma,
            "rate": record.hyperparameters.rate,
            "f": base64.b64encode(record.fitness_bytes).decode(),
        }
        if record.exponents:
            values["e"] = base64.b64encode(record.exponents).decode()
        if record.active is not None and record.active != self._active:
            change = zlib.compress(xor_maps(self._active, record.active))
            values["act"] = base64.b64encode(change).decode()
        values |= {
            "loss": counts.loss,
            "correct": counts.correct,
            "spikes": counts.spikes,
            "saturated": record.telemetry.saturated,
            "dead_units": record.telemetry.dead_units,
            "digest": f"{record.digest:08x}",
            "t": round(record.seconds, 4),
        }
        if counts.learned != counts.recordings:
            values["learned"] = counts.learned
        if record.link:
            values["link"] = [part.to_dict() for part in record.link]
        self._write(values)
        if record.active is not None:
            self._active = record.active

    def write_evaluation(
        self, generation: int, result: EvalResult, split: EvalSplit | None = None
    ) -> None:
        """Write an evaluation that was made after `generation` generations.

        split: None in a run that sets no recordings aside, whose evaluations are all on the test
        split.
        """
        self._write(
            {
                "eval": generation,
                **({"split": split} if split else {}),
                "accuracy": result.accuracy,
                "loss": result.loss_bits,
                "firing_rate": result.firing_rate,
                "dead_outputs": result.dead_outputs,
            }
        )

    def sync(self) -> None:
        """Wait until the disk holds all lines."""
        try:
            os.fsync(self._file)
        except OSError as error:
            raise self._failed(error) from error

    def _write(self, values: dict[str, Any]) -> None:
        line = encode_line(values)
        try:
            done = os.write(self._file, line)
            while done < len(line):  # a disk that fills up first takes only a part
                done += os.write(self._file, line[done:])
        except OSError as error:
            raise self._failed(error) from error
        self._size += len(line)

    def _failed(self, error: OSError) -> JournalError:
        with contextlib.suppress(OSError):
            os.ftruncate(self._file, self._size)  # remove the part of a line
        return JournalError(
            f"{self.path}: cannot be written, {reason(error)}; the run can go on from its last "
            f"whole line: eggroll-edge resume {self.path.parent}"
        )
