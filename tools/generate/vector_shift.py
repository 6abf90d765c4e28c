"""Test vectors of shifted recordings: single recordings, and generations of every estimator."""

from __future__ import annotations

from tests import reference as ref
from tests.reference import EsConfig, NetConfig
from tests.reference.shape import Shape
from tools.generate import vector_networks, vector_sweep
from tools.generate.vector_data import Data, Json, layers
from tools.generate.vector_networks import LR_BATCH, LR_SAMPLE, Case
from tools.generate.vector_sweep import FAST, LR

SHAPES = ((1, 4, 5), (2, 3, 3), (2, 1, 9), (3, 7, 1), (1, 1, 1), (2, 20, 30), (1, 2, 400))
"""Channels, rows and columns."""

BATCHED = [
    Case(
        "batch, shift 1",
        NetConfig(20, 5, layers((8, 45, 2, 0)), "integrate", 3, 5, 1, Shape(1, 4, 5)),
        EsConfig("batch", 16, sigma_h=2000, sigma_o=2000, shift=1),
        (40, 40), 7, 3, 64, LR_BATCH,
    ),
    Case(
        "full, shift 2",
        NetConfig(18, 6, layers((7, 35, 2, 0)), "integrate", 3, 5, 1, Shape(2, 3, 3)),
        EsConfig("full", 16, sigma_h=1500, sigma_o=1500, shift=2),
        (40, 40), 4, 3, 70, LR_BATCH,
    ),
    Case(
        "sample, shift 1, several recordings, a single row",
        NetConfig(20, 7, layers((8, 90, 2, 0)), "integrate", 3, 6, 1, Shape(2, 1, 10)),
        EsConfig("sample", 40, segments=5, sigma_h=50, sigma_o=1000, shift=1),
        (40, 40), 9, 3, 64, LR_SAMPLE,
    ),
    Case(
        "sample online, shift 3",
        NetConfig(24, 10, layers((10, 50, 1, 0)), "integrate", 4, 5, 1, Shape(1, 6, 4)),
        EsConfig("sample", 32, segments=3, sigma_h=60, sigma_o=1500, shift=3),
        (36, 30), 4, 1, 64, LR_SAMPLE,
    ),
]  # fmt: skip

CREDITED = [
    Case(
        "sweep online, shift 1",
        NetConfig(20, 15, layers((10, 50, 1, 0)), "integrate", 4, 5, 1, Shape(1, 4, 5)),
        EsConfig("sweep", 1, segments=3, sigma_h=40, shift=1),
        (36, 30), 4, 1, 64, LR,
    ),
    Case(
        "sweep, shift 2, several recordings, two layers, jumps over 254 inputs",
        NetConfig(
            1200, 6, layers((7, 90, 1, 0), (6, 40, 2, 1)), "integrate", 3, 6, 1, Shape(2, 20, 30),
        ),
        EsConfig("sweep", 1, segments=3, sigma_h=90, penalty=1, shift=2),
        (60, 60), 5, 3, 5, LR,
    ),
    Case(
        "sweep, shift 1, no LIF layer",
        NetConfig(18, 7, (), "integrate", 4, 6, 3, Shape(2, 3, 3)),
        EsConfig("sweep", 1, shift=1),
        (0, 30), 6, 3, 64, (((0, 0), (127, 8)),) * 3,
    ),
    Case(
        "eprop, shift 1, several recordings",
        NetConfig(20, 12, layers((10, 50, 1, 0)), "integrate", 4, 5, 1, Shape(1, 4, 5)),
        EsConfig("eprop", 1, segments=12, sigma_h=50, shift=1),
        (36, 30), 6, 2, 64, FAST,
    ),
]  # fmt: skip


def make_shift() -> Json:
    """shift.json."""
    data, moved = Data(11), []
    for shape in SHAPES:
        channels, rows, cols = shape
        net = NetConfig(channels * rows * cols, 3, (), "integrate", 2, 0, 1, Shape(*shape))
        for shift in (1, 2, 3):
            stream = data.recording(net.n_in, net.ticks, data.between(1, 90))
            place = data.below(2**32), data.below(2**32), data.below(8192)
            moved.append(
                {
                    "shape": list(shape),
                    "shift": shift,
                    "place": list(place),
                    "offset": list(ref.offsets(net, shift, *place)),
                    "stream": stream.hex(),
                    "shifted": ref.shifted(
                        net, EsConfig("sweep", 1, shift=shift), *place, stream
                    ).hex(),
                }
            )
    cases = [vector_networks.make_case(n, case) for n, case in enumerate(BATCHED, 100)]
    cases += [vector_sweep.make_case(n, case) for n, case in enumerate(CREDITED, 110)]
    return {"moved": moved, "cases": cases}
