"""`stmnist`: digits written on 10 x 10 tactile sensors ("taxels"), from the files of its authors.

See, Lim, Li et al., "ST-MNIST: The Spiking Tactile MNIST Neuromorphic Dataset", arXiv 2005.04319,
2020.

The authors give the dataset to those who fill in their form, as a zip of MATLAB files: unpack it,
and give its folder. It has no test split; here, a fixed random sixth of it is the test split.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from eggroll_edge.data.dataset import EventDataset, fixed_shuffle
from eggroll_edge.data.event_arrays import Collection, open_collection
from eggroll_edge.data.opening import Request, Sensor, Source, per_split
from eggroll_edge.errors import DataError

LAYOUT = "<folder>/<digit>/*.mat"
_SENSOR = Sensor(10, 10, 10, 2_000_000)
_TAXELS = 100
_TEST_SHARE = 6  # one recording in 6 is for the test


class _MatFiles:
    """The files as event arrays.

    `spiketrain` is [101, events]. Rows 0..99 are the taxels: -1 or 1 for an event, else 0. Row 100
    is the time in seconds.
    """

    def __init__(self, files: list[Path]) -> None:
        self._files = files

    def __len__(self) -> int:
        return len(self._files)

    def __getitem__(self, index: int, /) -> tuple[Any, int]:
        from scipy.io import loadmat

        file = self._files[index]
        try:
            train = np.asarray(loadmat(file)["spiketrain"], np.float64)
        except Exception as error:  # scipy raises errors of many kinds for a damaged file
            raise DataError(
                f"{file}: cannot be read as ST-MNIST ({type(error).__name__}: {error}); unpack it "
                "again"
            ) from error
        if train.ndim != 2 or len(train) != _TAXELS + 1:
            raise DataError(
                f"{file}: spiketrain has the shape {train.shape}, but a recording of ST-MNIST has "
                f"[{_TAXELS + 1}, events]; unpack it again"
            )
        taxel, event = np.nonzero(train[:_TAXELS])
        found = np.zeros(len(event), [("x", int), ("y", int), ("t", int), ("p", int)])
        found["x"], found["y"] = taxel % 10, taxel // 10
        found["t"] = np.rint(1e6 * train[_TAXELS, event])
        found["p"] = train[taxel, event] > 0
        return found, int(file.parent.name)


def _open(request: Request) -> EventDataset:
    if not request.argument:
        raise DataError(
            "ST-MNIST has no open download: request its zip with the form of its authors (arXiv "
            f"2005.04319), unpack it, and say stmnist:DIR; expected {LAYOUT}"
        )
    try:
        import scipy.io  # noqa: F401
    except ImportError as error:
        raise DataError("ST-MNIST's files need scipy: pip install 'eggroll-edge[data]'") from error
    root = Path(request.argument).expanduser()
    files = sorted(file for file in root.glob("[0-9]/*.mat") if "LUT" not in file.name)
    if not files:
        raise DataError(f"{root}: holds no recording; expected {LAYOUT}")
    order = fixed_shuffle(len(files))
    tests = -(-len(files) // _TEST_SHARE)
    order = order[:tests] if request.split == "test" else order[tests:]
    collection = Collection(_MatFiles(files), order, files)
    return open_collection(request, "stmnist", _SENSOR, collection, zero_time=True)


STMNIST = Source(
    name="stmnist",
    usage="stmnist:DIR",
    note="tactile digits",
    about="ST-MNIST, 10 x 10 taxels, 10 classes: `DIR/<digit>/*.mat`. Request the zip with the "
    "authors' form and unpack it; tonic no longer provides this set",
    needs="scipy, in `pip install 'eggroll-edge[data]'`",
    open=per_split(_open),
    sensor=lambda argument: _SENSOR,
)
