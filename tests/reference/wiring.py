"""SPEC.md section 4.1: which neurons of a layer see which below, and through which weights.

A dense layer is a single place, whose neurons see all neurons below.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from functools import cache

from tests.reference.config import MAX_NEURONS, NetConfig
from tests.reference.shape import Shape


@dataclass(frozen=True)
class Wiring:
    """How matrix m feeds its layer. Neuron h is at place h // channels and has the channel
    h % channels, which is its column of the matrix."""

    channels: int
    rows: tuple[dict[int, int], ...]
    """For each place: the row of the matrix through which its neurons see a presynaptic neuron.
    It is missing if they do not see it. All see the bias, which has the number n_pre."""

    @property
    def neurons(self) -> int:
        """Neurons of the layer."""
        return self.channels * len(self.rows)


@cache
def wiring(net: NetConfig, m: int) -> Wiring:
    """How LIF matrix m feeds layer m."""
    layer, n_pre = net.layers[m], net.n_pre(m)
    if layer.kernel == 0:
        return Wiring(layer.size, ({i: i for i in range(n_pre + 1)},))
    below, shape = net.shape_below(m), net.layer_shapes[m]
    rows = []
    for place in range(shape.rows * shape.columns):
        y, x = divmod(place, shape.columns)
        seen = {n_pre: net.shapes[m][0] - 1}
        for c in range(below.channels):
            for fy in range(layer.kernel):
                for fx in range(layer.kernel):
                    y_pre = y * layer.stride + fy - layer.padding
                    x_pre = x * layer.stride + fx - layer.padding
                    if 0 <= y_pre < below.rows and 0 <= x_pre < below.columns:
                        i = number(below, c, y_pre, x_pre, inputs=m == 0)
                        seen[i] = (c * layer.kernel + fy) * layer.kernel + fx
        rows.append(seen)
    seeing = Counter(i for seen in rows for i in seen if i != n_pre)
    assert all(places * shape.channels <= MAX_NEURONS for places in seeing.values())  # section 7.4
    return Wiring(shape.channels, tuple(rows))


def number(shape: Shape, c: int, y: int, x: int, inputs: bool) -> int:
    """The number of neuron (c, y, x), or of input (c, y, x)."""
    if inputs:
        return (c * shape.rows + y) * shape.columns + x
    return (y * shape.columns + x) * shape.channels + c


def readout_row(net: NetConfig, h: int) -> int:
    """The row of the readout matrix that counts neuron h of the last LIF layer."""
    shape, pooled = net.layer_shapes[-1], net.pooled_shape
    place, c = divmod(h, shape.channels)
    y, x = divmod(place, shape.columns)
    return number(pooled, c, y // net.readout_pool, x // net.readout_pool, inputs=False)
