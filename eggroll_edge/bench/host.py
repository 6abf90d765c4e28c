"""`eggroll-edge bench host`: the core's speed on this machine, its phases, scaling and memory."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np

from eggroll_edge.bench.report import (
    RUNS,
    Notify,
    Rows,
    data_folder,
    median_range,
    ratio,
    run_interleaved,
)
from eggroll_edge.core.net import Net
from eggroll_edge.core.population import Population
from eggroll_edge.core.workers import WorkerPool
from eggroll_edge.data.binning import Binning
from eggroll_edge.data.dataset import EventDataset
from eggroll_edge.data.loading import open_dataset
from eggroll_edge.data.nmnist import bin_files, list_folder
from eggroll_edge.errors import EggrollError
from eggroll_edge.training.batches import MiniBatches
from eggroll_edge.training.config import ONLINE_CHUNK, TrainConfig
from eggroll_edge.training.derivation import derive
from eggroll_edge.training.estimators import HostEstimator, host_estimator

RECORDINGS = 2048
"""Recordings of simulated N-MNIST to open. The cost of a generation does not depend on them."""


@dataclass(frozen=True)
class Sizes:
    """Sizes of the measured work, and the sizes over which the scaling is measured."""

    hidden: int = 128
    pairs: int = 512
    batch: int = 128
    scale_pairs: tuple[int, ...] = (32, 128, 512, 2048, 4096)
    scale_hidden: tuple[int, ...] = (64, 128, 256, 512, 1024)
    scale_rank: tuple[int, ...] = (1, 2, 4, 8, 16)
    seconds: float = 0.5
    """Least time, in seconds, over which a figure is measured."""


QUICK = Sizes(scale_pairs=(32, 512, 4096), scale_hidden=(64, 256), scale_rank=(1, 4), seconds=0.1)


class Phased(Population):
    """A population that adds up the processor time of its calls, all threads together."""

    def __init__(self, of: Population) -> None:
        super().__init__(of.net, of.es, of.native.seed)
        self.seconds = {"noise": 0.0, "evaluation": 0.0, "update": 0.0}

    def _timed(self, phase: str, call: Callable[..., None], *arguments: Any) -> None:
        began = time.thread_time()
        call(*arguments)
        self.seconds[phase] += time.thread_time() - began

    def draw_noise(self, *arguments: Any) -> None:
        """As Population's, timed."""
        self._timed("noise", super().draw_noise, *arguments)

    def eval_batch(self, *arguments: Any) -> None:
        """As Population's, timed."""
        self._timed("evaluation", super().eval_batch, *arguments)

    def steps_batch(self, *arguments: Any) -> None:
        """As Population's, timed."""
        self._timed("update", super().steps_batch, *arguments)

    def apply(self, *arguments: Any) -> None:
        """As Population's, timed."""
        self._timed("update", super().apply, *arguments)


class TimedRun:
    """An estimator whose generations are timed."""

    def __init__(self, data: EventDataset, config: TrainConfig, workers: int) -> None:
        self.config = config = derive(config, data)
        net = Net(config.net_config(data.n_in, data.n_classes, data.shape))
        net.randomize(config.seed, config.init_std, config.readout_std)
        self._batches = MiniBatches(data, net.config, config.seed, config.batch)
        self.recordings = self._batches.order.batch
        self._pool = WorkerPool(net.config, config.es_config(), workers)
        self.estimator: HostEstimator = host_estimator(config, net, self.recordings, self._pool)
        self._generation = 0

    def run(self, generations: int) -> None:
        """Run some generations; with online, recordings."""
        at, hyperparameters = self._generation, self.config.hyperparameters_at(0)
        chunk = ONLINE_CHUNK if self.config.online else 1
        while at < self._generation + generations:
            self.estimator.step(at, hyperparameters, self._batches.get(at, chunk), lambda: None)
            at += chunk
        self._generation = at

    def seconds(self, least: float) -> float:
        """Seconds of one generation (online: recording), the mean over at least `least` seconds."""
        done, began, n = 0, time.perf_counter(), ONLINE_CHUNK if self.config.online else 1
        while True:
            self.run(n)
            done += n
            took = time.perf_counter() - began
            if took >= least:
                return took / done

    def close(self) -> None:
        """End the threads."""
        self._pool.close()


@contextmanager
def bench_of(data: EventDataset, workers: int, **settings: Any) -> Iterator[TimedRun]:
    """A TimedRun that has run one generation, so that all memory has been touched."""
    run = TimedRun(data, TrainConfig(ticks=data.ticks, **settings), workers)
    try:
        run.run(1)
        yield run
    finally:
        run.close()


