"""Sums over the unperturbed runs of a net."""

from __future__ import annotations

from typing import NamedTuple


class RunCounts(NamedTuple):
    """Sums over unperturbed runs of a net, each on one recording."""

    loss: int
    """Cross-entropy, in 1/4096 bit."""
    correct: int
    """Recordings that the net classified correctly."""
    spikes: int
    """Spikes of all LIF neurons."""
    recordings: int
    """Recordings run."""
    learned: int
    """Recordings that the net learned from; the others left no credit (`learn_above`), or the runs
    were no training."""
