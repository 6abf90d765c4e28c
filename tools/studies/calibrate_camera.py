"""Fit the saccade simulator to real N-MNIST recordings, and say how close it comes.

    python tools/calibrate_saccade.py --data ../shared/data            # report only
    python tools/calibrate_saccade.py --data ../shared/data --fit 3    # fit first, three rounds

Each recording's file name is the 1-based index of the MNIST training image that was shown, so the
simulator is given that very image. Fitted are, in turn: the camera's path (by how the signed
events follow the moving gradient of the image), the variation between recordings, and the pixel's
few parameters (Nelder-Mead on the statistics in `distance`). Writes docs/calibration.json, and the
table in docs/reference/data.md between its two marks. Needs scipy only for --fit.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from eggroll_edge.data import event_camera as saccade
from eggroll_edge.data import images as image_files
from eggroll_edge.data import nmnist
from eggroll_edge.data.binning import Binning, Events, bin_many
from eggroll_edge.data.event_camera import PIXELS, SIDE, SaccadeConfig
from eggroll_edge.data.stream import unpack_stream

F64 = npt.NDArray[np.float64]
KNOT_US = 5000
KNOTS = 63
MARKS = ("<!-- calibration: begin -->", "<!-- calibration: end -->")
GAPS_MS = (0, 1, 2, 3, 4, 5, 6, 8, 10, 13, 17, 22, 30, 45, 70, 120, 320)
FITTED = (
    "dark",
    "blur_px",
    "threshold_on",
    "threshold_off",
    "threshold_spread",
    "refractory_us",
    "tau_us",
)


class Recordings(NamedTuple):
    """Events of n recordings, the owner of each, and the images that were shown."""

    events: Events
    owner: npt.NDArray[np.int32]
    images: npt.NDArray[np.uint8]

    @property
    def pixel(self) -> npt.NDArray[np.int64]:
        """Index over recordings and pixels of each event."""
        e = self.events
        index: npt.NDArray[np.int64] = self.owner.astype(np.int64) * PIXELS
        index += e.y.astype(np.int64) * SIDE + e.x
        return index


def load_real(data: Path, step: int) -> Recordings:
    """Every `step`-th of the recordings."""
    files, _, ids = nmnist.list_folder(data / "nmnist_small", "all")
    files, ids = files[::step], ids[::step]
    events, offsets = nmnist.decode_bins([file.read_bytes() for file in files], files)
    owner = np.repeat(np.arange(len(files), dtype=np.int32), np.diff(offsets))
    return Recordings(events, owner, image_files.load_idx(data / "mnist", "train")[0][ids - 1])


def simulated(config: SaccadeConfig, images: npt.NDArray[np.uint8], seed: int = 0) -> Recordings:
    """The same images before the simulated camera."""
    parts, owners = [], []
    for at in range(0, len(images), saccade.CHUNK):
        chunk = images[at : at + saccade.CHUNK]
        events, owner = saccade.simulate_chunk(chunk, config, seed, at)
        parts.append(events)
        owners.append(owner + np.int32(at))
    joined = [np.concatenate(columns) for columns in zip(*parts, strict=True)]
    return Recordings(Events(*joined), np.concatenate(owners), images)


# ---- what is measured ---------------------------------------------------------------------------


def frames(recordings: Recordings) -> npt.NDArray[np.float32]:
    """Binned with the default binning: [n, ticks, inputs] of 0 and 1."""
    binning, n = Binning(), len(recordings.images)
    order = np.argsort(recordings.owner, kind="stable")
    offsets = np.concatenate(([0], np.cumsum(np.bincount(recordings.owner, minlength=n))))
    stream, _ = bin_many(recordings.events.take(order), offsets, binning)
    picture = np.zeros((n * binning.ticks, binning.n_in), np.float32)
    picture[unpack_stream(stream)] = 1
    return picture.reshape(n, binning.ticks, binning.n_in)


def measure(recordings: Recordings) -> dict[str, Any]:
    """Statistics of recordings; per recording where it makes sense."""
    events, n = recordings.events, len(recordings.images)
    pixel = recordings.pixel
    order = np.lexsort((events.t, pixel))
    gap = np.diff(events.t[order].astype(np.int64)) / 1000
    here = np.diff(pixel[order]) == 0
    same = here & (np.diff(events.p[order].astype(np.int8)) == 0)
    clock = np.minimum(events.t // KNOT_US, KNOTS - 1)
    profile = np.stack([np.bincount(clock[events.p == p], minlength=KNOTS) / n for p in (0, 1)])
    reach = np.zeros((n, SIDE, SIDE), bool)  # pixels that the digit can touch
    for shown, mask in zip(recordings.images, reach, strict=True):
        rows, columns = np.nonzero(shown)
        mask[
            max(0, rows.min() - 1) : rows.max() + 10, max(0, columns.min() - 2) : columns.max() + 10
        ] = True
    far = ~reach.ravel()[pixel]
    seconds = (~reach).sum() * saccade.DURATION_US / 1e6
    quiet = np.isin(clock, (0, 1, 16, 17, 18, 43, 44, 45))
    return {
        "events": np.bincount(recordings.owner, minlength=n),
        "on": np.bincount(recordings.owner[events.p == 1], minlength=n),
        "profile": profile,
        "gap_same": np.histogram(gap[same], GAPS_MS)[0] / n,
        "gap_other": np.histogram(gap[here & ~same], GAPS_MS)[0] / n,
        "per_pixel": np.bincount(
            np.minimum(np.bincount(pixel, minlength=n * PIXELS), 15), minlength=16
        )
        / n,
        "map": np.bincount(pixel % PIXELS, minlength=PIXELS) / n,
        "far_hz": [float((far & (events.p == p)).sum() / seconds) for p in (0, 1)],
        "quiet": float(quiet.sum() / n),
        "frames": frames(recordings),
    }


def distance(real: dict[str, Any], fake: dict[str, Any]) -> float:
    """One figure to minimise. Shares of squared error; histograms by square roots (Hellinger)."""

    def histogram(name: str) -> float:
        a, b = real[name][1:], fake[name][1:]
        return float(((np.sqrt(a) - np.sqrt(b)) ** 2).sum() / a.sum())

    profile = ((real["profile"] - fake["profile"]) ** 2).sum() / (real["profile"] ** 2).sum()
    ratio = fake["events"] / real["events"]
    return (
        histogram("gap_same")
        + histogram("gap_other")
        + histogram("per_pixel")
        + 2 * float(profile)
        + 2 * (1 - correlation(real["frames"], fake["frames"]))
        + abs(float(np.log(ratio.mean())))
        + float(ratio.std())
    )


def correlation(a: npt.NDArray[Any], b: npt.NDArray[Any]) -> float:
    """Pearson's."""
    return float(np.corrcoef(a.ravel(), b.ravel())[0, 1])


