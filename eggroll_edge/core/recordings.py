"""Recordings as the C core reads them, and the order in which a run visits them."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import numpy.typing as npt

from eggroll_edge._core import ffi, lib
from eggroll_edge.core.arrays import U8, U32, u8_ptr, u32_ptr, u64_ptr
from eggroll_edge.core.config import EsConfig, NetConfig, status_text
from eggroll_edge.core.net import active_bytes
from eggroll_edge.errors import DataError


class Recordings:
    """n recordings in memory. The core does not check them, so call check() before a run.

    streams uint8 [bytes]: the streams end to end; recording i is streams[offsets[i]:offsets[i+1]].
    offsets int64 [n + 1]. labels uint8 [n]: the class of each recording.
    """

    def __init__(self, streams: U8, offsets: npt.NDArray[np.int64], labels: U8) -> None:
        self._streams = np.ascontiguousarray(streams, np.uint8)
        self._offsets = np.ascontiguousarray(offsets).astype(np.uint64)
        self.labels = np.ascontiguousarray(labels, np.uint8)
        self.native = ffi.new(
            "egg_dataset *",
            {
                "streams": u8_ptr(self._streams),
                "offsets": u64_ptr(self._offsets),
                "labels": u8_ptr(self.labels),
            },
        )

    def __len__(self) -> int:
        return len(self.labels)

    def stream(self, index: int) -> bytes:
        """The stream of one recording."""
        return self._streams[self._offsets[index] : self._offsets[index + 1]].tobytes()

    @property
    def longest(self) -> int:
        """Bytes of the longest stream; 0 if there is none."""
        return int(np.diff(self._offsets.astype(np.int64)).max(initial=0))

    def check(self, net: NetConfig, name: str = "data") -> None:
        """DataError unless all recordings fit the net; it names the first that does not.

        A recording does not fit if its stream is torn, or if an input or the label is too large.
        """
        bad = ffi.new("uint32_t *")
        status = lib.egg_dataset_check(net.native(), self.native, len(self), bad)
        if status != lib.EGG_OK:
            raise DataError(
                f"{name}: recording {bad[0]}: {status_text(status)} "
                f"(net of {net.inputs} inputs, {net.ticks} ticks, {net.outputs} outputs); "
                "open the data with the binning of the net, or mend the recording"
            )


def epoch_order(seed: int, epoch: int, n: int) -> U32:
    """The order in which an epoch visits n recordings: a permutation of 0..n-1.

    Recordings are sorted by a random key: the key of recording i is word i of the epoch's noise. No
    two keys are equal, because a word is a bijection of its index (runtime_c/SPEC.md, sections 2
    and 10).
    """
    keys = np.empty(n, np.uint32)
    lib.egg_dataset_order_keys(seed, epoch, n, u32_ptr(keys))
    return np.argsort(keys).astype(np.uint32)


def active_rows(net: NetConfig, streams: Iterable[bytes]) -> U8:
    """Bit map of the rows of matrix 0 with an event in one of the recordings.

    Returns uint8 [active_bytes(net)]. The estimator `batch` updates only these rows.
    """
    active: U8 = np.zeros(active_bytes(net), np.uint8)
    for stream in streams:
        lib.egg_batch_mark(net.native(), ffi.from_buffer("uint8_t[]", stream), u8_ptr(active))
    return active


def shifted(
    net: NetConfig, es: EsConfig, seed: int, generation: int, position: int, stream: bytes
) -> bytes:
    """The recording that training uses at a position of a generation, in the place of `stream`.

    Without a shift that is `stream`, which must be valid (runtime_c/SPEC.md, section 3.1).
    """
    if not es.shift:
        return stream
    assert net.input_shape is not None
    _, rows, cols = net.input_shape
    out: U8 = np.empty(
        lib.egg_shift_bytes(len(stream), net.ticks, net.inputs, cols, es.shift), np.uint8
    )
    by = lib.egg_shift_draw(seed, generation, position, rows, cols, es.shift)
    source = ffi.from_buffer("uint8_t[]", stream)
    size = lib.egg_shift_stream(source, net.ticks, rows, cols, by, u8_ptr(out))
    return out[:size].tobytes()
