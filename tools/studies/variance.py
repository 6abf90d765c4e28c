"""Ways to reduce the noise of the estimator `sample`, on frozen nets of 2312-128-10.

    python -m tools.studies.variance        writes results/variance-study.json; about two minutes

Two nets are trained on simulated N-MNIST. For some recordings that they have not seen, a numpy
model evaluates many antithetic pairs. A variant turns these evaluations, or those of other signs,
into credit. *Noise* is the variance of a variant's gradient for one recording, times its pairs,
over the squared length of its mean: the number of pairs at which noise and signal are equal. Both
are averaged over the recordings before they are divided. The datasets are in ../shared/data, or in
the folder that EGGROLL_DATA names.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from eggroll_edge import TrainConfig
from eggroll_edge.bench.report import data_folder
from eggroll_edge.data.dataset import EventDataset
from eggroll_edge.data.loading import open_dataset
from eggroll_edge.data.stream import unpack_stream
from eggroll_edge.journal import checkpoint
from eggroll_edge.journal.format import CHECKPOINT
from eggroll_edge.training.run import train
from eggroll_edge.training.run_dir import load_config
from tools.lib.paths import RESULTS

RESULT = RESULTS / "variance-study.json"
GENERATIONS = (500, 6000)
"""How long the two nets are trained."""
RECORDINGS, PAIRS, GROUPS = 256, 48, 10
"""A group of pairs makes one estimate, the mean over its pairs."""
Array = npt.NDArray[Any]
SIGNS = np.array([-1, 1], np.int8)


@dataclass
class Frozen:
    """A trained net."""

    config: TrainConfig
    hidden: Array
    readout: Array

    def counts(self, base: Array, signs: Array) -> Array:
        """Spike counts [2, M, H] of both members of M pairs, from their signs [M, segments, H]."""
        c, segments = self.config, signs.shape[1]
        v = np.zeros((2, len(signs), signs.shape[2]), np.int16)
        counts, push = np.zeros_like(v), np.int16(c.sigma) * signs
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

    def fitness(self, counts: Array, label: int, logit_noise: Array | float) -> Array:
        """Fitness in bits, [...], from counts [..., H] and logit_noise [..., K]."""
        c = self.config
        sums = counts @ self.readout[:-1].astype(np.float64) + c.ticks * self.readout[-1]
        x = sums * 2.0**c.gain / 4096 + logit_noise
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


@dataclass
class Noise:
    """Sums over recordings."""

    variance: float = 0.0
    """Of the mean of a group, times its pairs."""
    signal: float = 0.0
    """Squared length of the mean, without what the noise of the mean adds."""

    def add(self, credit: Array, rows: Array, pairs: int) -> None:
        """Add a recording: credit [groups, segments, H] (means of `pairs`), and its rows."""
        gram = rows @ rows.T
        mean = credit.mean(0)
        off = credit - mean
        variance = float(np.einsum("gsh,st,gth->", off, gram, off)) / (len(credit) - 1)
        self.variance += variance * pairs
        self.signal += float(np.einsum("sh,st,th->", mean, gram, mean)) - variance / len(credit)

    @property
    def ratio(self) -> float:
        """Pairs at which noise and signal are equal."""
        return round(self.variance / self.signal, 1)


def credit_of(d: Array, signs: Array, pairs: int = PAIRS) -> Array:
    """Credit: means over groups of `pairs`, from differences [M] and signs [M, segments, H]."""
    flat = signs.reshape(-1, pairs, signs.shape[1] * signs.shape[2]).astype(np.float32)
    means = np.matmul(d.reshape(-1, 1, pairs).astype(np.float32), flat) / pairs
    return np.asarray(means.reshape(-1, *signs.shape[1:]), np.float64)


def hadamard(order: int) -> Array:
    """Sylvester's matrix of +1 and -1: rows are orthogonal, as are columns. A power of two."""
    h = np.ones((1, 1), np.int8)
    while len(h) < order:
        h = np.block([[h, h], [h, -h]])
    return h


