"""Recordings as the C core reads them, and the order in which a run visits them."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from eggroll_edge._core import ffi, lib
from eggroll_edge.core.arrays import U8, U32, u8_ptr, u64_ptr
from eggroll_edge.core.config import NetConfig, status_text
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
    key = lib.egg_rng_key(seed, epoch, 0, 0, lib.EGG_NOISE_SHUFFLE, 0)
    words = np.arange(n, dtype=np.uint32) * np.uint32(key.k0 | 1) + np.uint32(key.k1)
    words ^= words >> 16
    words *= np.uint32(0x7FEB352D)
    words ^= words >> 15
    words *= np.uint32(0x846CA68B)
    words ^= words >> 16
    return np.argsort(words).astype(np.uint32)


def active_rows(net: NetConfig, recordings: Recordings, index: U32) -> U8:
    """Bit map of the rows of matrix 0 with an event in recordings[index].

    Returns uint8 [active_bytes(net)]. The estimator `batch` updates only these rows.
    """
    active: U8 = np.zeros(active_bytes(net), np.uint8)
    for i in index:
        stream = ffi.from_buffer("uint8_t[]", recordings.stream(int(i)))
        lib.egg_batch_mark(net.native(), stream, u8_ptr(active))
    return active
