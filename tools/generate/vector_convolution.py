"""Test vectors of nets with convolutions: shapes, fitness, runs, and generations of training."""

from __future__ import annotations

from tests import reference as ref
from tests.reference import EsConfig, LayerConfig, NetConfig, Shape
from tools.generate import vector_networks, vector_sweep
from tools.generate.vector_data import Data, Json, net_json
from tools.generate.vector_networks import LR_BATCH, Case, forward_case
from tools.generate.vector_sweep import FAST, LR

FASTER = (((127, 6), (127, 8)),) * 3
MOST = (((127, 0), (127, 0)),)
"""The largest learning rates, for one generation."""


def net(
    shape: tuple[int, int, int],
    ticks: int,
    layers: tuple[LayerConfig, ...],
    outputs: int,
    gain: int,
    pool: int = 1,
    spikes: bool = False,
) -> NetConfig:
    """A net over inputs of a shape (channels, rows, columns)."""
    inputs = Shape(*shape)
    return NetConfig(
        inputs.units, ticks, layers, "spikes" if spikes else "integrate", outputs, gain,
        input_shape=inputs, readout_pool=pool,
    )  # fmt: skip


# A layer's last three numbers are kernel, stride and padding.
ONE = net((2, 6, 5), 9, (LayerConfig(3, 60, 1, 0, 3, 2, 1),), 3, 4)
TWO = net(
    (1, 7, 6), 8,
    (LayerConfig(4, 55, 2, 0, 3, 1, 1), LayerConfig(3, 40, 1, 0, 2, 2, 0)), 4, 4,
)  # fmt: skip
DENSE = net((2, 5, 6), 10, (LayerConfig(3, 60, 1, 2, 3, 2, 0), LayerConfig(6, 35, 2, 1)), 3, 5)
REFRACTORY = net((1, 8, 6), 12, (LayerConfig(4, 40, 3, 2, 4, 3, 2),), 3, 3)
POOL = net((2, 5, 7), 8, (LayerConfig(3, 60, 1, 0, 3, 1, 1),), 3, 2, pool=2)
SPIKES = net(
    (2, 4, 5), 11, (LayerConfig(4, 50, 1, 1, 2, 1, 0), LayerConfig(3, 45, 2, 0)), 3, 8,
    spikes=True,
)  # fmt: skip
ABOVE_DENSE = net(
    (3, 3, 2), 7, (LayerConfig(5, 60, 1, 0), LayerConfig(4, 40, 1, 0, 3, 1, 2)), 3, 4, pool=3
)
GAPS = net(
    (2, 9, 8), 6,
    (
        LayerConfig(3, 45, 1, 0, 2, 3, 1),
        LayerConfig(2, 25, 2, 1, 1, 2, 0),
        LayerConfig(5, 30, 1, 0),
    ),
    4, 5,
)  # fmt: skip
WIDE = net((17, 1, 3855), 3, (LayerConfig(2, 15, 1, 0, 1, 8, 0),), 3, 2, pool=16)
BUSY = net((1, 16, 16), 32, (LayerConfig(30, 1, 8, 0, 1, 1, 0),), 3, 0, pool=16)
LINEAR = net(
    (1, 1, 30), 16, (LayerConfig(4, 40, 1, 0, 5, 2, 4), LayerConfig(3, 60, 1, 3, 4, 3, 2)), 2, 4
)

NETS = (ONE, TWO, DENSE, REFRACTORY, POOL, SPIKES, ABOVE_DENSE, GAPS, WIDE, BUSY, LINEAR)


def sweep(segments: int, sigma_h: int, penalty: int = 0, learn_above: int = 0) -> EsConfig:
    """`sweep` with the fitness `xent`."""
    return EsConfig(
        "sweep", 1, segments=segments, sigma_h=sigma_h, penalty=penalty, learn_above=learn_above
    )


