"""How fast N-MNIST files become the input of a network: our loader against that of tonic.

    python -m tools.results.loader                       all recordings of nmnist_small
    python -m tools.results.loader --data DIR --json     other recordings; prints one line of JSON

Our loader is `nmnist.bin_files`, from a file to a stream of bytes. Tonic's is what
`NMNIST(transform=ToFrame(...))[i]` does with its defaults, from a file to an array [15, 2, 34, 34].
Ours is measured on one thread and on all cores; tonic's has no threads. The measurements alternate,
and the ratios are those of the medians. Writes results/loader.json unless --json is given.
nmnist_small is in ../shared/data, or in the folder that EGGROLL_DATA names. Needs tonic
(pip install 'eggroll-edge[data]').
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from eggroll_edge.bench.report import data_folder, record, save
from eggroll_edge.data import nmnist
from eggroll_edge.data.binning import Binning
from tools.lib.paths import RESULTS


def ours(files: Sequence[Path], binning: Binning, workers: int) -> int:
    """Read files with our loader. Returns the bytes of their streams."""
    return sum(len(streams) for streams, _ in nmnist.bin_files(files, binning, workers))


def tonics(files: Sequence[Path], binning: Binning) -> int:
    """Read files with tonic's loader. Returns the events in their frames."""
    from tonic.datasets import NMNIST
    from tonic.io import read_mnist_file
    from tonic.transforms import ToFrame

    to_frame = ToFrame(sensor_size=NMNIST.sensor_size, n_time_bins=binning.ticks)
    return sum(
        int(np.count_nonzero(to_frame(read_mnist_file(str(file), dtype=NMNIST.dtype))))
        for file in files
    )


def measure(files: Sequence[Path], rounds: int = 5) -> dict[str, Any]:
    """Microseconds that each loader takes for a file, `rounds` times in turn."""
    binning = Binning()
    size = ours(files, binning, 1) / len(files)  # this also brings the files into memory
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
    parser.add_argument("--data", type=Path, metavar="DIR", help="by default nmnist_small")
    parser.add_argument("--rounds", type=int, default=5, metavar="N")
    parser.add_argument("--json", action="store_true", help="print the result, write no file")
    arguments = parser.parse_args()
    folder = arguments.data or data_folder() / "nmnist_small"
    result = measure(nmnist.list_folder(folder, "all")[0], arguments.rounds)
    if arguments.json:
        print(json.dumps(result))
        return
    report = record("loader", "python -m tools.results.loader", False, result)
    save(RESULTS / "loader.json", report)
    print(
        f"tonic / ours: {result['tonic_over_ours']:.1f}, on all cores "
        f"{result['tonic_over_ours_all_cores']:.1f}"
    )


if __name__ == "__main__":
    main()
