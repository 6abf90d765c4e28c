"""`eggroll-edge bench peers`: the same work in this package and in other libraries.

The scripts of tools/peers do the work, in turns. There are two families in torch: `torch` uses
snnTorch's neurons or a library for EGGROLL; `compiled` is a layer written by hand for
torch.compile, as our layer is written by hand in C.

The time to an accuracy depends on the initial weights and on the order of the recordings. So each
round of these times has another seed, the same for all.
"""

from __future__ import annotations

import statistics
import sys
from dataclasses import dataclass
from typing import Any

from eggroll_edge.bench.report import (
    RUNS,
    Notify,
    Rows,
    data_folder,
    median_range,
    ratio,
    source_root,
)
from eggroll_edge.bench.scripts import missing, run_script, why_not
from eggroll_edge.errors import EggrollError

TARGET = 90.0
"""Accuracy, percent of the simulated N-MNIST test recordings, whose time is measured."""
NEEDED = ("torch", "snntorch", "jax", "scipy")
LEFT_OUT = "not measured: left out of --quick"


@dataclass(frozen=True)
class Peer:
    """A script of tools/peers with its arguments."""

    name: str
    family: str
    """ours, baseline, jax, torch, compiled, evosax or surrogate; the ratios compare families."""
    command: str
    quick: str | None = None
    """Script and arguments of a quick run; None leaves the peer out of it."""
    needs: str | None = None
    """A package that the script needs besides NEEDED."""


_UNIT = "--limit 8192 --pairs 512 --batch 128"
RATES = (
    Peer("ours, batch", "ours", f"ours.py {_UNIT} --generations 30",
         f"ours.py {_UNIT} --generations 6"),
    Peer("JAX EGGROLL, int16", "jax", f"jax_eggroll.py {_UNIT} --lif int16",
         f"jax_eggroll.py {_UNIT} --lif int16 --generations 4"),
    Peer("JAX EGGROLL, float32", "jax", f"jax_eggroll.py {_UNIT} --lif float32"),
    Peer("torch EGGROLL, compiled", "compiled", f"torch_eggroll.py {_UNIT} --form compiled"),
    Peer("torch EGGROLL, snnTorch neurons", "torch",
         f"torch_eggroll.py {_UNIT} --form snntorch --generations 3",
         "torch_eggroll.py --limit 1024 --pairs 128 --batch 32 --form snntorch --generations 2"),
    Peer("torcheggroll", "torch",
         "torch_eggroll.py --limit 2048 --pairs 16 --form torcheggroll --generations 3",
         needs="torcheggroll"),
    Peer("eggroll-trainer", "torch",
         "torch_eggroll.py --limit 2048 --pairs 16 --form eggroll-trainer --generations 3",
         needs="eggroll_trainer"),
    Peer("evosax Open_ES", "evosax",
         "jax_evosax.py --limit 2048 --pairs 16 --algorithm Open_ES --generations 3",
         needs="evosax"),
    Peer("evosax CR_FM_NES", "evosax",
         "jax_evosax.py --limit 2048 --pairs 16 --algorithm CR_FM_NES --generations 3",
         needs="evosax"),
)  # fmt: skip
_TO = f"--stop-at {TARGET:g}"
_SURROGATE = f"torch_surrogate.py --epochs 1 --batch 64 --no-cosine {_TO}"
_ONLINE = f"ours.py --online --eval-every 250 {_TO}"
_SWEEP = (
    f"{_ONLINE} --estimator sweep --generations 4000 --segments 3 --threshold 400 --sigma 366 "
    "--gain 5 --init-std 8 --readout-std 23 --penalty-bits 0.0004 --learn-above 0.25 --lr 2.39 "
    "--lr-readout 1.5"
)
_EPROP = (
    f"{_ONLINE} --estimator eprop --generations 2500 --threshold 400 --sigma 560 --gain 5 "
    "--init-std 8 --readout-std 23 --penalty-bits 0.0004 --learn-above 0.25 --lr 2.4 "
    "--lr-readout 1.5"
)
_LINEAR = f"{_ONLINE} --estimator sweep --hidden 0 --generations 2500 --lr-readout 2"
_OFTEN = "--limit 20000 --eval-every 10"  # TARGET is reached within a third of an epoch
TIMES = (
    Peer("ours, sweep online", "ours", _SWEEP, _SWEEP),
    Peer("baseline in our core, e-prop online", "baseline", _EPROP, _EPROP),
    Peer("baseline in our core, linear readout online", "baseline", _LINEAR, _LINEAR),
    Peer("ours, sample", "ours", f"ours.py --estimator sample --generations 400 {_TO}",
         f"ours.py --estimator sample --generations 400 --seconds 15 {_TO}"),
    Peer("surrogate gradient, torch", "surrogate",
         f"{_SURROGATE} --threads 1 {_OFTEN}",
         f"{_SURROGATE} --threads 1 --limit 16000 --eval-every 30 --seconds 15"),
    Peer("surrogate gradient, torch, 2 threads", "surrogate", f"{_SURROGATE} --threads 2 {_OFTEN}"),
    Peer("surrogate gradient, snnTorch neurons", "surrogate",
         f"{_SURROGATE} --threads 1 {_OFTEN} --lif snntorch"),
    Peer("surrogate gradient, int8 weights", "surrogate",
         f"{_SURROGATE} --threads 1 {_OFTEN} --weights int8"),
    Peer("ours, batch", "ours",
         f"ours.py --estimator batch --generations 200 --seconds 300 "
         f"--eval-every 10 {_TO}"),
    Peer("JAX EGGROLL, int16", "jax",
         "jax_eggroll.py --lif int16 --pairs 1024 --batch 256 --generations 1000 --seconds 300 "
         "--eval-every 40 " + _TO),
    Peer("evosax Open_ES", "evosax",
         "jax_evosax.py --algorithm Open_ES --pairs 64 --generations 1000 --seconds 60 "
         "--eval-every 2 " + _TO, needs="evosax"),
    Peer("evosax CR_FM_NES", "evosax",
         "jax_evosax.py --algorithm CR_FM_NES --pairs 64 --generations 1000 --seconds 60 "
         "--eval-every 2 " + _TO, needs="evosax"),
)  # fmt: skip


