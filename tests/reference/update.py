"""SPEC.md section 9: how the weights change, by stochastic rounding into int8."""

from __future__ import annotations

from collections.abc import Sequence

from tests.reference.config import NetConfig
from tests.reference.integers import INT16_MAX, INT32_MAX, clamp, rs
from tests.reference.net import Net
from tests.reference.noise import Noise, key, word
from tests.reference.stream import decode

LearningRate = tuple[int, int]
"""(lm, ln): the learning rate lm * 2^-ln."""
Recording = tuple[bytes, int]
"""The stream of a recording (section 3), and its label."""
Rows = dict[int, list[int]]
"""Some rows of a matrix, by their number."""

STEP_MAX = 28672


def rounding(seed: int, generation: int, m: int, i: int, j: int) -> int:
    """u(i, j)."""
    row = word(key(seed, generation, 0, m, Noise.ROUND_ROW, 0), i) >> 20
    col = word(key(seed, generation, 0, m, Noise.ROUND_COL, 0), j) >> 20
    return (row + col) % 4096


def apply(net: Net, m: int, seed: int, generation: int, steps: Rows) -> None:
    """Add steps[i][j] to w[i][j] of matrix m. Rows that are not in steps are skipped."""
    for i, row in steps.items():
        for j, step in enumerate(row):
            assert abs(step) <= STEP_MAX
            u = rounding(seed, generation, m, i, j)
            assert abs(step + u) <= INT16_MAX
            w = net.weights[m][i][j]
            net.weights[m][i][j] = clamp(w + ((step + u) >> 12), 127)


def check_learning_rates(lr_h: LearningRate, lr_o: LearningRate, ln_min: int) -> None:
    """Assert the ranges of the learning rates."""
    for lm, ln in (lr_h, lr_o):
        assert 0 <= lm <= 127
        assert ln_min <= ln <= 30


def step_from_gradient(G: int, lr: LearningRate) -> int:
    """The step of one weight, for `batch` and `full`."""
    lm, ln = lr
    assert abs(G) <= 127 * 65536 < 2**23
    assert abs(G * lm) < 2**30
    return clamp(rs(G * lm, ln), STEP_MAX)


def active_rows(net: NetConfig, m: int, recordings: Sequence[Recording]) -> list[int]:
    """The rows that an update of `batch` or `full` visits. In matrix 0 these are the rows with an
    event, but all rows of a convolution."""
    n_pre = net.shapes[m][0] - 1
    if m > 0 or net.layers[m].kernel:
        return list(range(n_pre + 1))
    ticks = [tick for data, _ in recordings for tick in decode(data, net.n_in, net.ticks)]
    return [*sorted({i for tick in ticks for i in tick}), n_pre]


def credit(delta: int, lr: LearningRate, e: int, n_ticks: int) -> int:
    """c[s][h], what one event adds to a step of `sample`."""
    lm, ln = lr
    assert abs(delta) <= 127 * 256 <= INT16_MAX
    assert abs(delta * lm) < 2**22
    assert e - ln <= 8  # the page has 7, as e <= 11; the stored vectors also try e = 12
    scaled = rs(delta * lm, ln - e) if ln >= e else delta * lm << (e - ln)
    assert abs(scaled) <= INT32_MAX
    return clamp(scaled, STEP_MAX // n_ticks)
