"""Test vectors of whole networks: the unperturbed forward run, and generations of training."""

from __future__ import annotations

from typing import NamedTuple

from tests import reference as ref
from tests.reference import EsConfig, NetConfig
from tools.generate.vector_data import Data, Json, layers, net_json


def make_forward() -> Json:
    """forward.json: digests of initial weights, and unperturbed runs."""
    cases = [
        ("one layer", NetConfig(20, 10, layers((12, 90, 3, 0)), "integrate", 4, 4), 40, 30, 60),
        (
            "two layers, refractory 2",
            NetConfig(16, 15, layers((9, 60, 1, 2), (7, 40, 2, 2)), "integrate", 3, 6),
            50,
            64,
            80,
        ),
        (
            "spikes, four layers",
            NetConfig(
                10,
                12,
                layers((8, 30, 2, 0), (8, 30, 4, 1), (6, 20, 8, 0), (5, 25, 1, 0)),
                "spikes",
                5,
                8,
            ),
            64,
            0,
            100,
        ),
        (
            "wide input: 255 in the stream",
            NetConfig(700, 6, layers((5, 100, 2, 0)), "integrate", 2, 0),
            24,
            24,
            4,
        ),
        (
            "currents at their limit",
            NetConfig(40, 8, layers((4, 150, 8, 3)), "integrate", 64, 8),
            64,
            64,
            230,
        ),
    ]
    out = []
    for number, (name, config, std_hidden, std_readout, density) in enumerate(cases):
        data = Data(5, number)
        net = ref.Net(config)
        net.init_weights(1000 + number, std_hidden, std_readout)
        out.append(forward_case(name, net, data, density))
    init = []
    for seed, std_hidden, std_readout in ((0, 0, 0), (1, 24, 32), (2**32 - 1, 64, 1)):
        for _, config, *_ in cases:
            net = ref.Net(config)
            net.init_weights(seed, std_hidden, std_readout)
            init.append(
                {
                    "net": net_json(config),
                    "seed": seed,
                    "std_hidden": std_hidden,
                    "std_readout": std_readout,
                    "digest": f"{net.digest():08x}",
                }
            )
    return {"init": init, "forward": out}


def forward_case(name: str, net: ref.Net, data: Data, density: int) -> Json:
    """Run a net on recordings, the first of which is empty. Its biases get values here."""
    config = net.config
    for matrix in net.weights:  # a bias that is not zero
        matrix[-1] = [data.between(-20, 40) for _ in matrix[-1]]
    recordings: list[Json] = []
    for number_in_case in range(3):
        recording = data.recording(config.n_in, config.ticks, density if number_in_case else 0)
        run = ref.forward(net, recording)
        label = data.below(config.n_out)
        recordings.append(
            {
                "stream": recording.hex(),
                "label": label,
                "trains": [ref.encode(train).hex() for train in run.trains],
                "counts": run.counts,
                "spikes": run.spikes,
                "logits": run.logits,
                "argmax": ref.argmax(run.logits),
                "loss": ref.cross_entropy(run.logits, label),
            }
        )
    assert all(sum(sum(c) for c in s["counts"]) == s["spikes"] for s in recordings)
    assert all(any(count) for count in recordings[-1]["counts"]), f"{name}: a silent layer"
    return {
        "name": name,
        "net": net_json(config),
        "weights": [net.to_bytes(m).hex() for m in range(len(net.weights))],
        "digest": f"{net.digest():08x}",
        "samples": recordings,
    }


class Case(NamedTuple):
    """A training run of some generations."""

    name: str
    net: NetConfig
    es: EsConfig
    std: tuple[int, int]  # of the initial weights: hidden, readout
    recordings: int  # of the dataset
    mini_batch: int  # recordings of a generation
    density: int  # of events, in 1/256
    lr: tuple[tuple[ref.LearningRate, ref.LearningRate], ...]  # (lr_h, lr_o) of each generation


LR_BATCH = (((100, 1), (100, 1)), ((120, 2), (90, 2)), ((127, 4), (64, 3)))
LR_SAMPLE = (((127, 12), (127, 12)), ((100, 12), (90, 13)), ((64, 13), (127, 15)))

