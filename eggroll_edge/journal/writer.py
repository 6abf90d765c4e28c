"""Appending to the training journal; its format is in journal.py."""

from __future__ import annotations

import base64
import contextlib
import json
import os
import zlib
from pathlib import Path
from types import TracebackType
from typing import Any

from eggroll_edge.errors import JournalError
from eggroll_edge.files import reason
from eggroll_edge.journal.reader import FORMAT, NAME, xor_maps
from eggroll_edge.journal.records import EvalResult, Outcome, Telemetry

try:
    import fcntl
except ImportError:  # not on Windows: there, nothing keeps two processes from one journal
    fcntl = None  # type: ignore[assignment]


class JournalWriter:
    """Appends lines. Each is handed to the system at once, so a killed process loses none."""

    def __init__(self, run_dir: Path, whole_bytes: int = 0, active: bytes | None = None) -> None:
        """Begin a journal, or go on behind its good bytes; `active` is its last bit map."""
        self.path = run_dir / NAME
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
        if fcntl is None:
            return
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
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

    def write_header(self, values: dict[str, Any]) -> None:
        """The first line, safely on disk."""
        self._write({"format": FORMAT, **values})
        self.sync()

    def write_generation(
        self, outcome: Outcome, telemetry: Telemetry, digest: int, seconds: float
    ) -> None:
        """One generation; JournalError if it cannot be written: the file then ends before it."""
        counts = outcome.counts
        values: dict[str, Any] = {
            "g": outcome.generation,
            "n": counts.samples,
            "idx": (outcome.epoch, outcome.offset),
            "sigma": outcome.steps.sigma,
            "rate": outcome.steps.rate,
            "f": base64.b64encode(outcome.f).decode(),
        }
        if outcome.e:
            values["e"] = base64.b64encode(outcome.e).decode()
        if outcome.active is not None and outcome.active != self._active:
            change = zlib.compress(xor_maps(self._active, outcome.active))
            values["act"] = base64.b64encode(change).decode()
        values |= {
            "loss": counts.loss,
            "correct": counts.correct,
            "spikes": counts.spikes,
            "saturated": telemetry.saturated,
            "dead_units": telemetry.dead_units,
            "digest": f"{digest:08x}",
            "t": round(seconds, 4),
        }
        if outcome.link:
            values["link"] = [part.to_dict() for part in outcome.link]
        self._write(values)
        if outcome.active is not None:
            self._active = outcome.active

    def write_eval(self, generation: int, result: EvalResult) -> None:
        """One evaluation."""
        self._write(
            {
                "eval": generation,
                "accuracy": result.accuracy,
                "loss": result.loss_bits,
                "firing_rate": result.firing_rate,
                "dead_outputs": result.dead_outputs,
            }
        )

    def sync(self) -> None:
        """Have the disk hold what was written."""
        try:
            os.fsync(self._file)
        except OSError as error:
            raise self._failed(error) from error

    def _write(self, values: dict[str, Any]) -> None:
        text = json.dumps(values, separators=(",", ":")).encode()
        line = b"%b\t%08x\n" % (text, zlib.crc32(text))
        try:
            done = os.write(self._file, line)
            while done < len(line):  # a disk that fills up takes a part first
                done += os.write(self._file, line[done:])
        except OSError as error:
            raise self._failed(error) from error
        self._size += len(line)

    def _failed(self, error: OSError) -> JournalError:
        with contextlib.suppress(OSError):
            os.ftruncate(self._file, self._size)  # what is left ends with a whole line
        return JournalError(
            f"{self.path}: cannot be written, {reason(error)}; the run can go on from its last "
            f"whole line: eggroll-edge resume {self.path.parent}"
        )
