"""Shapes of layers, and how the settings write a layer: 64, or "conv 16 k5 s2".

A convolution is a LIF layer whose neurons share their weights (runtime_c/SPEC.md, section 4.1).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from eggroll_edge._core import lib
from eggroll_edge.core.checks import check_int
from eggroll_edge.errors import ConfigError

CHANNELS_MAX: int = lib.EGG_CHANNELS_MAX
KERNEL_MAX: int = lib.EGG_KERNEL_MAX
STRIDE_MAX: int = lib.EGG_STRIDE_MAX
NEURONS_MAX: int = lib.EGG_NEURONS_MAX
UNITS_MAX: int = lib.EGG_UNITS_MAX

_CONVOLUTION = re.compile(r"conv +(\d{1,6}) +k(\d{1,6})(?: +s(\d{1,6}))?(?: +p(\d{1,6}))?")
_FORMS = (
    'use a number of neurons, such as 64, or a convolution, such as "conv 16 k5 s2" (or none, for '
    "no hidden layer)"
)


class Shape(NamedTuple):
    """Inputs or neurons as a picture. A dense layer has one row and one column."""

    channels: int
    rows: int
    cols: int

    @property
    def units(self) -> int:
        """Inputs or neurons in all."""
        return self.channels * self.rows * self.cols

    def pooled(self, side: int) -> Shape:
        """The shape after squares of side x side places were merged; those at the edge may be
        smaller."""
        return Shape(self.channels, -(-self.rows // side), -(-self.cols // side))

    def __str__(self) -> str:
        return f"{self.channels}x{self.rows}x{self.cols}"


@dataclass(frozen=True)
class Convolution:
    """The form of a convolution; ConfigError if a value is out of range."""

    channels: int
    """1..256."""
    kernel: int
    """Side of the square window of the layer below that a neuron sees, 1..15."""
    stride: int = 1
    """Places of the layer below between two windows, 1..8."""
    padding: int = 0
    """Empty places around the layer below, 0..kernel - 1."""

    def __post_init__(self) -> None:
        for name, low, high in (
            ("channels", 1, CHANNELS_MAX),
            ("kernel", 1, KERNEL_MAX),
            ("stride", 1, STRIDE_MAX),
            ("padding", 0, self.kernel - 1),
        ):
            check_int(f"{name} of {self}", getattr(self, name), low, high)

    def __str__(self) -> str:
        """As the settings have it: stride 1 and padding 0 are left out."""
        stride = f" s{self.stride}" if self.stride != 1 else ""
        padding = f" p{self.padding}" if self.padding != 0 else ""
        return f"conv {self.channels} k{self.kernel}{stride}{padding}"

    @property
    def seen_by(self) -> int:
        """The most neurons that see one place of the layer below."""
        return self.channels * (-(-self.kernel // self.stride)) ** 2

    def over(self, below: Shape) -> Shape:
        """The shape of this convolution over a layer. ConfigError if it does not fit there."""
        if min(below.rows, below.cols) + 2 * self.padding < self.kernel:
            least = -(-(self.kernel - min(below.rows, below.cols)) // 2)
            raise ConfigError(
                f"{self} over {below}: a kernel of {self.kernel} x {self.kernel} does not fit into "
                f"{below.rows} x {below.cols} places: use padding {least} or more (p{least}), or a "
                "smaller kernel"
            )
        rows = below.channels * self.kernel**2
        if rows > UNITS_MAX:
            raise ConfigError(
                f"{self} over {below}: a neuron would have {rows:,} weights, at most {UNITS_MAX:,} "
                "(EGG_UNITS_MAX): use a smaller kernel, or fewer channels below"
            )
        shape = self._shape(below)
        if shape.units > UNITS_MAX:
            raise ConfigError(
                f"{self} over {below}: it would have {shape} = {shape.units:,} neurons, at most "
                f"{UNITS_MAX:,} (EGG_UNITS_MAX): {self._smaller(below)}"
            )
        if self.seen_by > NEURONS_MAX:
            raise ConfigError(
                f"{self} over {below}: {self.seen_by:,} neurons would see one place below, at most "
                f"{NEURONS_MAX:,} (EGG_NEURONS_MAX): {self._smaller(below)}"
            )
        return shape

    def _shape(self, below: Shape, stride: int = 0) -> Shape:
        rows, cols = (
            (side + 2 * self.padding - self.kernel) // (stride or self.stride) + 1
            for side in (below.rows, below.cols)
        )
        return Shape(self.channels, rows, cols)

    def _smaller(self, below: Shape) -> str:
        """How to come below the ceilings: the least stride that does, if there is one."""
        for stride in range(self.stride + 1, STRIDE_MAX + 1):
            seen_by = Convolution(self.channels, self.kernel, stride, self.padding).seen_by
            if self._shape(below, stride).units <= UNITS_MAX and seen_by <= NEURONS_MAX:
                return f"use stride {stride} (s{stride}), or fewer channels"
        return "use fewer channels, or data of fewer places (pool)"


Layer = int | Convolution
"""The form of a LIF layer: the neurons of a dense one, or a convolution."""


def layer_shapes(inputs: Shape | None, layers: Sequence[Layer]) -> tuple[Shape, ...]:
    """The shape of each LIF layer over inputs of a shape, which only a convolution needs.

    ConfigError if it is missing, or if a convolution does not fit the layer below.
    """
    shapes: list[Shape] = []
    for layer in layers:
        below = shapes[-1] if shapes else inputs
        if isinstance(layer, int):
            shapes.append(Shape(layer, 1, 1))
        elif below is None:
            raise ConfigError(
                f"{layer} over inputs of unknown shape: give their channels, rows and columns "
                "(input_shape), or take them from data of a sensor"
            )
        else:
            shapes.append(layer.over(below))
    return tuple(shapes)


def parse_layer(entry: object) -> Layer:
    """The layer that an entry of the setting `hidden` describes, such as 64 or "conv 16 k5 s2".

    ConfigError if it describes none. The entry of a layer is the layer itself if it is dense, and
    str(layer) otherwise; parse_layer() accepts both.
    """
    if isinstance(entry, str):
        entry = entry.strip()
        found = _CONVOLUTION.fullmatch(entry)
        if found:
            channels, kernel, stride, padding = found.groups()
            return Convolution(int(channels), int(kernel), int(stride or 1), int(padding or 0))
        if entry.startswith("conv"):
            raise ConfigError(
                f"hidden: {entry!r} is not a convolution: use conv CHANNELS kKERNEL [sSTRIDE] "
                '[pPADDING], such as "conv 16 k5 s2"'
            )
        if not entry.isdecimal():
            raise ConfigError(f"hidden: {entry!r} is not a layer: {_FORMS}")
        entry = int(entry)
    if isinstance(entry, Convolution):
        return entry
    if isinstance(entry, bool) or not isinstance(entry, int) or not 1 <= entry <= NEURONS_MAX:
        raise ConfigError(
            f"hidden: a dense layer of {entry!r} neurons: use an integer 1..{NEURONS_MAX}, or a "
            'convolution, such as "conv 16 k5 s2"'
        )
    return entry
