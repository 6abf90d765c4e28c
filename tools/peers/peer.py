"""What the scripts of the peers share: data as arrays, memory, and the JSON line that they print.

A peer reads the same cached events as our runs, so it has the same data, ticks and inputs. Every
script runs in a separate process, so that the peak of its memory can be measured.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
import time
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_matrix

from eggroll_edge.data.binning import Binning
from eggroll_edge.data.dataset import EventDataset
from eggroll_edge.data.loading import open_dataset
from eggroll_edge.data.sources import Split
from eggroll_edge.data.stream import unpack_stream

F32 = npt.NDArray[np.float32]
I32 = npt.NDArray[np.int32]
_CHUNK = 512  # recordings unpacked at once: unpacking takes some 30 bytes for each event


class Spikes(NamedTuple):
    """Recordings as a sparse matrix [recordings * ticks, inputs] of 0 and 1, in CSR form."""

    events: npt.NDArray[np.int16]
    """The inputs that have an event: all ticks of all recordings, one after the other."""
    starts: npt.NDArray[np.int64]
    """[recordings * ticks + 1]: tick t of recording i begins at events[starts[i * ticks + t]]."""
    labels: npt.NDArray[np.int64]
    ticks: int
    inputs: int

    def __len__(self) -> int:
        return len(self.labels)

    def batch(self, which: npt.NDArray[Any]) -> tuple[I32, I32]:
        """(index, starts [len(which) * ticks + 1]) of some recordings."""
        first = which * self.ticks
        bounds = zip(self.starts[first], self.starts[first + self.ticks], strict=True)
        index = np.concatenate([self.events[a:b] for a, b in bounds]).astype(np.int32)
        rows = (first[:, None] + np.arange(self.ticks)).ravel()
        sizes = self.starts[rows + 1] - self.starts[rows]
        return index, np.concatenate(([0], np.cumsum(sizes))).astype(np.int32)

    def dense(self, which: npt.NDArray[Any], dtype: Any = np.float32) -> npt.NDArray[Any]:
        """Some recordings as [len(which), ticks, inputs] of 0 and 1."""
        index, starts = self.batch(which)
        out = np.zeros((len(which) * self.ticks, self.inputs), dtype)
        out[np.repeat(np.arange(len(out)), np.diff(starts)), index] = 1
        return out.reshape(len(which), self.ticks, self.inputs)


def transposed(index: I32, starts: I32, inputs: int) -> tuple[I32, I32]:
    """The same matrix by columns: (row of each event, starts [inputs + 1])."""
    ones, shape = np.empty(len(index), np.int8), (len(starts) - 1, inputs)
    columns = csr_matrix((ones, index, starts), shape, copy=False).tocsc()
    return columns.indices, columns.indptr


def spikes_of(dataset: EventDataset) -> Spikes:
    """A dataset as a sparse matrix."""
    parts, sizes = [], []
    for first in range(0, len(dataset), _CHUNK):
        last = min(first + _CHUNK, len(dataset))
        streams = dataset.streams[dataset.offsets[first] : dataset.offsets[last]]
        tick, index = unpack_stream(streams)
        parts.append(index.astype(np.int16))
        sizes.append(np.bincount(tick, minlength=(last - first) * dataset.ticks))
    starts = np.concatenate(([0], np.cumsum(np.concatenate(sizes)))).astype(np.int64)
    labels = dataset.labels.astype(np.int64)
    return Spikes(np.concatenate(parts), starts, labels, dataset.ticks, dataset.n_in)


def add_data_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of data, net size, seed and threads."""
    parser.add_argument("--data", default="digits", help="as eggroll-edge train --data")
    parser.add_argument("--pool", type=int, default=1, help="2 merges 2 x 2 pixels")
    parser.add_argument("--skip-first", type=int, default=0, help="training recordings left out")
    parser.add_argument("--hidden", type=int, default=128, help="LIF neurons")
    parser.add_argument("--limit", type=int, help="training recordings used at most")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--threads", type=int, default=2)


def load(options: argparse.Namespace, split: Split, spec: str | None = None) -> EventDataset:
    """A split of --data, or of the dataset `spec`, binned as the options say."""
    binning = Binning(pool=options.pool)
    skip = options.skip_first if split == "train" else 0
    data = open_dataset(spec or options.data, split, binning, skip_first=skip)
    if split == "train" and options.limit and options.limit < len(data):
        data = data.subset(slice(0, options.limit))
    return data


