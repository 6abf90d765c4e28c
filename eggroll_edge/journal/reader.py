"""The training journal: from its header and its bytes alone, `replay` rebuilds the weights.

`journal.jsonl` is append-only. A line is a JSON object, a tab, the CRC-32 of the text before the
tab (eight hex digits), and a newline. The first line is the header, then a line for each generation
(for each chunk of `online`) and for each evaluation, in the order in which they happened:

    {"g": generations before it, "n": samples, "idx": [epoch, offset], "sigma": [h, o],
     "rate": [[m, n], [m, n]], "f": base64, "e": base64 (sample), "act": base64 (batch, full),
     "loss", "correct", "spikes", "saturated", "dead_units", "digest": hex, "t": seconds,
     "link": [{"port", "board", "samples", "bytes_in", ...}, ...] (see throughput.py)}
    {"eval": generation, "accuracy", "loss", "firing_rate", "dead_outputs"}

"link" is there if a run on devices read their counters after that generation: an object for each
device, of what it and its link took since the line before that has one.

"act" is the zlib'd XOR of the bit map of active rows with that of the generation before, left out
where both are equal. The samples themselves follow from seed and "idx".

A killed process can tear the last line only: it is dropped. A bad line before it is an error.
"""

from __future__ import annotations

import base64
import json
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from eggroll_edge.errors import JournalError
from eggroll_edge.journal.records import EvalLine, GenerationLine, Header, Throughput

NAME = "journal.jsonl"
FORMAT = 1
_LONGEST = 1 << 26  # bytes of a line: far more than any generation has


class JournalReader:
    """A journal on disk. Iterating checks every line; then `torn` and `whole_bytes` are known."""

    def __init__(self, run_dir: str | Path) -> None:
        self.path = Path(run_dir) / NAME
        self.torn = False
        """The last line is torn, and was left out."""
        self.whole_bytes = 0
        """Length of the file up to the end of its last good line."""
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
        self._online = bool(first.get("config", {}).get("online"))

    def __iter__(self) -> Iterator[GenerationLine | EvalLine]:
        """All lines after the header; JournalError, naming the line, at a bad one."""
        active = b""
        expected = 0
        for line, values in enumerate(self._objects(), 1):
            if line == 1:
                continue
            try:
                if "eval" in values:
                    yield _eval_line(line, values)
                    continue
                if "act" in values:
                    active = xor_maps(active, zlib.decompress(base64.b64decode(values["act"])))
                found = _generation_line(line, values, self._online, active or None)
            except (KeyError, TypeError, ValueError, zlib.error) as error:
                raise JournalError(
                    f"{self.path}: line {line}: not a line of format {FORMAT} ({error!r})"
                ) from error
            if found.generation != expected:
                raise JournalError(
                    f"{self.path}: line {line}: generation {found.generation}, {expected} expected:"
                    " a line is missing or doubled; restore the journal from a copy"
                )
            expected = found.generation + found.generations
            yield found

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
                raw = file.readline(_LONGEST)
                if not raw:
                    return
                values = _checked(raw)
                if values is None:
                    if file.read(1):
                        raise JournalError(
                            f"{self.path}: line {number}: its checksum does not match, the file is "
                            "damaged: restore it from a copy, or replay with --until a generation "
                            "before it"
                        )
                    self.torn = True
                    return
                self.whole_bytes += len(raw)
                yield values


def _checked(raw: bytes) -> dict[str, Any] | None:
    """The object of a line; None if it is torn or damaged."""
    text, tab, crc = raw.rpartition(b"\t")
    if not tab or crc != b"%08x\n" % zlib.crc32(text):
        return None
    try:
        values = json.loads(text)
    except ValueError:
        return None
    return values if isinstance(values, dict) else None


def xor_maps(a: bytes, b: bytes) -> bytes:
    """The shorter one counts as filled up with zeros."""
    size = max(len(a), len(b))
    x = np.frombuffer(a.ljust(size, b"\0"), np.uint8) ^ np.frombuffer(
        b.ljust(size, b"\0"), np.uint8
    )
    return x.tobytes()


def _generation_line(
    line: int, values: dict[str, Any], online: bool, active: bytes | None
) -> GenerationLine:
    (h, o), ((hm, hn), (om, on)) = values["sigma"], values["rate"]
    return GenerationLine(
        line=line,
        generation=values["g"],
        generations=values["n"] if online else 1,
        samples=values["n"],
        epoch=values["idx"][0],
        offset=values["idx"][1],
        sigma=(h, o),
        rate=((hm, hn), (om, on)),
        f=base64.b64decode(values["f"], validate=True),
        e=base64.b64decode(values.get("e", ""), validate=True),
        active=active,
        loss=values["loss"],
        correct=values["correct"],
        spikes=values["spikes"],
        saturated=values["saturated"],
        dead_units=values["dead_units"],
        digest=int(values["digest"], 16),
        seconds=values["t"],
        link=tuple(Throughput.from_dict(part) for part in values.get("link", ())),
    )


def _eval_line(line: int, values: dict[str, Any]) -> EvalLine:
    return EvalLine(
        line,
        values["eval"],
        values["accuracy"],
        values["loss"],
        tuple(values["firing_rate"]),
        values["dead_outputs"],
    )
