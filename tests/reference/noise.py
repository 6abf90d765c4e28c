"""SPEC.md section 2: random numbers from a counter and a key. Nothing is stored."""

from __future__ import annotations

from enum import IntEnum

Key = tuple[int, int]

MASK = 0xFFFFFFFF


class Noise(IntEnum):
    """What a random number is for: a field of its key."""

    INIT = 0
    A = 1
    B = 2
    Z = 3
    LOGIT = 4
    ROUND_ROW = 5
    ROUND_COL = 6
    FULL = 7
    SHUFFLE = 8
    SHIFT = 9


def mix(x: int) -> int:
    """A bijection of 32-bit words that looks random."""
    x ^= x >> 16
    x = (x * 0x7FEB352D) & MASK
    x ^= x >> 15
    x = (x * 0x846CA68B) & MASK
    x ^= x >> 16
    return x


def absorb(k: Key, w: int) -> Key:
    """The key that a key becomes with one more word."""
    k0 = mix((k[0] + w) & MASK)
    k1 = mix(k[1] ^ k0)
    return k0, k1


def key(seed: int, generation: int, position: int, matrix: int, noise: int, rank: int) -> Key:
    """The key of one use of random numbers. The position is a recording's in its generation."""
    assert all(0 <= w <= MASK for w in (seed, generation, position))
    assert all(0 <= w <= 255 for w in (matrix, noise, rank))
    k = (0x243F6A88, 0x85A308D3)
    for w in (seed, generation, position, matrix << 16 | noise << 8 | rank):
        k = absorb(k, w)
    return k


def word(k: Key, c: int) -> int:
    """The random word number c of a key."""
    return mix((c * (k[0] | 1) + k[1]) & MASK)


def signs(k: Key, row: int, w: int) -> int:
    """32 signs: bit p is the sign of pair 32*w + p."""
    assert 0 <= w <= 255
    return word(k, row * 256 + w)


def sign(k: Key, row: int, pair: int) -> int:
    """The sign of one pair: +1 if its bit is set, -1 if not."""
    return 1 if signs(k, row, pair // 32) >> (pair % 32) & 1 else -1
