"""Comparing the journals of two runs."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from eggroll_edge.journal.reader import JournalReader
from eggroll_edge.journal.records import EvalRecord, GenerationRecord, Telemetry


def history(where: Path) -> list[GenerationRecord | EvalRecord]:
    """All records of a journal, without what may depend on machine, threads and interruptions."""
    return [
        replace(record, telemetry=Telemetry(), seconds=0.0, link=())
        if isinstance(record, GenerationRecord)
        else record
        for record in JournalReader(where)
    ]


def generations(where: Path) -> list[GenerationRecord]:
    """The generations in history()."""
    return [record for record in history(where) if isinstance(record, GenerationRecord)]