# ---- the camera's motion ------------------------------------------------------------------------


class Motion(NamedTuple):
    """Per 5 ms: where the image is, how fast signed events say it moves, and how well they fit."""

    place: F64  # [KNOTS, 2] row, column in pixels
    speed: F64  # [KNOTS, 2] in events for a unit gradient
    fit: F64  # [KNOTS] share of the signed events' energy that is explained


def gradients(
    config: SaccadeConfig, ink: npt.NDArray[np.float32], row: float, column: float
) -> list[npt.NDArray[np.float32]]:
    """d log light / d row and / d column of the images at a position, each [n * PIXELS]."""
    down, across = saccade._resampler(config.blur_px)

    def look(r: float, c: float) -> npt.NDArray[np.float32]:
        i, j = (round((v + saccade.IMAGE_SIDE) * saccade._PHASES) for v in (r, c))
        seen = np.minimum(down[i] @ ink @ across[j], 1)
        level: npt.NDArray[np.float32] = np.log(np.float32(1 + config.dark) - seen).ravel()
        return level

    h = 0.25
    return [
        (look(row + h, column) - look(row - h, column)) / (2 * h),
        (look(row, column + h) - look(row, column - h)) / (2 * h),
    ]


def signed_maps(recordings: Recordings) -> npt.NDArray[np.float32]:
    """Rises minus falls: [KNOTS, n * PIXELS]."""
    events, cells = recordings.events, len(recordings.images) * PIXELS
    clock = events.t // KNOT_US
    kept = clock < KNOTS
    key = clock.astype(np.int64)[kept] * cells + recordings.pixel[kept]
    sign = 2.0 * events.p[kept] - 1
    return np.bincount(key, sign, KNOTS * cells).reshape(KNOTS, cells).astype(np.float32)


