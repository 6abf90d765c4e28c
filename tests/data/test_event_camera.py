"""The simulated camera."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from eggroll_edge.data import event_camera as saccade
from eggroll_edge.data import nmnist
from eggroll_edge.data.binning import Binning
from eggroll_edge.data.event_camera import SaccadeConfig, simulate, simulate_streams
from eggroll_edge.errors import ConfigError, DataError

QUIET = SaccadeConfig(
    leak_hz=0,
    noise_hz=0,
    threshold_spread=0,
    vary_threshold=0,
    vary_row_px=0,
    vary_column_px=0,
    vary_leg_us=(0, 0, 0),
)


def pictures(n: int, seed: int = 0) -> np.ndarray[Any, np.dtype[np.uint8]]:
    """Blurred blots of ink in the middle of 28 x 28."""
    rng = np.random.default_rng(seed)
    out = np.zeros((n, 28, 28), np.uint8)
    out[:, 8:20, 8:20] = rng.integers(0, 2, (n, 4, 4)).repeat(3, 1).repeat(3, 2) * 255
    return out


def joined(parts: Any) -> bytes:
    return b"".join(streams.tobytes() for streams, _ in parts)


def test_same_whatever_the_chunks_and_workers(monkeypatch: pytest.MonkeyPatch) -> None:
    shown, binning = pictures(20), Binning()
    whole = joined(simulate_streams(shown, binning, seed=3, workers=1))
    monkeypatch.setattr(saccade, "CHUNK", 2)  # ten chunks, so that processes are used
    assert joined(simulate_streams(shown, binning, seed=3, workers=2)) == whole
    monkeypatch.setattr(saccade, "CHUNK", 7)
    assert joined(simulate_streams(shown, binning, seed=3, workers=1)) == whole
    later = joined(simulate_streams(shown[5:], binning, seed=3, first_index=5))
    assert whole.endswith(later)
    assert joined(simulate_streams(shown, binning, seed=4)) != whole


def test_events_fit_the_format(tmp_path: Path) -> None:
    events, offsets = simulate(pictures(3))
    for k in range(3):
        one = events.take(slice(int(offsets[k]), int(offsets[k + 1])))
        nmnist.write_bin(tmp_path / "a.bin", one)
        back = nmnist.read_bin(tmp_path / "a.bin")  # would refuse times out of order
        assert all(np.array_equal(a, b) for a, b in zip(back, one, strict=True))
        assert 500 < len(one.t) < 20_000
        assert one.t.max() < saccade.DURATION_US


def test_blank_image_gives_only_noise() -> None:
    blank = np.zeros((4, 28, 28), np.uint8)
    assert len(simulate(blank, QUIET)[0].t) == 0
    noisy = simulate(blank, replace(QUIET, leak_hz=2.0, noise_hz=1.0))[0]
    expected = 4 * saccade.PIXELS * 0.315
    assert abs((noisy.p == 1).sum() - 2 * expected) < 5 * np.sqrt(2 * expected)
    assert abs((noisy.p == 0).sum() - expected) < 5 * np.sqrt(expected)


def test_ink_darkens_where_it_goes_and_brightens_where_it_was() -> None:
    # A black square that moves two pixels down: its lower edge darkens, its upper edge brightens.
    still = np.tile([3.0, 3.0], (saccade.DURATION_US // 5000, 1))
    still[20:, 0] = 5.0
    config = replace(QUIET, path=tuple(map(tuple, still.tolist())))
    shown = np.zeros((1, 28, 28), np.uint8)
    shown[0, 10:18, 10:18] = 255
    events, _ = simulate(shown, config)
    on, off = (events.y[events.p == p].astype(int) for p in (1, 0))
    assert abs(on.mean() - 13.5) < 1
    assert abs(off.mean() - 21.5) < 1
    assert events.t.min() > 95_000
    assert events.t.max() < 140_000  # dark pixels follow slowly


def test_nothing_moves_nothing_fires() -> None:
    config = replace(QUIET, path=((3.0, 3.0),) * 63)
    assert len(simulate(pictures(2), config)[0].t) == 0


def test_threshold_and_refractory_do_what_they_say() -> None:
    shown = pictures(4)

    def count(**change: Any) -> int:
        return len(simulate(shown, replace(QUIET, **change))[0].t)

    base = count()
    assert count(threshold_on=0.3, threshold_off=0.3) < 0.8 * base
    assert count(refractory_us=5000.0) < 0.8 * base
    assert count(dark=1.0) < 0.8 * base
    events, offsets = simulate(shown, QUIET)
    key = np.repeat(np.arange(4), np.diff(offsets)) * saccade.PIXELS + events.y * 34.0 + events.x
    order = np.lexsort((events.t, key))
    gaps = np.diff(events.t[order])[np.diff(key[order]) == 0]
    assert gaps.min() >= QUIET.refractory_us - 2  # times are whole microseconds, rounded down


def test_finer_steps_change_little() -> None:
    shown = pictures(6)
    coarse, fine = (
        len(simulate(shown, replace(QUIET, step_px=px))[0].t) for px in (QUIET.step_px, 0.03)
    )
    assert abs(coarse / fine - 1) < 0.05


def test_resize_keeps_a_flat_image_flat() -> None:
    flat = np.full((1, 8, 5), 77, np.uint8)
    assert (saccade.resize(flat, 28) == 77).all()
    assert saccade.resize(pictures(1), 28).tobytes() == pictures(1).tobytes()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"dark": 0.0}, "dark"),
        ({"threshold_on": -1.0}, "threshold_on"),
        ({"vary_leg_us": (0.0, -1.0, 0.0)}, "vary_leg_us"),
        ({"path": ((0.0, 0.0),)}, "path"),
        ({"path": ((0.0, 0.0), (40.0, 0.0))}, "path leaves"),
        ({"tau_us": float("nan")}, "tau_us"),
    ],
)
def test_bad_config(change: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        SaccadeConfig(**change)


def test_bad_images() -> None:
    with pytest.raises(DataError, match="uint8"):
        simulate(np.zeros((2, 28, 28)))  # type: ignore[arg-type]
    with pytest.raises(ConfigError, match="34 x 34"):
        next(simulate_streams(pictures(1), Binning(height=28, width=28)))