CASES = [
    Case(
        "batch, 16 pairs",
        NetConfig(20, 5, layers((8, 45, 2, 0)), "integrate", 3, 5),
        EsConfig("batch", 16, sigma_h=2000, sigma_o=2000),
        (40, 40), 7, 3, 64, LR_BATCH,
    ),
    Case(
        "batch, 40 pairs, rank 3, two layers, refractory 2",
        NetConfig(14, 9, layers((9, 45, 1, 2), (6, 30, 2, 2)), "integrate", 4, 5),
        EsConfig("batch", 40, rank=3, sigma_h=1800, sigma_o=1500),
        (50, 40), 6, 2, 80, LR_BATCH,
    ),
    Case(
        "batch, 32 pairs, rank 3, penalty, k = 8",
        NetConfig(20, 12, layers((6, 50, 8, 1)), "integrate", 3, 6),
        EsConfig("batch", 32, rank=3, sigma_h=3000, sigma_o=3000, penalty=40),
        (48, 32), 5, 2, 50, LR_BATCH,
    ),
    Case(
        "batch, 3 pairs, spikes readout, accuracy",
        NetConfig(18, 10, layers((7, 70, 3, 0), (4, 45, 1, 2)), "spikes", 4, 8),
        EsConfig("batch", 3, sigma_h=4000, fitness="accuracy", penalty=7),
        (44, 0), 8, 4, 70, LR_BATCH,
    ),
    Case(
        "batch, 100 pairs: more than three words",
        NetConfig(8, 5, layers((5, 25, 1, 0)), "integrate", 2, 6),
        EsConfig("batch", 100, sigma_h=3000, sigma_o=3000),
        (50, 40), 2, 2, 90, (((100, 3), (100, 3)),) * 3,
    ),
    Case(
        "batch, rank 16, limits: every neuron fires, sigma and rate at most",
        NetConfig(12, 32, layers((48, 1, 8, 0)), "integrate", 2, 8),
        EsConfig("batch", 3, rank=16, sigma_h=32767, sigma_o=32767),
        (64, 64), 2, 1, 128, (((127, 0), (127, 0)),) * 3,
    ),
    Case(
        "online, 32 pairs, 3 segments",
        NetConfig(20, 15, layers((10, 50, 1, 0)), "integrate", 4, 5),
        EsConfig("sample", 32, segments=3, sigma_h=60, sigma_o=1500),
        (36, 30), 4, 1, 64, LR_SAMPLE,
    ),
    Case(
        "online, 16 pairs, 5 segments, two layers, refractory 2, penalty",
        NetConfig(16, 12, layers((8, 80, 1, 2), (7, 45, 2, 2)), "integrate", 3, 5),
        EsConfig("sample", 16, segments=5, sigma_h=40, sigma_o=800, penalty=12),
        (48, 40), 3, 1, 70, LR_SAMPLE,
    ),
    Case(
        "sample, 40 pairs, 5 segments of 7 ticks, several samples",
        NetConfig(20, 7, layers((8, 90, 2, 0)), "integrate", 3, 6),
        EsConfig("sample", 40, segments=5, sigma_h=50, sigma_o=1000),
        (40, 40), 9, 3, 64, LR_SAMPLE,
    ),
    Case(
        "sample, 16 pairs, spikes readout, accuracy, refractory 2",
        NetConfig(15, 11, layers((6, 70, 2, 2), (5, 40, 1, 0)), "spikes", 5, 8),
        EsConfig("sample", 16, segments=1, sigma_h=45, fitness="accuracy", penalty=3),
        (48, 0), 6, 4, 70, LR_SAMPLE,
    ),
    Case(
        "sample, 3 pairs, spikes readout, cross-entropy, two layers, penalty",
        NetConfig(15, 8, layers((6, 60, 3, 0), (3, 45, 1, 0)), "spikes", 3, 8),
        EsConfig("sample", 3, segments=3, sigma_h=80, penalty=100),
        (48, 0), 5, 2, 70, LR_SAMPLE,
    ),
    Case(
        "sample, 256 pairs, 8 segments",
        NetConfig(8, 8, layers((4, 60, 1, 0)), "integrate", 2, 6),
        EsConfig("sample", 256, segments=8, sigma_h=50, sigma_o=1000),
        (50, 40), 2, 1, 90, LR_SAMPLE,
    ),
    Case(
        "sample, wide input: 255 in the stream, rows without an event",
        NetConfig(600, 6, layers((5, 90, 1, 0)), "integrate", 3, 6),
        EsConfig("sample", 16, segments=3, sigma_h=40, sigma_o=1000),
        (40, 40), 5, 3, 5, LR_SAMPLE,
    ),
    Case(
        "sample, limits: logits far apart, rate at most",
        NetConfig(30, 5, layers((6, 25, 8, 0)), "integrate", 4, 8),
        EsConfig("sample", 32, segments=2, sigma_h=31, sigma_o=32767),
        (64, 64), 6, 6, 128, (((127, 12), (127, 12)),) * 3,
    ),
    Case(
        "full, 16 pairs",
        NetConfig(14, 6, layers((7, 35, 2, 0)), "integrate", 3, 5),
        EsConfig("full", 16, sigma_h=1500, sigma_o=1500),
        (40, 40), 4, 2, 70, LR_BATCH,
    ),
    Case(
        "full, 3 pairs, two layers, spikes readout, refractory 2, largest sigma, empty rows",
        NetConfig(60, 8, layers((6, 40, 8, 2), (4, 30, 1, 0)), "spikes", 4, 8),
        EsConfig("full", 3, sigma_h=16383, penalty=2),
        (48, 0), 5, 2, 20, LR_BATCH,
    ),
    Case(
        "online, 16 pairs, 3 segments, low rates with ln below e",
        NetConfig(20, 10, layers((9, 50, 1, 0)), "integrate", 4, 8),
        EsConfig("sample", 16, segments=3, sigma_h=60, sigma_o=8000),
        (40, 40), 4, 1, 64, (((1, 6), (1, 8)), ((2, 4), (1, 11)), ((1, 8), (3, 9))),
    ),
]  # fmt: skip