def motion(recordings: Recordings, config: SaccadeConfig) -> Motion:
    """Follow the image: at each knot, the position whose gradient explains most of the events."""
    ink = (recordings.images / 255).astype(np.float32)
    place = np.array(config.path, np.float64)
    speed, fit = np.zeros((KNOTS, 2)), np.zeros(KNOTS)
    for knot, events in enumerate(signed_maps(recordings)):
        energy = float(events @ events) + 1e-9

        def explain(at: F64, events: Any = events, energy: float = energy) -> tuple[float, F64]:
            g = np.stack(gradients(config, ink, float(at[0]), float(at[1])))
            product = (g @ events).astype(np.float64)
            solved = np.linalg.solve((g @ g.T).astype(np.float64), product)
            return float(product @ solved) / energy, solved

        for step in (0.5, 0.25):
            for axis in np.eye(2):
                low, mid, high = (explain(place[knot] + s * step * axis)[0] for s in (-1, 0, 1))
                bend = low - 2 * mid + high
                best = 0.5 * (low - high) / bend if bend < 0 else np.sign(high - low)
                place[knot] += step * np.clip(best, -1, 1) * axis
        fit[knot], speed[knot] = explain(place[knot])
    return Motion(place, speed, fit)


def refined_path(config: SaccadeConfig, real: Motion, fake: Motion) -> SaccadeConfig:
    """A path that should make the simulated motion look like the real one.

    Speeds say how the path goes on where little happens, positions keep it from drifting away.
    """
    path = np.array(config.path)
    true_speed = np.gradient(path, axis=0)
    gain = float((true_speed * fake.speed).sum() / (fake.speed**2).sum())
    wanted = true_speed + 0.7 * gain * (real.speed - fake.speed)
    drawn = np.cumsum(wanted, axis=0) - wanted / 2
    weight = real.fit * (real.fit > 0.1) * (fake.fit > 0.05)
    error = path + (real.place - fake.place) - drawn
    near = np.exp(-0.5 * (np.subtract.outer(np.arange(KNOTS), np.arange(KNOTS)) / 3.0) ** 2)
    near = near * weight + 1e-9
    drawn += (near @ error) / near.sum(axis=1, keepdims=True)
    return replace(config, path=tuple((round(r, 3), round(c, 3)) for r, c in drawn.tolist()))


# ---- variation between recordings ---------------------------------------------------------------


def offsets_of(recordings: Recordings, config: SaccadeConfig) -> F64:
    """How far each recording's image lies from the path: [n, 2] pixels."""
    ink = (recordings.images / 255).astype(np.float32)
    maps = signed_maps(recordings).reshape(KNOTS, len(ink), PIXELS)
    path = np.array(config.path)
    speed = np.gradient(path, axis=0)
    busy = np.flatnonzero(np.hypot(*speed.T) > 0.3)
    reach, shifts = 0.8, ((0, 0), (-1, 0), (1, 0), (0, -1), (0, 1))
    score = []
    for shift in shifts:
        product, energy = np.zeros(len(ink)), np.zeros(len(ink))
        for knot in busy:
            row, column = path[knot] + reach * np.array(shift)
            g = gradients(config, ink, row, column)
            expected = (speed[knot, 0] * g[0] + speed[knot, 1] * g[1]).reshape(len(ink), PIXELS)
            product += (maps[knot] * expected).sum(axis=1)
            energy += (expected**2).sum(axis=1)
        score.append(product / np.sqrt(energy))
    mid = score[0]
    return np.stack(
        [reach * 0.5 * (a - b) / (a - 2 * mid + b) for a, b in (score[1:3], score[3:5])], axis=1
    )


def leg_times(recordings: Recordings) -> F64:
    """Mean time of each recording's events in each of the three saccades: [n, 3] microseconds."""
    t, n, out = recordings.events.t, len(recordings.images), []
    for start, stop in ((0, 90_000), (110_000, 190_000), (222_000, 300_000)):
        leg = (t >= start) & (t < stop)
        count = np.bincount(recordings.owner[leg], minlength=n)
        out.append(np.bincount(recordings.owner[leg], t[leg], n) / np.maximum(count, 1))
    return np.stack(out, axis=1)


