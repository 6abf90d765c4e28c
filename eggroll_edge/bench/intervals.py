"""Confidence intervals and paired tests over seeds, by Student's t distribution.

A table that compares two methods over a few seeds needs more than two means. The interval says how
much the mean would move with other seeds. The paired test says how often a difference as large as
the observed one would arise by chance. Neither covers the choice of the test recordings.

For a whole number of degrees of freedom the distribution has a closed form: M. Abramowitz, I. A.
Stegun, Handbook of Mathematical Functions, 1964, 26.7.3 and 26.7.4. (scipy is not a dependency.)
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass


def inside(t: float, freedom: int) -> float:
    """The probability that a t variable with `freedom` >= 1 degrees of freedom is within +/- t."""
    angle = math.atan(abs(t) / math.sqrt(freedom))
    square, odd = math.cos(angle) ** 2, freedom % 2
    term = math.cos(angle) if odd else 1.0
    total = term if freedom > 1 else 0.0
    for k in range(2 + odd, freedom - 1, 2):
        term *= square * (k - 1) / k
        total += term
    total *= math.sin(angle)
    return 2 * (angle + total) / math.pi if odd else total


def quantile(freedom: int, confidence: float = 0.95) -> float:
    """The t for which inside(t, freedom) is `confidence`; 2.776 for 4 degrees of freedom."""
    low, high = 0.0, 1.0
    while inside(high, freedom) < confidence:
        high *= 2
    for _ in range(60):  # halves the interval to less than the precision of a float
        middle = (low + high) / 2
        low, high = (middle, high) if inside(middle, freedom) < confidence else (low, middle)
    return high


def half_width(values: Sequence[float]) -> float:
    """The mean of the values, plus or minus this, is the 95 % confidence interval of their mean.

    Raises:
        ValueError: There are fewer than two values.
    """
    if len(values) < 2:
        raise ValueError(f"an interval needs two values or more, not {len(values)}")
    error = statistics.stdev(values) / math.sqrt(len(values))
    return quantile(len(values) - 1) * error


@dataclass(frozen=True)
class Paired:
    """The differences of two methods, seed by seed."""

    mean: float
    """Of the first minus the second."""
    half_width: float
    """mean +/- half_width is the 95 % confidence interval."""
    p: float
    """How often chance alone would give a mean difference of this size, if there were none: the
    two-sided paired t test."""
    seeds: int


def paired(first: Sequence[float], second: Sequence[float]) -> Paired:
    """Compare two methods over the seeds that both have; values[i] is that of seed i + 1.

    Raises:
        ValueError: They have fewer than two seeds in common.
    """
    differences = [a - b for a, b in zip(first, second, strict=False)]
    width = half_width(differences)
    mean, error = statistics.mean(differences), width / quantile(len(differences) - 1)
    if error == 0:
        return Paired(mean, 0.0, 1.0 if mean == 0 else 0.0, len(differences))
    return Paired(mean, width, 1 - inside(mean / error, len(differences) - 1), len(differences))
