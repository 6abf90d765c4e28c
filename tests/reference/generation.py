"""SPEC.md sections 7 to 9 in a row: whole generations. Each evaluates, shapes and updates."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple, Protocol, TypeVar

from tests.reference.batch import BatchMember, batch_signs
from tests.reference.config import MAX_RECORDINGS, EsConfig, NetConfig
from tests.reference.eprop import eprop
from tests.reference.fitness import argmax, cross_entropy, fitness
from tests.reference.forward import Member, Run, forward
from tests.reference.full import FullMember, full_noise
from tests.reference.integers import clamp
from tests.reference.net import Net
from tests.reference.sample import SampleMember, sample_gradients, sample_signs
from tests.reference.shaping import Shaped, shape_batch, shape_sample
from tests.reference.shift import shifted
from tests.reference.sweep import Sweep, sweep, sweep_gradients
from tests.reference.update import (
    STEP_MAX,
    LearningRate,
    Recording,
    Rows,
    active_rows,
    apply,
    check_learning_rates,
    step_from_gradient,
)


class Centre(NamedTuple):
    """The unperturbed run of a recording. The loss has no penalty on spikes."""

    loss: int
    correct: bool
    spikes: int


class BatchResult(NamedTuple):
    """Of a generation of `batch` or `full`."""

    shaped: Shaped
    centre: list[Centre]  # of each recording


class SampleResult(NamedTuple):
    """Of a generation of `sample`."""

    shaped: list[Shaped]  # of each recording
    centre: list[Centre]  # of each recording


class SweepResult(NamedTuple):
    """Of a generation of `sweep` or `eprop`."""

    found: list[Sweep]  # of each recording
    centre: list[Centre]  # of each recording


def generation_batch(
    net: Net,
    es: EsConfig,
    seed: int,
    generation: int,
    recordings: Sequence[Recording],
    lr_h: LearningRate,
    lr_o: LearningRate,
) -> BatchResult:
    """One generation of `batch`."""
    assert es.estimator == "batch"
    pairs = [batch_signs(net.config, es, seed, generation, p) for p in range(es.pairs)]
    return _generation(net, es, seed, generation, recordings, lr_h, lr_o, pairs, BatchMember)


def generation_full(
    net: Net,
    es: EsConfig,
    seed: int,
    generation: int,
    recordings: Sequence[Recording],
    lr_h: LearningRate,
    lr_o: LearningRate,
) -> BatchResult:
    """One generation of `full`."""
    assert es.estimator == "full"
    pairs = [full_noise(net.config, seed, generation, p) for p in range(es.pairs)]
    return _generation(net, es, seed, generation, recordings, lr_h, lr_o, pairs, FullMember)


class _Pair(Protocol):
    def element(self, m: int, i: int, j: int) -> int: ...


P = TypeVar("P", bound=_Pair)


def _generation(
    net: Net,
    es: EsConfig,
    seed: int,
    generation: int,
    recordings: Sequence[Recording],
    lr_h: LearningRate,
    lr_o: LearningRate,
    pairs: Sequence[P],
    member: Callable[[NetConfig, EsConfig, P, int], Member],
) -> BatchResult:
    """What `batch` and `full` share: the fitness differences are summed over the recordings."""
    config = net.config
    assert 1 <= len(recordings) <= MAX_RECORDINGS
    es.check(config)
    check_learning_rates(lr_h, lr_o, 0)
    recordings = _shifted(config, es, seed, generation, recordings)
    D = [sum(_difference(net, es, one, pair, member) for one in recordings) for pair in pairs]
    centre = [_centre(forward(net, data), label) for data, label in recordings]
    shaped = shape_batch(D)
    for m, (_, cols) in enumerate(config.shapes):
        lr = lr_o if m == config.readout_matrix else lr_h
        steps: Rows = {}
        for i in active_rows(config, m, recordings):
            steps[i] = []
            for j in range(cols):
                each = zip(shaped.f, pairs, strict=True)
                G = sum(f_p * pair.element(m, i, j) for f_p, pair in each)
                steps[i].append(step_from_gradient(G, lr))
        apply(net, m, seed, generation, steps)
    return BatchResult(shaped, centre)


def generation_sample(
    net: Net,
    es: EsConfig,
    seed: int,
    generation: int,
    recordings: Sequence[Recording],
    lr_h: LearningRate,
    lr_o: LearningRate,
) -> SampleResult:
    """One generation of `sample`. Online training is a generation of one recording."""
    config = net.config
    assert es.estimator == "sample"
    assert 1 <= len(recordings) <= MAX_RECORDINGS
    es.check(config)
    check_learning_rates(lr_h, lr_o, 4)
    result = SampleResult([], [])
    # The sum of g over the recordings, sums[m][i][j]. Rows without an event never appear.
    sums: list[Rows] = [{} for _ in config.shapes]
    recordings = _shifted(config, es, seed, generation, recordings)
    for pos, (data, label) in enumerate(recordings):
        pairs = [sample_signs(config, es, seed, generation, pos, p) for p in range(es.pairs)]
        D = [_difference(net, es, (data, label), pair, SampleMember) for pair in pairs]
        shaped, run = shape_sample(D), forward(net, data)
        result.shaped.append(shaped)
        result.centre.append(_centre(run, label))
        gradients = sample_gradients(config, es, data, run, pairs, shaped, lr_h, lr_o)
        _add_gradients(sums, gradients)
    _apply_sums(net, seed, generation, sums)
    return result


def generation_credit(
    net: Net,
    es: EsConfig,
    seed: int,
    generation: int,
    recordings: Sequence[Recording],
    lr_h: LearningRate,
    lr_o: LearningRate,
) -> SweepResult:
    """One generation of `sweep` or `eprop`. Online training is a generation of one recording."""
    evaluate = {"sweep": sweep, "eprop": eprop}[es.estimator]
    config = net.config
    assert 1 <= len(recordings) <= MAX_RECORDINGS
    es.check(config)
    check_learning_rates(lr_h, lr_o, 0)
    result = SweepResult([], [])
    sums: list[Rows] = [{} for _ in config.shapes]
    for data, label in _shifted(config, es, seed, generation, recordings):
        found = evaluate(net, es, data, label)
        result.found.append(found)
        result.centre.append(_centre(found.run, label))
        _add_gradients(sums, sweep_gradients(config, es, data, found, lr_h, lr_o))
    _apply_sums(net, seed, generation, sums)
    return result


def _shifted(
    net: NetConfig, es: EsConfig, seed: int, generation: int, recordings: Sequence[Recording]
) -> list[Recording]:
    """The recordings of a generation as training uses them."""
    return [
        (shifted(net, es, seed, generation, pos, data), label)
        for pos, (data, label) in enumerate(recordings)
    ]


def _add_gradients(sums: list[Rows], gradients: Sequence[Rows]) -> None:
    """Add the gradients of one recording to sums[m][i][j]."""
    for m, g in enumerate(gradients):
        for i, row in g.items():
            old = sums[m].get(i, [0] * len(row))
            sums[m][i] = [x + y for x, y in zip(old, row, strict=True)]


def _apply_sums(net: Net, seed: int, generation: int, sums: list[Rows]) -> None:
    """Change the weights by the sums over the recordings of a generation."""
    for m, rows in enumerate(sums):
        steps = {i: [clamp(x, STEP_MAX) for x in row] for i, row in rows.items()}
        apply(net, m, seed, generation, steps)


Q = TypeVar("Q")


def _difference(
    net: Net,
    es: EsConfig,
    recording: Recording,
    pair: Q,
    member: Callable[[NetConfig, EsConfig, Q, int], Member],
) -> int:
    """F(p, +) - F(p, -) on one recording."""
    data, label = recording
    plus, minus = (
        fitness(es, forward(net, data, member(net.config, es, pair, direction)), label)
        for direction in (+1, -1)
    )
    return plus - minus


def _centre(run: Run, label: int) -> Centre:
    return Centre(cross_entropy(run.logits, label), argmax(run.logits) == label, run.spikes)
