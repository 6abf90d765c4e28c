"""A spiking net in numpy, smoothed by noise, and its true gradient. It does not use the C core.

The fitness of a spiking net is piecewise constant in its weights, so its gradient is zero almost
everywhere. Its mean over random perturbations, the *smoothed* fitness, has a useful gradient, which
an Evolution Strategy climbs. Here the mean is over many draws of an estimator's noise. The gradient
is a central difference in each weight, on the same draws (common random numbers). No formula of an
estimator is used. Nets have one LIF layer and the readout `integrate`. Units are those of
runtime_c/SPEC.md.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

F64 = npt.NDArray[np.float64]


def spike_counts(currents: F64, threshold: float, leak_shift: int = 1) -> F64:
    """Spike counts [..., neurons] of LIF neurons, from currents [..., ticks, neurons]."""
    v = np.zeros(currents.shape[:-2] + currents.shape[-1:])
    counts = np.zeros_like(v)
    for t in range(currents.shape[-2]):
        v += currents[..., t, :] - np.floor(v * 2.0**-leak_shift)
        spike = v >= threshold
        v -= threshold * spike
        counts += spike
    return counts


class Noise(NamedTuple):
    """Perturbations of D draws. An axis of length 1 stands for equal values."""

    current: F64
    """[D, recordings, ticks, neurons]."""
    readout: F64
    """Of the readout matrix, [D, neurons + 1, outputs]."""
    logit: F64
    """[D, recordings, outputs], in bits."""


@dataclass(frozen=True)
class SmallNet:
    """A net and its recordings."""

    x: F64
    """Events [recordings, ticks, inputs + 1], 0 or 1. The last input is the bias, always 1."""
    labels: npt.NDArray[Any]
    hidden: F64
    """Weights [inputs + 1, neurons]."""
    readout: F64
    """Weights [neurons + 1, outputs]."""
    threshold: float
    gain: int
    leak_shift: int = 1

    def logits(self, counts: F64, readout: F64) -> F64:
        """Logits [..., outputs] in bits, from spike counts [..., neurons]."""
        ticks = np.full((*counts.shape[:-1], 1), float(self.x.shape[1]))
        return np.concatenate([counts, ticks], axis=-1) @ readout * (2.0**self.gain / 4096)

    def fitness(self, logits: F64, labels: npt.NDArray[Any]) -> F64:
        """Minus cross-entropy in bits, [...], from logits [..., outputs] and labels [...]."""
        right = np.take_along_axis(logits, labels[..., None], axis=-1)[..., 0]
        return np.asarray(right - np.log2(np.exp2(logits).sum(axis=-1)), np.float64)

    def differences(self, noise: Noise, step: float) -> F64:
        """Gradient of the mean fitness over draws and recordings: hidden, then readout, flat."""
        current = self.x @ self.hidden + noise.current
        readout = self.readout + noise.readout
        counts = spike_counts(current, self.threshold, self.leak_shift)
        logits = self.logits(counts, readout)
        logits = logits + noise.logit
        unit = 2.0**self.gain / 4096

        hidden = np.empty_like(self.hidden)
        labels = np.broadcast_to(self.labels[:, None], (*counts.shape[:2], self.hidden.shape[1]))
        for i in range(len(hidden)):
            gained = np.zeros(hidden.shape[1])
            for sign in (1, -1):
                moved = current + sign * step * self.x[:, :, i, None]
                change = spike_counts(moved, self.threshold, self.leak_shift) - counts
                # column h of `alone`: only neuron h has moved
                alone = change[..., None] * readout[:, None, :-1] * unit + logits[:, :, None]
                gained += sign * self.fitness(alone, labels).mean(axis=(0, 1))
            hidden[i] = gained / (2 * step)

        outputs = np.empty_like(self.readout)
        rows = np.concatenate([counts, np.full((*counts.shape[:2], 1), self.x.shape[1])], axis=-1)
        for j in range(outputs.shape[1]):
            gained = np.zeros(len(outputs))
            one = np.eye(outputs.shape[1])[j]
            for sign in (1, -1):
                alone = logits[:, :, None] + sign * step * unit * rows[..., None] * one
                labels = np.broadcast_to(self.labels[:, None], alone.shape[:-1])
                gained += sign * self.fitness(alone, labels).mean(axis=(0, 1))
            outputs[:, j] = gained / (2 * step)
        return np.concatenate([hidden.ravel(), outputs.ravel()])

    def gradient(self, draw: Callable[[int], Noise], draws: int, step: float) -> F64:
        """The mean of `differences` over many draws, in parts that fit into a cache."""
        parts = [self.differences(draw(250), step) for _ in range(max(1, draws // 250))]
        return np.asarray(np.mean(parts, axis=0))

    # The noise of each estimator. Sigmas are those of SPEC.md section 7, but in whole units.

    def sample_noise(
        self, rng: np.random.Generator, draws: int, segments: int, sigma: float, sigma_o: float
    ) -> Noise:
        """A current of +/- sigma on neurons x segments, and +/- sigma_o bits on each logit."""
        n, ticks, _ = self.x.shape
        a = signs(rng, draws, n, 1, self.hidden.shape[1])
        z = signs(rng, draws, n, segments)[:, :, np.arange(ticks) * segments // ticks, None]
        b = signs(rng, draws, n, self.readout.shape[1])
        return Noise(sigma * z * a, np.zeros((1, 1, 1)), sigma_o * b)

    def weight_noise(
        self, rng: np.random.Generator, draws: int, rank: int, sigma: float, sigma_o: float
    ) -> Noise:
        """Noise of the weights with standard deviations sigma, sigma_o. Rank 0 means full rank."""
        hidden = sigma * self._matrices(rng, draws, rank, self.hidden.shape)
        readout = sigma_o * self._matrices(rng, draws, rank, self.readout.shape)
        return Noise(self.x @ hidden[:, None], readout, np.zeros((1, 1, 1)))

    @staticmethod
    def _matrices(rng: np.random.Generator, n: int, rank: int, shape: tuple[int, ...]) -> F64:
        if rank == 0:
            return np.asarray((rng.binomial(8, 0.5, (n, *shape)) - 4) / np.sqrt(2), np.float64)
        a, b = signs(rng, n, shape[0], rank), signs(rng, n, rank, shape[1])
        return np.asarray(a @ b / np.sqrt(rank), np.float64)


def signs(rng: np.random.Generator, *shape: int) -> F64:
    """+1 and -1 with equal chance."""
    return np.asarray(rng.integers(0, 2, shape) * 2.0 - 1.0, np.float64)
