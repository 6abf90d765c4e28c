"""Test vectors of the estimators `sweep` and `eprop`: their parts, and generations of training."""

from __future__ import annotations

from tests import reference as ref
from tests.reference import EsConfig, NetConfig
from tools.generate.vector_data import Data, Json, layers
from tools.generate.vector_networks import Case, case_json

LR = (((100, 14), (100, 12)), ((120, 12), (90, 13)), ((127, 10), (64, 15)))

FAST = (((100, 11), (100, 10)), ((120, 9), (90, 11)), ((127, 8), (64, 12)))

CASES = [
    Case(
        "online, 3 segments",
        NetConfig(20, 15, layers((10, 50, 1, 0)), "integrate", 4, 5),
        EsConfig("sweep", 1, segments=3, sigma_h=40),
        (36, 30), 4, 1, 64, LR,
    ),
    Case(
        "online, 5 segments, two layers, refractory 2, penalty",
        NetConfig(16, 12, layers((8, 80, 1, 2), (7, 45, 2, 2)), "integrate", 3, 5),
        EsConfig("sweep", 1, segments=5, sigma_h=60, penalty=12),
        (48, 40), 3, 1, 70, LR,
    ),
    Case(
        "several recordings, 5 segments of 7 ticks",
        NetConfig(20, 7, layers((8, 90, 2, 0)), "integrate", 3, 6),
        EsConfig("sweep", 1, segments=5, sigma_h=80),
        (40, 40), 9, 3, 64, LR,
    ),
    Case(
        "spikes readout, accuracy, refractory 2, two layers",
        NetConfig(15, 11, layers((6, 70, 2, 2), (5, 40, 1, 0)), "spikes", 5, 8),
        EsConfig("sweep", 1, segments=1, sigma_h=60, sigma_o=600, fitness="accuracy", penalty=3),
        (48, 0), 6, 4, 70, LR,
    ),
    Case(
        "spikes readout, cross-entropy, gain 12, penalty",
        NetConfig(15, 8, layers((3, 60, 3, 0)), "spikes", 3, 12),
        EsConfig("sweep", 1, segments=4, sigma_h=50, penalty=100),
        (48, 0), 5, 2, 70, LR,
    ),
    Case(
        "accuracy by differences of logits, gain 0",
        NetConfig(18, 8, layers((9, 50, 1, 0)), "integrate", 4, 0),
        EsConfig("sweep", 1, segments=8, sigma_h=50, sigma_o=120, fitness="accuracy"),
        (48, 40), 8, 8, 70, (((127, 4), (127, 12)),) * 3,
    ),
    Case(
        "three layers of unlike thresholds and leaks, wide input, rows without an event",
        NetConfig(600, 6, layers((7, 200, 1, 0), (6, 90, 2, 1), (5, 60, 3, 0)), "integrate", 3, 6),
        EsConfig("sweep", 1, segments=3, sigma_h=160, penalty=1),
        (60, 60), 5, 3, 12, (((127, 11), (127, 12)),) * 3,
    ),
    Case(
        "limits: many outputs, gain 8, rates at most, currents at their limit, small sigma above",
        NetConfig(40, 32, layers((6, 60, 8, 0), (24, 2, 8, 0)), "integrate", 64, 8),
        EsConfig(
            "sweep", 1, segments=8, sigma_h=31, sigma_o=32767, fitness="accuracy", penalty=4095
        ),
        (64, 64), 4, 4, 128, (((127, 0), (127, 0)),) * 3,
    ),
    Case(
        "limits: a silent net, whose logits are equal, and sensitivities at their limit",
        NetConfig(10, 4, layers((16, 500, 1, 0)), "integrate", 36, 8),
        EsConfig("sweep", 1, segments=2, sigma_h=4000, sigma_o=1, fitness="accuracy"),
        (64, 64), 28, 9, 20, (((127, 13), (127, 8)),),
    ),
    Case(
        "no perturbation: only the readout learns",
        NetConfig(16, 6, layers((6, 60, 1, 0), (5, 50, 1, 0)), "integrate", 3, 5),
        EsConfig("sweep", 1, segments=2, sigma_h=0),
        (48, 40), 4, 2, 80, (((127, 6), (127, 8)),) * 3,
    ),
    Case(
        "online, recordings without credit, and one whose loss is just learn_above",
        NetConfig(20, 10, layers((9, 60, 1, 0), (8, 50, 1, 0)), "integrate", 3, 4),
        EsConfig("sweep", 1, segments=3, sigma_h=50, penalty=2, learn_above=1534),
        (44, 40), 4, 1, 64, (((110, 13), (120, 12)),) * 8,
    ),
    Case(
        "several recordings, accuracy, some of them without credit",
        NetConfig(20, 7, layers((8, 60, 2, 0)), "integrate", 3, 4),
        EsConfig(
            "sweep", 1, segments=5, sigma_h=90, sigma_o=9000, fitness="accuracy", learn_above=10200
        ),
        (44, 40), 9, 3, 64, (((100, 14), (100, 12)),) * 6,
    ),
    Case(
        "no LIF layer: a linear readout of the inputs in 3 segments",
        NetConfig(20, 7, (), "integrate", 4, 6, 3),
        EsConfig("sweep", 1),
        (0, 30), 6, 3, 64, (((0, 0), (127, 8)),) * 3,
    ),
    Case(
        "no LIF layer, online, 8 segments of 32 ticks, rates at most, accuracy",
        NetConfig(30, 32, (), "integrate", 2, 0, 8),
        EsConfig("sweep", 1, sigma_o=32767, fitness="accuracy"),
        (0, 64), 2, 1, 250, (((0, 0), (127, 0)),) * 2,
    ),
]  # fmt: skip

