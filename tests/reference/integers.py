"""The integer operations that SPEC.md defines in its first lines, and the types of the model."""

from __future__ import annotations

Matrix = list[list[int]]
"""[row][column]."""
Events = list[list[int]]
"""[tick]: the indices that have an event in that tick, in ascending order."""

INT16_MAX = 2**15 - 1
INT32_MAX = 2**31 - 1


def clamp(x: int, limit: int) -> int:
    """x limited to -limit..limit."""
    return max(-limit, min(limit, x))


def rs(x: int, n: int) -> int:
    """The rounding shift, as hardware with int32 does it. Python's >> rounds downwards (floor)."""
    assert 0 <= n <= 30
    if n == 0:
        return x
    assert abs(x) + (1 << (n - 1)) <= INT32_MAX
    return (x + (1 << (n - 1))) >> n
