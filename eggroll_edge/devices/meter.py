"""What a device and its link took: bytes a sample, and where the time went."""

from __future__ import annotations

import time

from eggroll_edge.journal.records import Throughput
from eggroll_edge.link.session import Session

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