EPROP = [
    Case(
        "online, one layer",
        NetConfig(20, 15, layers((10, 50, 1, 0)), "integrate", 4, 5),
        EsConfig("eprop", 1, segments=15, sigma_h=50),
        (36, 30), 4, 1, 64, FAST,
    ),
    Case(
        "online, two layers, refractory 2, penalty",
        NetConfig(16, 12, layers((8, 80, 1, 2), (7, 45, 2, 2)), "integrate", 3, 5),
        EsConfig("eprop", 1, segments=12, sigma_h=60, penalty=12),
        (48, 40), 3, 1, 70, FAST,
    ),
    Case(
        "several recordings, three layers of unlike thresholds and leaks, wide input",
        NetConfig(600, 6, layers((7, 200, 1, 0), (6, 90, 2, 1), (5, 60, 3, 0)), "integrate", 3, 6),
        EsConfig("eprop", 1, segments=6, sigma_h=160, penalty=1),
        (60, 60), 5, 3, 12, FAST,
    ),
    Case(
        "spikes readout, accuracy, two layers",
        NetConfig(15, 11, layers((6, 70, 2, 2), (5, 40, 1, 0)), "spikes", 5, 8),
        EsConfig("eprop", 1, segments=11, sigma_h=90, sigma_o=600, fitness="accuracy", penalty=3),
        (48, 0), 6, 4, 70, (((127, 3), (0, 0)),) * 3,
    ),
    Case(
        "spikes readout, cross-entropy, gain 12, penalty",
        NetConfig(15, 8, layers((3, 60, 3, 0)), "spikes", 3, 12),
        EsConfig("eprop", 1, segments=8, sigma_h=50, penalty=100),
        (48, 0), 5, 2, 70, FAST,
    ),
    Case(
        "limits: 32 ticks, many outputs, rates at most, a wide triangle and a narrow one above it",
        NetConfig(40, 32, layers((6, 60, 8, 0), (9, 1, 8, 0)), "integrate", 64, 8),
        EsConfig("eprop", 1, segments=32, sigma_h=32767, penalty=4095),
        (64, 64), 2, 2, 128, (((127, 0), (127, 0)),) * 2,
    ),
    Case(
        "online, recordings without credit",
        NetConfig(20, 15, layers((10, 50, 1, 0)), "integrate", 4, 5),
        EsConfig("eprop", 1, segments=15, sigma_h=50, learn_above=8000),
        (36, 30), 6, 1, 64, FAST,
    ),
    Case(
        "no triangle: only the readout learns",
        NetConfig(16, 6, layers((6, 60, 1, 0), (5, 50, 1, 0)), "integrate", 3, 5),
        EsConfig("eprop", 1, segments=6, sigma_h=0),
        (48, 40), 4, 2, 80, (((127, 6), (127, 8)),) * 3,
    ),
]  # fmt: skip


