"""`shd` and `dvsgesture`: Spiking Heidelberg Digits and DVS Gesture, through tonic.

SHD: Cramer, Stradmann, Schemmel, Zenke, "The Heidelberg Spiking Data Sets for the Systematic
Evaluation of Spiking Neural Networks", IEEE TNNLS 33, 2020. DVS Gesture: Amir et al., "A Low Power,
Fully Event-Based Gesture Recognition System", CVPR 2017.

tonic downloads a dataset that is not there yet.
"""

from __future__ import annotations

from importlib import import_module
from pathlib import Path

from eggroll_edge.data.cache import cache_dir
from eggroll_edge.data.dataset import EventDataset, fixed_shuffle
from eggroll_edge.data.event_arrays import Collection, open_collection
from eggroll_edge.data.opening import Request, Sensor, Source, per_split
from eggroll_edge.errors import DataError

# 700 channels of a simulated cochlea; all words end within 1.2 s.
_SHD = Sensor(20, 1, 700, 1_200_000, polarities=1)
# 128 x 128 pixels, read as 32 x 32; the first 1.5 s, as Shrestha and Orchard 2018 take them.
_DVSGESTURE = Sensor(11, 32, 32, 1_500_000)


def _collection(request: Request, name: str, tonic_class: str) -> Collection:
    """A split from the folder that the request names, or else from a folder beside the cache."""
    try:
        import tonic.datasets
    except ImportError as error:
        raise DataError(
            f"{name} is read through tonic, which is not installed: pip install "
            "'eggroll-edge[data]'"
        ) from error
    import_module("numpy.lib.recfunctions")  # tonic's DVSGesture uses it without importing it
    folder = Path(request.argument).expanduser() if request.argument else cache_dir() / "tonic"
    try:
        recordings = getattr(tonic.datasets, tonic_class)(
            str(folder), train=request.split == "train"
        )
        n = len(recordings)
    except Exception as error:  # network, disk, a changed address: tonic lets all errors through
        raise DataError(
            f"tonic could not open {tonic_class} in {folder} ({type(error).__name__}: {error}); "
            f"check the network, or give the folder that has it: {name}:DIR"
        ) from error
    if n == 0:
        raise DataError(f"{folder}: tonic found no recording; remove that folder and try again")
    one_file = getattr(recordings, "data_filename", None)
    files = (
        [Path(recordings.location_on_system) / one_file]
        if one_file
        else [Path(file) for file in recordings.data]
    )
    return Collection(recordings, fixed_shuffle(n), files)


def _open_shd(request: Request) -> EventDataset:
    return open_collection(request, "shd", _SHD, _collection(request, "shd", "SHD"))


def _open_dvsgesture(request: Request) -> EventDataset:
    return open_collection(
        request, "dvsgesture", _DVSGESTURE, _collection(request, "dvsgesture", "DVSGesture"),
        shrink=2, zero_time=True,
    )  # fmt: skip


SHD = Source(
    name="shd",
    usage="shd",
    note="Spiking Heidelberg Digits",
    about="Spiking Heidelberg Digits, 700 channels, 20 classes, through tonic; `shd:DIR` keeps "
    "them in DIR",
    needs="network the first time, `pip install 'eggroll-edge[data]'`",
    open=per_split(_open_shd),
    sensor=lambda argument: _SHD,
)
DVSGESTURE = Source(
    name="dvsgesture",
    usage="dvsgesture",
    note="DVS Gesture",
    about="DVS Gesture, 11 classes, through tonic; 128 x 128 pixels become 32 x 32; "
    "`dvsgesture:DIR` keeps it in DIR",
    needs="network the first time, `pip install 'eggroll-edge[data]'`",
    open=per_split(_open_dvsgesture),
    sensor=lambda argument: _DVSGESTURE,
)