def fitted_variation(config: SaccadeConfig, real: Recordings) -> SaccadeConfig:
    """Scale each spread over recordings so that the simulated ones spread as the real ones do.

    What a simulation without any variation shows of the same image is taken off first, and so is
    the noise with which two such simulations differ.
    """
    still = replace(
        config, vary_row_px=0.0, vary_column_px=0.0, vary_leg_us=(0.0, 0.0, 0.0), vary_threshold=0.0
    )
    a, b = simulated(still, real.images, 1), simulated(still, real.images, 2)
    varied = simulated(config, real.images, 3)

    def ratio(f: Callable[[Recordings], F64]) -> list[float]:
        base, noise = f(a), np.var(f(b) - f(a), axis=0)
        theirs, mine = (np.maximum(np.var(f(r) - base, axis=0) - noise, 0) for r in (real, varied))
        change: list[float] = np.atleast_1d(np.sqrt(theirs / (mine + 1e-12))).tolist()
        return change

    row, column = ratio(lambda r: offsets_of(r, config))
    legs = ratio(leg_times)
    (count,) = ratio(lambda r: np.log(np.bincount(r.owner, minlength=len(r.images))))
    one, two, three = (round(us * k, -1) for us, k in zip(config.vary_leg_us, legs, strict=True))
    return replace(
        config,
        vary_row_px=round(config.vary_row_px * row, 3),
        vary_column_px=round(config.vary_column_px * column, 3),
        vary_leg_us=(one, two, three),
        vary_threshold=round(config.vary_threshold * count, 3),
    )