def measure(
    quick: bool, notify: Notify, runs: int | None = None, data: str | None = None
) -> dict[str, Any]:
    """All figures on simulated N-MNIST. data: as in data_folder(). runs: rounds of timing."""
    folder = data_folder(data)
    notify("opening simulated N-MNIST")
    events = open_dataset(f"idx:{folder / 'mnist'}", "train", limit=RECORDINGS)
    files, _, _ = list_folder(folder / "nmnist_small", "train")
    files = files[: 200 if quick else None]
    runs = runs or (2 if quick else RUNS)
    return measure_on(events, files, QUICK if quick else Sizes(), runs, notify)


def measure_on(
    data: EventDataset, files: list[Path], work: Sizes, runs: int, notify: Notify
) -> dict[str, Any]:
    """As measure(), on these recordings, and on these files for the data path."""
    rates, rows = _rates(data, work, runs, notify)
    phases = _phases(data, work, runs, notify)
    rows += [phases, *_scaling(data, work, notify), *_memory(data, work, notify)]
    rows += _data_path(data, files, runs, notify)
    units = 2 * work.pairs * work.batch
    return {
        "work": {"net": f"{data.n_in}-{work.hidden}-{data.n_classes}", "ticks": data.ticks,
                 "pairs": work.pairs, "batch": work.batch},
        "rows": rows,
        "summary": {
            "member_evals_per_s": units / median_range(rates["batch, 2 threads"])["median"],
            "full_rank_over_batch": ratio(
                rates["full, 2 threads"], rates["batch, 2 threads"]
            )["median"],
            "update_share": phases["update_share"]["median"],
        },
    }  # fmt: skip


def _rates(
    data: EventDataset, work: Sizes, runs: int, notify: Notify
) -> tuple[dict[str, Any], Rows]:
    """Seconds of a generation (online: of a recording) of each kind; the kinds run in turns."""
    unit = {"hidden": (work.hidden,), "pairs": work.pairs, "batch": work.batch}
    kinds: dict[str, tuple[int, dict[str, Any]]] = {
        "batch, 2 threads": (2, {"estimator": "batch", **unit}),
        "batch, 1 thread": (1, {"estimator": "batch", **unit}),
        "full, 2 threads": (2, {"estimator": "full", **unit}),
        "sample, 2 threads": (2, {"estimator": "sample", "hidden": (work.hidden,)}),
        "sample, 1 thread": (1, {"estimator": "sample", "hidden": (work.hidden,)}),
        "online, 1 thread": (1, {"estimator": "sample", "hidden": (work.hidden,), "online": True}),
        "sweep, 2 threads": (2, {"estimator": "sweep", "hidden": (work.hidden,)}),
        "sweep online, 1 thread": (
            1,
            {"estimator": "sweep", "hidden": (work.hidden,), "online": True},
        ),
    }
    with ExitStack() as stack:
        benches = {
            name: stack.enter_context(bench_of(data, workers, **settings))
            for name, (workers, settings) in kinds.items()
        }
        times = run_interleaved(
            {name: partial(bench.seconds, work.seconds) for name, bench in benches.items()},
            runs, notify,
        )  # fmt: skip
    rows = []
    for name, seconds in times.items():
        bench = benches[name]
        recordings = 1 if bench.config.online else bench.recordings
        rows.append({
            "what": "generation", "name": name, "seconds": median_range(seconds),
            "samples_per_s": median_range([recordings / s for s in seconds]),
            "member_evals_per_s": median_range(
                [2 * bench.config.pairs * recordings / s for s in seconds]
            ),
        })  # fmt: skip
    return times, rows


def _phases(data: EventDataset, work: Sizes, runs: int, notify: Notify) -> dict[str, Any]:
    """Shares of noise, evaluation and update in the processor time of a `batch` generation."""
    shares: dict[str, list[float]] = {"noise": [], "evaluation": [], "update": []}
    for _ in range(runs):
        with bench_of(
            data, 1, estimator="batch", hidden=(work.hidden,), pairs=work.pairs, batch=work.batch
        ) as bench:
            phased = bench.estimator.population = Phased(bench.estimator.population)
            bench.seconds(work.seconds)
        total = sum(phased.seconds.values())
        for name, seconds in phased.seconds.items():
            shares[name].append(seconds / total)
    share = [a + b for a, b in zip(shares["noise"], shares["update"], strict=True)]
    notify(f"noise and update take {100 * median_range(share)['median']:.1f} % of a generation")
    return {
        "what": "phases",
        "update_share": median_range(share),
        **{name: median_range(values) for name, values in shares.items()},
    }


