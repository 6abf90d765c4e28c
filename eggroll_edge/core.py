"""Typed wrapper over the C core.

Arrays that C writes are allocated once by the caller and passed as numpy arrays or views of them.
cffi lets go of the interpreter lock during a call, so threads run shards of a generation at once;
what they add up are int32, so the number of threads changes no bit.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from eggroll_edge._core import ffi, lib
from eggroll_edge.errors import ConfigError, DataError
from eggroll_edge.events import EventDataset
from eggroll_edge.netconfig import EsConfig, NetConfig, status_text

I8 = npt.NDArray[np.int8]
I16 = npt.NDArray[np.int16]
I32 = npt.NDArray[np.int32]
U8 = npt.NDArray[np.uint8]
U32 = npt.NDArray[np.uint32]
ARITHMETIC = 1
"""Raise it when runtime_c/SPEC.md changes a number: journals before and after differ."""

Rate = tuple[int, int]
"""A learning rate (m, n): m * 2^-n."""


class Steps(NamedTuple):
    """Sigmas and learning rates of one generation, each (LIF matrices, readout matrix)."""

    sigma: tuple[int, int]
    rate: tuple[Rate, Rate]


def _i8(array: npt.NDArray[Any]) -> Any:
    return ffi.from_buffer("int8_t[]", array)


def _u8(array: npt.NDArray[Any]) -> Any:
    return ffi.from_buffer("uint8_t[]", array)


def _i16(array: npt.NDArray[Any]) -> Any:
    return ffi.from_buffer("int16_t[]", array)


def _i32(array: npt.NDArray[Any]) -> Any:
    return ffi.from_buffer("int32_t[]", array)


def _u32(array: npt.NDArray[Any]) -> Any:
    return ffi.from_buffer("uint32_t[]", array)


def _aligned(size: int) -> U8:
    """Zeroed memory on a cache line's border, for the sake of vector loads."""
    memory = np.zeros(size + 63, np.uint8)
    start = -memory.ctypes.data % 64
    return memory[start : start + size]


class Net:
    """A net and its weights: `weights` is int8 [parameters], all matrices end to end."""

    def __init__(self, config: NetConfig) -> None:
        self.config = config
        self.weights: I8 = _aligned(config.parameters).view(np.int8)
        self.native = ffi.new("egg_net *")
        status = lib.egg_net_init(
            self.native, config.native(), _i8(self.weights), len(self.weights)
        )
        if status != lib.EGG_OK:
            raise ConfigError(f"the core refuses the net: {status_text(status)}")

    def randomize(self, seed: int, std_hidden: int, std_readout: int) -> None:
        """Random weights, standard deviations 0..64 weight units; biases 0."""
        lib.egg_net_randomize(self.native, seed, std_hidden, std_readout)

    @property
    def digest(self) -> int:
        """CRC-32 of the weights."""
        return int(lib.egg_digest_fast(self.native))

    @property
    def matrices(self) -> list[I8]:
        """Views [rows, columns] of the weights; the last row is the bias."""
        ends = np.cumsum([rows * cols for rows, cols in self.config.shapes])[:-1]
        parts = np.split(self.weights, ends)
        return [p.reshape(shape) for p, shape in zip(parts, self.config.shapes, strict=True)]


class Samples:
    """Recordings as the core reads them. Check them against a net before the core runs them."""

    def __init__(self, streams: U8, offsets: npt.NDArray[np.int64], labels: U8) -> None:
        self._streams = np.ascontiguousarray(streams, np.uint8)
        self._offsets = np.ascontiguousarray(offsets).astype(np.uint64)
        self.labels = np.ascontiguousarray(labels, np.uint8)
        self.native = ffi.new(
            "egg_dataset *",
            {
                "streams": _u8(self._streams),
                "offsets": ffi.from_buffer("uint64_t[]", self._offsets),
                "labels": _u8(self.labels),
            },
        )

    @staticmethod
    def of(dataset: EventDataset, net: NetConfig) -> Samples:
        """The samples of a dataset, checked against a net."""
        if dataset.ticks != net.ticks or dataset.n_in != net.inputs:
            raise DataError(
                f"{dataset.name} has {dataset.n_in} inputs and {dataset.ticks} ticks, the net "
                f"{net.inputs} and {net.ticks}: open the data with the binning of the net"
            )
        samples = Samples(dataset.streams, dataset.offsets, dataset.labels)
        samples.check(net, dataset.name)
        return samples

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
        status = lib.egg_dataset_check(net.native(), self.native, len(self), bad)
        if status != lib.EGG_OK:
            raise DataError(
                f"{name}: sample {bad[0]}: {status_text(status)} "
                f"(net of {net.inputs} inputs, {net.ticks} ticks, {net.outputs} outputs); "
                "open the data with the binning of the net, or mend the sample"
            )


