"""Ways to reduce the noise of the estimator `sample`, on frozen nets of 2312-128-10; and `sweep`.

    python -m tools.studies.variance          results/variance-study.json, and the tables of the
                                              documentation; about three minutes
    python -m tools.studies.variance --table  only the tables

Two nets are trained on simulated N-MNIST. For some recordings that they have not seen, a numpy
model evaluates many antithetic pairs. A variant turns these evaluations, or those of other signs,
into credit. *Noise* is the variance of a variant's gradient for one recording, times its pairs,
over the squared length of its mean: the number of pairs at which noise and signal are equal. Both
are averaged over the recordings before they are divided. `sweep` has no noise; its gradients are
compared with the means of the pairs. The datasets are in ../shared/data, or in the folder that
EGGROLL_DATA names.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from eggroll_edge.bench.report import record, save
from eggroll_edge.data.loading import open_dataset
from tools.lib.paths import DESIGN_PAGE, RESULTS
from tools.lib.tables import only_tables, table, write_section
from tools.studies.frozen_net import SETTINGS, Array, Frozen, Recording, frozen, load, settings

RESULT = RESULTS / "variance-study.json"
GENERATIONS = (500, 6000)
"""How long the two nets are trained."""
RECORDINGS, PAIRS, GROUPS = 256, 48, 10
"""A group of pairs makes one estimate, the mean over its pairs."""
SWEEP_SIGMAS = (250, 500, 1000)
"""Of `sweep`, in weight units; `sample` has 500."""
SIGNS = np.array([-1, 1], np.int8)


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

    def scaled(self, factor: float) -> Noise:
        """Of credit that is multiplied by a factor."""
        return Noise(self.variance * factor**2, self.signal * factor**2)

    @property
    def ratio(self) -> float:
        """Pairs at which noise and signal are equal."""
        return round(self.variance / self.signal, 1)


@dataclass
class Agreement:
    """How far the gradients of `sweep` agree with the means of pairs, summed over recordings."""

    product: float = 0.0
    squares: float = 0.0
    answered: float = 0.0
    """Shares of the neurons that have credit."""
    recordings: int = 0
    total: Array | float = 0.0
    """The sum of the gradients."""

    def add(self, credit: Array, mean: Array, rows: Array) -> None:
        """Add a recording: its credit [segments, H], the mean credit of pairs, and its rows."""
        gram = rows @ rows.T
        self.product += float(np.einsum("sh,st,th->", credit, gram, mean))
        self.squares += float(np.einsum("sh,st,th->", credit, gram, credit))
        self.answered += float(credit.any(axis=0).mean())
        self.recordings += 1
        self.total = self.total + rows.T @ credit

    def summary(self, pairs: Noise, mean: Array, noise: float) -> dict[str, float]:
        """pairs: their noise and signal, which is that of single recordings. mean: the sum of their
        mean gradients. noise: the pairs at which the noise of `sample` equals the signal."""
        one = self.product / np.sqrt(self.squares * pairs.signal)
        squared = float((mean**2).sum()) - pairs.variance / (PAIRS * GROUPS)
        together = float((mean * self.total).sum()) / np.sqrt(
            squared * float((np.asarray(self.total) ** 2).sum())
        )
        return {
            "cosine_of_a_recording": round(float(one), 3),
            "cosine_of_all_recordings": round(float(together), 3),
            "pairs_with_the_same_error": round(noise / (1 / float(one) ** 2 - 1)),
            "neurons_with_credit": round(self.answered / self.recordings, 3),
        }


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
    sweeps = {sigma: Agreement() for sigma in SWEEP_SIGMAS}
    total, squares, still = np.zeros(net.hidden.shape), 0.0, 0.0
    quiet = np.zeros(net.hidden.shape)
    for one in recordings:
        a = rng.choice(SIGNS, (m, 1, net.hidden.shape[1]))
        b = rng.choice(SIGNS, (m, net.readout.shape[1]))
        b16 = blocks(rng, m, 16, b.shape[1], 16)
        signs = rng.choice(SIGNS, (m, c.segments, 1)) * a
        counts = net.counts(one.base, np.int16(c.sigma) * signs)
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
        clean = credit_of(variants["no logit noise"], signs).mean(0) / (2 * c.sigma)
        quiet += one.rows.T @ clean
        for sigma, agreement in sweeps.items():
            agreement.add(one.swept(sigma), clean, one.rows)
        mean = one.rows.T @ credit_of(d, signs).mean(0)
        total += mean
        squares += float((mean**2).sum())
    scaled = hidden["no logit noise"].scaled(1 / (2 * c.sigma))
    n = len(recordings)
    together = (float((total**2).sum()) - squares) / (n * (n - 1))  # |mean gradient|^2
    return {
        "neurons_unmoved_by_a_pair": round(still / n, 3),
        "signal_of_what_gating_drops": round(unmoved.signal / hidden["as it is"].signal, 4),
        "recording_over_mean_gradient_squared": round(hidden["as it is"].signal / n / together, 1),
        "sweep": {
            f"sigma {sigma}": agreement.summary(scaled, quiet, hidden["as it is"].ratio)
            for sigma, agreement in sweeps.items()
        },
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
                d = one.difference(net.counts(one.base, np.int16(c.sigma) * signs))
                noise = out.setdefault(f"{name}, {pairs} pairs", Noise())
                noise.add(credit_of(d, signs, pairs), one.rows, pairs)
    return {name: noise.ratio for name, noise in out.items()}


def measure() -> list[dict[str, Any]]:
    """A row for each of the two nets."""
    nets = []
    for generations in GENERATIONS:
        net, result = frozen(settings("sample", generations=generations))
        dataset = open_dataset(net.config.data, "test", net.config.binning())
        recordings = load(net, dataset, RECORDINGS)
        row = {
            "generations": generations,
            "test_accuracy": result.test_accuracy,
            "firing_rate": round(result.firing_rate[0], 4),
            **study(net, recordings),
            "noise_free_signs_no_logit_noise": sign_blocks(net, recordings[:12]),
        }
        print(json.dumps(row, indent=1), file=sys.stderr, flush=True)
        nets.append(row)
    return nets


SHOWN = {
    "as it is": "as it is",
    "as it is, gated": "gated by moved spike counts",
    "mean subtracted": "pairs' mean subtracted",
    "logits regressed out": "logits' noise regressed out",
    "logits crossed": "logits crossed (or no logit noise)",
    "logits crossed, gated": "logits crossed and gated",
}
"""The variants in the table of the documentation."""


def variants_table() -> str:
    """The noise of the variants of `sample`."""
    nets = json.loads(RESULT.read_text())["nets"]
    head = ["hidden weights, noise in pairs", *(f"after {net['generations']:,}" for net in nets)]
    rows = [
        [shown, *(f"{net['noise_hidden'][name]:.0f}" for net in nets)]
        for name, shown in SHOWN.items()
    ]
    return table(head, rows, "lrr")


def sweep_table() -> str:
    """`sweep` against the means of many pairs."""
    rows = [
        [
            f"{net['generations']:,}",
            sigma.removeprefix("sigma "),
            f"{found['cosine_of_a_recording']:.3f}",
            f"{found['cosine_of_all_recordings']:.3f}",
            f"{found['pairs_with_the_same_error']:,}",
            f"{100 * found['neurons_with_credit']:.0f} %",
        ]
        for net in json.loads(RESULT.read_text())["nets"]
        for sigma, found in net["sweep"].items()
    ]
    head = [
        "generations", "sigma of `sweep`", "cosine, one recording", "256 recordings together",
        "pairs of `sample` with the same error", "neurons with credit",
    ]  # fmt: skip
    return table(head, rows, "rrrrrr")


def main() -> None:
    if not only_tables(__doc__):
        report = {
            "what": "noise of variants of `sample`, 2312-128-10, simulated N-MNIST: pairs at "
            "which noise and signal of one recording are equal; `sweep` against the mean of pairs",
            "seed": 1,
            "settings": SETTINGS["sample"],
            "recordings": RECORDINGS,
            "pairs": PAIRS * GROUPS,
            "nets": measure(),
        }
        save(RESULT, record("study", "python -m tools.studies.variance", False, report))
    write_section(DESIGN_PAGE, "variants", variants_table())
    write_section(DESIGN_PAGE, "swept", sweep_table())


if __name__ == "__main__":
    main()