def fitted_pixel(config: SaccadeConfig, real: Recordings, evaluations: int) -> SaccadeConfig:
    """Nelder-Mead over the logs of FITTED, on every fourth recording given."""
    from scipy.optimize import minimize  # type: ignore[import-untyped,unused-ignore]

    few = np.arange(0, len(real.images), 4)
    kept = np.isin(real.owner, few)
    part = Recordings(real.events.take(kept), real.owner[kept] // np.int32(4), real.images[few])
    aim = measure(part)

    def at(x: F64) -> SaccadeConfig:
        chosen: dict[str, Any] = dict(zip(FITTED, np.exp(x).tolist(), strict=True))
        return replace(config, **chosen)

    def loss(x: F64) -> float:
        return distance(aim, measure(simulated(at(x), part.images)))

    start = np.log([getattr(config, name) for name in FITTED])
    spread = np.diag([0.1, 0.08, 0.08, 0.08, 0.15, 0.12, 0.2])
    simplex = np.vstack([start, start + spread])
    options = {"initial_simplex": simplex, "maxfev": evaluations, "xatol": 1e-3, "fatol": 1e-4}
    found = minimize(loss, start, method="Nelder-Mead", options=options)
    best: dict[str, Any] = {
        name: float(f"{v:.4g}") for name, v in zip(FITTED, np.exp(found.x), strict=True)
    }
    print(f"  pixel: distance {found.fun:.4f} {best}", flush=True)
    return replace(config, **best)


# ---- the report ---------------------------------------------------------------------------------


def report(config: SaccadeConfig, real: Recordings) -> dict[str, Any]:
    """Real beside simulated; and beside a second simulation where chance matters."""
    fake, again = simulated(config, real.images, 0), simulated(config, real.images, 1)
    r, f, g = measure(real), measure(fake), measure(again)
    true, seen = motion(real, config), motion(fake, config)
    clear = (true.fit > 0.1) & (seen.fit > 0.1)
    apart = np.hypot(*(true.place - seen.place)[clear].T)

    def row(what: str, a: float, b: float, unit: str = "") -> dict[str, Any]:
        return {
            "what": what,
            "real": round(float(a), 4),
            "simulated": round(float(b), 4),
            "unit": unit,
        }

    def close(what: str, name: str) -> dict[str, Any]:
        a, b, c = (np.sqrt(s[name]).ravel() for s in (r, f, g))
        return row(f"correlation of {what}", correlation(b, c), correlation(a, b))

    ratio = f["events"] / r["events"]
    rows = [
        row("events a recording", r["events"].mean(), f["events"].mean()),
        row("its standard deviation", r["events"].std(), f["events"].std()),
        row("simulated / real, spread over recordings", 0.0, float(ratio.std())),
        row(
            "share of polarity 1",
            float(r["on"].sum() / r["events"].sum()),
            float(f["on"].sum() / f["events"].sum()),
        ),
        row(
            "binary events a recording, 15 ticks",
            r["frames"].sum() / len(ratio),
            f["frames"].sum() / len(ratio),
        ),
        row("events in 40 ms of near-rest", r["quiet"], f["quiet"]),
        row("far from the digit, polarity 0", r["far_hz"][0], f["far_hz"][0], "Hz a pixel"),
        row("far from the digit, polarity 1", r["far_hz"][1], f["far_hz"][1], "Hz a pixel"),
        row(
            "gaps < 3 ms, same polarity, a recording",
            r["gap_same"][:3].sum(),
            f["gap_same"][:3].sum(),
        ),
        row(
            "gaps 3..10 ms, same polarity, a recording",
            r["gap_same"][3:8].sum(),
            f["gap_same"][3:8].sum(),
        ),
        row("gaps, other polarity, a recording", r["gap_other"].sum(), f["gap_other"].sum()),
        row("pixels that fire, a recording", r["per_pixel"][1:].sum(), f["per_pixel"][1:].sum()),
        row(
            "signed events explained by the gradient, moving",
            float(true.fit[clear].mean()),
            float(seen.fit[clear].mean()),
        ),
        row(
            "image position, root mean square difference",
            0.0,
            float(np.sqrt((apart**2).mean())),
            "px",
        ),
        row(
            "profile, 5 ms and polarity, relative error",
            0.0,
            float(np.linalg.norm(r["profile"] - f["profile"]) / np.linalg.norm(r["profile"])),
        ),
    ]
    places, times = (
        [k(s) for s in (real, fake)] for k in (lambda s: offsets_of(s, config), leg_times)
    )
    rows += [
        row(
            f"position over recordings, {name}, sd",
            float(places[0][:, i].std()),
            float(places[1][:, i].std()),
            "px",
        )
        for i, name in enumerate(("row", "column"))
    ]
    still = [t.std(axis=0) / 1000 for t in times]
    rows += [
        row(f"mean time of saccade {i + 1}, sd", float(still[0][i]), float(still[1][i]), "ms")
        for i in range(3)
    ]
    rows += [
        close("tick pictures, image by image*", "frames"),
        close("event maps*", "map"),
        close("profiles, 5 ms*", "profile"),
    ]
    return {
        "recordings": len(ratio),
        "distance": round(distance(r, f), 4),
        "config": asdict(config),
        "rows": rows,
        "profile_5ms": {
            "real": r["profile"].round(2).tolist(),
            "simulated": f["profile"].round(2).tolist(),
        },
        "path": {"real": true.place.round(2).tolist(), "simulated": seen.place.round(2).tolist()},
    }


def table(result: dict[str, Any]) -> str:
    """The report's rows in Markdown."""
    lines = ["| | real | simulated | |", "|---|---|---|---|"]
    lines += [
        f"| {row['what']} | {row['real']:g} | {row['simulated']:g} | {row['unit']} |"
        for row in result["rows"]
    ]
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--fit", type=int, default=0, help="rounds of fitting")
    parser.add_argument("--evaluations", type=int, default=60, help="of the pixel's fit, per round")
    parser.add_argument("--start", type=Path, help="a calibration.json to start from")
    parser.add_argument("--out", type=Path, default=Path("docs/calibration.json"))
    parser.add_argument("--doc", type=Path, default=Path("docs/reference/data.md"))
    options = parser.parse_args()
    config = SaccadeConfig()
    if options.start:
        config = SaccadeConfig(**json.loads(options.start.read_text())["config"])
    if options.fit:
        real = load_real(options.data, 2)
        for turn in range(options.fit):
            for _ in range(2):
                fake = simulated(config, real.images)
                config = refined_path(config, motion(real, config), motion(fake, config))
            config = fitted_variation(config, real)
            far = measure(real)["far_hz"]
            config = replace(config, noise_hz=round(far[0], 4), leak_hz=round(far[1], 3))
            config = fitted_pixel(config, real, options.evaluations)
            print(f"round {turn + 1}: {replace(config, path=config.path[:2])}", flush=True)
    result = report(config, load_real(options.data, 1))
    options.out.write_text(json.dumps(result, indent=1) + "\n")
    text = table(result)
    print(text, f"\ndistance {result['distance']}", sep="\n")
    if options.doc.exists() and MARKS[0] in options.doc.read_text():
        head, rest = options.doc.read_text().split(MARKS[0])
        tail = rest.split(MARKS[1])[1]
        options.doc.write_text(f"{head}{MARKS[0]}\n{text}\n{MARKS[1]}{tail}")


if __name__ == "__main__":
    main()
