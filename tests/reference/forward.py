"""SPEC.md section 5: currents, LIF neurons, and the run of a network on a recording."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from tests.reference.config import (
    MAX_LAYERS,
    MAX_POOL,
    MAX_TICKS,
    MAX_UNITS,
    LayerConfig,
    NetConfig,
)
from tests.reference.integers import INT16_MAX, INT32_MAX, Events, Matrix, clamp
from tests.reference.net import Net
from tests.reference.stream import decode
from tests.reference.wiring import readout_row


def with_bias(x: Events, n_pre: int) -> Events:
    """The bias is an input, with the number n_pre, that has an event in every tick."""
    return [[*events, n_pre] for events in x]


def base_currents(weights: Matrix, x: Events, layer: LayerConfig) -> Matrix:
    """The unperturbed currents base[t][h], from W[i][h]. x has no events of the bias."""
    base: Matrix = []
    limit = layer.l_base
    ticks = with_bias(x, len(weights) - 1)
    seen = {i for events in ticks for i in events}
    nonzero = {i: [(h, w) for h, w in enumerate(weights[i]) if w] for i in seen}
    for events in ticks:
        sums = [0] * len(weights[0])
        for i in events:
            for h, w in nonzero[i]:
                sums[h] += w
        assert all(abs(s) <= 32767 * 127 for s in sums)
        base.append([clamp(s, limit) for s in sums])
    return base


def lif(layer: LayerConfig, currents: Sequence[int]) -> tuple[list[bool], list[int]]:
    """One neuron over a recording: its spikes, and its membrane v at the end of each tick."""
    k, i_max = layer.leak_shift, layer.i_max
    spikes: list[bool] = []
    trace: list[int] = []
    v = ref = 0
    for current in currents:
        assert abs(current) <= i_max
        blocked = ref > 0
        if blocked:
            ref -= 1
        v = (v - (v >> k)) + (0 if blocked else current)
        assert -(i_max << k) <= v <= (i_max + 1) << k <= INT16_MAX
        spike = v >= layer.threshold and not blocked
        if spike:
            v -= layer.threshold
            ref = layer.refractory
        spikes.append(spike)
        trace.append(v)
    return spikes, trace


class Member:
    """A member of the population: what it adds to currents, readout sums and logits.

    This base class adds nothing: it is the unperturbed network. Section 7 has the others.
    """

    def currents(self, m: int, x: Events) -> Matrix | None:
        """pert[t][h] of LIF matrix m for its presynaptic events (without bias). None is zeros."""
        return None

    def readout(self, count: list[int]) -> list[int] | None:
        """pertL[j] for the counts of the readout's rows. None is zeros."""
        return None

    def logits(self) -> list[int] | None:
        """What is added to the logits, in 1/4096 bit. None is zeros."""
        return None


UNPERTURBED = Member()


@dataclass
class Run:
    """The result of running a network on one recording."""

    trains: list[Events] = field(default_factory=list)  # [layer][tick]: neurons that spiked
    counts: Matrix = field(default_factory=list)  # [layer][h]
    readout_events: list[int] = field(default_factory=list)  # count[h] of the readout's rows
    spikes: int = 0  # of all LIF layers
    logits: list[int] = field(default_factory=list)


def forward(net: Net, data: bytes, member: Member = UNPERTURBED) -> Run:
    """Run a network, or a member of its population, on a recording."""
    config = net.config
    run = Run()
    x = decode(data, config.n_in, config.ticks)
    for m, layer in enumerate(config.layers):
        base = base_currents(net.unfolded(m), x, layer)
        neurons = len(base[0])
        pert = member.currents(m, x) or [[0] * neurons] * config.ticks
        limit = layer.l_pert
        assert all(abs(p) <= limit for tick in pert for p in tick)
        train: Events = [[] for _ in range(config.ticks)]
        count: list[int] = []
        for h in range(neurons):
            spikes, _ = lif(layer, [base[t][h] + pert[t][h] for t in range(config.ticks)])
            for t, spike in enumerate(spikes):
                if spike:
                    train[t].append(h)
            count.append(sum(spikes))
        run.trains.append(train)
        run.counts.append(count)
        x = train  # in the same tick
    run.spikes = sum(map(sum, run.counts))
    if config.layers:
        run.readout_events = readout_counts(config, run.counts[-1])
    else:
        run.readout_events = input_counts(config, x)
    convolution = any(layer.kernel for layer in config.layers)
    assert run.spikes <= (MAX_LAYERS * MAX_UNITS * MAX_TICKS if convolution else 2**17)
    perturbation = member.logits() or [0] * config.n_out
    for a, p in zip(_readout(net, run.readout_events, member), perturbation, strict=True):
        assert abs(p) < 2**20
        x_j = (a << config.gain) + p
        assert abs(x_j) <= INT32_MAX
        run.logits.append(x_j)
    return run


def segment(t: int, n_segments: int, n_ticks: int) -> int:
    """seg(t): the segment that tick t belongs to."""
    return t * n_segments // n_ticks


def input_counts(config: NetConfig, x: Events) -> list[int]:
    """count[s*N + i] of a network without a LIF layer."""
    count = [0] * (config.n_in * config.input_segments)
    for t, events in enumerate(x):
        for i in events:
            count[segment(t, config.input_segments, config.ticks) * config.n_in + i] += 1
    return count


def readout_counts(config: NetConfig, count: list[int]) -> list[int]:
    """count[h] of the readout's rows, from the counts of the last LIF layer."""
    if not config.ends_in_convolution:
        return count
    sums = [0] * config.pooled_shape.units
    for h, n in enumerate(count):
        sums[readout_row(config, h)] += n
    assert all(n <= 32 * MAX_POOL * MAX_POOL for n in sums)
    assert sum(sums) <= 32 * MAX_UNITS
    return sums


def _readout(net: Net, count: list[int], member: Member) -> list[int]:
    """acc[j], from the counts of the readout's rows."""
    config = net.config
    if config.readout == "spikes":
        return count
    limited = config.ends_in_convolution or not config.layers
    w = net.weights[-1]
    pert_l = member.readout(count) or [0] * config.n_out
    acc: list[int] = []
    for j in range(config.n_out):
        assert abs(pert_l[j]) <= 2**19
        a = config.ticks * w[-1][j] + sum(c * w[h][j] for h, c in enumerate(count)) + pert_l[j]
        assert abs(a) <= (32 * 32767 if limited else 32 * 1025) * 127 + 2**19 < 2**27
        acc.append(clamp(a, 2**22 - 1) if limited else a)
    return acc
