"""The reference model's networks: the claims of SPEC.md sections 3 to 6, measured."""

from __future__ import annotations

import math
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests import reference as ref
from tests.reference import LayerConfig, Member, Net, NetConfig

# ---- 3. Recordings -------------------------------------------------------------------------------


@given(st.data())
@settings(max_examples=100, deadline=None)
def test_stream_round_trip(data: st.DataObject) -> None:
    n_in = data.draw(st.integers(1, 32766))
    tick = st.lists(st.integers(0, n_in - 1), max_size=20, unique=True).map(sorted)
    ticks = data.draw(st.lists(tick, min_size=1, max_size=32))
    stream = ref.encode(ticks)
    assert ref.decode(stream, n_in, len(ticks)) == ticks
    assert stream.count(0) == len(ticks)
    assert not ref.check(stream[:-1], n_in, len(ticks))
    assert not ref.check(stream + b"\0", n_in, len(ticks))
    top = max((i for t in ticks for i in t), default=0)
    if top:
        assert not ref.check(stream, top, len(ticks))


@given(st.binary(max_size=40), st.integers(1, 600), st.integers(1, 4))
def test_any_bytes_are_decoded_or_refused(data: bytes, n_in: int, ticks: int) -> None:
    if ref.check(data, n_in, ticks):
        events = ref.decode(data, n_in, ticks)
        assert all(a < b for tick in events for a, b in pairwise(tick))
        assert all(0 <= i < n_in for tick in events for i in tick)


# ---- 4. Network ----------------------------------------------------------------------------------


@pytest.mark.parametrize("std", [0, 1, 8, 32])
def test_initial_weights(std: int) -> None:
    net = Net(NetConfig(200, 1, (LayerConfig(40, 1, 1, 0),), "integrate", 2, 0))
    net.init_weights(3, std, 0)
    values = [w for row in net.weights[0][:-1] for w in row]
    n = len(values)
    mean = sum(values) / n
    measured = math.sqrt(sum((w - mean) ** 2 for w in values) / n)
    assert abs(mean) <= 4.5 * std / math.sqrt(n)
    assert abs(measured - std) <= 0.04 * std + 0.05
    assert not any(net.weights[0][-1])
    assert not any(w for row in net.weights[1] for w in row)


# ---- 5. Currents and LIF -------------------------------------------------------------------------


@pytest.mark.parametrize("k", range(1, 9))
def test_membrane_never_leaves_int16(k: int) -> None:
    # From every membrane that the proof allows, the largest currents lead to one that it allows.
    i_max = LayerConfig(1, 1, k, 0).i_max
    low, high = -(i_max << k), (i_max + 1) << k
    assert low >= -32768
    assert high <= 32767
    for v in range(low, high + 1):
        leaked = v - (v >> k)
        assert low <= leaked - i_max
        assert leaked + i_max <= high


