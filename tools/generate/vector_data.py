"""Random data for the test vectors, drawn by the reference model itself."""

from __future__ import annotations

from typing import Any

from tests import reference as ref
from tests.reference import LayerConfig, NetConfig

Json = dict[str, Any]
DATA = 100
"""The noise number of these data. The arithmetic itself uses no such number."""


class Data:
    """Numbers from the generator of the reference model. Each name gives different numbers."""

    def __init__(self, *name: int) -> None:
        a, b = (*name, 0)[:2]
        self.key = ref.key(0xDA7A, a, b, 0, DATA, 0)
        self.counter = 0

    def below(self, n: int) -> int:
        """One of 0..n - 1."""
        self.counter += 1
        return ref.word(self.key, self.counter) % n

    def between(self, low: int, high: int) -> int:
        """One of low..high."""
        return low + self.below(high - low + 1)

    def recording(self, n_in: int, ticks: int, density: int) -> bytes:
        """A stream in which each input has an event in a tick with probability density/256."""
        return ref.encode(
            [[i for i in range(n_in) if self.below(256) < density] for _ in range(ticks)]
        )


def net_json(net: NetConfig) -> Json:
    """A network's configuration in the files."""
    others: Json = {} if net.layers else {"input_segments": net.input_segments}
    if net.input_shape:
        others["input_shape"] = list(net.input_shape)
    if any(layer.kernel for layer in net.layers):
        others["readout_pool"] = net.readout_pool
    return {
        "n_in": net.n_in,
        "ticks": net.ticks,
        "layers": [list(layer if layer.kernel else layer[:4]) for layer in net.layers],
        "readout": net.readout,
        "n_out": net.n_out,
        "gain": net.gain,
        **others,
    }


def layers(*rows: tuple[int, int, int, int]) -> tuple[LayerConfig, ...]:
    """LIF layers: size, threshold, leak shift, refractory ticks of each."""
    return tuple(LayerConfig(*row) for row in rows)
