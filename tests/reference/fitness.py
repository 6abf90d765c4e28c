"""SPEC.md section 6: fitness, from the softmax cross-entropy in 1/4096 bit (base 2), no table."""

from __future__ import annotations

from collections.abc import Sequence

from tests.reference.config import EsConfig
from tests.reference.forward import Run
from tests.reference.integers import clamp
from tests.reference.noise import MASK

LIMIT_F = 2**17 - 1


def exp2_neg(d: int) -> int:
    """E(d) = 65536 * 2^(-d/4096), approximately."""
    assert 0 <= d <= MASK
    if d >= 16 * 4096:
        return 0
    f = d & 4095
    y = 65536 - ((f * (45329 - ((f * (15158 - ((f * 2597) >> 12))) >> 12))) >> 12)
    return y >> (d >> 12)


def log2(s: int) -> int:
    """log2(s / 65536) in 1/4096, approximately."""
    assert 65536 <= s <= 64 * 65536
    n = 0
    while s >= 131072:
        s >>= 1
        n += 1
    u = (s - 65536) >> 1
    assert 0 <= u <= 32767
    return n * 4096 + (
        (u * (47144 - ((u * (22208 - ((u * (10522 - ((u * 2690) >> 15))) >> 15))) >> 15))) >> 18
    )


def cross_entropy(logits: Sequence[int], label: int) -> int:
    """The loss, without the penalty on spikes."""
    top = max(logits)
    d = [top - x for x in logits]
    s = sum(exp2_neg(d_j) for d_j in d)
    return log2(s) + min(d[label], LIMIT_F)


def argmax(logits: Sequence[int]) -> int:
    """The index of the largest logit; of several that are equal, the lowest."""
    return list(logits).index(max(logits))


def fitness(es: EsConfig, run: Run, label: int) -> int:
    """F, in 1/4096 bit."""
    spikes = min(run.spikes, 2**17)
    if es.fitness == "xent":
        f = -min(cross_entropy(run.logits, label) + es.penalty * spikes, LIMIT_F)
    else:
        right = 4096 if argmax(run.logits) == label else 0
        f = clamp(right - es.penalty * spikes, LIMIT_F)
    assert abs(f) <= LIMIT_F
    return f
