#!/usr/bin/env python3
"""How fast N-MNIST files become what a network eats: ours against tonic's loader.

    tools/bench_loader.py                       all recordings of ../shared/data/nmnist_small
    tools/bench_loader.py --data DIR --json     others; one line of JSON

Ours: `nmnist.bin_files`, file to byte stream. Tonic's: what `NMNIST(transform=ToFrame(...))[i]`
does, `read_mnist_file` and `ToFrame`, both with its own defaults, file to [15, 2, 34, 34] array.
Ours runs on one thread and on all cores, tonic's, which has no threads, on one. They alternate; the
ratios are of the medians. Writes results/loader.json unless --json is given.
Needs tonic (pip install 'eggroll-edge[data]').
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from eggroll_edge.data import nmnist
from eggroll_edge.data.binning import Binning
from tools.results.measure import DATA, RESULTS, ROOT, machine


def ours(files: Sequence[Path], binning: Binning, workers: int) -> int:
    """Bytes of the streams of these files."""
    return sum(len(streams) for streams, _ in nmnist.bin_files(files, binning, workers))


def tonics(files: Sequence[Path], binning: Binning) -> int:
    """Events that survive in the frames of these files."""
    from tonic.datasets import NMNIST
    from tonic.io import read_mnist_file
    from tonic.transforms import ToFrame

    to_frame = ToFrame(sensor_size=NMNIST.sensor_size, n_time_bins=binning.ticks)
    return sum(
        int(np.count_nonzero(to_frame(read_mnist_file(str(file), dtype=NMNIST.dtype))))
        for file in files
    )


def measure(files: Sequence[Path], rounds: int = 5) -> dict[str, Any]:
    """Microseconds a file of each loader, `rounds` times in turn, and bytes a sample of ours."""
    binning = Binning()
    size = ours(files, binning, 1) / len(files)  # also brings the files into the page cache
    cores = len(os.sched_getaffinity(0))
    kinds: dict[str, Callable[[], int]] = {
        "ours": lambda: ours(files, binning, 1),
        "ours_all_cores": lambda: ours(files, binning, cores),
        "tonic": lambda: tonics(files, binning),
    }
    took: dict[str, list[float]] = {kind: [] for kind in kinds}
    for _ in range(rounds):
        for kind, run in kinds.items():
            begun = time.perf_counter()
            run()
            took[kind].append(1e6 * (time.perf_counter() - begun) / len(files))
    middle = {kind: statistics.median(times) for kind, times in took.items()}
    return {
        "files": len(files),
        "cores": cores,
        "us_per_file": took,
        "median_us_per_file": middle,
        "tonic_over_ours": middle["tonic"] / middle["ours"],
        "tonic_over_ours_all_cores": middle["tonic"] / middle["ours_all_cores"],
        "bytes_per_sample": size,
        "megabytes_of_60000": 60_000 * size / 1e6,
    }


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--data", type=Path, default=DATA / "nmnist_small", metavar="DIR")
    parser.add_argument("--rounds", type=int, default=5, metavar="N")
    parser.add_argument("--json", action="store_true", help="print the result, write no file")
    arguments = parser.parse_args()
    result = measure(nmnist.list_folder(arguments.data, "all")[0], arguments.rounds)
    if arguments.json:
        print(json.dumps(result))
        return
    commit = subprocess.run(
        ["git", "describe", "--always", "--dirty"], capture_output=True, text=True, cwd=ROOT
    ).stdout.strip()
    report = {"command": "tools/bench_loader.py", "machine": machine(), "commit": commit, **result}
    (RESULTS / "loader.json").write_text(json.dumps(report, indent=1) + "\n")
    print(
        f"tonic / ours: {result['tonic_over_ours']:.1f}, on all cores "
        f"{result['tonic_over_ours_all_cores']:.1f}"
    )


if __name__ == "__main__":
    main()