class Tally(NamedTuple):
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
        self._memory = _aligned(lib.egg_workspace_bytes(c, e))
        self.native = ffi.new("egg_workspace *")
        status = lib.egg_workspace_init(self.native, c, e, _u8(self._memory), len(self._memory))
        if status != lib.EGG_OK:
            raise ConfigError(f"the core refuses the configuration: {status_text(status)}")
        self.unit_spikes: U32 = np.zeros(net.neurons, np.uint32)
        """Spikes of each LIF neuron in unperturbed runs, until the caller zeroes them."""
        self.native.unit_spikes = _u32(self.unit_spikes)
        self._outputs = net.outputs
        self._tally = ffi.new("egg_run_counts *")
        self._full: U8 = np.zeros(0, np.uint8)
        if es is not None and es.estimator == "full":
            self._full = _aligned(lib.egg_full_rank_bytes(c))
        self._scratch: U8 = np.zeros(0, np.uint8)
        if es is not None and es.estimator != "full":
            self._scratch = _aligned(lib.egg_dataset_scratch_bytes(c, e))

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

    def take_tally(self) -> Tally:
        """What runs have summed up since the last call."""
        t = self._tally
        taken = Tally(t.loss, t.correct, t.spikes, t.recordings)
        t.loss = t.correct = t.spikes = t.recordings = 0
        return taken

    def run(self, net: Net, samples: Samples, index: U32, predicted: U8) -> None:
        """Unperturbed runs of samples[index]; predicted has the length of index."""
        lib.egg_dataset_run(
            net.native, self.native, samples.native, _u32(index), len(index), _u8(predicted),
            self._tally,
        )  # fmt: skip


class Credit:
    """Steps of up to `capacity` recordings of a generation of sample; see egg_sample_update.h."""

    MOST = int(lib.EGG_SAMPLE_UPDATE_MAX)

    def __init__(self, net: NetConfig, es: EsConfig, capacity: int) -> None:
        c, e = net.native(), es.native()
        self.capacity = capacity
        self._memory = _aligned(lib.egg_sample_update_bytes(c, e, capacity))
        self.native = ffi.new("egg_sample_update *")
        lib.egg_sample_update_init(self.native, c, e, capacity, _u8(self._memory))


