"""Generations of an estimator: Python's calls into the C core.

The caller allocates each array that the core writes to and passes it, or a view of it. cffi
releases the interpreter lock during a call, so several threads can work on one generation, each
with a separate Workspace. Results are sums of int32 and do not depend on the number of threads.

The arrays of a generation, where a *pair* is two members with opposite perturbations:

    fitness_diff   int32 [pairs]: fitness of the member + minus that of the member -, 1/4096 bit,
                   summed over recordings
    fitness_bytes  int8 [pairs]: fitness_diff after fitness shaping; `sample` has one row of them
                   for each recording
    exponents      uint8 [recordings]: `sample` only, the scale of a recording's fitness bytes
    active         uint8 [active_bytes()]: bit i is set if row i of matrix 0 had an event
    total          int32 [parameters]: the steps of the weights, laid out as the weights

A *step* is the change of a weight in 1/4096 weight unit. The last call of a generation rounds the
steps into the int8 weights (runtime_c/SPEC.md, section 9).
"""

from __future__ import annotations

from collections.abc import Sequence

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
    u64_ptr,
)
from eggroll_edge.core.config import EsConfig, Hyperparameters, NetConfig, status_text
from eggroll_edge.core.net import Net
from eggroll_edge.core.recordings import Recordings
from eggroll_edge.core.workspace import Workspace
from eggroll_edge.errors import ConfigError


class Credit:
    """The steps of up to `capacity` recordings of a generation (`sample`, `sweep`, `eprop`).

    capacity: 1..Credit.MOST. runtime_c/host/egg_sample_update.h describes the layout of its memory.
    """

    MOST = int(lib.EGG_SAMPLE_UPDATE_MAX)

    def __init__(self, net: NetConfig, es: EsConfig, capacity: int) -> None:
        native_net, native_es = net.native(), es.native()
        self.capacity = capacity
        self._memory = aligned(lib.egg_sample_update_bytes(native_net, native_es, capacity))
        self.native = ffi.new("egg_sample_update *")
        lib.egg_sample_update_init(
            self.native, native_net, native_es, capacity, u8_ptr(self._memory)
        )


