"""Recordings as the C core reads them."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from eggroll_edge._core import ffi, lib
from eggroll_edge.core.arrays import U8, U32, u8_ptr, u32_ptr
from eggroll_edge.core.config import NetConfig, status_text
from eggroll_edge.core.net import active_bytes
from eggroll_edge.errors import DataError


class Recordings:
    """Recordings as the core reads them. Check them against a net before the core runs them."""

    def __init__(self, streams: U8, offsets: npt.NDArray[np.int64], labels: U8) -> None:
        self._streams = np.ascontiguousarray(streams, np.uint8)
        self._offsets = np.ascontiguousarray(offsets).astype(np.uint64)
        self.labels = np.ascontiguousarray(labels, np.uint8)
        self.native = ffi.new(
            "egg_data *",
            {
                "streams": u8_ptr(self._streams),
                "offsets": ffi.from_buffer("uint64_t[]", self._offsets),
                "labels": u8_ptr(self.labels),
            },
        )

    def __len__(self) -> int:
        return len(self.labels)

    def stream(self, index: int) -> bytes:
        """One recording."""
        return self._streams[self._offsets[index] : self._offsets[index + 1]].tobytes()

    @property
    def longest(self) -> int:
        """Bytes of the longest recording."""
        return int(np.diff(self._offsets.astype(np.int64)).max(initial=0))

    def check(self, net: NetConfig, name: str = "data") -> None:
        """DataError, naming the first sample that is torn or has an input or label too many."""
        bad = ffi.new("uint32_t *")
        status = lib.egg_host_check(net.native(), self.native, len(self), bad)
        if status != lib.EGG_OK:
            raise DataError(
                f"{name}: sample {bad[0]}: {status_text(status)} "
                f"(net of {net.inputs} inputs, {net.ticks} ticks, {net.outputs} outputs); "
                "open the data with the binning of the net, or mend the sample"
            )


def epoch_order(seed: int, epoch: int, samples: int) -> U32:
    """The order in which an epoch visits the samples."""
    keys, order = np.empty(samples, np.uint64), np.empty(samples, np.uint32)
    lib.egg_host_shuffle(seed, epoch, samples, ffi.from_buffer("uint64_t[]", keys), u32_ptr(order))
    return order


def active_rows(net: NetConfig, samples: Recordings, index: U32) -> U8:
    """Bit map of the rows of matrix 0 that samples[index] touch (batch)."""
    active: U8 = np.zeros(active_bytes(net), np.uint8)
    for i in index:
        stream = ffi.from_buffer("uint8_t[]", samples.stream(int(i)))
        lib.egg_batch_mark(net.native(), stream, u8_ptr(active))
    return active
