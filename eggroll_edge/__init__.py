"""EGGROLL-Edge: on-device learning for spiking networks, by integers and Evolution Strategies.

from eggroll_edge import TrainConfig, train, evaluate, load, open_dataset

result = train(TrainConfig(data="digits"), "runs/first")
print(result.test_accuracy, evaluate(load("runs/first"), open_dataset("digits", "test")))
"""

from eggroll_edge.config import EsConfig, LifConfig, NetConfig, TrainConfig, merge
from eggroll_edge.core import Net
from eggroll_edge.datasets import open_dataset
from eggroll_edge.errors import CacheError, ConfigError, DataError, EggrollError, JournalError
from eggroll_edge.evaluate import EvalResult, evaluate
from eggroll_edge.events import Binning, EventDataset
from eggroll_edge.presets import load_preset
from eggroll_edge.progress import ReplayResult, RunResult
from eggroll_edge.replay import replay
from eggroll_edge.train import load, resume, train
from eggroll_edge.version import __version__

__all__ = [
    "Binning",
    "CacheError",
    "ConfigError",
    "DataError",
    "EggrollError",
    "EsConfig",
    "EvalResult",
    "EventDataset",
    "JournalError",
    "LifConfig",
    "Net",
    "NetConfig",
    "ReplayResult",
    "RunResult",
    "TrainConfig",
    "__version__",
    "evaluate",
    "load",
    "load_preset",
    "merge",
    "open_dataset",
    "replay",
    "resume",
    "train",
]
