"""Writing and reading the header of a journal: everything that a run depends on."""

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
from eggroll_edge.journal.format import START
from eggroll_edge.journal.records import Header
from eggroll_edge.training.config import FIRST_RECORDINGS, TrainConfig


def make_header(
    config: TrainConfig,
    net: Net,
    data: EventDataset,
    test: EventDataset,
    derived: tuple[str, ...] = (),
) -> Header:
    """The header of a run that begins with the weights of `net`.

    derived: names of the settings in `config` that were derived from `data`.
    """
    from_data: dict[str, Any] = {}
    if derived:
        values = {name: round(getattr(config, name)) for name in derived}
        from_data["derived"] = {
            "recordings": min(FIRST_RECORDINGS, len(data)),
            "settings": values,
        }
    return Header(
        {
            "version": version("eggroll-edge"),
            "core": ARITHMETIC_VERSION,
            "config": config.to_dict(),
            **from_data,
            "seed": config.seed,
            "dataset": _describe(data, config.data),
            "test_dataset": _describe(test, config.test_data or config.data),
            "net": net.config.to_dict(),
            "es": config.es_config().to_dict(),
            "initial_digest": f"{net.digest:08x}",
            "created": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
            "host": f"{platform.system()} {platform.machine()}",
        }
    )


def _describe(dataset: EventDataset, spec: str) -> dict[str, Any]:
    return {
        "spec": spec,
        "name": dataset.name,
        "digest": dataset.digest,
        "samples": len(dataset),
        "n_in": dataset.n_in,
        "classes": dataset.n_classes,
    }


def header_config(header: Header) -> TrainConfig:
    """The TrainConfig of a run; JournalError if the header lacks something."""
    needed = ("config", "net", "dataset", "initial_digest")
    missing = [name for name in needed if name not in header.values]
    if missing:
        raise JournalError(f"journal line 1: the header has no {', '.join(missing)}")
    return TrainConfig.from_dict(header.values["config"])


def derived_settings(header: Header) -> tuple[str, ...]:
    """Names of the settings that the run derived from its data."""
    return tuple(header.values.get("derived", {}).get("settings", ()))


def initial_net(header: Header, config: TrainConfig, run_dir: Path) -> Net:
    """The net with its initial weights; JournalError if their digest is not that of the header."""
    net = Net(NetConfig.from_dict(header.values["net"]))
    cause = "the run was made with another version of the core; use that version"
    if config.start_from is None:
        net.randomize(config.seed, config.init_std, config.readout_std)
    else:
        net = checkpoint.read_for(net.config, run_dir / START)
        cause = f"{START} is not of this run"
    expected = header.values["initial_digest"]
    if f"{net.digest:08x}" != expected:
        raise JournalError(
            f"journal line 1: initial weights have the digest {net.digest:08x}, not {expected}: "
            f"{cause}"
        )
    return net


def check_data(header: Header, data: EventDataset) -> None:
    """DataError unless `data` are the recordings that the run was trained on."""
    expected = header.values["dataset"]
    if data.digest != expected["digest"]:
        raise DataError(
            f"{data.name} ({len(data)} recordings, digest {data.digest[:12]}) is not what the run "
            f"was trained on: {expected['spec']} ({expected['samples']} recordings, digest "
            f"{expected['digest'][:12]}); give it the same data, with the same skip_first "
            "and validation"
        )