def add_es_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of an evolution strategy; the defaults are those of our `batch`."""
    parser.add_argument("--pairs", type=int, default=512)
    parser.add_argument("--batch", type=int, default=128)
    parser.add_argument("--generations", type=int, default=20)
    parser.add_argument("--stop-at", type=float, help="train to this test accuracy, percent")
    parser.add_argument("--seconds", type=float, help="end training after this many seconds")
    parser.add_argument("--eval-every", type=int, default=20, help="generations between tests")
    parser.add_argument("--rank", type=int, default=1)
    for name, value in (
        ("sigma", 6.0), ("sigma-readout", 2.0), ("lr", 3.5), ("lr-readout", 1.25),
        ("threshold", 900.0), ("gain", 4.0), ("penalty-bits", 0.00025), ("lr-final", 0.05),
    ):  # fmt: skip
        parser.add_argument(f"--{name}", type=float, default=value)


LIMIT = 28672 / 4096
"""The most that one generation may change a weight, in weight units, as in our core."""
IMAX = ((32767 >> 1) - 1) // 4 * 3
"""The limit of the unperturbed currents, as in our core."""


def initial_weights(options: argparse.Namespace, inputs: int) -> tuple[F32, F32]:
    """Weights [inputs + 1, hidden] and [hidden + 1, 10], in our units. The biases are 0."""
    rng = np.random.default_rng(options.seed)
    sizes = ((inputs, options.hidden, 28), (options.hidden, 10, 24))
    first, second = (
        np.pad(np.rint(rng.normal(0, std, (n, m))).clip(-127, 127), ((0, 1), (0, 0)))
        for n, m, std in sizes
    )
    return first.astype(np.float32), second.astype(np.float32)


def run_generations(
    options: argparse.Namespace,
    recordings: int,
    prepare: Callable[[npt.NDArray[np.int64]], Any],
    step: Callable[[Any, int, float], None],
    test: Callable[[], float] | None,
) -> dict[str, Any]:
    """Measure the time of `step` over generations.

    prepare(indices) makes a mini-batch; its time is not counted. step(mini-batch, generation, share
    of the learning rate) must have finished when it returns. Generation -1 only compiles and warms
    up, so step must not change the weights in it. test() returns percent; its time is not counted.
    """
    rng, order = np.random.default_rng(options.seed), np.zeros(0, np.int64)
    seconds, times, history = 0.0, [], []
    warm, reached = 0.0, None
    for g in range(-1, options.generations):
        if len(order) < options.batch:
            order = rng.permutation(recordings)
        which, order = order[: options.batch], order[options.batch :]
        batch = prepare(which)
        fall = 0.5 * (1 + math.cos(math.pi * max(0, g) / options.generations))
        began = time.perf_counter()
        step(batch, g, options.lr_final + (1 - options.lr_final) * fall)
        took = time.perf_counter() - began
        if g < 0:
            warm = took
            continue
        seconds += took
        times.append(took)
        if test is not None and (g + 1) % options.eval_every == 0:
            history.append((round(seconds, 3), g + 1, test()))
            note(f"generation {g + 1}, {seconds:.1f} s: {history[-1][2]:.2f} %")
            if options.stop_at and history[-1][2] >= options.stop_at:
                reached = seconds
                break
        if options.seconds and seconds > options.seconds:
            break
    median = float(np.median(times))
    return {
        "member_evals_per_s": 2 * options.pairs * options.batch / median,
        "generation_seconds": median,
        "compile_seconds": warm,
        "train_seconds": seconds,
        "generations_done": len(times),
        "seconds_to_target": reached,
        "best_accuracy": max((h[2] for h in history), default=None),
        "history": history,
    }


def peak_mib() -> float:
    """The largest resident memory of this process so far, in MiB."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmHWM"):
            return round(int(line.split()[1]) / 1024, 1)
    return float("nan")


def finish(peer: str, packages: tuple[str, ...], options: argparse.Namespace, **found: Any) -> None:
    """Print the JSON line: what ran, with which versions and settings, and the results."""
    versions = {name: version(name) for name in packages}
    settings = {k: v for k, v in vars(options).items() if v is not None}
    line = {"peer": peer, "versions": versions, "settings": settings, **found}
    print(json.dumps(line | {"peak_mib": peak_mib()}), flush=True)


def note(text: str) -> None:
    """Print progress, for people."""
    print(text, file=sys.stderr, flush=True)
