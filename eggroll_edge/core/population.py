"""Typed wrapper over the C core.

Arrays that C writes are allocated once by the caller and passed as numpy arrays or views of them.
cffi lets go of the interpreter lock during a call, so threads run shards of a generation at once;
what they add up are int32, so the number of threads changes no bit.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from eggroll_edge._core import ffi, lib
from eggroll_edge.core.arrays import (
    I8,
    I16,
    I32,
    U8,
    U32,
    aligned,
    i8_ptr,
    i16_ptr,
    i32_ptr,
    u8_ptr,
    u32_ptr,
)
from eggroll_edge.core.config import EsConfig, Hyperparameters, NetConfig, status_text
from eggroll_edge.core.net import Net
from eggroll_edge.core.recordings import Recordings
from eggroll_edge.errors import ConfigError


class RunCounts(NamedTuple):
    """Sums over unperturbed runs."""

    loss: int
    """1/4096 bit."""
    correct: int
    spikes: int
    samples: int


class Workspace:
    """Scratch memory of one thread; `es` None is enough for inference."""

    def __init__(self, net: NetConfig, es: EsConfig | None) -> None:
        c, e = net.native(), ffi.NULL if es is None else es.native()
        self._memory = aligned(lib.egg_ws_bytes(c, e))
        self.native = ffi.new("egg_ws *")
        status = lib.egg_ws_init(self.native, c, e, u8_ptr(self._memory), len(self._memory))
        if status != lib.EGG_OK:
            raise ConfigError(f"the core refuses the configuration: {status_text(status)}")
        self.unit_spikes: U32 = np.zeros(net.neurons, np.uint32)
        """Spikes of each LIF neuron in unperturbed runs, until the caller zeroes them."""
        self.native.unit_spikes = u32_ptr(self.unit_spikes)
        self._outputs = net.outputs
        self._counts = ffi.new("egg_tally *")
        self._full: U8 = np.zeros(0, np.uint8)
        if es is not None and es.estimator == "full":
            self._full = aligned(lib.egg_full_bytes(c))
        self._scratch: U8 = np.zeros(0, np.uint8)
        if es is not None and es.estimator != "full":
            self._scratch = aligned(lib.egg_host_scratch(c, e))

    @property
    def logits(self) -> list[int]:
        """Of the last run, in 1/4096 bit."""
        return list(self.native.logits[0 : self._outputs])

    def use_kernels(self, level: int) -> bool:
        """For tests: the hot loops of one level, 0 = portable; False if this machine lacks it."""
        kernels = lib.egg_kernel_level(level)
        if kernels == ffi.NULL:
            return False
        self.native.kernels = kernels
        return True

    def drain_counts(self) -> RunCounts:
        """What runs have summed up since the last call."""
        t = self._counts
        taken = RunCounts(t.loss, t.correct, t.spikes, t.samples)
        t.loss = t.correct = t.spikes = t.samples = 0
        return taken

    def run(self, net: Net, samples: Recordings, index: U32, predicted: U8) -> None:
        """Unperturbed runs of samples[index]; predicted has the length of index."""
        lib.egg_host_run(
            net.native, self.native, samples.native, u32_ptr(index), len(index), u8_ptr(predicted),
            self._counts,
        )  # fmt: skip


class Credit:
    """Steps of up to `capacity` recordings of a generation (estimator sample); see egg_credit.h."""

    MOST = int(lib.EGG_CREDIT_MAX)

    def __init__(self, net: NetConfig, es: EsConfig, capacity: int) -> None:
        c, e = net.native(), es.native()
        self.capacity = capacity
        self._memory = aligned(lib.egg_credit_bytes(c, e, capacity))
        self.native = ffi.new("egg_credit *")
        lib.egg_credit_init(self.native, c, e, capacity, u8_ptr(self._memory))


class Population:
    """An estimator at work on a net: the core's generation context."""

    def __init__(self, net: Net, es: EsConfig, seed: int) -> None:
        es.check(net.config)
        self.net, self.es, self._noise = net, es, None
        self.native = ffi.new("egg_gen *")
        self.native.net, self.native.es, self.native.seed = net.native, es.native()[0], seed
        shapes = net.config.shapes
        self._starts = [0, *np.cumsum([rows * cols for rows, cols in shapes]).tolist()]

    def at(self, generation: int, steps: Hyperparameters) -> None:
        """Set the generation; ConfigError if a sigma or learning rate is out of range."""
        gen = self.native
        gen.generation, gen.noise = generation, ffi.NULL
        gen.sigma.hidden, gen.sigma.readout = steps.sigma
        (gen.rate_hidden.m, gen.rate_hidden.n), (gen.rate_readout.m, gen.rate_readout.n) = (
            steps.rate
        )
        status = lib.egg_gen_check(gen)
        if status != lib.EGG_OK:
            raise ConfigError(f"generation {generation}, {steps}: {status_text(status)}")

    # --- batch

    def noise_words(self) -> int:
        """Length of the noise cache (uint32)."""
        return int(lib.egg_batch_noise_words(self.net.config.native(), self.es.native()))

    def draw_noise(self, row0: int, row1: int, noise: U32) -> None:
        """Fill the cache for rows [row0, row1) of matrix 0; `use_noise` when all are done."""
        lib.egg_batch_noise(self.native, row0, row1, u32_ptr(noise))

    def use_noise(self, noise: U32) -> None:
        """Take the cache until the next at(); it must stay alive and unchanged so long."""
        self.native.noise = u32_ptr(noise)

    def eval_batch(
        self, ws: Workspace, samples: Recordings, index: U32, diff: I32, active: U8
    ) -> None:
        """Add the fitness differences of samples[index] to diff, and mark their active rows."""
        lib.egg_host_batch(
            self.native, ws.native, u8_ptr(ws._scratch), samples.native, u32_ptr(index), len(index),
            i32_ptr(diff), u8_ptr(active), ws._counts,
        )  # fmt: skip

    def steps_batch(
        self, ws: Workspace, f: I8, active: U8, m: int, row0: int, row1: int, total: I32
    ) -> None:
        """Steps of rows [row0, row1) of matrix m into total, for apply()."""
        lib.egg_steps_batch(
            self.native, ws.native, i8_ptr(f), u8_ptr(active), m, row0, row1,
            i32_ptr(total[self._starts[m] :]), u8_ptr(ws._scratch),
        )  # fmt: skip

    def update_batch(self, ws: Workspace, f: I8, active: U8) -> None:
        """The whole update in one call, as a device does it: same bits as steps_batch and apply."""
        lib.egg_batch_update(self.native, ws.native, i8_ptr(f), u8_ptr(active))

    def run_members(self, ws: Workspace, streams: U8, pair: U32, sign: I8, active: U8) -> I32:
        """Logits [n, outputs] of member (pair[i], sign[i]) on streams[i], which are equally long.

        sign +1 or -1, 0 is the unperturbed net; marks the rows that the streams touch in active.
        The core trusts the streams.
        """
        n = len(streams)
        offsets = np.arange(n + 1, dtype=np.uint64) * np.uint64(streams[0].size)
        logits: I32 = np.empty((n, self.net.config.outputs), np.int32)
        lib.egg_members_run(
            self.native, ws.native, u8_ptr(streams), ffi.from_buffer("uint64_t[]", offsets),
            u32_ptr(pair), i8_ptr(sign), n, i32_ptr(logits), u8_ptr(active),
        )  # fmt: skip
        return logits

    # --- full

    def share_full(
        self, ws: Workspace, samples: Recordings, index: U32, base: I16, active: U8
    ) -> None:
        """Unperturbed runs; the currents that all members share go into base[len(index)]."""
        lib.egg_full_share(
            self.native, ws.native, samples.native, u32_ptr(index), len(index), i16_ptr(base),
            u8_ptr(active), ws._counts,
        )  # fmt: skip

    def eval_full(
        self,
        ws: Workspace,
        samples: Recordings,
        index: U32,
        base: I16,
        pair0: int,
        pair1: int,
        diff: I32,
    ) -> None:
        """Add to diff[pair0:pair1] over all samples[index]."""
        lib.egg_full_eval(
            self.native, ws.native, u8_ptr(ws._full), samples.native, u32_ptr(index), len(index),
            i16_ptr(base), pair0, pair1, i32_ptr(diff),
        )  # fmt: skip

    def steps_full(
        self, ws: Workspace, f: I8, active: U8, m: int, row0: int, row1: int, total: I32
    ) -> None:
        """As steps_batch."""
        lib.egg_full_steps(
            self.native, ws.native, i8_ptr(f), u8_ptr(active), m, row0, row1,
            i32_ptr(total[self._starts[m] :]),
        )  # fmt: skip

    # --- sample

    def sample(
        self,
        ws: Workspace,
        samples: Recordings,
        index: U32,
        first: int,
        given: bool,
        f: I8,
        e: U8,
        credit: Credit,
    ) -> None:
        """Positions first.. of a generation put their steps into credit; given: f, e are inputs."""
        lib.egg_host_sample(
            self.native, ws.native, u8_ptr(ws._scratch), samples.native, u32_ptr(index), len(index),
            first, given, i8_ptr(f), u8_ptr(e), credit.native, ws._counts,
        )  # fmt: skip

    def learn(
        self,
        ws: Workspace,
        credits: Sequence[Credit],
        m: int,
        row0: int,
        row1: int,
        total: I32 | None,
        last: bool,
    ) -> None:
        """Take the steps of rows [row0, row1) of matrix m out of credits; last: round them.

        total keeps them until the last call; None if each is.
        """
        parts = ffi.new("egg_credit *[]", [credit.native for credit in credits])
        lib.egg_credit_learn(
            self.native, ws.native, parts, len(credits), m, row0, row1,
            ffi.NULL if total is None else i32_ptr(total), last,
        )  # fmt: skip

    def online(
        self, ws: Workspace, samples: Recordings, index: U32, given: bool, f: I8, e: U8
    ) -> None:
        """len(index) generations of one sample each; given: f and e are inputs."""
        lib.egg_host_online(
            self.native, ws.native, u8_ptr(ws._scratch), samples.native, u32_ptr(index), len(index),
            given, i8_ptr(f), u8_ptr(e), ws._counts,
        )  # fmt: skip

    # --- all

    def apply(self, ws: Workspace, m: int, row0: int, row1: int, total: I32) -> None:
        """Round the steps in total into rows [row0, row1) of matrix m, and zero them."""
        lib.egg_apply(self.native, ws.native, m, row0, row1, i32_ptr(total))

    def span(self, m: int, row0: int, row1: int) -> slice:
        """Where rows [row0, row1) of matrix m lie in the weights, and in total."""
        cols = self.net.config.shapes[m][1]
        return slice(self._starts[m] + row0 * cols, self._starts[m] + row1 * cols)


def shape_fitness(diff: I32, f: I8) -> None:
    """f from diff: one signed byte a pair, scaled by the mean |diff|."""
    lib.egg_shape(i32_ptr(diff), len(diff), i8_ptr(f))


def kernel_levels() -> int:
    """Variants of the hot loops in this build."""
    return int(lib.egg_kernel_levels())
