"""Binning, streams, and datasets of them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eggroll_edge.data.binning import Binning, Events, bin_events, bin_many
from eggroll_edge.data.dataset import EventDataset
from eggroll_edge.data.stream import check_stream, decode_stream, to_frames
from eggroll_edge.errors import ConfigError, DataError


def events(*rows: tuple[int, int, int, int]) -> Events:
    """Events from (x, y, t, p) rows."""
    x, y, t, p = np.array(rows, np.int64).reshape(-1, 4).T
    return Events(x.astype(np.uint8), y.astype(np.uint8), t.astype(np.int32), p.astype(np.uint8))


SMALL = Binning(ticks=3, window_us=3000)


def test_golden_bytes() -> None:
    # Input = (p * 34 + y) * 34 + x. Tick 0: inputs 0, 1, 255. Tick 1: none. Tick 2: 254 and 2311.
    recording = events(
        (0, 0, 0, 0),
        (1, 0, 999, 0),
        (1, 0, 5, 0),
        (17, 7, 10, 0),
        (16, 7, 2000, 0),
        (33, 33, 2999, 1),
    )
    # Jumps 1, 1, 254; then 255 = 254 + 1, and 2057 = 8 * 254 + 25.
    expected = [1, 1, 254, 0, 0, 255, 1, *[255] * 8, 25, 0]
    assert bin_events(recording, SMALL).tolist() == expected


def test_golden_decode() -> None:
    stream = np.array([1, 1, 254, 0, 0, 255, 1, *[255] * 8, 25, 0], np.uint8)
    assert [tick.tolist() for tick in decode_stream(stream, 3)] == [[0, 1, 255], [], [254, 2311]]
    assert [int(f.sum()) for f in to_frames(stream, SMALL)] == [3, 0, 2]
    assert to_frames(stream, SMALL)[2, 1, 33, 33] == 1


def test_empty_recording_is_only_ends_of_tick() -> None:
    assert bin_events(events(), SMALL).tolist() == [0, 0, 0]


def test_events_after_the_window_are_dropped() -> None:
    assert bin_events(events((0, 0, 3000, 0)), SMALL).tolist() == [0, 0, 0]


@pytest.mark.parametrize(
    ("change", "shape", "expected"),
    [
        ({"polarity": "merged"}, (1, 34, 34), [0, 35]),
        ({"polarity": "on"}, (1, 34, 34), [35]),
        ({"polarity": "off"}, (1, 34, 34), [0]),
        ({"pool": 2}, (2, 17, 17), [0, 289]),
        ({"pool": 2, "width": 35}, (2, 17, 18), [0, 306]),
    ],
)
def test_channels_and_pooling(
    change: dict[str, object], shape: tuple[int, int, int], expected: list[int]
) -> None:
    binning = replace(SMALL, **change)  # type: ignore[arg-type]
    recording = events((0, 0, 0, 0), (1, 1, 0, 1))
    assert binning.shape == shape
    assert decode_stream(bin_events(recording, binning), 3)[0].tolist() == expected


def test_first_saccade_only() -> None:
    recording = events((0, 0, 99_999, 0), (0, 0, 100_000, 0))
    assert np.count_nonzero(bin_events(recording, Binning())) == 1 + 0
    stream = bin_events(recording, replace(Binning(), first_saccade_only=True))
    assert sum(len(tick) for tick in decode_stream(stream, 15)) == 1


def test_both_events_of_different_ticks_survive_without_first_saccade() -> None:
    recording = events((0, 0, 99_999, 0), (0, 0, 110_000, 0))
    stream = bin_events(recording, Binning())
    assert sum(len(tick) for tick in decode_stream(stream, 15)) == 2


@st.composite
def recordings(draw: st.DrawFn) -> tuple[Binning, list[list[tuple[int, int, int, int]]]]:
    binning = Binning(
        ticks=draw(st.integers(1, 32)),
        window_us=draw(st.integers(1, 400_000)),
        height=draw(st.integers(1, 60)),
        width=draw(st.integers(1, 60)),
        pool=draw(st.integers(1, 2)),
        polarity=draw(st.sampled_from(["split", "merged", "on", "off"])),
        first_saccade_only=draw(st.booleans()),
        stabilize=draw(st.booleans()),
    )
    event = st.tuples(
        st.integers(0, binning.width - 1),
        st.integers(0, binning.height - 1),
        st.integers(0, binning.window_us + 10),
        st.integers(0, 1),
    )
    return binning, draw(st.lists(st.lists(event, max_size=40), max_size=5))


def still(binning: Binning, x: int, y: int, t: int) -> tuple[float, float]:
    """The event against the nominal motion, as tonic's NMNIST(stabilize=True) has it, in floats."""
    knots = (0, 105_000, 210_000, 315_000)
    moved = (
        x + 4.0 - np.interp(t, knots, (0.0, 3.5, 7.0, 0.0)),
        y + 2.0 - np.interp(t, knots, (0.0, 7.0, 0.0, 0.0)),
    )
    return float(moved[0]), float(moved[1])


