"""Small recordings in N-MNIST's file format."""

from __future__ import annotations

from pathlib import Path


def record(x: int, y: int, t: int, p: int = 0) -> bytes:
    """One 5-byte event."""
    return bytes((x, y, p << 7 | t >> 16, t >> 8 & 255, t & 255))


def folder(root: Path, counts: tuple[int, int] = (4, 2)) -> Path:
    """A little N-MNIST: recording k has one event, at x = k, and label k % 10."""
    number = 0
    for split, count in zip(("Train", "Test"), counts, strict=True):
        for _ in range(count):
            number += 1
            where = root / split / str(number % 10)
            where.mkdir(parents=True, exist_ok=True)
            (where / f"{number:05d}.bin").write_bytes(record(number, 3, 1000 * number, 1))
    return root