def eprop(config: NetConfig, sigma_h: int, penalty: int = 0) -> EsConfig:
    """`eprop` with the fitness `xent`."""
    return EsConfig("eprop", 1, segments=config.ticks, sigma_h=sigma_h, penalty=penalty)


FORWARD = [
    ("kernel 3, stride 2, padding 1", ONE, 40, 40, 70),
    ("two convolutions", TWO, 50, 40, 80),
    ("a dense layer above", DENSE, 50, 40, 80),
    ("refractory 2, kernel 4, stride 3, padding 2", REFRACTORY, 40, 40, 60),
    ("squares of 2 x 2 over odd sides", POOL, 40, 40, 60),
    ("spikes readout", SPIKES, 60, 0, 90),
    ("a convolution above a dense layer", ABOVE_DENSE, 50, 40, 90),
    ("strides above the kernels: inputs that no neuron sees", GAPS, 64, 40, 120),
    ("rows of one input: one dimension", LINEAR, 50, 40, 90),
    ("more than 32766 inputs", WIDE, 64, 64, 5),
]

CASES = [
    Case("sweep, online", ONE, sweep(3, 50), (44, 40), 4, 1, 64, FASTER),
    Case("sweep, two convolutions, penalty", TWO, sweep(5, 40, 6), (50, 40), 5, 3, 80, LR),
    Case("sweep, two convolutions, online", TWO, sweep(2, 70), (50, 40), 3, 1, 80, FAST),
    Case(
        "sweep, a dense layer above, refractory, accuracy", DENSE,
        EsConfig("sweep", 1, segments=4, sigma_h=60, sigma_o=9000, fitness="accuracy"),
        (50, 40), 6, 3, 80, (((127, 11), (127, 12)),) * 3,
    ),
    Case("sweep, refractory 2", REFRACTORY, sweep(8, 45), (44, 40), 5, 3, 70, LR),
    Case("sweep, squares of 2 x 2", POOL, sweep(3, 60), (44, 40), 5, 3, 60, LR),
    Case("sweep, spikes readout, penalty", SPIKES, sweep(4, 40, 9), (60, 0), 5, 3, 90, FASTER),
    Case(
        "sweep, a convolution above a dense layer", ABOVE_DENSE, sweep(2, 60), (56, 40),
        5, 3, 90, FAST,
    ),
    Case("sweep, three layers with gaps", GAPS, sweep(3, 50), (64, 50), 5, 3, 110, FAST),
    Case("sweep, one dimension, online", LINEAR, sweep(5, 50, 3), (50, 40), 3, 1, 90, FAST),
    Case("sweep, more than 32766 inputs", WIDE, sweep(2, 20), (64, 64), 1, 1, 5, FAST[:1]),
    Case(
        "sweep, some recordings without credit", ONE, sweep(3, 50, 0, 6500), (44, 40),
        6, 2, 64, FAST,
    ),
    Case("sweep, rates at most, online", POOL, sweep(8, 70), (44, 40), 2, 1, 90, MOST * 2),
    Case("sweep, rates at most", TWO, sweep(3, 60), (50, 40), 6, 3, 90, MOST * 2),
    Case("eprop, online", ONE, eprop(ONE, 60), (44, 40), 4, 1, 64, FAST),
    Case(
        "eprop, two convolutions, penalty", TWO, eprop(TWO, 60, 6), (50, 40),
        5, 3, 80, FAST,
    ),
    Case(
        "eprop, a dense layer above, refractory", DENSE, eprop(DENSE, 60), (50, 40),
        5, 3, 80, FAST,
    ),
    Case(
        "eprop, refractory 2", REFRACTORY, eprop(REFRACTORY, 50), (44, 40),
        5, 3, 70, FAST,
    ),
    Case("eprop, squares of 2 x 2", POOL, eprop(POOL, 60), (44, 40), 5, 3, 60, FAST),
    Case(
        "eprop, spikes readout, penalty", SPIKES, eprop(SPIKES, 60, 9), (60, 0),
        5, 3, 90, FASTER,
    ),
    Case(
        "eprop, three layers with gaps", GAPS, eprop(GAPS, 50), (64, 50),
        5, 3, 110, FAST,
    ),
    Case(
        "eprop, rates at most, online", POOL, eprop(POOL, 32767, 4095), (44, 40),
        2, 1, 90, MOST * 2,
    ),
    Case(
        "batch, rank 1, rows without an event", ONE,
        EsConfig("batch", 16, sigma_h=2000, sigma_o=2000), (44, 40), 4, 1, 6, LR_BATCH,
    ),
    Case(
        "batch, rank 3, two convolutions", TWO,
        EsConfig("batch", 33, rank=3, sigma_h=1800, sigma_o=1500), (50, 40), 4, 2, 80, LR_BATCH[:2],
    ),
    Case(
        "batch, a dense layer above, refractory, penalty", DENSE,
        EsConfig("batch", 32, rank=2, sigma_h=2000, sigma_o=2000, penalty=9),
        (50, 40), 5, 3, 80, LR_BATCH,
    ),
    Case(
        "batch, squares of 2 x 2, accuracy", POOL,
        EsConfig("batch", 16, sigma_h=3000, sigma_o=3000, fitness="accuracy"),
        (44, 40), 6, 3, 60, LR_BATCH,
    ),
    Case(
        "batch, spikes readout", SPIKES, EsConfig("batch", 33, sigma_h=3000), (60, 0),
        5, 3, 90, LR_BATCH,
    ),
    Case(
        "batch, one dimension, rank 16, sigma at most", LINEAR,
        EsConfig("batch", 3, rank=16, sigma_h=32767, sigma_o=32767), (50, 40), 2, 1, 90, LR_BATCH,
    ),
    Case(
        "sweep, rates at most, squares of 2 x 2", POOL, sweep(3, 60), (50, 40), 6, 3, 90, MOST * 2
    ),
]  # fmt: skip

