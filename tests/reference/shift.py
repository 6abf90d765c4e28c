"""SPEC.md section 3.1: recordings that training moves by a few pixels."""

from __future__ import annotations

from tests.reference.config import MAX_SHIFT, EsConfig, NetConfig
from tests.reference.integers import Events
from tests.reference.noise import Noise, key, word
from tests.reference.stream import decode, encode


def offsets(net: NetConfig, shift: int, seed: int, generation: int, pos: int) -> tuple[int, int]:
    """(dy, dx) of the recording at a position of a generation."""
    assert 0 <= shift <= MAX_SHIFT
    assert net.input_shape is not None
    _, rows, cols = net.input_shape
    v = word(key(seed, generation, pos, 0, Noise.SHIFT, 0), 0)
    return _moved(v >> 16, rows, shift), _moved(v & 65535, cols, shift)


def _moved(u: int, n: int, shift: int) -> int:
    if n == 1:
        return 0
    found = ((u * (2 * shift + 1)) >> 16) - shift
    assert abs(found) <= shift
    return found


def shifted(
    net: NetConfig, es: EsConfig, seed: int, generation: int, pos: int, data: bytes
) -> bytes:
    """The recording that training uses in the place of `data`."""
    if es.shift == 0:
        return data
    out = moved(net, data, *offsets(net, es.shift, seed, generation, pos))
    assert net.input_shape is not None
    cols = net.input_shape.columns
    assert len(out) <= len(data) + net.ticks * -(-es.shift * (cols + 1) // 254)
    return out


def moved(net: NetConfig, data: bytes, dy: int, dx: int) -> bytes:
    """A recording moved by (dy, dx)."""
    assert net.input_shape is not None
    _, rows, cols = net.input_shape
    ticks: Events = []
    for events in decode(data, net.n_in, net.ticks):
        ticks.append([])
        for event in events:
            c, pixel = divmod(event, rows * cols)
            y, x = divmod(pixel, cols)
            if 0 <= y + dy < rows and 0 <= x + dx < cols:
                ticks[-1].append((c * rows + y + dy) * cols + x + dx)
    return encode(ticks)
