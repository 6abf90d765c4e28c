"""A run as a lesson: recordings and course in flash, for a board that trains by itself.

    image = build("pico", lesson=write_lesson("runs/pico"))

The board goes through the same recordings in the same order with the same learning rates as the
run did, so the digests that it reports are those of the run's journal. The file is read by
firmware/images/standalone.c; all integers are little-endian, places are bytes from its begin:

    magic u32 "EGGL" | generations u32 | batch u32 (samples a generation)
    chunk u32 (generations that share a row of steps) | every u32 (generations between reports)
    recordings u32 | tests u32 (recordings behind them, for the accuracy at the end)
    bytes of config u32 | places u32 of: config, steps, offsets, order, labels, streams
    config:  CONFIG's payload (runtime_c/PROTOCOL.md)
    steps:   sigma u16, sigma_readout u16, rate m u8, n u8, rate_readout m u8, n u8, for each chunk
    offsets: u32 [recordings + tests + 1], into streams
    order:   u16 [generations][batch], which recording
    labels:  u8 [recordings + tests]
    streams: as events.py
"""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np

from eggroll_edge.data.dataset import EventDataset, recordings_for
from eggroll_edge.errors import ConfigError
from eggroll_edge.link.messages import DeviceConfig
from eggroll_edge.training.batches import batches_of
from eggroll_edge.training.config import ONLINE_CHUNK, TrainConfig
from eggroll_edge.training.run_dir import load_config
from eggroll_edge.training.splits import open_split

NAME = "lesson.bin"
"""Of the file, in its run directory."""
MAGIC = 0x4C474745
MOST = 65535
"""Recordings of a lesson: their numbers are 16 bits wide."""
_HEAD = struct.Struct("<14I")


def write_standalone(run_dir: str | Path) -> Path:
    """The lesson of a run, made or finished, as a file in its directory."""
    config = load_config(run_dir)
    path = Path(run_dir) / NAME
    path.write_bytes(pack(config, open_split(config, "train", 1), open_split(config, "test", 1)))
    return path


def pack(
    config: TrainConfig, data: EventDataset, tests: EventDataset, every: int | None = None
) -> bytes:
    """The lesson's bytes. ConfigError if a board cannot do the run.

    every: generations between reports and checkpoints; default 250 online, else a fiftieth of all.
    """
    if config.estimator == "full":
        raise ConfigError("estimator is full: a board does batch and sample")
    if len(data) + len(tests) > MOST:
        raise ConfigError(
            f"{len(data)} recordings and {len(tests)} tests are too many for a lesson: use at most "
            f"{MOST}, for example with --skip-first"
        )
    chunk = ONLINE_CHUNK if config.online else 1
    if every is None:
        every = ONLINE_CHUNK if config.online else max(1, config.generations // 50)
    net = config.net_config(data.n_in, data.n_classes)
    batches = batches_of(config, net, data)
    both = [recordings_for(part, net) for part in (data, tests)]
    device = DeviceConfig(
        net, config.es_config(), config.online, config.seed, config.init_std, config.readout_std,
        max(part.longest for part in both),
    ).pack()  # fmt: skip
    streams = [part[i].tobytes() for part in (data, tests) for i in range(len(part))]
    offsets = np.cumsum([0, *map(len, streams)])
    parts = [
        device,
        b"".join(
            struct.pack("<HH4B", *steps.sigma, *steps.rate[0], *steps.rate[1])
            for steps in map(config.steps_at, range(0, config.generations, chunk))
        ),
        offsets.astype("<u4").tobytes(),
        batches.order.indices(0, config.generations).astype("<u2").tobytes(),
        bytes(data.labels) + bytes(tests.labels),
        b"".join(streams),
    ]
    places, body = [], b""
    for part in parts:
        places.append(_HEAD.size + len(body))
        body += part + bytes(-len(part) % 4)
    return (
        _HEAD.pack(
            MAGIC, config.generations, batches.order.batch, chunk, every, len(data), len(tests),
            len(device), *places,
        )
        + body
    )  # fmt: skip
