"""Reading a training journal; format.py describes the file."""

from __future__ import annotations

import base64
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from eggroll_edge.core.config import Hyperparameters
from eggroll_edge.core.counts import RunCounts
from eggroll_edge.errors import JournalError
from eggroll_edge.journal.format import FORMAT, JOURNAL, LINE_MAX, decode_line, xor_maps
from eggroll_edge.journal.records import (
    EvalRecord,
    GenerationRecord,
    Header,
    Telemetry,
    Throughput,
)


class JournalReader:
    """The journal of a run directory. JournalError if it cannot be read or has no whole header.

    A process that was killed can leave its last line torn: iteration leaves that line out. Any
    other damaged line is an error. `torn` and `whole_bytes` are known once iteration has ended.
    """

    def __init__(self, run_dir: str | Path) -> None:
        self.path = Path(run_dir) / JOURNAL
        self.torn = False
        """Whether the last line is torn."""
        self.whole_bytes = 0
        """Length of the file up to the end of its last whole line."""
        first = next(self._objects(), None)
        if first is None:
            raise JournalError(
                f"{self.path}: has no whole header, the run died before it began: start it anew "
                "with --force"
            )
        if first.get("format") != FORMAT:
            raise JournalError(
                f"{self.path}: line 1: format {first.get('format')!r}, this version reads {FORMAT}"
            )
        self.header = Header(first)

    def __iter__(self) -> Iterator[GenerationRecord | EvalRecord]:
        """The records of all lines after the header.

        JournalError, with the number of the line, if a line is damaged or a generation is missing.
        """
        active = b""
        expected = 0
        for line, values in enumerate(self._objects(), 1):
            if line == 1:
                continue
            try:
                if "eval" in values:
                    yield _evaluation(line, values)
                    continue
                if "act" in values:
                    active = xor_maps(active, zlib.decompress(base64.b64decode(values["act"])))
                found = _generation(line, values, self.header.online, active or None)
            except (KeyError, TypeError, ValueError, zlib.error) as error:
                raise JournalError(
                    f"{self.path}: line {line}: not a line of format {FORMAT} ({error!r})"
                ) from error
            if found.generation != expected:
                raise JournalError(
                    f"{self.path}: line {line}: generation {found.generation}, {expected} expected:"
                    " a line is missing or doubled; restore the journal from a copy"
                )
            expected = found.end
            yield found

    def generations(self) -> list[GenerationRecord]:
        """All records of generations; errors as in iteration."""
        return [record for record in self if isinstance(record, GenerationRecord)]

    def _objects(self) -> Iterator[dict[str, Any]]:
        """The JSON objects of all whole lines."""
        self.torn, self.whole_bytes = False, 0
        try:
            file = open(self.path, "rb")  # noqa: SIM115 (opening and reading fail differently)
        except OSError as error:
            raise JournalError(
                f"{self.path}: cannot be read ({error.strerror}): is this the folder of a run?"
            ) from error
        with file:
            for number in range(1, 1 << 62):
                line = file.readline(LINE_MAX)
                if not line:
                    return
                values = decode_line(line)
                if values is None:
                    if file.read(1):
                        raise JournalError(
                            f"{self.path}: line {number}: its checksum does not match, the file is "
                            "damaged: restore it from a copy, or replay with --until a generation "
                            "before it"
                        )
                    self.torn = True
                    return
                self.whole_bytes += len(line)
                yield values


def _generation(
    line: int, values: dict[str, Any], online: bool, active: bytes | None
) -> GenerationRecord:
    (h, o), ((hm, hn), (om, on)) = values["sigma"], values["rate"]
    return GenerationRecord(
        generation=values["g"],
        generations=values["n"] if online else 1,
        epoch=values["idx"][0],
        offset=values["idx"][1],
        hyperparameters=Hyperparameters((h, o), ((hm, hn), (om, on))),
        fitness_bytes=base64.b64decode(values["f"], validate=True),
        exponents=base64.b64decode(values.get("e", ""), validate=True),
        active=active,
        counts=RunCounts(
            values["loss"],
            values["correct"],
            values["spikes"],
            values["n"],
            values.get("learned", values["n"]),
        ),
        link=tuple(Throughput.from_dict(part) for part in values.get("link", ())),
        telemetry=Telemetry(values["saturated"], values["dead_units"]),
        digest=int(values["digest"], 16),
        seconds=values["t"],
        line=line,
    )


def _evaluation(line: int, values: dict[str, Any]) -> EvalRecord:
    return EvalRecord(
        generation=values["eval"],
        accuracy=values["accuracy"],
        loss_bits=values["loss"],
        firing_rate=tuple(values["firing_rate"]),
        dead_outputs=values["dead_outputs"],
        split=values.get("split", "test"),
        line=line,
    )
