"""The working memory of one thread."""

from __future__ import annotations

import numpy as np

from eggroll_edge._core import ffi, lib
from eggroll_edge.core.arrays import U8, U32, aligned, u8_ptr, u32_ptr
from eggroll_edge.core.config import EsConfig, NetConfig, status_text
from eggroll_edge.core.counts import RunCounts
from eggroll_edge.core.net import Net
from eggroll_edge.core.recordings import Recordings
from eggroll_edge.errors import ConfigError


class Workspace:
    """Memory in which one thread runs a net and, if an estimator is given, evaluates members.

    ConfigError if the core refuses the net or the estimator. If `es` is None, the workspace is for
    inference only.
    """

    def __init__(self, net: NetConfig, es: EsConfig | None) -> None:
        native_net = net.native()
        native_es = ffi.NULL if es is None else es.native()
        self._memory = aligned(lib.egg_workspace_bytes(native_net, native_es))
        self.native = ffi.new("egg_workspace *")
        status = lib.egg_workspace_init(
            self.native, native_net, native_es, u8_ptr(self._memory), len(self._memory)
        )
        if status != lib.EGG_OK:
            raise ConfigError(f"the core refuses the configuration: {status_text(status)}")
        self.unit_spikes: U32 = np.zeros(net.neurons, np.uint32)
        """Spikes of each LIF neuron in unperturbed runs, summed until the caller sets it to 0."""
        self.native.unit_spikes = u32_ptr(self.unit_spikes)
        longest = lib.egg_stream_bytes(net.ticks, net.inputs)
        room = 0 if es is None else lib.egg_shifted_bytes(native_net, native_es, longest)
        self._shifted: U8 = np.zeros(room, np.uint8)  # a recording that training has moved
        self.native.shifted = u8_ptr(self._shifted)
        self._outputs = net.outputs
        self.counts = ffi.new("egg_run_counts *")
        """The core's sums over unperturbed runs; read them with drain_counts()."""
        self.host_memory: U8 = np.zeros(0, np.uint8)
        """Memory that only the host's variant of the estimator needs."""
        if es is not None:
            full = es.estimator == "full"
            self.host_memory = aligned(
                lib.egg_full_rank_bytes(native_net)
                if full
                else lib.egg_dataset_scratch_bytes(native_net, native_es)
            )

    @property
    def logits(self) -> list[int]:
        """Logits of the last run, one for each class, in 1/4096 bit."""
        return list(self.native.logits[0 : self._outputs])

    def use_kernels(self, level: int) -> bool:
        """For tests: use one variant of the hot loops, 0 (portable) to kernel_levels() - 1.

        Returns False, and changes nothing, if this machine cannot run that variant.
        """
        kernels = lib.egg_kernel_level(level)
        if kernels == ffi.NULL:
            return False
        self.native.kernels = kernels
        return True

    def drain_counts(self) -> RunCounts:
        """The sums over all unperturbed runs since the last call."""
        counts = self.counts
        drained = RunCounts(
            counts.loss, counts.correct, counts.spikes, counts.recordings, counts.learned
        )
        counts.loss = counts.correct = counts.spikes = counts.recordings = counts.learned = 0
        return drained

    def run(self, net: Net, recordings: Recordings, index: U32, predicted: U8) -> None:
        """Run the unperturbed net on recordings[index].

        predicted [len(index)]: receives the predicted classes.
        """
        lib.egg_dataset_run(
            net.native, self.native, recordings.native, u32_ptr(index), len(index),
            u8_ptr(predicted), self.counts,
        )  # fmt: skip


def kernel_levels() -> int:
    """The number of variants of the hot loops in this build, the portable one included."""
    return int(lib.egg_kernel_levels())