class Population:
    """An estimator at work on a net: the core's generation context."""

    def __init__(self, net: Net, es: EsConfig, seed: int) -> None:
        es.check(net.config)
        self.net, self.es, self._noise = net, es, None
        self.native = ffi.new("egg_generation *")
        self.native.net, self.native.es, self.native.seed = net.native, es.native()[0], seed
        shapes = net.config.shapes
        self._starts = [0, *np.cumsum([rows * cols for rows, cols in shapes]).tolist()]

    def at(self, generation: int, steps: Steps) -> None:
        """Set the generation; ConfigError if a sigma or learning rate is out of range."""
        gen = self.native
        gen.generation, gen.noise = generation, ffi.NULL
        gen.sigma.hidden, gen.sigma.readout = steps.sigma
        (
            (gen.learning_rate_hidden.m, gen.learning_rate_hidden.n),
            (gen.learning_rate_readout.m, gen.learning_rate_readout.n),
        ) = steps.rate
        status = lib.egg_generation_check(gen)
        if status != lib.EGG_OK:
            raise ConfigError(f"generation {generation}, {steps}: {status_text(status)}")

    # --- batch

    def noise_words(self) -> int:
        """Length of the noise cache (uint32)."""
        return int(lib.egg_batch_noise_words(self.net.config.native(), self.es.native()))

    def draw_noise(self, row0: int, row1: int, noise: U32) -> None:
        """Fill the cache for rows [row0, row1) of matrix 0; `use_noise` when all are done."""
        lib.egg_batch_noise(self.native, row0, row1, _u32(noise))

    def use_noise(self, noise: U32) -> None:
        """Take the cache until the next at(); it must stay alive and unchanged so long."""
        self.native.noise = _u32(noise)

    def eval_batch(
        self, ws: Workspace, samples: Samples, index: U32, diff: I32, active: U8
    ) -> None:
        """Add the fitness differences of samples[index] to diff, and mark their active rows."""
        lib.egg_dataset_batch(
            self.native, ws.native, _u8(ws._scratch), samples.native, _u32(index), len(index),
            _i32(diff), _u8(active), ws._tally,
        )  # fmt: skip

    def steps_batch(
        self, ws: Workspace, f: I8, active: U8, m: int, row0: int, row1: int, total: I32
    ) -> None:
        """Steps of rows [row0, row1) of matrix m into total, for apply()."""
        lib.egg_batch_update_steps(
            self.native, ws.native, _i8(f), _u8(active), m, row0, row1,
            _i32(total[self._starts[m] :]), _u8(ws._scratch),
        )  # fmt: skip

    def update_batch(self, ws: Workspace, f: I8, active: U8) -> None:
        """The whole update in one call, as a device does it: same bits as steps_batch and apply."""
        lib.egg_batch_update(self.native, ws.native, _i8(f), _u8(active))

    def run_members(self, ws: Workspace, streams: U8, pair: U32, sign: I8, active: U8) -> I32:
        """Logits [n, outputs] of member (pair[i], sign[i]) on streams[i], which are equally long.

        sign +1 or -1, 0 is the unperturbed net; marks the rows that the streams touch in active.
        The core trusts the streams.
        """
        n = len(streams)
        offsets = np.arange(n + 1, dtype=np.uint64) * np.uint64(streams[0].size)
        logits: I32 = np.empty((n, self.net.config.outputs), np.int32)
        lib.egg_members_run(
            self.native, ws.native, _u8(streams), ffi.from_buffer("uint64_t[]", offsets),
            _u32(pair), _i8(sign), n, _i32(logits), _u8(active),
        )  # fmt: skip
        return logits

    # --- full

    def share_full(
        self, ws: Workspace, samples: Samples, index: U32, base: I16, active: U8
    ) -> None:
        """Unperturbed runs; the currents that all members share go into base[len(index)]."""
        lib.egg_full_rank_share(
            self.native, ws.native, samples.native, _u32(index), len(index), _i16(base),
            _u8(active), ws._tally,
        )  # fmt: skip

    def eval_full(
        self,
        ws: Workspace,
        samples: Samples,
        index: U32,
        base: I16,
        pair0: int,
        pair1: int,
        diff: I32,
    ) -> None:
        """Add to diff[pair0:pair1] over all samples[index]."""
        lib.egg_full_rank_evaluate(
            self.native, ws.native, _u8(ws._full), samples.native, _u32(index), len(index),
            _i16(base), pair0, pair1, _i32(diff),
        )  # fmt: skip

    def steps_full(
        self, ws: Workspace, f: I8, active: U8, m: int, row0: int, row1: int, total: I32
    ) -> None:
        """As steps_batch."""
        lib.egg_full_rank_steps(
            self.native, ws.native, _i8(f), _u8(active), m, row0, row1,
            _i32(total[self._starts[m] :]),
        )  # fmt: skip

    # --- sample

    def sample(
        self,
        ws: Workspace,
        samples: Samples,
        index: U32,
        first: int,
        given: bool,
        f: I8,
        e: U8,
        credit: Credit,
    ) -> None:
        """Positions first.. of a generation put their steps into credit; given: f, e are inputs."""
        lib.egg_dataset_sample(
            self.native, ws.native, _u8(ws._scratch), samples.native, _u32(index), len(index),
            first, given, _i8(f), _u8(e), credit.native, ws._tally,
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
        parts = ffi.new("egg_sample_update *[]", [credit.native for credit in credits])
        lib.egg_sample_update_rows(
            self.native, ws.native, parts, len(credits), m, row0, row1,
            ffi.NULL if total is None else _i32(total), last,
        )  # fmt: skip

    def online(
        self, ws: Workspace, samples: Samples, index: U32, given: bool, f: I8, e: U8
    ) -> None:
        """len(index) generations of one sample each; given: f and e are inputs."""
        lib.egg_dataset_online(
            self.native, ws.native, _u8(ws._scratch), samples.native, _u32(index), len(index),
            given, _i8(f), _u8(e), ws._tally,
        )  # fmt: skip

    # --- all

    def apply(self, ws: Workspace, m: int, row0: int, row1: int, total: I32) -> None:
        """Round the steps in total into rows [row0, row1) of matrix m, and zero them."""
        lib.egg_sample_finish(self.native, ws.native, m, row0, row1, _i32(total))

    def span(self, m: int, row0: int, row1: int) -> slice:
        """Where rows [row0, row1) of matrix m lie in the weights, and in total."""
        cols = self.net.config.shapes[m][1]
        return slice(self._starts[m] + row0 * cols, self._starts[m] + row1 * cols)


def shape(diff: I32, f: I8) -> None:
    """f from diff: one signed byte a pair, scaled by the mean |diff|."""
    lib.egg_shape_fitness(_i32(diff), len(diff), _i8(f))


def active_rows(net: NetConfig, samples: Samples, index: U32) -> U8:
    """Bit map of the rows of matrix 0 that samples[index] touch (batch)."""
    active: U8 = np.zeros(active_bytes(net), np.uint8)
    for i in index:
        stream = ffi.from_buffer("uint8_t[]", samples.stream(int(i)))
        lib.egg_batch_mark(net.native(), stream, _u8(active))
    return active


def epoch_order(seed: int, epoch: int, samples: int) -> U32:
    """The order in which an epoch visits the samples."""
    keys, order = np.empty(samples, np.uint64), np.empty(samples, np.uint32)
    lib.egg_dataset_shuffle(seed, epoch, samples, ffi.from_buffer("uint64_t[]", keys), _u32(order))
    return order


def active_bytes(net: NetConfig) -> int:
    """Length of a bit map of the rows of matrix 0."""
    return (net.inputs + 8) // 8


def padded(neurons: int) -> int:
    """Entries that an array of neurons takes in a workspace of this build."""
    return int(-(-neurons // lib.EGG_ROW_ALIGN) * lib.EGG_ROW_ALIGN)


def kernel_levels() -> int:
    """Variants of the hot loops in this build."""
    return int(lib.egg_kernel_levels())