def measure(
    quick: bool, notify: Notify, runs: int | None = None, data: str | None = None
) -> dict[str, Any]:
    """Speeds in turns, then the times to TARGET. data: as for data_folder().

    EggrollError if a package of NEEDED is missing, or if there is no source checkout.
    """
    source_root()
    absent = missing(NEEDED)
    if absent:
        raise EggrollError(
            f"the peers need {', '.join(absent)}, not installed for {sys.executable}: "
            "pip install -e '.[bench]'"
        )
    spec = f"idx:{data_folder(data) / 'mnist'}"
    runs = runs or (1 if quick else RUNS)

    def run(peer: Peer, seed: int = 1) -> dict[str, Any]:
        command = (peer.quick if quick else peer.command) or ""
        return run_script(f"{command} --seed {seed}", spec, notify)

    rows = _rates(quick, runs, run)
    times, seconds_to_90 = _times(quick, runs, run)
    best = {
        family: [row for row in rows if row["family"] == family and "member_evals_per_s" in row]
        for family in ("ours", "jax", "torch", "compiled")
    }
    return {
        "target": TARGET,
        "rows": rows + times,
        "summary": {
            "ours_over_jax": _over(best["ours"], best["jax"]),
            "ours_over_torch": _over(best["ours"], best["torch"]),
            "ours_over_torch_compiled": _over(best["ours"], best["compiled"]),
            "surrogate_over_ours_to_90": _fastest_over_ours(times, "surrogate"),
            "seconds_to_90": seconds_to_90,
        },
    }