def make_generations() -> Json:
    """generations.json."""
    return {"cases": [make_case(number, case) for number, case in enumerate(CASES)]}


def make_case(number: int, case: Case) -> Json:
    """Train as the case says, and note what every generation gives."""
    data = Data(7, number)
    seed = data.below(2**32)
    config, es = case.net, case.es
    recordings = [
        (data.recording(config.n_in, config.ticks, case.density), data.below(config.n_out))
        for _ in range(case.recordings)
    ]
    net = ref.Net(config)
    net.init_weights(seed, *case.std)
    initial = net.digest()
    digests = [initial]
    generations: list[Json] = []
    for generation, (lr_h, lr_o) in enumerate(case.lr):
        indices = ref.generation_indices(seed, generation, case.recordings, case.mini_batch)
        chosen = [recordings[i] for i in indices]
        if es.estimator == "sample":
            result = ref.generation_sample(net, es, seed, generation, chosen, lr_h, lr_o)
            shaped = result.shaped
            centre = result.centre
            values: Json = {
                "D": [s.D for s in shaped],
                "e": [s.e for s in shaped],
                "f": [s.f for s in shaped],
            }
        else:
            run = ref.generation_batch if es.estimator == "batch" else ref.generation_full
            one = run(net, es, seed, generation, chosen, lr_h, lr_o)
            shaped = [one.shaped]
            centre = one.centre
            values = {"D": one.shaped.D, "e": one.shaped.e, "f": one.shaped.f}
        # Else the case would test little.
        assert any(len(set(s.D)) > 1 or len(s.D) == 1 for s in shaped), f"{case.name}: no D"
        assert any(c.spikes for c in centre), f"{case.name}: no spike"
        digests.append(net.digest())
        generations.append(
            {
                "indices": indices,
                **values,
                "loss": [c.loss for c in centre],
                "correct": [int(c.correct) for c in centre],
                "spikes": [c.spikes for c in centre],
                "digest": f"{digests[-1]:08x}",
            }
        )
    assert len(set(digests)) == len(digests), f"{case.name}: weights did not change"
    return case_json(case, seed, recordings, initial, generations)


def case_json(
    case: Case,
    seed: int,
    recordings: list[ref.Recording],
    initial: int,
    generations: list[Json],
) -> Json:
    """A case in the files. initial: the digest of the initial weights."""
    es = case.es
    return {
        "name": case.name,
        "net": net_json(case.net),
        "es": {
            "estimator": es.estimator,
            "pairs": es.pairs,
            "rank": es.rank,
            "segments": es.segments,
            "sigma_h": es.sigma_h,
            "sigma_o": es.sigma_o,
            "fitness": es.fitness,
            "penalty": es.penalty,
            **({"learn_above": es.learn_above} if es.learn_above else {}),
            **({"shift": es.shift} if es.shift else {}),
        },
        "seed": seed,
        "std_hidden": case.std[0],
        "std_readout": case.std[1],
        "batch": case.mini_batch,
        "lr": [{"h": list(lr_h), "o": list(lr_o)} for lr_h, lr_o in case.lr],
        "samples": [{"stream": stream.hex(), "label": label} for stream, label in recordings],
        "initial_digest": f"{initial:08x}",
        "generations": generations,
    }