def plain(binning: Binning, rows: list[tuple[int, int, int, int]]) -> list[list[int]]:
    """Binning as its definition says it, one event at a time."""
    _, height, width = binning.shape
    found: list[set[int]] = [set() for _ in range(binning.ticks)]
    for x, y, t, p in rows:
        if t >= binning.window_us or p == {"on": 0, "off": 1}.get(binning.polarity):
            continue
        if binning.first_saccade_only and t >= 100_000:
            continue
        if binning.stabilize:
            column, row = still(binning, x, y, t)
            if not (0 <= column <= binning.width - 1 and 0 <= row <= binning.height - 1):
                continue
            x, y = round(column), round(row)  # half to even
        channel = p if binning.polarity == "split" else 0
        index = (channel * height + y // binning.pool) * width + x // binning.pool
        found[t * binning.ticks // binning.window_us].add(index)
    return [sorted(tick) for tick in found]


def test_stabilized_ties_round_as_floats_do() -> None:
    binning = Binning(stabilize=True, ticks=32, window_us=320_000, polarity="merged")
    rows = [(x, x, t, 0) for x in range(34) for t in range(0, 320_000, 7500)]
    got = decode_stream(bin_events(events(*rows), binning), 32)
    assert [tick.tolist() for tick in got] == plain(binning, rows)


@settings(max_examples=150, deadline=None)
@given(recordings())
def test_bulk_binning_equals_the_definition(
    case: tuple[Binning, list[list[tuple[int, int, int, int]]]],
) -> None:
    binning, many = case
    joined = events(*[row for rows in many for row in rows])
    streams, offsets = bin_many(joined, np.cumsum([0] + [len(rows) for rows in many]), binning)
    assert len(offsets) == len(many) + 1
    assert offsets[-1] == len(streams)
    for at, rows in enumerate(many):
        stream = streams[offsets[at] : offsets[at + 1]]
        check_stream(stream, binning.ticks, binning.n_in)
        assert [t.tolist() for t in decode_stream(stream, binning.ticks)] == plain(binning, rows)
        assert bin_events(events(*rows), binning).tobytes() == stream.tobytes()


@pytest.mark.parametrize(
    ("stream", "message"),
    [
        ([], "0 ends of tick, 3 expected"),
        ([1, 0, 0], "2 ends of tick"),
        ([0, 0, 0, 0], "4 ends of tick"),
        ([0, 0, 0, 5], "goes on after its last tick"),
        ([0, *[255] * 9, 27, 0, 0], r"event 0 \(tick 1\) is input 2312, but there are 2312"),
    ],
)
def test_bad_streams(stream: list[int], message: str) -> None:
    with pytest.raises(DataError, match=message):
        check_stream(np.array(stream, np.uint8), 3, 2312)


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ((34, 0, 0, 0), "x = 34"),
        ((0, 34, 0, 0), "y = 34"),
        ((0, 0, -1, 0), "t = -1"),
        ((0, 0, 0, 2), "p = 2"),
    ],
)
def test_events_off_the_sensor(row: tuple[int, int, int, int], message: str) -> None:
    with pytest.raises(DataError, match=f"event 1 has {message}"):
        bin_events(events((0, 0, 0, 0), row), SMALL)


@pytest.mark.parametrize(
    "change",
    [
        {"ticks": 0},
        {"ticks": 33},
        {"pool": 3},
        {"polarity": "both"},
        {"window_us": 0},
        {"width": 1025},
    ],
)
def test_bad_binning(change: dict[str, object]) -> None:
    with pytest.raises(ConfigError, match=next(iter(change))):
        replace(SMALL, **change)  # type: ignore[arg-type]


def dataset() -> EventDataset:
    rows = [events((k, 0, 0, 0), (k, 1, 2500, 1)) for k in range(6)]
    streams = [bin_events(row, SMALL) for row in rows]
    offsets = np.cumsum([0] + [len(s) for s in streams])
    labels = np.arange(6, dtype=np.uint8) % 3
    return EventDataset(
        "six", np.concatenate(streams), offsets, labels, 3, SMALL, np.arange(10, 16)
    )


def test_dataset_subset_and_info() -> None:
    whole = dataset()
    part = whole.subset([4, 1])
    assert (len(whole), len(part), part.n_in, part.ticks) == (6, 2, 2312, 3)
    assert part[0].tobytes() == whole[4].tobytes()
    assert part.labels.tolist() == [1, 1]
    assert part.ids.tolist() == [14, 11]
    assert whole.subset(slice(None)).digest == whole.digest != part.digest
    info = whole.info()
    assert info["events_per_sample"] == 2
    assert info["events_per_tick"] == [1, 0, 1]
    assert info["class_counts"] == [2, 2, 2]


def test_digest_sees_every_part() -> None:
    whole = dataset()
    relabelled = replace(whole, labels=whole.labels[::-1].copy())
    rebinned = replace(whole, binning=replace(SMALL, window_us=3001))
    flipped = whole.streams.copy()
    flipped[0] += 1
    others = [relabelled, rebinned, replace(whole, streams=flipped)]
    assert len({d.digest for d in [whole, *others]}) == 4


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"labels": np.zeros(5, np.uint8)}, "5 labels need 6 offsets"),
        ({"n_classes": 2}, "label 2 in a set of 2 classes"),
        ({"streams": np.zeros(3, np.uint8)}, "offsets do not span"),
    ],
)
def test_bad_datasets(change: dict[str, object], message: str) -> None:
    with pytest.raises(DataError, match=message):
        replace(dataset(), **change)  # type: ignore[arg-type]
