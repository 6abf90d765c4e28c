"""What the benchmarks share: alternating runs, medians with their spread, and the saved record.

A benchmark module has `measure(quick, say) -> {"rows": [...], "summary": {...}}`: rows for tables
and plots, and the few figures that the last line of `eggroll-edge bench` prints. `say` takes a line
of progress.
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

Say = Callable[[str], None]
Rows = list[dict[str, Any]]
KINDS = ("host", "mcu", "peers", "accuracy")
RUNS = 5


def measure(kind: str, quick: bool, say: Say, **more: Any) -> dict[str, Any]:
    """Run one of KINDS; its module is imported only now, for some need more than the runtime."""
    name = f"eggroll_edge.bench.{kind}"
    try:
        module = import_module(name)
    except ModuleNotFoundError as error:
        if error.name != name:
            raise
        raise EggrollError(f"{name} is not installed: use a newer version") from None
    found: dict[str, Any] = module.measure(quick, say, **more)
    return found


def run_interleaved(
    cases: Mapping[str, Callable[[], float]], runs: int, say: Say
) -> dict[str, list[float]]:
    """Each case's figures over `runs` rounds, one of each a round: so noise meets all alike."""
    found: dict[str, list[float]] = {name: [] for name in cases}
    for turn in range(runs):
        for name, case in cases.items():
            found[name].append(case())
            say(f"run {turn + 1}/{runs}: {name}: {found[name][-1]:.4g}")
    return found


def median_range(values: Sequence[float]) -> dict[str, Any]:
    """Median, least and greatest of the runs, and the runs themselves."""
    return {
        "median": statistics.median(values),
        "min": min(values),
        "max": max(values),
        "runs": list(values),
    }


def ratio(over: Sequence[float], under: Sequence[float]) -> dict[str, Any]:
    """Spread of over / under, round by round."""
    return median_range([a / b for a, b in zip(over, under, strict=True)])


def source_root() -> Path:
    """The source checkout that this package runs from; EggrollError if it runs from none."""
    root = Path(__file__).resolve().parents[2]
    if not (root / "tools" / "peers").is_dir():
        raise EggrollError(
            f"{root} is no source checkout: this benchmark runs scripts of tools/peers; clone the "
            "repository and install it with pip install -e '.[bench]'"
        )
    return root


def data_folder(given: str | None = None) -> Path:
    """`given`, EGGROLL_DATA, or ../shared/data by the checkout: holds mnist and nmnist_small."""
    here = Path(__file__).resolve().parents[3] / "shared" / "data"
    folder = Path(given or os.environ.get("EGGROLL_DATA") or here).expanduser()
    for name in ("mnist", "nmnist_small"):
        if not (folder / name).is_dir():
            raise EggrollError(
                f"{folder}: holds no folder {name!r}; give the folder that holds mnist (IDX files) "
                "and nmnist_small (recordings) with --data, or set EGGROLL_DATA"
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
    """What is saved: the figures, and where they come from."""
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
    """As JSON, for tools/results/performance.py."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(report, indent=1) + "\n")