LIMITS = Case(
    "batch, limits: more than 2^17 spikes, projections at their limit", BUSY,
    EsConfig("batch", 3, sigma_h=0, sigma_o=2500, fitness="accuracy", penalty=1),
    (64, 15), 2, 1, 256, (((100, 1), (100, 1)),),
)  # fmt: skip


def make_convolution() -> Json:
    """convolution.json."""
    shapes = [
        {
            "net": net_json(config),
            "layers": [list(shape) for shape in config.layer_shapes],
            "matrices": [list(shape) for shape in config.shapes],
        }
        for config in NETS
    ]
    fitness = []
    for spikes in (2**17 - 1, 2**17, 2**17 + 1, 4 * 32 * 32766):
        for name in ("xent", "accuracy"):
            for penalty in (0, 1, 4095):
                es = EsConfig(
                    "sweep", 1, fitness="xent" if name == "xent" else "accuracy", penalty=penalty
                )
                run = ref.Run(spikes=spikes, logits=[5000, -7, 90])
                fitness.append(
                    {
                        "fitness": name,
                        "logits": run.logits,
                        "label": 0,
                        "spikes": spikes,
                        "penalty": penalty,
                        "F": ref.fitness(es, run, 0),
                    }
                )
    forward = []
    for number, (name, config, std_hidden, std_readout, density) in enumerate(FORWARD):
        started = ref.Net(config)
        started.init_weights(2000 + number, std_hidden, std_readout)
        forward.append(forward_case(name, started, Data(11, number), density))
    cases = [make_case(number, case) for number, case in enumerate(CASES, 201)]
    cases.append(make_case(303, LIMITS))  # a number with which the limits change the result
    return {"shapes": shapes, "fitness": fitness, "forward": forward, "cases": cases}


def make_case(number: int, case: Case) -> Json:
    """Train as the case says, and note what every generation gives."""
    if case.es.estimator == "batch":
        return vector_networks.make_case(number, case)
    return vector_sweep.make_case(number, case)
