"""Shifted recordings: the claims of SPEC.md section 3.1, and the C core against the model."""

from __future__ import annotations

from collections import Counter

import pytest
from eggroll_edge._core import lib
from hypothesis import given
from hypothesis import strategies as st

from eggroll_edge.core import config as core
from eggroll_edge.core.recordings import active_rows, shifted
from tests import reference as ref
from tests.reference import EsConfig, NetConfig
from tests.reference.shape import Shape
from tests.runtime_c.core_runs import vectors


def net_of(shape: tuple[int, int, int], ticks: int) -> NetConfig:
    channels, rows, cols = shape
    return NetConfig(channels * rows * cols, ticks, (), "integrate", 2, 0, 1, Shape(*shape))


def core_net(net: NetConfig) -> core.NetConfig:
    return core.NetConfig(net.n_in, 2, net.ticks, (), "integrate", 0, 1, net.input_shape)


shapes = st.one_of(
    st.tuples(st.integers(1, 3), st.integers(1, 6), st.integers(1, 6)),
    st.tuples(st.integers(1, 2), st.integers(1, 40), st.integers(1, 40)),
    st.tuples(st.just(1), st.integers(1, 3), st.integers(200, 1000)),
)


@st.composite
def recordings(draw: st.DrawFn) -> tuple[NetConfig, bytes]:
    net = net_of(draw(shapes), draw(st.integers(1, 4)))
    events = st.sets(st.integers(0, net.n_in - 1), max_size=12)
    return net, ref.encode([sorted(draw(events)) for _ in range(net.ticks)])


words = st.integers(0, 2**32 - 1)


@given(recordings(), st.integers(0, 3), words, words, st.integers(0, 8191))
def test_the_core_shifts_as_the_model(
    recording: tuple[NetConfig, bytes], shift: int, seed: int, generation: int, pos: int
) -> None:
    net, stream = recording
    es = EsConfig("sweep", 1, shift=shift)
    expected = ref.shifted(net, es, seed, generation, pos, stream)  # asserts the length
    mine = core_net(net), core.EsConfig("sweep", 1, shift=shift)
    assert shifted(*mine, seed, generation, pos, stream) == expected
    most = lib.egg_shifted_bytes(mine[0].native(), mine[1].native(), len(stream))
    assert most == 0 if shift == 0 else len(expected) <= most
    assert ref.check(expected, net.n_in, net.ticks)


def test_the_stored_shifts() -> None:
    for v in vectors("shift", "moved"):
        net = net_of(tuple(v["shape"]), 3)
        by = lib.egg_shift_draw(*v["place"], *v["shape"][1:], v["shift"])
        assert [by.y, by.x] == v["offset"]
        es = core.EsConfig("sweep", 1, shift=v["shift"])
        seed, generation, position = v["place"]
        stream = bytes.fromhex(v["stream"])
        found = shifted(core_net(net), es, seed, generation, position, stream)
        assert found.hex() == v["shifted"]


@given(recordings())
def test_there_and_back(recording: tuple[NetConfig, bytes]) -> None:
    net, stream = recording
    assert ref.moved(net, stream, 0, 0) == stream
    assert net.input_shape is not None
    _, rows, cols = net.input_shape
    there = ref.decode(ref.moved(net, stream, 1, -2), net.n_in, net.ticks)
    back = ref.decode(ref.moved(net, ref.encode(there), -1, 2), net.n_in, net.ticks)
    for before, after in zip(ref.decode(stream, net.n_in, net.ticks), back, strict=True):
        kept = [i for i in before if i // cols % rows + 1 < rows and i % cols - 2 >= 0]
        assert after == kept


@pytest.mark.parametrize("shift", [1, 2, 3])
def test_all_offsets_are_equally_likely(shift: int) -> None:
    net = net_of((1, 30, 30), 1)
    n = 400 * (2 * shift + 1) ** 2
    found = Counter(ref.offsets(net, shift, 5, generation, 0) for generation in range(n))
    sides = range(-shift, shift + 1)
    assert set(found) == {(y, x) for y in sides for x in sides}
    assert all(abs(count - 400) < 5 * 20 for count in found.values())


def test_a_side_of_one_pixel_is_not_shifted() -> None:
    for generation in range(20):
        assert ref.offsets(net_of((64, 1, 9), 1), 2, 1, generation, 0)[0] == 0
        assert ref.offsets(net_of((1, 9, 1), 1), 2, 1, generation, 0)[1] == 0


def test_a_shifted_recording_may_be_longer() -> None:
    far = net_of((1, 4, 254), 2)
    stream = ref.encode([[0], [250]])
    assert len(ref.moved(far, stream, 3, 3)) == len(stream) + 2 * (3 * 255 // 254)
    assert len(ref.moved(far, stream, -3, 0)) == 2  # all events have left


def test_rows_that_only_the_shift_reaches_are_active() -> None:
    net = core_net(net_of((1, 2, 8), 1))
    marked = [active_rows(net, [ref.encode([[i]])]).tobytes() for i in (3, 4)]
    assert marked == [b"\x08\0\x01", b"\x10\0\x01"]


def test_what_the_core_refuses() -> None:
    shapeless = core.NetConfig(20, 2, 3, (), "integrate", 0)
    for shift in (1, 4):
        es = core.EsConfig("sweep", 1).native()
        es.shift = shift
        assert lib.egg_estimator_check(shapeless.native(), es) == lib.EGG_E_INPUTS
    shaped = core.NetConfig(20, 2, 3, (), "integrate", 0, 1, (1, 4, 5)).native()
    es.shift = 3
    assert lib.egg_estimator_check(shaped, es) == lib.EGG_OK
    es.shift = 4
    assert lib.egg_estimator_check(shaped, es) == lib.EGG_E_INPUTS
    for channels, rows, cols in ((1, 4, 4), (0, 4, 5), (1, 0, 5), (2, 10, 0), (255, 4096, 4096)):
        shaped.input_channels, shaped.input_rows, shaped.input_cols = channels, rows, cols
        assert lib.egg_net_check(shaped) == lib.EGG_E_INPUTS
