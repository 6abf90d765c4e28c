"""A run packed into a file, for a board that trains by itself (a standalone run).

    image = build("pico", standalone=write_standalone("runs/pico"))

The board trains on the same recordings in the same order with the same hyperparameters as the run
did, so the digests that it prints are those of the run's journal. The file is linked into its
firmware image, and firmware/images/standalone.c reads it. All integers are little-endian; an offset
is in bytes from the beginning of the file:

    magic u32 "EGGL" | generations u32 | batch u32 (recordings in a generation)
    chunk u32 (generations with the same hyperparameters) | every u32 (generations between reports)
    recordings u32 | tests u32 (recordings after them, for the accuracy at the end)
    bytes of config u32 | offsets u32 of: config, hyperparameters, starts, order, labels, streams
    config:  the payload of CONFIG (runtime_c/PROTOCOL.md)
    hyperparameters: for each chunk: sigma u16, sigma_readout u16, learning rate m u8, n u8,
                     learning rate of the readout m u8, n u8
    starts:  u32 [recordings + tests + 1], the offset in `streams` at which each recording begins
    order:   u16 [generations, batch], the recordings of each generation by their numbers
    labels:  u8 [recordings + tests]
    streams: the recordings as SPEC.md, section 3, encodes them
"""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np

from eggroll_edge.data.dataset import EventDataset, recordings_for
from eggroll_edge.errors import ConfigError, JournalError
from eggroll_edge.files import write_atomically
from eggroll_edge.journal.format import STANDALONE
from eggroll_edge.link.messages import DeviceConfig
from eggroll_edge.training.batches import MiniBatches
from eggroll_edge.training.config import ONLINE_CHUNK, TrainConfig
from eggroll_edge.training.run_dir import load_config
from eggroll_edge.training.splits import open_split, set_aside

MAGIC = 0x4C474745
RECORDINGS_MAX = 65535
"""Largest number of recordings in a file, because their numbers have 16 bits."""
_HEAD = struct.Struct("<14I")


def write_standalone(run_dir: str | Path) -> Path:
    """Pack a run, finished or not, into a file in its directory; returns the file's path.

    ConfigError if a board cannot do the run, JournalError if the file cannot be written.
    """
    config = load_config(run_dir)
    path = Path(run_dir) / STANDALONE
    data, _ = set_aside(config, open_split(config, "train", 1))
    body = pack(config, data, open_split(config, "test", 1))
    write_atomically(path, body, JournalError)
    return path


def pack(
    config: TrainConfig, data: EventDataset, tests: EventDataset, every: int | None = None
) -> bytes:
    """The bytes of the file. ConfigError if a board cannot do the run.

    every: generations between reports and checkpoints; by default 250 online, else a fiftieth of
    all generations.
    """
    if config.estimator == "full":
        raise ConfigError("estimator is full: a board does sweep, sample and batch")
    if len(data) + len(tests) > RECORDINGS_MAX:
        raise ConfigError(
            f"{len(data)} recordings and {len(tests)} tests are too many for a standalone run: use "
            f"at most {RECORDINGS_MAX}, for example with --skip-first"
        )
    chunk = ONLINE_CHUNK if config.online else 1
    if every is None:
        every = ONLINE_CHUNK if config.online else max(1, config.generations // 50)
    net = config.net_config(data.n_in, data.n_classes, data.shape)
    batches = MiniBatches(data, net, config.seed, config.batch)
    both = [recordings_for(part, net) for part in (data, tests)]
    device = DeviceConfig(
        net, config.es_config(), config.online, config.seed, config.init_std, config.readout_std,
        max(part.longest for part in both),
    ).pack()  # fmt: skip
    streams = [part[i].tobytes() for part in (data, tests) for i in range(len(part))]
    starts = np.cumsum([0, *map(len, streams)])
    parts = [
        device,
        b"".join(
            struct.pack("<HH4B", *each.sigma, *each.rate[0], *each.rate[1])
            for each in map(config.hyperparameters_at, range(0, config.generations, chunk))
        ),
        starts.astype("<u4").tobytes(),
        batches.order.indices(0, config.generations).astype("<u2").tobytes(),
        bytes(data.labels) + bytes(tests.labels),
        b"".join(streams),
    ]
    offsets, body = [], b""
    for part in parts:
        offsets.append(_HEAD.size + len(body))
        body += part + bytes(-len(part) % 4)
    head = _HEAD.pack(
        MAGIC, config.generations, batches.order.batch, chunk, every, len(data), len(tests),
        len(device), *offsets,
    )  # fmt: skip
    return head + body