def make_sweep() -> Json:
    """sweep.json."""
    data = Data(8)
    softmax, per_current, credit = [], [], []
    for k, spread in ((2, 10), (3, 4096), (10, 8000), (10, 30000), (64, 2000), (64, 2**30)):
        logits = [data.between(-spread, spread) for _ in range(k)]
        softmax.append([logits, ref.softmax(logits)])
    most = 32 * ref.LIMIT_F
    for delta, sigma in ((0, 5), (7, 0), (-1, 128), (1, 256), (-1, 255), (most, 1), (-most, 1)):
        per_current.append([delta, sigma, ref.per_current(delta, sigma)])
    for _ in range(20):
        delta, sigma = data.between(-90000, 90000), data.between(1, 4095)
        per_current.append([delta, sigma, ref.per_current(delta, sigma)])
    for delta in (most, -most, *(data.between(-9000, 9000) for _ in range(20))):
        lr, ticks = (data.below(128), data.below(31)), data.between(1, 32)
        credit.append([delta, *lr, ticks, ref.sweep_credit(delta, lr, ticks)])
    cases = [make_case(number, case) for number, case in enumerate(CASES)]
    return {"softmax": softmax, "per_current": per_current, "credit": credit, "cases": cases}


def make_eprop() -> Json:
    """eprop.json."""
    data = Data(10)
    slopes = []
    for layer in layers((1, 60, 1, 0), (1, 40, 3, 2), (1, 16383, 8, 0), (1, 1, 1, 15)):
        for width in (0, 1, 50, 4000, 32767):
            most = min(layer.l_base, 3 * layer.threshold)
            currents = [data.between(-most // 2, most) for _ in range(12)]
            slopes.append([[*layer[:4]], currents, width, ref.slopes(layer, currents, width)])
    cases = [make_case(number, case) for number, case in enumerate(EPROP, 50)]
    return {"slopes": slopes, "cases": cases}


def make_case(number: int, case: Case) -> Json:
    """Train as the case says, and note what every generation gives."""
    data = Data(9, number)
    seed = data.below(2**32)
    config, es = case.net, case.es
    # Of `eprop` and of convolutions, the deltas of the first generation are enough.
    brief = es.estimator == "eprop" or any(layer.kernel for layer in config.layers)
    recordings = [
        (data.recording(config.n_in, config.ticks, case.density), data.below(config.n_out))
        for _ in range(case.recordings)
    ]
    net = ref.Net(config)
    net.init_weights(seed, *case.std)
    digests = [net.digest()]
    generations: list[Json] = []
    moved = [False for _ in config.layers]
    learned, left_out = 0, 0
    for generation, (lr_h, lr_o) in enumerate(case.lr):
        indices = ref.generation_indices(seed, generation, case.recordings, case.mini_batch)
        chosen = [recordings[i] for i in indices]
        result = ref.generation_credit(net, es, seed, generation, chosen, lr_h, lr_o)
        digests.append(net.digest())
        for found in result.found:
            learned += found.credit
            left_out += not found.credit
            for m, delta in enumerate(found.delta):
                moved[m] |= any(any(row) for row in delta)
        generations.append(
            {
                "indices": indices,
                "e": [found.e for found in result.found],
                **({} if brief and generation else {"delta": [x.delta for x in result.found]}),
                "loss": [c.loss for c in result.centre],
                "correct": [int(c.correct) for c in result.centre],
                "spikes": [c.spikes for c in result.centre],
                "digest": f"{digests[-1]:08x}",
            }
        )
    assert all(moved) == (es.sigma_h > 0 or not moved), f"{case.name}: a layer without a response"
    if es.learn_above == 0:
        assert len(set(digests)) == len(digests), f"{case.name}: weights did not change"
    else:
        assert 0 < len(set(digests)) - 1 <= learned < learned + left_out, case.name
    return case_json(case, seed, recordings, digests[0], generations)
