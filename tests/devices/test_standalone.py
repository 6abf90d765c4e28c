"""A run packed for a board that trains by itself: read back as the firmware reads it."""

from __future__ import annotations

import struct
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from eggroll_edge.devices.standalone import MAGIC, RECORDINGS_MAX, pack, write_standalone
from eggroll_edge.errors import ConfigError
from eggroll_edge.journal.format import STANDALONE
from eggroll_edge.link.frames import Decoder
from eggroll_edge.link.messages import DeviceConfig
from eggroll_edge.training.batches import RecordingOrder
from eggroll_edge.training.run import train
from eggroll_edge.training.splits import open_split, set_aside
from tests.helpers.tiny_dataset import TEST, TRAIN, config


@pytest.mark.parametrize("kind", ["online", "batch", "sample", "sweep", "sweep-online"])
def test_layout(kind: str) -> None:
    online = kind in ("online", "sweep-online")
    wanted = config(kind, generations=260, **({} if online else {"batch": 7}))
    body = pack(wanted, TRAIN, TEST)
    (
        magic, generations, batch, chunk, every, recordings, tests, config_bytes,
        config_at, hyperparameters_at, starts_at, order_at, labels_at, streams_at,
    ) = struct.unpack_from("<14I", body)  # fmt: skip
    assert (magic, generations, batch) == (MAGIC, 260, wanted.batch)
    assert (recordings, tests) == (len(TRAIN), len(TEST))
    assert (chunk, every) == ((250, 250) if online else (1, 5))
    assert all(place % 4 == 0 for place in (config_at, hyperparameters_at, starts_at, order_at))

    net = wanted.net_config(TRAIN.n_in, TRAIN.n_classes)
    longest = max(int(np.diff(part.offsets).max()) for part in (TRAIN, TEST))
    device = DeviceConfig(net, wanted.es_config(), online, wanted.seed, 24, 24, longest)
    assert body[config_at : config_at + config_bytes] == device.pack()

    for generation in (0, 249, 250, 259):
        found = struct.unpack_from("<HHBBBB", body, hyperparameters_at + generation // chunk * 8)
        each = wanted.hyperparameters_at(generation // chunk * chunk)
        assert found == (*each.sigma, *each.rate[0], *each.rate[1])

    order = np.frombuffer(body, "<u2", 260 * batch, order_at)
    expected = RecordingOrder(wanted.seed, len(TRAIN), wanted.batch)
    assert order.tolist() == expected.indices(0, 260).tolist()
    offsets = np.frombuffer(body, "<u4", recordings + tests + 1, starts_at)
    for i in (0, 1, 199, 200, 299):
        part, at = (TRAIN, i) if i < recordings else (TEST, i - recordings)
        stream = body[streams_at + offsets[i] : streams_at + offsets[i + 1]]
        assert stream == part[at].tobytes()
        assert body[labels_at + i] == part.labels[at]


def test_a_run_in_its_directory(tmp_path: Path) -> None:
    pytest.importorskip("sklearn")
    wanted = replace(config("online", generations=10), data="digits", ticks=4, pool=2)
    train(wanted, tmp_path, workers=1)
    path = write_standalone(tmp_path)
    assert path == tmp_path / STANDALONE
    assert struct.unpack_from("<II", path.read_bytes()) == (MAGIC, 10)


def test_recordings_set_aside_are_not_packed(tmp_path: Path) -> None:
    pytest.importorskip("sklearn")
    wanted = replace(config("online", generations=10, validation=400), data="digits", ticks=4)
    train(wanted, tmp_path, workers=1)
    whole, tests = open_split(wanted, "train"), open_split(wanted, "test")
    packed = write_standalone(tmp_path).read_bytes()
    assert packed == pack(wanted, set_aside(wanted, whole)[0], tests)
    assert struct.unpack_from("<II", packed, 5 * 4) == (len(whole) - 400, len(tests))


def test_what_a_board_cannot_do() -> None:
    with pytest.raises(ConfigError, match="a board does sweep, sample and batch"):
        pack(config("full"), TRAIN, TEST)
    many = TRAIN.subset([0] * RECORDINGS_MAX)
    with pytest.raises(ConfigError, match="too many for a standalone run: use at most 65535"):
        pack(config("online"), many, TEST)


def test_lines_between_frames_are_kept_apart() -> None:
    decoder = Decoder()
    assert decoder.feed(b"\0standalone: 4 generations, from 0\n\0\0generation 1") == []
    assert decoder.feed(b": right 1 of 1\n\0\x07torn\n\0") == []
    assert decoder.text_lines == ["standalone: 4 generations, from 0", "generation 1: right 1 of 1"]
    assert decoder.bad == 1
