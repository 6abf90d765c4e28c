"""Readings of a device's counters, which have 32 bits and wrap."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest

from eggroll_edge.devices.meter import Meter
from eggroll_edge.journal.records import Throughput
from eggroll_edge.link.messages import Stats

WRAP = 2**32
START = Stats(0, 0, 0, 0, 0, 0, 5, 5, 0, 0, WRAP - 1_000_000, 10_000_000)


def between(later: Stats, passed: float, patch: pytest.MonkeyPatch) -> Throughput:
    readings, times = iter([START, later]), iter([50.0, 50.0 + passed])
    session: Any = SimpleNamespace(
        stats=lambda: next(readings),
        retries=0, reconnects=0, name="port", hello=SimpleNamespace(board="host"),
    )  # fmt: skip
    clock = SimpleNamespace(perf_counter=lambda: next(times))
    patch.setattr("eggroll_edge.devices.meter.time", clock)
    return Meter(session).read()


def test_a_clock_that_wrapped(monkeypatch: pytest.MonkeyPatch) -> None:
    later = replace(START, clock=9_000_000, busy_clock=5_000_000, samples=7)
    used = between(later, 1.01, monkeypatch)
    assert (used.seconds, used.compute_s, used.samples) == (1.0, 0.5, 2)


def test_a_clock_that_may_have_wrapped_twice_is_not_used(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """At 10 MHz it wraps every 429 s. If a generation takes longer, the host's clock counts."""
    later = replace(START, clock=9_000_000, busy_clock=5_000_000, samples=7)
    used = between(later, 430.5, monkeypatch)
    assert (used.seconds, used.compute_s, used.link_s, used.samples) == (430.5, None, None, 2)
    assert "computing" not in str(used)
