"""A checkpoint: a file that holds a net and its weights.

A power cut while it is written leaves either the old file or the whole new one.

All integers are little-endian. The file holds a magic number (8 bytes); four uint32: the format
version, the generation, the digest of the weights and the length of the net's description; the
description (JSON); the weights (int8); and the CRC-32 of everything before it (uint32).
"""

from __future__ import annotations

import json
import struct
import zlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from eggroll_edge.core.config import NetConfig
from eggroll_edge.core.net import Net
from eggroll_edge.errors import ConfigError, EggrollError, JournalError
from eggroll_edge.files import write_atomically

_MAGIC = b"EGGWGHTS"
_VERSION = 1
_HEAD = struct.Struct("<8sIIII")


@dataclass(frozen=True, eq=False)
class Checkpoint:
    """A net, and the number of generations that made its weights."""

    net: Net
    generation: int


def save(path: Path, net: Net, generation: int) -> None:
    """Write a checkpoint. JournalError if that fails: the old file is then unchanged."""
    text = json.dumps(net.config.to_dict()).encode()
    body = _HEAD.pack(_MAGIC, _VERSION, generation, net.digest, len(text)) + text
    body += net.weights.tobytes()
    write_atomically(path, body + struct.pack("<I", zlib.crc32(body)), JournalError)


def read(path: Path) -> Checkpoint:
    """Read a checkpoint. JournalError if it is missing or damaged."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise JournalError(f"{path}: cannot be read ({error.strerror})") from error
    try:
        magic, version, generation, digest, length = _HEAD.unpack_from(data)
        if magic != _MAGIC or version != _VERSION:
            raise JournalError(f"{path}: not a checkpoint of format {_VERSION}")
        if zlib.crc32(data[:-4]) != struct.unpack("<I", data[-4:])[0]:
            raise JournalError(f"{path}: damaged, its checksum does not match")
        start = _HEAD.size + length
        net = Net(NetConfig.from_dict(json.loads(data[_HEAD.size : start])))
        net.weights[:] = np.frombuffer(data[start:-4], np.int8)
    except JournalError:
        raise
    except (struct.error, ValueError, EggrollError) as error:
        raise JournalError(f"{path}: damaged ({error})") from error
    if net.digest != digest:
        raise JournalError(f"{path}: damaged, its weights do not have their digest")
    return Checkpoint(net, generation)


def read_for(config: NetConfig, path: Path) -> Net:
    """A net of this config with the weights in a checkpoint.

    ConfigError, which names the fields, if the checkpoint is of another net. Only one of the two
    may know the shape of its inputs. JournalError as in read().
    """
    found = read(path).net
    theirs, ours = found.config.to_dict(), config.to_dict()
    both = [k for k in ours if k in theirs]
    differing = [f"{k} {theirs[k]} (here {ours[k]})" for k in both if theirs[k] != ours[k]]
    if differing:
        raise ConfigError(
            f"{path} is of another net: {', '.join(differing)}; train with its settings of data, "
            "pool, ticks and net"
        )
    net = Net(config)
    net.weights[:] = found.weights
    return net
