"""SPEC.md section 8: fitness shaping, one signed byte for each pair."""

from __future__ import annotations

from typing import NamedTuple

from tests.reference.integers import clamp, rs


class Shaped(NamedTuple):
    """Of a generation (`batch`, `full`) or of one recording (`sample`); names are the page's."""

    D: list[int]  # the fitness differences of the pairs
    e: int  # the exponent
    f: list[int]  # the fitness bytes of the pairs


def shape_batch(D: list[int]) -> Shaped:
    """Shape the fitness differences of a generation of `batch` or `full`."""
    assert all(abs(d) < 2**31 for d in D)
    top = max(abs(d) for d in D)
    e = 0
    while top >> e > 32767:
        e += 1
    scaled = [d >> e for d in D]
    mean = max(1, sum(abs(d) for d in scaled) // len(D))
    f: list[int] = []
    for d in scaled:
        sgn = (d > 0) - (d < 0)
        f.append(clamp(sgn * ((32 * abs(d) + mean // 2) // mean), 127))
    return Shaped(D, e, f)


def shape_sample(D: list[int]) -> Shaped:
    """Shape the fitness differences of `sample` on one recording."""
    assert all(abs(d) < 2**18 for d in D)
    top = max(abs(d) for d in D)
    e = 0
    while top >> e > 127:
        e += 1
    assert e <= 11
    return Shaped(D, e, [clamp(rs(d, e), 127) for d in D])