def _scaling(data: EventDataset, work: Sizes, notify: Notify) -> Rows:
    """Seconds of a `batch` generation as one size or the number of threads varies."""
    base: dict[str, Any] = {
        "hidden": (work.hidden,), "pairs": work.pairs, "batch": work.batch, "rank": 1,
    }  # fmt: skip
    sizes = [("hidden", n) for n in work.scale_hidden]
    sizes += [("rank", n) for n in work.scale_rank] + [("pairs", n) for n in work.scale_pairs]
    rows = []
    for name, size in sizes:
        settings = {**base, name: (size,) if name == "hidden" else size}
        for workers in (1, 2):
            with bench_of(data, workers, estimator="batch", **settings) as bench:
                seconds = min(bench.seconds(work.seconds / 2) for _ in range(2))
            rows.append(
                {"what": "scaling", "vary": name, "size": size, "threads": workers,
                 "seconds": seconds}
            )  # fmt: skip
            notify(f"{name} {size}, {workers} threads: {1000 * seconds:.1f} ms a generation")
    return rows


def _memory(data: EventDataset, work: Sizes, notify: Notify) -> Rows:
    """Peak memory of a process that trains, for several numbers of pairs."""
    rows = []
    for pairs in work.scale_pairs:
        settings = {"hidden": (work.hidden,), "pairs": pairs, "batch": work.batch}
        with ProcessPoolExecutor(1, get_context("spawn")) as pool:
            started, peak, noise = pool.submit(_peak, data, settings).result()
        rows.append({
            "what": "memory", "pairs": pairs, "before_mib": started, "peak_mib": peak,
            "noise_cache_bytes": noise,
        })  # fmt: skip
        notify(f"{pairs} pairs: peak {peak:.1f} MiB, of that {started:.1f} before training")
    return rows


def _peak(data: EventDataset, settings: dict[str, Any]) -> tuple[float, float, int]:
    """(MiB before training, peak MiB, bytes of the noise cache) of this process."""
    before = _resident("VmRSS")
    with bench_of(data, 1, estimator="batch", **settings) as bench:
        noise = bench.estimator.population.noise_words() * 4
        bench.run(1)
    return before, _resident("VmHWM"), noise


def _resident(field: str) -> float:
    """MiB of a field of /proc/self/status, such as VmRSS."""
    try:
        text = Path("/proc/self/status").read_text()
    except OSError as error:
        raise EggrollError(f"peak memory is read from /proc, as on Linux: {error}") from error
    return next(int(s.split()[1]) / 1024 for s in text.splitlines() if s.startswith(field))


def _data_path(data: EventDataset, files: list[Path], runs: int, notify: Notify) -> Rows:
    """Recordings a second from files to ticks, ours and tonic's, and the bytes of 60,000 of
    them."""
    held = len(data.streams) / len(data) + 17  # bytes of a stream, its offset, id and label
    row: dict[str, Any] = {"what": "data path", "bytes_of_60000": round(60000 * held)}

    def ours(workers: int) -> float:
        began = time.perf_counter()
        for _ in bin_files(files, Binning(), workers):
            pass
        return len(files) / (time.perf_counter() - began)

    cases = {"ours, 2 threads": lambda: ours(2), "ours, 1 thread": lambda: ours(1)}
    try:
        cases["tonic ToFrame"] = _tonic(files)
    except ImportError:
        row["tonic"] = "not measured: pip install 'eggroll-edge[data]'"
    found = run_interleaved(cases, runs, notify)
    row |= {name: median_range(values) for name, values in found.items()}
    if "tonic ToFrame" in found:
        row["ours_over_tonic"] = ratio(found["ours, 2 threads"], found["tonic ToFrame"])
    return [row]


def _tonic(files: list[Path]) -> Callable[[], float]:
    """Recordings a second of tonic's reader and ToFrame, on some files because they take long."""
    from tonic.io import read_mnist_file
    from tonic.transforms import ToFrame

    to_frame = ToFrame(sensor_size=(34, 34, 2), n_time_bins=15)
    dtype = np.dtype([("x", int), ("y", int), ("t", int), ("p", int)])
    some = files[:100]

    def run() -> float:
        began = time.perf_counter()
        for file in some:
            to_frame(read_mnist_file(str(file), dtype=dtype))
        return len(some) / (time.perf_counter() - began)

    return run
