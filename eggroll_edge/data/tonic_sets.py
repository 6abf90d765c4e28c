"""SHD and DVS Gesture through tonic, and ST-MNIST from its own files, for users who have them.

SHD: Cramer, Stradmann, Schemmel, Zenke, "The Heidelberg Spiking Data Sets for the Systematic
Evaluation of Spiking Neural Networks", IEEE TNNLS 33, 2020. DVS Gesture: Amir et al., "A Low Power,
Fully Event-Based Gesture Recognition System", CVPR 2017. ST-MNIST: See, Lim, Li et al., "ST-MNIST:
The Spiking Tactile MNIST Neuromorphic Dataset", arXiv 2005.04319, 2020.

tonic downloads the first two where they are not there. ST-MNIST is given out for a filled-in form,
as a zip of MATLAB files: unpack it and give the folder. It has no test split of its own: a fixed
sixth of it, shuffled, is one here.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from importlib import import_module
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from eggroll_edge.data import cache
from eggroll_edge.data.binning import I64, U8, Binning, Events, bin_many
from eggroll_edge.data.cache import Progress, _chosen, _counted, _stamp, cache_dir
from eggroll_edge.data.dataset import EventDataset, fixed_shuffle
from eggroll_edge.data.sources import FETCHED
from eggroll_edge.errors import DataError

_LOT = 16  # recordings in memory at once: those of DVS Gesture have some 400,000 events
_CLASSES = {"shd": "SHD", "dvsgesture": "DVSGesture"}  # of tonic
_TAXELS = 100
_ONE_IN = 6  # of ST-MNIST is for the test


class Recordings(Protocol):
    """(structured array of events, class) of each recording."""

    def __len__(self) -> int: ...

    def __getitem__(self, index: int, /) -> tuple[Any, Any]: ...


@dataclass(frozen=True)
class Fetched:
    """A split of one of the sources, not yet read."""

    recordings: Recordings
    order: I64
    """Recordings in a fixed shuffle, so that a prefix is a fair sample."""
    files: list[Path]
    """What they are in."""


def open_fetched(name: str, home: str, split: str) -> Fetched:
    """A split, "train" or "test", from the folder `home`; "" is a folder beside the cache."""
    if name == "stmnist":
        return _open_stmnist(home, split)
    try:
        import tonic.datasets
    except ImportError as error:
        raise DataError(
            f"{name} is read through tonic, which is not installed: pip install "
            "'eggroll-edge[data]'"
        ) from error
    import_module("numpy.lib.recfunctions")  # tonic's DVSGesture uses it without importing it
    folder = Path(home).expanduser() if home else cache_dir() / "tonic"
    try:
        made = getattr(tonic.datasets, _CLASSES[name])(str(folder), train=split == "train")
        n = len(made)
    except Exception as error:  # network, disk, a changed address: tonic lets anything through
        raise DataError(
            f"tonic could not open {_CLASSES[name]} in {folder} ({type(error).__name__}: {error}); "
            f"check the network, or give the folder that has it: {name}:DIR"
        ) from error
    if n == 0:
        raise DataError(f"{folder}: tonic found no recording; remove that folder and try again")
    one_file = getattr(made, "data_filename", None)
    names = [Path(made.location_on_system) / one_file] if one_file else map(Path, made.data)
    return Fetched(made, fixed_shuffle(n), list(names))


class _MatFiles:
    """ST-MNIST's files: `spiketrain` [101, events], 100 taxels of -1, 0, 1, and seconds."""

    def __init__(self, files: list[Path]) -> None:
        self._files = files

    def __len__(self) -> int:
        return len(self._files)

    def __getitem__(self, index: int, /) -> tuple[Any, int]:
        from scipy.io import loadmat

        file = self._files[index]
        try:
            train = np.asarray(loadmat(file)["spiketrain"], np.float64)
        except Exception as error:  # scipy has no error of its own for a damaged file
            raise DataError(
                f"{file}: cannot be read as ST-MNIST ({type(error).__name__}: {error}); unpack it "
                "again"
            ) from error
        if train.ndim != 2 or len(train) != _TAXELS + 1:
            raise DataError(
                f"{file}: spiketrain has the shape {train.shape}, but ST-MNIST's is [101, events]"
            )
        taxel, event = np.nonzero(train[:_TAXELS])
        found = np.zeros(len(event), [("x", int), ("y", int), ("t", int), ("p", int)])
        found["x"], found["y"] = taxel % 10, taxel // 10
        found["t"] = np.rint(1e6 * train[_TAXELS, event])
        found["p"] = train[taxel, event] > 0
        return found, int(file.parent.name)


def _open_stmnist(home: str, split: str) -> Fetched:
    layout = "<folder>/<digit>/*.mat"
    if not home:
        raise DataError(
            "ST-MNIST has no open download: fetch its zip through the form of its authors "
            f"(arXiv 2005.04319), unpack it, and say stmnist:DIR; expected {layout}"
        )
    try:
        import scipy.io  # noqa: F401
    except ImportError as error:
        raise DataError("ST-MNIST's files need scipy: pip install 'eggroll-edge[data]'") from error
    root = Path(home).expanduser()
    files = sorted(file for file in root.glob("[0-9]/*.mat") if "LUT" not in file.name)
    if not files:
        raise DataError(f"{root}: holds no recording; expected {layout}")
    order = fixed_shuffle(len(files))
    cut = -(-len(files) // _ONE_IN)
    order = order[:cut] if split == "test" else order[cut:]
    return Fetched(_MatFiles(files), order, files)


def fetched_streams(
    name: str, made: Fetched, chosen: slice, binning: Binning, labels: U8
) -> Iterator[tuple[U8, I64]]:
    """(streams, offsets) of some recordings at a time; fills in `labels` on the way."""
    source, order = FETCHED[name], made.order[chosen]
    for at in range(0, len(order), _LOT):
        parts: list[Events] = []
        for i, index in enumerate(order[at : at + _LOT], at):
            raw, label = made.recordings[int(index)]
            if not 0 <= int(label) < source.classes:
                raise DataError(f"{name}: recording {index} has the class {label}")
            labels[i] = label
            t = raw["t"] - raw["t"].min() if source.zero_time and len(raw) else raw["t"]
            y = raw["y"] if "y" in raw.dtype.names else np.zeros(len(raw), np.int64)
            one = Events(raw["x"] >> source.shrink, y >> source.shrink, t, raw["p"])
            parts.append(one)
        starts = np.cumsum([0, *(len(one.t) for one in parts)])
        joined = Events(*(np.concatenate(columns) for columns in zip(*parts, strict=True)))
        yield bin_many(joined, starts, binning)


def _open_fetched(
    name: str,
    home: str,
    split: str,
    binning: Binning,
    skip_first: int,
    limit: int | None,
    progress: Progress | None,
) -> EventDataset:
    made = open_fetched(name, home, split)
    chosen = _chosen(len(made.order), skip_first if split == "train" else 0, limit, name)
    labels = np.zeros(chosen.stop - chosen.start, np.uint8)
    parts = {
        "source": name, "files": _stamp(made.files), "split": split, "first": chosen.start,
        "last": chosen.stop, "binning": asdict(binning),
    }  # fmt: skip

    def make(path: Path) -> None:
        chunks = fetched_streams(name, made, chosen, binning, labels)
        cache.write_cache(
            path, _counted(chunks, len(labels), progress), labels, made.order[chosen],
            name=f"{name}-{split}", n_classes=FETCHED[name].classes, binning=binning,
        )  # fmt: skip

    return cache.load_or_build(cache.cache_path(f"{name}-{split}", parts), make)
