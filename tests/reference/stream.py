"""SPEC.md section 3: a recording as a stream of bytes."""

from __future__ import annotations

from tests.reference.integers import Events


def encode(ticks: Events) -> bytes:
    """The stream of a recording."""
    out = bytearray()
    for events in ticks:
        index = -1
        for event in events:
            step = event - index
            assert step >= 1, "an input has at most one event in a tick, and inputs ascend"
            while step > 254:
                out.append(255)
                step -= 254
            out.append(step)
            index = event
        out.append(0)
    return bytes(out)


def decode(data: bytes, n_in: int, n_ticks: int) -> Events:
    """The events of each tick. ValueError if the bytes are not such a recording."""
    ticks: Events = []
    events: list[int] = []
    index = -1
    for byte in data:
        if len(ticks) == n_ticks:
            raise ValueError("there are bytes behind the last tick")
        if byte == 0:
            ticks.append(events)
            events = []
            index = -1
            continue
        index += 254 if byte == 255 else byte
        if index >= n_in:
            raise ValueError("an index is out of range")
        if byte != 255:
            events.append(index)
    if len(ticks) != n_ticks:
        raise ValueError("there are fewer ticks than expected")
    return ticks


def check(data: bytes, n_in: int, n_ticks: int) -> bool:
    """Whether the bytes are a recording of this many inputs and ticks."""
    try:
        decode(data, n_in, n_ticks)
    except ValueError:
        return False
    return True
