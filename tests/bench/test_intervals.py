"""Intervals and paired tests, against published quantiles, scipy and a simulation."""

from __future__ import annotations

import numpy as np
import pytest

from eggroll_edge.bench.intervals import half_width, inside, paired, quantile


@pytest.mark.parametrize(
    ("freedom", "t"),  # any printed table of Student's t, two-sided 95 %
    [(1, 12.706), (2, 4.303), (3, 3.182), (4, 2.776), (5, 2.571), (9, 2.262), (30, 2.042)],
)
def test_quantiles_are_those_of_the_tables(freedom: int, t: float) -> None:
    assert quantile(freedom) == pytest.approx(t, abs=6e-4)
    assert inside(t, freedom) == pytest.approx(0.95, abs=1e-4)


def test_many_degrees_of_freedom_are_the_normal_distribution() -> None:
    assert quantile(100_000) == pytest.approx(1.959964, abs=1e-4)
    assert inside(0, 7) == 0


def test_distribution_and_paired_test_are_those_of_scipy() -> None:
    stats = pytest.importorskip("scipy.stats", reason="scipy is not installed")
    for freedom in (1, 2, 3, 4, 7, 12):
        for t in (0.1, 1.0, 2.5, 20.0):
            expected = 1 - 2 * stats.t.sf(t, freedom)
            assert inside(t, freedom) == pytest.approx(expected, abs=1e-9)
    a, b = [97.4, 97.1, 97.6, 97.3, 97.5], [97.0, 97.2, 97.1, 97.1, 97.2]
    assert paired(a, b).p == pytest.approx(stats.ttest_rel(a, b).pvalue, rel=1e-6)


def test_the_interval_holds_the_mean_in_95_of_100_cases() -> None:
    rng = np.random.default_rng(1)
    draws = rng.normal(90, 2, (4000, 5))
    hits = [abs(draw.mean() - 90) <= half_width(draw.tolist()) for draw in draws]
    assert np.mean(hits) == pytest.approx(0.95, abs=0.012)


def test_a_paired_test_takes_the_seeds_that_both_have() -> None:
    found = paired([91.0, 92.0, 94.0, 50.0], [90.0, 90.0, 91.0])
    assert found.seeds == 3
    assert found.mean == pytest.approx(2.0)
    assert found.half_width == pytest.approx(half_width([1.0, 2.0, 3.0]))
    assert 0.05 < found.p < 0.1  # t is 3.46, with 2 degrees of freedom


def test_equal_seeds_have_no_difference_and_a_constant_one_is_certain() -> None:
    assert paired([1.0, 2.0], [1.0, 2.0]).p == 1
    assert paired([2.0, 3.0], [1.0, 2.0]).p == 0


def test_one_seed_has_no_interval() -> None:
    with pytest.raises(ValueError, match="two values or more, not 1"):
        half_width([97.0])
    with pytest.raises(ValueError, match="two values or more, not 1"):
        paired([97.0, 98.0], [97.0])
