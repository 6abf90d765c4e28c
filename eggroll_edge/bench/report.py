"""Shared by the benchmarks: alternating runs, medians with their range, and the saved record.

Each benchmark is a module with `measure(quick, notify) -> {"rows": [...], "summary": {...}}`: the
rows for tables and plots, and the few figures that the last line of `eggroll-edge bench` prints.
"""

from __future__ import annotations

import datetime
import json
import os
import platform
import statistics
import subprocess
from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

from eggroll_edge.errors import EggrollError
from eggroll_edge.files import write_atomically

Notify = Callable[[str], None]
"""Takes one line of progress for the user."""
Rows = list[dict[str, Any]]
KINDS = ("host", "mcu", "peers", "accuracy")
"""The benchmarks: modules of this package."""
RUNS = 5
"""Default rounds of a benchmark that is timed."""

_ROOT = Path(__file__).resolve().parents[2]


def measure(kind: str, quick: bool, notify: Notify, **more: Any) -> dict[str, Any]:
    """Run one of KINDS. Its module is imported only now, because some need optional packages."""
    module = import_module(f"eggroll_edge.bench.{kind}")
    found: dict[str, Any] = module.measure(quick, notify, **more)
    return found


def run_interleaved(
    cases: Mapping[str, Callable[[], float]], runs: int, notify: Notify
) -> dict[str, list[float]]:
    """The figures of each case over `runs` rounds.

    Every round runs each case once, so that a disturbance of the machine meets all cases alike.
    """
    found: dict[str, list[float]] = {name: [] for name in cases}
    for done in range(runs):
        for name, case in cases.items():
            found[name].append(case())
            notify(f"run {done + 1}/{runs}: {name}: {found[name][-1]:.4g}")
    return found


def median_range(values: Sequence[float]) -> dict[str, Any]:
    """Median, minimum and maximum of the runs, and the runs themselves."""
    return {
        "median": statistics.median(values),
        "min": min(values),
        "max": max(values),
        "runs": list(values),
    }


def ratio(over: Sequence[float], under: Sequence[float]) -> dict[str, Any]:
    """median_range of over / under, round by round."""
    return median_range([a / b for a, b in zip(over, under, strict=True)])


def source_root() -> Path:
    """The source checkout that this package runs from. EggrollError if it was installed."""
    if not (_ROOT / "tools" / "peers").is_dir():
        raise EggrollError(
            f"{_ROOT} is not a source checkout: this benchmark runs scripts of tools/peers; clone "
            "the repository and install it with pip install -e '.[bench]'"
        )
    return _ROOT


def data_folder(given: str | None = None) -> Path:
    """The folder that holds mnist and nmnist_small; EggrollError if one of them is missing.

    The folder is `given`; or, if that is None, the one that the environment variable EGGROLL_DATA
    names, or else shared/data beside the source checkout.
    """
    beside = _ROOT.parent / "shared" / "data"
    folder = Path(given or os.environ.get("EGGROLL_DATA") or beside).expanduser()
    for name in ("mnist", "nmnist_small"):
        if not (folder / name).is_dir():
            raise EggrollError(
                f"{folder}: there is no folder {name!r} in it; use --data or EGGROLL_DATA to name "
                "the folder that holds mnist (IDX files) and nmnist_small (recordings)"
            )
    return folder


def machine() -> str:
    """The processor's name and the cores that this process may use."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    name = platform.processor() or platform.machine()
    info = Path("/proc/cpuinfo")
    if info.exists():
        for line in info.read_text().splitlines():
            if line.startswith("model name"):
                name = line.split(":", 1)[1].strip()
                break
    return f"{name}, {cores} cores"


def record(kind: str, command: str, quick: bool, found: Mapping[str, Any]) -> dict[str, Any]:
    """The record to save: the figures, the machine, and the version of the sources."""
    commit = subprocess.run(
        ["git", "describe", "--always", "--dirty"],
        capture_output=True,
        text=True,
        cwd=Path(__file__).parent,
        check=False,
    ).stdout.strip()
    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else None
    return {
        "bench": kind,
        "command": command,
        "quick": quick,
        "machine": machine(),
        "python": platform.python_version(),
        "load_average": load,
        "commit": commit or None,
        "date": datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds"),
        **found,
    }


def save(path: Path, report: Mapping[str, Any]) -> None:
    """Write a record as JSON, for the tools that make the documentation's tables of it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(path, (json.dumps(report, indent=1) + "\n").encode(), EggrollError)
