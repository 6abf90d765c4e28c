"""What a device and its link did: bytes for each recording, and how the time was spent."""

from __future__ import annotations

import time

from eggroll_edge.journal.records import Throughput
from eggroll_edge.link.session import Session

_CLOCK_MAX = 0.9 * 2**32
"""Clock cycles between two readings, as the host's clock estimates them, above which the device's
32-bit counter may have wrapped more than once. The two clocks may differ by a few percent."""


class Meter:
    """Reads the counters of a device (STATS) and reports how much they have grown."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self.restart()

    def restart(self) -> None:
        """Measure from here on. After the device was switched on, its counters are 0."""
        self.latest, self._at = self._session.stats(), time.perf_counter()
        self._retries, self._reconnects = self._session.retries, self._session.reconnects

    def read(self) -> Throughput:
        """The growth of the counters since the last call of read() or restart()."""
        session, before, at = self._session, self.latest, self._at
        retries, reconnects = self._retries, self._reconnects
        self.restart()
        grown, hz, passed = self.latest.since(before), self.latest.clock_hz, self._at - at
        if passed * hz > _CLOCK_MAX:
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
            seconds=round(grown.clock / hz if hz else passed, 6),
            compute_s=round(grown.busy_clock / hz, 6) if hz else None,
            link_s=round(grown.link_clock / hz, 6) if hz else None,
        )
