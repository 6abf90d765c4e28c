"""SPEC.md sections 1 and 4: the limits, and the configurations of a network and an estimator."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal, NamedTuple

MAX_INPUTS = 32766
MAX_INPUTS_FULL = 8190  # section 7.3
MAX_LAYERS = 4
MAX_NEURONS = 1024
MAX_OUTPUTS = 64
MAX_TICKS = 32
MAX_PAIRS = 8192  # of batch and full
MAX_PAIRS_SAMPLE = 256
MAX_RANK = 16
MAX_PAIRS_X_RANK = 65536
MAX_SEGMENTS = 8
MAX_RECORDINGS = 8192  # of one generation
MAX_SHIFT = 3


class LayerConfig(NamedTuple):
    """A LIF layer. The page calls the last three values th, k and q."""

    size: int
    threshold: int
    leak_shift: int
    refractory: int

    @property
    def i_max(self) -> int:
        """The largest current of a neuron (section 5)."""
        return (32767 >> self.leak_shift) - 1

    @property
    def l_pert(self) -> int:
        """The part of i_max that a perturbation may use (section 5)."""
        return self.i_max // 4

    @property
    def l_base(self) -> int:
        """The part of i_max that the unperturbed current may use (section 5)."""
        return self.i_max - self.l_pert


@dataclass(frozen=True)
class NetConfig:
    """A network."""

    n_in: int
    ticks: int
    layers: tuple[LayerConfig, ...]
    readout: Literal["integrate", "spikes"]
    n_out: int
    gain: int
    input_segments: int = 1  # S', only without a LIF layer
    input_shape: tuple[int, int, int] = (0, 0, 0)  # channels, rows, columns; only with a shift

    def __post_init__(self) -> None:
        assert 1 <= self.n_in <= MAX_INPUTS
        assert 1 <= self.ticks <= MAX_TICKS
        assert len(self.layers) <= MAX_LAYERS
        assert self.input_shape == (0, 0, 0) or math.prod(self.input_shape) == self.n_in
        assert 2 <= self.n_out <= MAX_OUTPUTS
        if not self.layers:
            assert self.readout == "integrate"
            assert 1 <= self.input_segments <= min(MAX_SEGMENTS, self.ticks)
        assert 0 <= self.gain <= (12 if self.readout == "spikes" else 8)
        for layer in self.layers:
            assert 1 <= layer.size <= MAX_NEURONS
            assert 1 <= layer.threshold <= 16383
            assert 1 <= layer.leak_shift <= 8
            assert 0 <= layer.refractory <= 15
        assert self.readout in ("integrate", "spikes")
        if self.readout == "spikes":
            assert self.layers[-1].size == self.n_out

    @property
    def shapes(self) -> list[tuple[int, int]]:
        """(rows, columns) of every matrix. The last row is the bias, so rows = n_pre + 1."""
        n_pre = self.n_in if self.layers else self.n_in * self.input_segments
        sizes = [n_pre, *(layer.size for layer in self.layers)]
        if self.readout == "integrate":
            sizes.append(self.n_out)
        return [(pre + 1, cols) for pre, cols in pairwise(sizes)]

    @property
    def readout_matrix(self) -> int | None:
        """The number of the readout matrix, m = L. None if the readout is `spikes`."""
        return len(self.layers) if self.readout == "integrate" else None


@dataclass(frozen=True)
class EsConfig:
    """An estimator, and the sigmas of a generation."""

    estimator: Literal["batch", "sample", "full", "sweep", "eprop"]
    pairs: int  # P; sweep and eprop do not use it
    rank: int = 1  # R, only for batch
    segments: int = 1  # S, only for sample and sweep; eprop: T
    sigma_h: int = 0
    sigma_o: int = 0
    fitness: Literal["xent", "accuracy"] = "xent"
    penalty: int = 0  # in 1/4096 bit for each spike
    learn_above: int = 0  # in 1/4096 bit, only for sweep
    shift: int = 0  # N of section 3.1

    def __post_init__(self) -> None:
        assert self.estimator in ("batch", "sample", "full", "sweep", "eprop")
        assert 1 <= self.pairs <= (MAX_PAIRS_SAMPLE if self.estimator == "sample" else MAX_PAIRS)
        assert 1 <= self.rank <= MAX_RANK
        assert self.pairs * self.rank <= MAX_PAIRS_X_RANK or self.estimator != "batch"
        assert 1 <= self.segments <= (MAX_TICKS if self.estimator == "eprop" else MAX_SEGMENTS)
        full = self.estimator == "full"
        assert 0 <= self.sigma_h <= (16383 if full else 32767)
        assert 0 <= self.sigma_o <= (16367 if full else 32767)
        assert self.fitness in ("xent", "accuracy")
        assert 0 <= self.penalty <= 4095
        assert 0 <= self.learn_above <= 16383
        assert 0 <= self.shift <= MAX_SHIFT

    def check(self, net: NetConfig) -> None:
        """Assert the limits that depend on the network."""
        if self.estimator in ("sample", "sweep"):
            assert self.segments <= net.ticks
            assert all(self.sigma_h <= layer.l_pert for layer in net.layers)
        if self.estimator == "eprop":
            assert self.segments == net.ticks
        assert net.layers or self.estimator == "sweep"
        assert self.shift == 0 or net.input_shape != (0, 0, 0)
        if self.estimator == "full":
            assert net.n_in <= MAX_INPUTS_FULL