def _rates(quick: bool, runs: int, run: Any) -> Rows:
    found: dict[str, list[dict[str, Any]]] = {peer.name: [] for peer in RATES}
    why = {peer.name: _why_not(peer, quick) for peer in RATES}
    for _ in range(runs):
        for peer in RATES:
            if why[peer.name] is None:
                line = run(peer)
                why[peer.name] = line.get("error")
                if "error" not in line:
                    found[peer.name].append(line)
    rows: Rows = []
    for peer in RATES:
        row: dict[str, Any] = {"what": "rate", "name": peer.name, "family": peer.family}
        row["command"] = peer.quick if quick else peer.command
        lines = found[peer.name]
        if lines:
            row["versions"] = lines[0]["versions"]
            for field in (
                "member_evals_per_s",
                "generation_seconds",
                "compile_seconds",
                "peak_mib",
            ):
                row[field] = median_range([line[field] for line in lines])
        rows.append(row if lines else row | {"why": why[peer.name]})
    return rows


def _times(quick: bool, runs: int, run: Any) -> tuple[Rows, dict[str, float | None]]:
    """Times to TARGET: the rows, and the median seconds of each peer. Round N has seed N."""
    rows: Rows = []
    found: dict[str, list[dict[str, Any]]] = {peer.name: [] for peer in TIMES}
    why = {peer.name: _why_not(peer, quick) for peer in TIMES}
    for done in range(runs):
        for peer in TIMES:
            slow = any(line["seconds_to_target"] is None for line in found[peer.name])
            if why[peer.name] is not None or slow or (done > 0 and _minutes(found[peer.name])):
                continue
            line = run(peer, seed=done + 1)
            why[peer.name] = line.get("error")
            if "error" not in line:
                found[peer.name].append(line)
    seconds_to_90: dict[str, float | None] = {}
    for peer in TIMES:
        row: dict[str, Any] = {"what": "seconds to 90", "name": peer.name, "family": peer.family}
        row["command"] = peer.quick if quick else peer.command
        lines = found[peer.name]
        reached = [line["seconds_to_target"] for line in lines]
        seconds_to_90[peer.name] = None
        if not lines:
            row["why"] = why[peer.name]
        elif None in reached:
            last = lines[-1]
            best = max((h[2] for h in last["history"]), default=0.0)
            row["why"] = f"{best:.1f} % at best after {last['train_seconds']:.0f} s of training"
        else:
            row["seconds"] = median_range(reached)
            seconds_to_90[peer.name] = statistics.median(reached)
        if lines:
            first = "compile_seconds" if "compile_seconds" in lines[0] else "first_step_seconds"
            row["compile_seconds"] = median_range([line[first] for line in lines])
            row["peak_mib"] = median_range([line["peak_mib"] for line in lines])
        rows.append(row)
    return rows, seconds_to_90


def _minutes(lines: list[dict[str, Any]]) -> bool:
    """Whether a run takes so long that it is done only once."""
    return any(line["train_seconds"] > 60 for line in lines)


def _why_not(peer: Peer, quick: bool) -> str | None:
    if quick and peer.quick is None:
        return LEFT_OUT
    return why_not([peer.needs] if peer.needs else [])


def _over(ours: Rows, theirs: Rows) -> float | None:
    """Our speed over that of the fastest of theirs, median of the rounds; None if none ran."""
    if not ours or not theirs:
        return None
    fastest = max(theirs, key=lambda row: row["member_evals_per_s"]["median"])
    runs = [row["member_evals_per_s"]["runs"] for row in (ours[0], fastest)]
    median: float = ratio(*runs)["median"]
    return median


def _fastest_over_ours(times: Rows, family: str) -> float | None:
    """Seconds of the fastest of a family over those of our fastest; None if one has none."""
    fastest = {
        one: min((row["seconds"]["median"] for row in times
                  if row["family"] == one and "seconds" in row), default=None)
        for one in ("ours", family)
    }  # fmt: skip
    ours, theirs = fastest["ours"], fastest[family]
    return theirs / ours if ours and theirs else None
