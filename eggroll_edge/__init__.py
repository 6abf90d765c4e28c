"""EGGROLL-Edge: on-device learning for spiking networks, with integers and Evolution Strategies.

from eggroll_edge import TrainConfig, train, evaluate, load, open_dataset

result = train(TrainConfig(data="digits"), "runs/first")
print(result.test_accuracy, evaluate(load("runs/first"), open_dataset("digits", "test")))
"""

from eggroll_edge.core.config import EsConfig, LifConfig, NetConfig
from eggroll_edge.core.net import Net
from eggroll_edge.data.binning import Binning
from eggroll_edge.data.dataset import EventDataset
from eggroll_edge.data.loading import open_dataset
from eggroll_edge.errors import CacheError, ConfigError, DataError, EggrollError, JournalError
from eggroll_edge.journal.records import EvalResult
from eggroll_edge.training.config import TrainConfig
from eggroll_edge.training.derivation import derive
from eggroll_edge.training.evaluation import evaluate
from eggroll_edge.training.presets import load_preset, merge
from eggroll_edge.training.replay import replay
from eggroll_edge.training.results import ReplayResult, RunResult
from eggroll_edge.training.run import resume, train
from eggroll_edge.training.run_dir import load

__version__ = "0.1.0"

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
    "derive",
    "evaluate",
    "load",
    "load_preset",
    "merge",
    "open_dataset",
    "replay",
    "resume",
    "train",
]
