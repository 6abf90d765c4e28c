"""The files of a run directory, and the format of its journal.

The journal is `journal.jsonl`, to which lines are only ever appended. A line is a JSON object, a
tab, the CRC-32 of the text before the tab (eight hex digits), and a newline. The first line is the
header. A line for each generation (with `online`: for each chunk of generations) and for each
evaluation follows, in the order in which they happened:

    {"g": generations before it, "n": recordings, "idx": [epoch, offset], "sigma": [h, o],
     "rate": [[m, n], [m, n]], "f": base64, "e": base64 (sample), "act": base64 (batch, full),
     "loss", "correct", "spikes", "saturated", "dead_units", "digest": hex, "t": seconds,
     "learned", "link": [{"port", "board", "samples", "bytes_in", ...}, ...]}
    {"eval": generation, "split", "accuracy", "loss", "firing_rate", "dead_outputs"}

"sigma" and "rate" (learning rates m * 2^-n) have a value for the LIF matrices and one for the
readout matrix. "f" holds the fitness bytes (empty with `sweep`), "e" the exponents; records.py
gives shapes and units.
"act" is the bit map of active rows, as an XOR with the map of the generation before, compressed by
zlib; it is left out where the two maps are equal. The recordings follow from the seed and "idx".
"learned" is the number of recordings that left credit; it is left out where all did.
"link" is present if a run on devices read their counters after that generation. It holds a
Throughput for each device, which covers the time since the previous line that has one.

"split" says which recordings an evaluation was on: "validation" for those that the run set aside,
or "test". It is there only in runs that set recordings aside; without it, it was the test split.

From the header and these bytes, `replay` rebuilds the weights; for `sample` and `sweep` it also
needs the recordings.
"""

from __future__ import annotations

import json
import zlib
from typing import Any

import numpy as np

JOURNAL = "journal.jsonl"
CHECKPOINT = "weights.bin"
"""The latest checkpoint of a run."""
START = "start.bin"
"""A copy of the weights that a run with start_from began with, for replay and resume."""
RESULT = "result.json"
"""The result of a finished run: RunResult.to_dict() as JSON."""
STANDALONE = "standalone.bin"
"""The run packed for a board that trains by itself."""

FORMAT = 1
"""Raise it when older readers could no longer read a new journal."""
LINE_MAX = 1 << 26
"""Longest line in bytes; the longest line of a real run is far shorter."""


def encode_line(values: dict[str, Any]) -> bytes:
    """The line of the journal that holds a JSON object, its newline included."""
    text = json.dumps(values, separators=(",", ":")).encode()
    return b"%b\t%08x\n" % (text, zlib.crc32(text))


def decode_line(line: bytes) -> dict[str, Any] | None:
    """The object in a line; None if the line is torn or damaged."""
    text, tab, crc = line.rpartition(b"\t")
    if not tab or crc != b"%08x\n" % zlib.crc32(text):
        return None
    try:
        values = json.loads(text)
    except ValueError:
        return None
    return values if isinstance(values, dict) else None


def xor_maps(a: bytes, b: bytes) -> bytes:
    """The XOR of two bit maps; the shorter one counts as extended by zeros."""
    size = max(len(a), len(b))
    first, second = (np.frombuffer(x.ljust(size, b"\0"), np.uint8) for x in (a, b))
    return (first ^ second).tobytes()
