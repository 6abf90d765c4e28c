"""The first line of a journal: what a run depends on."""

from __future__ import annotations

import platform
import time
from importlib.metadata import version
from pathlib import Path
from typing import Any

from eggroll_edge.core.config import NetConfig
from eggroll_edge.core.net import ARITHMETIC_VERSION, Net
from eggroll_edge.data.dataset import EventDataset
from eggroll_edge.errors import DataError, JournalError
from eggroll_edge.journal import checkpoint
from eggroll_edge.journal.records import Header
from eggroll_edge.training.config import TrainConfig


def initial_net(header: Header, config: TrainConfig, run_dir: Path) -> Net:
    """The net as a run began with it; JournalError if the header's digest is another."""
    net = Net(NetConfig.from_dict(header.values["net"]))
    cause = "the run was made with another version of the core; use that version"
    if config.start_from is None:
        net.randomize(config.seed, config.init_std, config.readout_std)
    else:
        net = checkpoint.read_for(net.config, run_dir / checkpoint.START)
        cause = f"{checkpoint.START} is not of this run"
    expected = header.values["initial_digest"]
    if f"{net.digest:08x}" != expected:
        raise JournalError(
            f"journal line 1: initial weights have the digest {net.digest:08x}, not {expected}: "
            f"{cause}"
        )
    return net


def header_config(header: Header) -> TrainConfig:
    """The TrainConfig of a run; JournalError if the header lacks something."""
    missing = [name for name in ("config", "net", "dataset", "initial_digest")
               if name not in header.values]  # fmt: skip
    if missing:
        raise JournalError(f"journal line 1: the header has no {', '.join(missing)}")
    return TrainConfig.from_dict(header.values["config"])


def check_data(header: Header, data: EventDataset) -> None:
    """DataError unless these are the data that the run was trained on."""
    expected = header.values["dataset"]
    if data.digest != expected["digest"]:
        raise DataError(
            f"{data.name} ({len(data)} samples, digest {data.digest[:12]}) is not what the run was "
            f"trained on: {expected['spec']} ({expected['samples']} samples, digest "
            f"{expected['digest'][:12]}); give it the same data, with the same skip_first"
        )


def _header(
    config: TrainConfig, net: Net, data: EventDataset, test: EventDataset
) -> dict[str, Any]:
    def about(dataset: EventDataset, spec: str) -> dict[str, Any]:
        return {
            "spec": spec,
            "name": dataset.name,
            "digest": dataset.digest,
            "samples": len(dataset),
            "n_in": dataset.n_in,
            "classes": dataset.n_classes,
        }

    return {
        "version": version("eggroll-edge"),
        "core": ARITHMETIC_VERSION,
        "config": config.to_dict(),
        "seed": config.seed,
        "dataset": about(data, config.data),
        "test_dataset": about(test, config.test_data or config.data),
        "net": net.config.to_dict(),
        "es": config.es_config().to_dict(),
        "initial_digest": f"{net.digest:08x}",
        "created": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "host": f"{platform.system()} {platform.machine()}",
    }