def blocks(rng: np.random.Generator, rows: int, pairs: int, width: int, order: int) -> Array:
    """Signs [rows, width]: every `pairs` rows are different rows of a Hadamard matrix."""
    h = hadamard(order)
    parts = [
        h[rng.permutation(order)[:pairs]][:, rng.permutation(order)[:width]]
        * rng.choice(SIGNS, width)
        for _ in range(rows // pairs)
    ]
    return np.concatenate(parts)


def regressed(d: Array, b: Array) -> Array:
    """d [M] without the part that the logit noise b [M, K] of the group's other pairs explains."""
    groups, signs = d.reshape(-1, PAIRS), b.reshape(-1, PAIRS, b.shape[1])
    slope = np.einsum("gp,gpk->gk", groups, signs)[:, None] - groups[..., None] * signs
    return np.asarray((groups - (slope * signs).sum(-1) / (PAIRS - 1)).ravel())


def study(net: Frozen, recordings: Sequence[Recording]) -> dict[str, Any]:
    """All variants that keep the signs z a of rank 1."""
    c, rng, m = net.config, np.random.default_rng(1), PAIRS * GROUPS
    hidden: dict[str, Noise] = {}
    readout: dict[str, Noise] = {}
    unmoved = Noise()
    total, squares, still = np.zeros(net.hidden.shape), 0.0, 0.0
    for one in recordings:
        a = rng.choice(SIGNS, (m, 1, net.hidden.shape[1]))
        b = rng.choice(SIGNS, (m, net.readout.shape[1]))
        b16 = blocks(rng, m, 16, b.shape[1], 16)
        signs = rng.choice(SIGNS, (m, c.segments, 1)) * a
        counts = net.counts(one.base, signs)
        moved = counts[0] != counts[1]
        still += 1 - float(moved.mean())
        d, swapped = (one.difference(counts, s * c.sigma_readout * b) for s in (1, -1))
        centred = (d.reshape(-1, PAIRS) - d.reshape(-1, PAIRS).mean(1, keepdims=True)).ravel()
        variants = {
            "as it is": d,
            "mean subtracted": centred,
            "logits regressed out": regressed(d, b),
            "logits crossed": (d + swapped) / 2,
            "no logit noise": one.difference(counts),
        }
        for name, values in variants.items():
            hidden.setdefault(name, Noise()).add(credit_of(values, signs), one.rows, PAIRS)
            gated = credit_of(values, signs * moved[:, None])
            hidden.setdefault(f"{name}, gated", Noise()).add(gated, one.rows, PAIRS)
        unmoved.add(credit_of(d, signs * ~moved[:, None]), one.rows, PAIRS)
        # the readout's inputs: counts, and the bias in each tick
        inputs = np.append(counts.mean((0, 1)), c.ticks)[None]
        answers = {
            "as it is": (d, b),
            "logits crossed": ((d - swapped) / 2, b),
            "Hadamard logits": (one.difference(counts, c.sigma_readout * b16), b16),
        }
        for name, (values, logit_signs) in answers.items():
            credit = credit_of(values, logit_signs[:, None])
            readout.setdefault(name, Noise()).add(credit, inputs, PAIRS)
        mean = one.rows.T @ credit_of(d, signs).mean(0)
        total += mean
        squares += float((mean**2).sum())
    n = len(recordings)
    together = (float((total**2).sum()) - squares) / (n * (n - 1))  # |mean gradient|^2
    return {
        "neurons_unmoved_by_a_pair": round(still / n, 3),
        "signal_of_what_gating_drops": round(unmoved.signal / hidden["as it is"].signal, 4),
        "recording_over_mean_gradient_squared": round(hidden["as it is"].signal / n / together, 1),
        "noise_hidden": {name: one.ratio for name, one in hidden.items()},
        "noise_readout": {name: one.ratio for name, one in readout.items()},
    }


def sign_blocks(net: Frozen, recordings: Sequence[Recording]) -> dict[str, float]:
    """Any signs on neurons x segments: independent, or rows of a Hadamard matrix of order 1024."""
    c, rng = net.config, np.random.default_rng(2)
    shape = (c.segments, net.hidden.shape[1])
    width = shape[0] * shape[1]
    out: dict[str, Noise] = {}
    for one in recordings:
        for pairs in (64, 256, 1024):
            for name in ("independent", "Hadamard"):
                free = rng.choice(SIGNS, (4096, width))
                flat = free if name == "independent" else blocks(rng, 4096, pairs, width, 1024)
                signs = flat.reshape(-1, *shape)
                d = one.difference(net.counts(one.base, signs))
                noise = out.setdefault(f"{name}, {pairs} pairs", Noise())
                noise.add(credit_of(d, signs, pairs), one.rows, pairs)
    return {name: noise.ratio for name, noise in out.items()}


def load(net: Frozen, dataset: EventDataset, n: int) -> list[Recording]:
    """The first n recordings of a dataset."""
    out = []
    for i in range(n):
        tick, which = unpack_stream(dataset.streams[dataset.offsets[i] : dataset.offsets[i + 1]])
        events = np.zeros((net.config.ticks, dataset.n_in + 1), np.int32)
        events[tick, which] = events[:, -1] = 1
        out.append(Recording(net, events, int(dataset.labels[i])))
    return out


def main() -> None:
    argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    ).parse_args()
    nets = []
    for generations in GENERATIONS:
        config = TrainConfig(data=f"idx:{data_folder()}/mnist", generations=generations)
        with tempfile.TemporaryDirectory() as folder:
            result = train(config, f"{folder}/run")
            config = load_config(f"{folder}/run")
            trained = checkpoint.read(Path(folder, "run", CHECKPOINT)).net
        net = Frozen(config, *(m.copy() for m in trained.matrices))
        recordings = load(net, open_dataset(config.data, "test", config.binning()), RECORDINGS)
        row = {
            "generations": generations,
            "test_accuracy": result.test_accuracy,
            "firing_rate": round(result.firing_rate[0], 4),
            **study(net, recordings),
            "noise_free_signs_no_logit_noise": sign_blocks(net, recordings[:12]),
        }
        print(json.dumps(row, indent=1), flush=True)
        nets.append(row)
    report = {
        "what": "noise of variants of `sample`, 2312-128-10, simulated N-MNIST: pairs at which "
        "noise and signal of one recording are equal",
        "command": "python -m tools.studies.variance",
        "recordings": RECORDINGS,
        "pairs": PAIRS * GROUPS,
        "nets": nets,
    }
    RESULT.write_text(json.dumps(report, indent=1) + "\n")


if __name__ == "__main__":
    main()