@pytest.mark.parametrize("k", [1, 8])
@pytest.mark.parametrize("th", [1, 1024, 16383])
@pytest.mark.parametrize("q", [0, 15])
def test_lif_under_the_largest_currents(k: int, th: int, q: int) -> None:
    layer = LayerConfig(1, th, k, q)
    period = 500
    for wave in (1, 7, period):  # quick changes, and enough time to converge
        currents = [layer.i_max if t // wave % 2 == 0 else -layer.i_max for t in range(2 * period)]
        spikes, _ = ref.lif(layer, currents)  # asserts the bound in every tick
        assert wave < period or th == 16383 or any(spikes)
    gaps = [t for t, spike in enumerate(spikes) if spike]
    assert all(b - a > q for a, b in pairwise(gaps))


class Push(Member):
    """A member that perturbs as much as the limits allow."""

    def __init__(self, net: NetConfig, direction: int) -> None:
        self.net, self.direction = net, direction

    def currents(self, m: int, x: ref.Events) -> ref.Matrix:
        layer = self.net.layers[m]
        return [[self.direction * layer.l_pert] * layer.size] * self.net.ticks

    def readout(self, count: list[int]) -> list[int]:
        return [self.direction * 2**19] * self.net.n_out

    def logits(self) -> list[int]:
        return [self.direction * (2**20 - 1)] * self.net.n_out


@pytest.mark.parametrize("direction", [1, -1])
@pytest.mark.parametrize("k", [1, 8])
def test_the_most_inputs_with_the_largest_weights(k: int, direction: int) -> None:
    config = NetConfig(32766, 2, (LayerConfig(2, 1, k, 0),), "spikes", 2, 8)
    net = Net(config)
    net.weights[0] = [[127 * direction] * 2 for _ in range(32767)]
    run = ref.forward(net, ref.encode([list(range(32766))] * 2), Push(config, direction))
    assert run.counts == ([[2, 2]] if direction > 0 else [[0, 0]])


def test_the_largest_readout_sums() -> None:
    config = NetConfig(1, 32, (LayerConfig(1024, 1, 1, 0),), "integrate", 2, 8)
    net = Net(config)
    net.weights[0] = [[127] * 1024, [127] * 1024]
    net.weights[1] = [[127, -127] for _ in range(1025)]
    recording = ref.encode([[0]] * 32)
    largest = 32 * 1025 * 127
    run = ref.forward(net, recording)
    assert run.spikes == 32 * 1024
    assert run.logits == [largest << 8, -largest << 8]
    run = ref.forward(net, recording, Push(config, 1))
    assert run.logits[0] == ((largest + 2**19) << 8) + 2**20 - 1
    assert run.logits[0] < 2**30.2
    assert 2 * run.logits[0] < 2**32  # so d_j fits uint32
    assert ref.cross_entropy(run.logits, 1) == ref.LIMIT_F


def test_the_largest_projections_fit_int32() -> None:
    # LIF matrix 0 of `batch`: |c| <= 32767. The readout: |c| <= 32 * 1025, past int16.
    assert 32767 * 32767 < 2**30
    assert ref.INT32_MAX >= 32 * 1025 * 32767 + 128
    # `full`, LIF matrices. In the readout, |e| = 4 everywhere would not fit with such a sigma.
    assert ref.INT32_MAX >= 8191 * 4 * 16383 + 128
    assert ref.INT32_MAX < 32 * 1025 * 4 * 16383


# ---- 6. Fitness ----------------------------------------------------------------------------------


def test_exp2_error() -> None:
    # Measured: 1.075/4096 bit where E is not shifted; 6.43/65536 at most.
    for f in range(4096):
        assert abs(4096 * math.log2(ref.exp2_neg(f) / 65536) + f) < 1.08
    previous = 65536
    for d in range(17 * 4096):
        e = ref.exp2_neg(d)
        assert abs(e - 65536 * 2 ** (-d / 4096)) < 6.5
        assert e <= previous
        previous = e
    assert ref.exp2_neg(0) == 65536
    assert ref.exp2_neg(4096) == 32768


def test_log2_error() -> None:
    # Measured over every sum up to 2^18, and some above it: -1.63 .. +0.61 in 1/4096 bit.
    for s in [*range(65536, 262144), *range(262144, 64 * 65536 + 1, 97)]:
        assert -1.65 < ref.log2(s) - 4096 * math.log2(s / 65536) < 0.65
    assert [ref.log2(65536 << n) for n in range(7)] == [4096 * n for n in range(7)]


@given(st.lists(st.integers(-60000, 60000), min_size=2, max_size=64), st.data())
@settings(max_examples=150, deadline=None)
def test_cross_entropy_error(logits: list[int], data: st.DataObject) -> None:
    # Because of the shift, each term far from the largest loses less than 1/65536 of the sum, which
    # is 0.09/4096 bit. K - 1 of them, and the errors of log2 and exp2, stay below 9/4096 bit.
    label = data.draw(st.integers(0, len(logits) - 1))
    top = max(logits)
    exact = 4096 * math.log2(sum(2 ** ((x - top) / 4096) for x in logits)) + top - logits[label]
    assert abs(ref.cross_entropy(logits, label) - exact) < 9


def test_far_terms_of_cross_entropy() -> None:
    # The worst case of the bound in the test above. Measured: -5.7/4096 bit.
    for far in range(30000, 66000, 100):
        exact = 4096 * math.log2(1 + 63 * 2 ** (-far / 4096))
        assert abs(ref.cross_entropy([0] + [-far] * 63, 0) - exact) < 9
