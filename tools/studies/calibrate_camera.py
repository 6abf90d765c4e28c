"""Fit the simulated event camera to real N-MNIST recordings, and report how close it comes.

    python -m tools.studies.calibrate_camera           only the report
    python -m tools.studies.calibrate_camera --fit 3   fit first, three rounds

The name of a recording's file is the 1-based index of the MNIST training image that was shown, so
the simulator is given that very image. A round fits, in this order: the path of the camera (by how
the signed events follow the moving gradient of the image), the variation between recordings, and
the few parameters of a pixel (by Nelder-Mead, on the statistics in `distance`). Writes
docs/calibration.json and the table in the documentation's page of datasets. The datasets are in
../shared/data, or in the folder that EGGROLL_DATA names. Needs scipy for --fit.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from eggroll_edge.bench.report import data_folder
from eggroll_edge.data.event_camera import SaccadeConfig
from tools.lib.paths import DATA_PAGE, ROOT
from tools.lib.tables import table, write_section
from tools.studies.camera_motion import leg_times, motion, offsets_of, refined_path
from tools.studies.camera_statistics import (
    Recordings,
    correlation,
    distance,
    load_real,
    measure,
    simulated,
)

F64 = npt.NDArray[np.float64]
FITTED = (
    "dark",
    "blur_px",
    "threshold_on",
    "threshold_off",
    "threshold_spread",
    "refractory_us",
    "tau_us",
)
"""The parameters of a pixel that are fitted."""


def fitted_variation(config: SaccadeConfig, real: Recordings) -> SaccadeConfig:
    """Scale the variation between recordings to that of the real ones.

    The result of a simulation without any variation of the same image is subtracted first, and so
    is the noise by which two such simulations differ.
    """
    still = replace(
        config, vary_row_px=0.0, vary_column_px=0.0, vary_leg_us=(0.0, 0.0, 0.0), vary_threshold=0.0
    )
    a, b = simulated(still, real.images, 1), simulated(still, real.images, 2)
    varied = simulated(config, real.images, 3)

    def ratio(f: Callable[[Recordings], F64]) -> list[float]:
        base, noise = f(a), np.var(f(b) - f(a), axis=0)
        theirs, ours = (np.maximum(np.var(f(r) - base, axis=0) - noise, 0) for r in (real, varied))
        change: list[float] = np.atleast_1d(np.sqrt(theirs / (ours + 1e-12))).tolist()
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
    """Fit the logarithms of FITTED by Nelder-Mead, on every fourth of the recordings."""
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


def report(config: SaccadeConfig, real: Recordings) -> dict[str, Any]:
    """Compare real and simulated recordings; where chance matters, also two simulations."""
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


def rows_table(result: dict[str, Any]) -> str:
    """The report's rows in Markdown."""
    return table(
        ["", "real", "simulated", ""],
        [
            [row["what"], f"{row['real']:g}", f"{row['simulated']:g}", row["unit"]]
            for row in result["rows"]
        ],
    )


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", help="folder of mnist and nmnist_small")
    parser.add_argument("--fit", type=int, default=0, help="rounds of fitting")
    parser.add_argument("--evaluations", type=int, default=60, help="for the pixel, in each round")
    parser.add_argument("--start", type=Path, help="a calibration.json to start from")
    parser.add_argument("--out", type=Path, default=ROOT / "docs" / "calibration.json")
    options = parser.parse_args()
    data = data_folder(options.data)
    config = SaccadeConfig()
    if options.start:
        config = SaccadeConfig(**json.loads(options.start.read_text())["config"])
    if options.fit:
        real = load_real(data, 2)
        for done in range(options.fit):
            for _ in range(2):
                fake = simulated(config, real.images)
                config = refined_path(config, motion(real, config), motion(fake, config))
            config = fitted_variation(config, real)
            far = measure(real)["far_hz"]
            config = replace(config, noise_hz=round(far[0], 4), leak_hz=round(far[1], 3))
            config = fitted_pixel(config, real, options.evaluations)
            print(f"round {done + 1}: {replace(config, path=config.path[:2])}", flush=True)
    result = report(config, load_real(data, 1))
    options.out.write_text(json.dumps(result, indent=1) + "\n")
    text = rows_table(result)
    print(text, f"\ndistance {result['distance']}", sep="\n")
    write_section(DATA_PAGE, "calibration", text)


if __name__ == "__main__":
    main()