class Population:
    """The members of each generation: the net, the estimator, and the seed of all noise."""

    def __init__(self, net: Net, es: EsConfig, seed: int) -> None:
        es.check(net.config)
        self.net, self.es = net, es
        self.native = ffi.new("egg_generation *")
        self.native.net, self.native.es, self.native.seed = net.native, es.native()[0], seed
        shapes = net.config.shapes
        self._starts = [0, *np.cumsum([rows * cols for rows, cols in shapes]).tolist()]

    def at(self, generation: int, hyperparameters: Hyperparameters) -> None:
        """Begin a generation; ConfigError if a sigma or a learning rate is out of range."""
        gen = self.native
        gen.generation, gen.noise = generation, ffi.NULL
        gen.sigma.hidden, gen.sigma.readout = hyperparameters.sigma
        hidden, readout = hyperparameters.rate
        gen.learning_rate_hidden.m, gen.learning_rate_hidden.n = hidden
        gen.learning_rate_readout.m, gen.learning_rate_readout.n = readout
        status = lib.egg_generation_check(gen)
        if status != lib.EGG_OK:
            raise ConfigError(f"generation {generation}, {hyperparameters}: {status_text(status)}")

    # --- estimator batch

    def noise_words(self) -> int:
        """Length of the noise cache (uint32)."""
        return int(lib.egg_batch_noise_words(self.net.config.native(), self.es.native()))

    def draw_noise(self, row0: int, row1: int, noise: U32) -> None:
        """Fill the noise cache for rows [row0, row1) of matrix 0. Then use_noise() may use it."""
        lib.egg_batch_noise(self.native, row0, row1, u32_ptr(noise))

    def use_noise(self, noise: U32) -> None:
        """Read the signs of matrix 0 from the cache, until the next call of at().

        The array must stay alive and unchanged until then.
        """
        self.native.noise = u32_ptr(noise)

    def eval_batch(
        self,
        workspace: Workspace,
        recordings: Recordings,
        index: U32,
        fitness_diff: I32,
        active: U8,
        first: int = 0,
    ) -> None:
        """Evaluate all members on recordings[index]; add to fitness_diff and mark active rows.

        first: the position of index[0] within its generation, as in all methods below.
        """
        lib.egg_dataset_batch(
            self.native, workspace.native, u8_ptr(workspace.host_memory), recordings.native,
            u32_ptr(index), len(index), first, i32_ptr(fitness_diff), u8_ptr(active),
            workspace.counts,
        )  # fmt: skip

    def steps_batch(
        self,
        workspace: Workspace,
        fitness_bytes: I8,
        active: U8,
        matrix: int,
        row0: int,
        row1: int,
        total: I32,
    ) -> None:
        """Put the steps of rows [row0, row1) of a matrix into total, which is 0 there before."""
        lib.egg_batch_update_steps(
            self.native, workspace.native, i8_ptr(fitness_bytes), u8_ptr(active), matrix, row0,
            row1, i32_ptr(total[self._starts[matrix] :]), u8_ptr(workspace.host_memory),
        )  # fmt: skip

    def update_batch(self, workspace: Workspace, fitness_bytes: I8, active: U8) -> None:
        """Make the whole update in one call, as a device does.

        The weights get the same bits as from steps_batch() and apply().
        """
        lib.egg_batch_update(self.native, workspace.native, i8_ptr(fitness_bytes), u8_ptr(active))

    def run_members(
        self, workspace: Workspace, streams: U8, pair: U32, sign: I8, active: U8
    ) -> I32:
        """Run single members: run i is member (pair[i], sign[i]) on streams[i].

        streams [n, ...]: n streams of equal length, which the core does not check. sign: +1 or -1,
        or 0 for the unperturbed net. Rows of matrix 0 that had an event are marked in `active`.
        Returns the logits, int32 [n, outputs], in 1/4096 bit.
        """
        n = len(streams)
        offsets = np.arange(n + 1, dtype=np.uint64) * np.uint64(streams[0].size)
        logits: I32 = np.empty((n, self.net.config.outputs), np.int32)
        lib.egg_members_run(
            self.native, workspace.native, u8_ptr(streams), u64_ptr(offsets), u32_ptr(pair),
            i8_ptr(sign), n, i32_ptr(logits), u8_ptr(active),
        )  # fmt: skip
        return logits

    # --- estimator full

    def share_full(
        self,
        workspace: Workspace,
        recordings: Recordings,
        index: U32,
        base: I16,
        active: U8,
        first: int = 0,
    ) -> None:
        """Run the unperturbed net on recordings[index] and mark active rows.

        base [len(index), ticks, padded(neurons of layer 0)]: receives the currents that all
        members share, for eval_full().
        """
        lib.egg_full_rank_share(
            self.native, workspace.native, recordings.native, u32_ptr(index), len(index), first,
            i16_ptr(base), u8_ptr(active), workspace.counts,
        )  # fmt: skip

    def eval_full(
        self,
        workspace: Workspace,
        recordings: Recordings,
        index: U32,
        base: I16,
        pair0: int,
        pair1: int,
        fitness_diff: I32,
    ) -> None:
        """Evaluate pairs [pair0, pair1) on recordings[index]; add to their fitness_diff.

        index: all recordings of the generation.
        """
        lib.egg_full_rank_evaluate(
            self.native, workspace.native, u8_ptr(workspace.host_memory), recordings.native,
            u32_ptr(index), len(index), i16_ptr(base), pair0, pair1, i32_ptr(fitness_diff),
        )  # fmt: skip

    def steps_full(
        self,
        workspace: Workspace,
        fitness_bytes: I8,
        active: U8,
        matrix: int,
        row0: int,
        row1: int,
        total: I32,
    ) -> None:
        """Put the steps of rows [row0, row1) of a matrix into total, which is 0 there before."""
        lib.egg_full_rank_steps(
            self.native, workspace.native, i8_ptr(fitness_bytes), u8_ptr(active), matrix, row0,
            row1, i32_ptr(total[self._starts[matrix] :]),
        )  # fmt: skip

    # --- estimator sample

    def sample(
        self,
        workspace: Workspace,
        recordings: Recordings,
        index: U32,
        first: int,
        from_journal: bool,
        fitness_bytes: I8,
        exponents: U8,
        credit: Credit,
    ) -> None:
        """Put the steps of recordings[index] into `credit`, at most credit.capacity of them.

        fitness_bytes [len(index), pairs] and exponents [len(index)] are results of an evaluation,
        or inputs if `from_journal`.
        """
        lib.egg_dataset_sample(
            self.native, workspace.native, u8_ptr(workspace.host_memory), recordings.native,
            u32_ptr(index), len(index), first, from_journal, i8_ptr(fitness_bytes),
            u8_ptr(exponents), credit.native, workspace.counts,
        )  # fmt: skip

    def learn(
        self,
        workspace: Workspace,
        credits: Sequence[Credit],
        matrix: int,
        row0: int,
        row1: int,
        total: I32 | None,
        last: bool,
    ) -> None:
        """Move the steps of rows [row0, row1) of a matrix from all `credits` into `total`.

        `total` keeps the steps from call to call. The call with `last` rounds them into the
        weights. If every call has `last` set, `total` may be None.
        """
        parts = ffi.new("egg_sample_update *[]", [credit.native for credit in credits])
        lib.egg_sample_update_rows(
            self.native, workspace.native, parts, len(credits), matrix, row0, row1,
            ffi.NULL if total is None else i32_ptr(total), last,
        )  # fmt: skip

    def online(
        self,
        workspace: Workspace,
        recordings: Recordings,
        index: U32,
        from_journal: bool,
        fitness_bytes: I8,
        exponents: U8,
    ) -> None:
        """len(index) generations of one recording each; the weights change after each.

        fitness_bytes [len(index), pairs] and exponents [len(index)]: as in sample().
        """
        lib.egg_dataset_online(
            self.native, workspace.native, u8_ptr(workspace.host_memory), recordings.native,
            u32_ptr(index), len(index), from_journal, i8_ptr(fitness_bytes), u8_ptr(exponents),
            workspace.counts,
        )  # fmt: skip

    # --- estimators sweep and eprop: their updates are those of sample, through learn()

    def credit(
        self,
        workspace: Workspace,
        recordings: Recordings,
        index: U32,
        credit: Credit,
        first: int = 0,
    ) -> None:
        """Put the steps of recordings[index] into `credit`, at most credit.capacity of them."""
        lib.egg_dataset_credit(
            self.native, workspace.native, recordings.native,
            u32_ptr(index), len(index), first, credit.native, workspace.counts,
        )  # fmt: skip

    def credit_online(self, workspace: Workspace, recordings: Recordings, index: U32) -> None:
        """len(index) generations of one recording each; the weights change after each."""
        lib.egg_dataset_credit_online(
            self.native, workspace.native, recordings.native,
            u32_ptr(index), len(index), workspace.counts,
        )  # fmt: skip

    # --- all estimators

    def apply(self, workspace: Workspace, matrix: int, row0: int, row1: int, total: I32) -> None:
        """Round the steps in `total` into rows [row0, row1) of a matrix, then set `total` to 0."""
        lib.egg_sample_finish(self.native, workspace.native, matrix, row0, row1, i32_ptr(total))


def shape_fitness(fitness_diff: I32, fitness_bytes: I8) -> None:
    """Fitness shaping: a signed byte for each pair, scaled by the mean |fitness_diff|.

    Both arrays are [pairs]; the second is the result (runtime_c/SPEC.md, section 8).
    """
    lib.egg_shape_fitness(i32_ptr(fitness_diff), len(fitness_diff), i8_ptr(fitness_bytes))
