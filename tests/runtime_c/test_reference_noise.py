"""The reference model's random numbers: the claims of SPEC.md sections 2 and 9, measured."""

from __future__ import annotations

import math
from collections import Counter
from itertools import combinations, pairwise

from hypothesis import given
from hypothesis import strategies as st

from tests import reference as ref
from tests.reference import Noise


def unmix(x: int) -> int:
    """The inverse of mix, step by step."""
    x ^= x >> 16
    x = (x * pow(0x846CA68B, -1, 2**32)) & ref.MASK
    x ^= (x >> 15) ^ (x >> 30)
    x = (x * pow(0x7FEB352D, -1, 2**32)) & ref.MASK
    x ^= x >> 16
    return x


@given(st.integers(0, 2**32 - 1))
def test_mix_is_a_bijection(x: int) -> None:
    assert unmix(ref.mix(x)) == x


def test_no_word_repeats_under_one_key() -> None:
    k = ref.key(1, 2, 3, 0, Noise.A, 0)
    assert len({ref.word(k, c) for c in range(2**16)}) == 2**16


def many_keys() -> list[ref.Key]:
    """Keys that are as similar as keys can be: small fields, one step apart."""
    return [
        ref.key(seed, generation, position, matrix, noise, rank)
        for seed in (0, 1, 2)
        for generation in (0, 1, 2, 3)
        for position in (0, 1, 2, 3)
        for matrix in (0, 1)
        for noise in range(9)
        for rank in (0, 1, 2)
    ]


def test_the_words_of_keys_differ_and_are_no_shifted_copies() -> None:
    # If the words of two keys shared a stretch, at any shift, they would share two words in a row.
    keys = many_keys()
    assert len(set(keys)) == len(keys)
    seen: set[tuple[int, int]] = set()
    count = 0
    for k in keys:
        words = [ref.word(k, c) for c in range(64)]
        for a, b in pairwise(words):
            seen.add((a, b))
            count += 1
    assert len(seen) == count
    assert not any((b, a) in seen for a, b in seen)  # nor in reverse order


def test_signs_are_balanced() -> None:
    # Every bit position and every word of a row, over rows, keys and generations.
    total = [0] * 32
    n = 0
    for generation in range(40):
        for m in (0, 1):
            k = ref.key(5, generation, 0, m, Noise.B, 0)
            for row in range(100):
                for w in (0, 1, 255):
                    bits = ref.signs(k, row, w)
                    for p in range(32):
                        total[p] += 1 if bits >> p & 1 else -1
                    n += 1
    assert all(abs(t) < 4.5 * math.sqrt(n) for t in total)
    assert abs(sum(total)) < 4.5 * math.sqrt(32 * n)


def test_signs_of_different_things_are_uncorrelated() -> None:
    def signs_of(k: ref.Key, row: int) -> int:
        return sum(ref.signs(k, row, w) << (32 * w) for w in range(4))

    n = 0
    agree: Counter[str] = Counter()
    for generation in range(300):
        k = ref.key(9, generation, 0, 0, Noise.A, 0)
        base = signs_of(k, 7)
        others = {
            "row": signs_of(k, 8),
            "generation": signs_of(ref.key(9, generation + 1, 0, 0, Noise.A, 0), 7),
            "position": signs_of(ref.key(9, generation, 1, 0, Noise.A, 0), 7),
            "matrix": signs_of(ref.key(9, generation, 0, 1, Noise.A, 0), 7),
            "noise": signs_of(ref.key(9, generation, 0, 0, Noise.B, 0), 7),
            "rank": signs_of(ref.key(9, generation, 0, 0, Noise.A, 1), 7),
            "seed": signs_of(ref.key(10, generation, 0, 0, Noise.A, 0), 7),
            "pair": (base >> 1) | (base & 1) << 127,
        }
        n += 128
        for name, bits in others.items():
            agree[name] += (~(base ^ bits) & (2**128 - 1)).bit_count()
    for name, a in agree.items():
        assert abs(2 * a - n) < 4.5 * math.sqrt(n), name


def test_rounding_is_uniform_and_pairwise_independent() -> None:
    # Four weights at the corners of a rectangle, over many generations: each in 16 bins, and each
    # pair in 8 x 8 bins. The limits of chi^2 (15 and 63 degrees of freedom) are at one in 10^6.
    n = 8000
    corners = [(3, 5), (3, 6), (4, 5), (4, 6)]
    draws = [[ref.rounding(21, g, 0, i, j) for i, j in corners] for g in range(n)]

    def chi2(bins: Counter[int], cells: int) -> float:
        expected = n / cells
        return sum((bins[c] - expected) ** 2 for c in range(cells)) / expected

    for a in range(4):
        assert chi2(Counter(u[a] >> 8 for u in draws), 16) < 60
    for a, b in combinations(range(4), 2):
        assert chi2(Counter((u[a] >> 9) * 8 + (u[b] >> 9) for u in draws), 64) < 140
    # They are independent in pairs only: three corners determine the fourth.
    assert all((u[0] + u[3] - u[1] - u[2]) % 4096 == 0 for u in draws)
