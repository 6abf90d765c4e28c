"""SPEC.md section 4.1: the shape of the inputs and of a layer."""

from __future__ import annotations

from typing import NamedTuple


class Shape(NamedTuple):
    """Neurons or inputs as a picture."""

    channels: int
    rows: int
    columns: int

    @property
    def units(self) -> int:
        """The number of neurons or inputs."""
        return self.channels * self.rows * self.columns


def convolved(below: int, kernel: int, stride: int, padding: int) -> int:
    """The rows (or columns) of a convolution over a layer with `below` of them."""
    assert below + 2 * padding >= kernel
    return (below + 2 * padding - kernel) // stride + 1


def pooled(shape: Shape, side: int) -> Shape:
    """The squares of side x side places of a layer; those at the end may be smaller."""
    return Shape(shape.channels, -(-shape.rows // side), -(-shape.columns // side))
