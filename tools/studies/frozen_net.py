"""Trained nets of one LIF layer in numpy, whose weights stay as they are.

`variance.py` and `leave_one_out.py` evaluate perturbed members of such nets on single recordings.
Only training uses the core.
"""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from eggroll_edge import TrainConfig
from eggroll_edge.bench.report import data_folder
from eggroll_edge.data.dataset import EventDataset
from eggroll_edge.data.stream import unpack_stream
from eggroll_edge.journal import checkpoint
from eggroll_edge.journal.format import CHECKPOINT
from eggroll_edge.training.results import RunResult
from eggroll_edge.training.run import train
from eggroll_edge.training.run_dir import load_config

Array = npt.NDArray[Any]

SETTINGS: dict[str, dict[str, Any]] = {
    "sample": {
        "threshold": 1400, "init_std": 28, "readout_std": 24, "gain": 5, "sigma": 500.0,
        "sigma_readout": 1.95, "penalty_bits": 0.0015, "lr": 20.0, "lr_readout": 6.0,
        "lr_final": 0.05, "pairs": 256, "batch": 32, "segments": 5,
    },
    "batch": {
        "threshold": 900, "init_std": 28, "readout_std": 24, "gain": 4, "sigma": 6.0,
        "sigma_readout": 2.0, "penalty_bits": 0.00025, "lr": 3.5, "lr_readout": 1.25,
        "lr_final": 0.05, "pairs": 8192, "batch": 128,
    },
}  # fmt: skip
"""Of each estimator, for 2312-128-10 on simulated N-MNIST; `generations` is the caller's choice."""


def settings(estimator: str, **more: Any) -> TrainConfig:
    """A configuration with SETTINGS, and others that are given."""
    data = f"idx:{data_folder()}/mnist"
    return TrainConfig.from_dict(
        {"data": data, "estimator": estimator, **SETTINGS[estimator], **more}
    )


@dataclass
class Frozen:
    """A trained net."""

    config: TrainConfig
    hidden: Array
    readout: Array

    def counts(self, base: Array, push: Array) -> Array:
        """Spike counts [2, M, H] of both members of M pairs: base [ticks, H] plus and minus push.

        push [M, segments, H]: int16, a current that is constant within each segment.
        """
        c, segments = self.config, push.shape[1]
        v = np.zeros((2, len(push), push.shape[2]), np.int16)
        counts = np.zeros_like(v)
        for t, current in enumerate(base):
            part = push[:, t * segments // len(base)]
            v -= v >> c.leak_shift
            v += current
            v[0] += part
            v[1] -= part
            spike = (v >= c.threshold).astype(np.int16)
            v -= spike * np.int16(c.threshold)
            counts += spike
        return counts

    def logits(self, counts: Array) -> Array:
        """Logits in bits, [..., K], from counts [..., H]."""
        c = self.config
        sums = counts @ self.readout[:-1].astype(np.float64) + c.ticks * self.readout[-1]
        return np.asarray(sums * 2.0**c.gain / 4096)

    def fitness(self, counts: Array, label: int, logit_noise: Array | float) -> Array:
        """Fitness in bits, [...], from counts [..., H] and logit_noise [..., K]."""
        c = self.config
        x = self.logits(counts) + logit_noise
        x -= x.max(axis=-1, keepdims=True)
        loss = np.log2(np.exp2(x).sum(axis=-1)) - x[..., label]
        return np.asarray(-(loss + c.penalty_bits * counts.sum(axis=-1)))


@dataclass
class Recording:
    """One recording, and the net that sees it."""

    net: Frozen
    events: Array
    """[ticks, inputs + 1]; the bias is the last input."""
    label: int

    @cached_property
    def base(self) -> Array:
        """Unperturbed currents [ticks, H]."""
        return np.asarray(self.events @ self.net.hidden.astype(np.int32)).astype(np.int16)

    @cached_property
    def rows(self) -> Array:
        """Events [segments, inputs + 1]. They turn credit into a gradient of the weights."""
        c = self.net.config
        segment = np.arange(c.ticks) * c.segments // c.ticks
        return np.stack([self.events[segment == s].sum(0) for s in range(c.segments)]).astype(float)

    def difference(self, counts: Array, logit_noise: Array | float = 0.0) -> Array:
        """F(+) - F(-) of pairs, [M]. The logit noise of the two members has opposite signs."""
        plus = self.net.fitness(counts[0], self.label, logit_noise)
        return np.asarray(plus - self.net.fitness(counts[1], self.label, -logit_noise))

    def swept(self, sigma: int) -> Array:
        """Credit [segments, H] of `sweep`: fitness that a neuron gains by one unit of current."""
        net, segments = self.net, self.net.config.segments
        neurons = net.hidden.shape[1]
        x = net.logits(net.counts(self.base, np.zeros((1, 1, neurons), np.int16))[0, 0])
        e = -np.exp2(x - x.max()) / np.exp2(x - x.max()).sum()
        e[self.label] += 1
        worth = net.readout[:-1].astype(np.float64) @ e * 2.0**net.config.gain / 4096
        one = np.repeat(np.eye(segments, dtype=np.int16)[:, :, None], neurons, axis=2)
        plus, minus = net.counts(self.base, np.int16(sigma) * one).astype(int)
        return np.asarray((plus - minus) * (worth - net.config.penalty_bits) / (2 * sigma))


def frozen(config: TrainConfig) -> tuple[Frozen, RunResult]:
    """Train a net."""
    with tempfile.TemporaryDirectory() as folder:
        result = train(config, f"{folder}/run")
        derived = load_config(f"{folder}/run")
        trained = checkpoint.read(Path(folder, "run", CHECKPOINT)).net
    return Frozen(derived, *(m.copy() for m in trained.matrices)), result


def load(net: Frozen, dataset: EventDataset, n: int) -> list[Recording]:
    """The first n recordings of a dataset."""
    out = []
    for i in range(n):
        tick, which = unpack_stream(dataset.streams[dataset.offsets[i] : dataset.offsets[i + 1]])
        events = np.zeros((net.config.ticks, dataset.n_in + 1), np.int32)
        events[tick, which] = events[:, -1] = 1
        out.append(Recording(net, events, int(dataset.labels[i])))
    return out
