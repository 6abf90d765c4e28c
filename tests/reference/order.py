"""SPEC.md section 10: the order in which training visits the recordings."""

from __future__ import annotations

from tests.reference.noise import Noise, key, word


def epoch_order(seed: int, epoch: int, n: int) -> list[int]:
    """All n recordings, in the order of an epoch."""
    k = key(seed, epoch, 0, 0, Noise.SHUFFLE, 0)
    return sorted(range(n), key=lambda i: (word(k, i), i))


def generation_indices(seed: int, generation: int, n: int, batch: int) -> list[int]:
    """The recordings of a generation, in order. Generations count from 0 through all epochs."""
    batch = min(batch, n)
    epoch, place = divmod(generation, n // batch)
    return epoch_order(seed, epoch, n)[place * batch : (place + 1) * batch]
