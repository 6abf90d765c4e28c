"""What a device and its link took: bytes a sample, and where the time went."""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import asdict, dataclass, fields
from typing import Any

from eggroll_edge.session import Session


@dataclass(frozen=True)
class Throughput:
    """Between two readings of a device's STATS; telemetry, no result depends on it."""

    port: str
    board: str
    samples: int
    """That trained."""
    bytes_in: int
    """On the line to the device, all commands and retries included."""
    bytes_out: int
    bad: int
    """Frames that the device dropped: torn or damaged."""
    repeated: int
    """Frames that it answered from memory."""
    retries: int
    """Frames that the host sent again."""
    reconnects: int
    seconds: float
    """By the device's clock if it has one, else by the host's."""
    compute_s: float | None = None
    """In commands; None: the device has no clock, or its 32 bits may have gone round more than once
    (after 71 minutes at 1 MHz)."""
    link_s: float | None = None
    """Waiting for the rest of a frame, and for the line to take a reply. What is left of `seconds`
    is the host's: the device waits for a frame to begin."""

    def to_dict(self) -> dict[str, Any]:
        """Ready for JSON; without what is None."""
        return {name: value for name, value in asdict(self).items() if value is not None}

    @staticmethod
    def from_dict(values: dict[str, Any]) -> Throughput:
        """From to_dict(); TypeError if a field is missing or unknown."""
        return Throughput(**values)

    def __str__(self) -> str:
        each, unit = max(1, self.samples), "bytes/sample" if self.samples else "bytes"
        to, back = self.bytes_in / each, self.bytes_out / each
        parts = [f"{self.samples} samples", f"{to:.0f} {unit} to the device, {back:.0f} back"]
        if self.compute_s is not None and self.link_s is not None:
            whole = max(self.seconds, self.compute_s + self.link_s, 1e-9)
            compute, link = 100 * self.compute_s / whole, 100 * self.link_s / whole
            parts.append(
                f"computing {compute:.0f} %, link {link:.0f} %, waiting for the host "
                f"{max(0.0, 100 - compute - link):.0f} %"
            )
        faults = ((self.bad, "bad frames"), (self.retries, "retries"))
        more = (*faults, (self.reconnects, "reconnects"))
        return ", ".join([*parts, *(f"{count} {name}" for count, name in more if count)])


_SURE_TICKS = 0.9 * 2**32
"""Counters of more ticks, by the host's clock, which may differ a little, have gone round."""


class Meter:
    """Reads a device's STATS, and tells what has been since the reading before."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self.restart()

    def restart(self) -> None:
        """Forget what was: the device's counters begin anew when it is switched on."""
        self.latest, self._at = self._session.stats(), time.perf_counter()
        self._retries, self._reconnects = self._session.retries, self._session.reconnects

    def read(self) -> Throughput:
        """Since the last call of this or of restart()."""
        session, before, at = self._session, self.latest, self._at
        retries, reconnects = self._retries, self._reconnects
        self.restart()
        grown, hz, passed = self.latest.since(before), self.latest.ticks_hz, self._at - at
        if passed * hz > _SURE_TICKS:
            hz = 0
        return Throughput(
            port=session.name,
            board=session.hello.board,
            samples=grown.samples,
            bytes_in=grown.bytes_in,
            bytes_out=grown.bytes_out,
            bad=grown.bad,
            repeated=grown.repeated,
            retries=self._retries - retries,
            reconnects=self._reconnects - reconnects,
            seconds=round(grown.ticks / hz if hz else passed, 6),
            compute_s=round(grown.busy_ticks / hz, 6) if hz else None,
            link_s=round(grown.link_ticks / hz, 6) if hz else None,
        )


def total(parts: Iterable[Throughput]) -> list[Throughput]:
    """Sums for each port, in the order in which ports first appear."""
    sums: dict[str, Throughput] = {}
    for part in parts:
        sums[part.port] = _add(sums[part.port], part) if part.port in sums else part
    return list(sums.values())


def _add(a: Throughput, b: Throughput) -> Throughput:
    values: dict[str, Any] = {"port": a.port, "board": a.board}
    for field in fields(Throughput)[2:]:
        x, y = getattr(a, field.name), getattr(b, field.name)
        values[field.name] = None if x is None or y is None else x + y
    return Throughput(**values)
