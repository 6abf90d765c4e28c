"""A spiking net in numpy, smoothed by noise, and its true gradient. It does not use the C core.

The fitness of a spiking net is piecewise constant in its weights, so its gradient is zero almost
everywhere. Its mean over random perturbations, the *smoothed* fitness, has a useful gradient, which
an Evolution Strategy climbs. Here the mean is over many draws of an estimator's noise. The gradient
is a central difference in each weight, on the same draws (common random numbers). No formula of an
estimator is used. Nets have one LIF layer or more, and the readout `integrate`. Units are those of
runtime_c/SPEC.md.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

F64 = npt.NDArray[np.float64]


def spike_trains(currents: F64, threshold: float, leak_shift: int = 1) -> F64:
    """Spikes (0 or 1) of LIF neurons, from currents; both [..., ticks, neurons]."""
    v = np.zeros(currents.shape[:-2] + currents.shape[-1:])
    spikes = np.empty_like(currents)
    for t in range(currents.shape[-2]):
        v += currents[..., t, :] - np.floor(v * 2.0**-leak_shift)
        spikes[..., t, :] = v >= threshold
        v -= threshold * spikes[..., t, :]
    return spikes


def with_bias(x: F64, value: float) -> F64:
    """x [..., n] with one more entry: the bias."""
    return np.concatenate([x, np.full((*x.shape[:-1], 1), value)], axis=-1)


class Noise(NamedTuple):
    """Perturbations of D draws. An axis of length 1 stands for equal values."""

    weights: tuple[F64, ...]
    """Of each LIF matrix, [D, rows, neurons]."""
    currents: tuple[F64, ...]
    """Of each LIF layer, [D, recordings, ticks, neurons]."""
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
    layers: tuple[F64, ...]
    """Weights of each LIF matrix, [inputs + 1, neurons]."""
    readout: F64
    """Weights [neurons + 1, outputs]."""
    thresholds: tuple[float, ...]
    gain: int
    leak_shift: int = 1

    def logits(self, counts: F64, readout: F64) -> F64:
        """Logits [..., outputs] in bits, from spike counts [..., neurons]."""
        return with_bias(counts, self.x.shape[1]) @ readout * (2.0**self.gain / 4096)

    def fitness(self, logits: F64, labels: npt.NDArray[Any]) -> F64:
        """Minus cross-entropy in bits, [...], from logits [..., outputs] and labels [...]."""
        right = np.take_along_axis(logits, labels[..., None], axis=-1)[..., 0]
        return np.asarray(right - np.log2(np.exp2(logits).sum(axis=-1)), np.float64)

    def counts(self) -> list[F64]:
        """Spike counts [recordings, neurons] of each layer of the net without noise."""
        found, x = [], self.x
        for weights, threshold in zip(self.layers, self.thresholds, strict=True):
            spikes = spike_trains(x @ weights, threshold, self.leak_shift)
            found.append(spikes.sum(-2))
            x = with_bias(spikes, 1)
        return found

    def current(self, layer: int, x: F64, noise: Noise) -> F64:
        """The currents [D, recordings, ..., ticks, neurons] of a layer, from its events x."""
        weights = self.layers[layer] + noise.weights[layer]
        extra = (1,) * (x.ndim - 4)  # axes of x between the recordings and the ticks
        pushed = noise.currents[layer]
        pushed = pushed.reshape(*pushed.shape[:2], *extra, *pushed.shape[2:])
        return x @ weights.reshape(len(weights), 1, *extra, *weights.shape[1:]) + pushed

    def differences(self, noise: Noise, step: float) -> list[F64]:
        """Gradient of the mean fitness over draws and recordings, for each matrix."""
        readout, depth = self.readout + noise.readout, len(self.layers)
        events, currents, trains = [self.x[None]], [], []
        for layer, threshold in enumerate(self.thresholds):
            currents.append(self.current(layer, events[-1], noise))
            trains.append(spike_trains(currents[-1], threshold, self.leak_shift))
            events.append(with_bias(trains[-1], 1))
        gradient = []
        for layer in range(depth):
            found = np.empty_like(self.layers[layer])
            for i in range(len(found)):
                gained = np.zeros(found.shape[1])
                for sign in (1, -1):
                    moved = currents[layer] + sign * step * events[layer][..., i, None]
                    spikes = spike_trains(moved, self.thresholds[layer], self.leak_shift)
                    alone = self._alone(trains[layer], spikes)
                    gained += sign * self._rest(layer + 1, alone, readout, noise).mean(axis=(0, 1))
                found[i] = gained / (2 * step)
            gradient.append(found)
        counts = trains[-1].sum(-2)
        return [*gradient, self._readout_differences(counts, readout, noise.logit, step)]

    @staticmethod
    def _alone(spikes: F64, moved: F64) -> F64:
        """Spikes [D, recordings, neuron that moved, ticks, neurons]: only that neuron has moved."""
        one = np.eye(spikes.shape[-1])[:, None]
        return spikes[:, :, None] * (1 - one) + moved[:, :, None] * one

    def _rest(self, layer: int, spikes: F64, readout: F64, noise: Noise) -> F64:
        """Fitness [D, recordings, ...] of what the layers from `layer` on make of the spikes."""
        for above in range(layer, len(self.layers)):
            current = self.current(above, with_bias(spikes, 1), noise)
            spikes = spike_trains(current, self.thresholds[above], self.leak_shift)
        logits = self.logits(spikes.sum(-2), readout[:, None]) + noise.logit[:, :, None]
        labels = self.labels[:, None]
        return self.fitness(logits, np.broadcast_to(labels, logits.shape[:-1]))

    def _readout_differences(self, counts: F64, readout: F64, logit: F64, step: float) -> F64:
        """The gradient of the readout matrix, from spike counts [D, recordings, neurons]."""
        logits = self.logits(counts, readout) + logit
        unit = 2.0**self.gain / 4096
        outputs = np.empty_like(self.readout)
        rows = with_bias(counts, self.x.shape[1])
        for j in range(outputs.shape[1]):
            gained = np.zeros(len(outputs))
            one = np.eye(outputs.shape[1])[j]
            for sign in (1, -1):
                alone = logits[:, :, None] + sign * step * unit * rows[..., None] * one
                labels = np.broadcast_to(self.labels[:, None], alone.shape[:-1])
                gained += sign * self.fitness(alone, labels).mean(axis=(0, 1))
            outputs[:, j] = gained / (2 * step)
        return outputs

    def gradient(self, draw: Callable[[int], Noise], draws: int, step: float) -> list[F64]:
        """The mean of `differences` over many draws, in parts that fit into a cache."""
        parts = [self.differences(draw(100), step) for _ in range(max(1, draws // 100))]
        return [np.asarray(np.mean(part, axis=0)) for part in zip(*parts, strict=True)]

    # The noise of each estimator. Sigmas are those of SPEC.md section 7, but in whole units.

    def current_noise(
        self,
        draw: Callable[..., F64],
        draws: int,
        segments: int,
        sigmas: Sequence[float],
        logit: F64,
        shared: bool,
    ) -> Noise:
        """A current on neurons x segments: draw(shape), times the sigma of the layer.

        shared: whether it is a product of a factor of the neuron and one of the segment (rank 1).
        """
        n, ticks, _ = self.x.shape
        segment = np.arange(ticks) * segments // ticks
        currents = []
        for weights, sigma in zip(self.layers, sigmas, strict=True):
            neurons = weights.shape[1]
            if shared:
                size = draw(draws, n, 1, neurons) * draw(draws, n, segments)[..., None]
            else:
                size = draw(draws, n, segments, neurons)
            currents.append(sigma * size[:, :, segment])
        return Noise(
            (np.zeros((1, 1, 1)),) * len(currents), tuple(currents), np.zeros((1, 1, 1)), logit
        )

    def weight_noise(
        self, rng: np.random.Generator, draws: int, rank: int, sigma: float, sigma_o: float
    ) -> Noise:
        """Noise of the weights with standard deviations sigma, sigma_o. Rank 0 means full rank."""
        hidden = tuple(sigma * self._matrices(rng, draws, rank, w.shape) for w in self.layers)
        readout = sigma_o * self._matrices(rng, draws, rank, self.readout.shape)
        none = np.zeros((1, 1, 1, 1))
        return Noise(hidden, (none,) * len(hidden), readout, np.zeros((1, 1, 1)))

    @staticmethod
    def _matrices(rng: np.random.Generator, n: int, rank: int, shape: tuple[int, ...]) -> F64:
        if rank == 0:
            return np.asarray((rng.binomial(8, 0.5, (n, *shape)) - 4) / np.sqrt(2), np.float64)
        a, b = signs(rng, n, shape[0], rank), signs(rng, n, rank, shape[1])
        return np.asarray(a @ b / np.sqrt(rank), np.float64)


def signs(rng: np.random.Generator, *shape: int) -> F64:
    """+1 and -1 with equal chance."""
    return np.asarray(rng.integers(0, 2, shape) * 2.0 - 1.0, np.float64)
