"""Write tests/vectors/*.json from the reference model (tests/reference.py).

    python tools/make_vectors.py           write the files
    python tools/make_vectors.py --check   exit 1 if a file differs from what it should be

The result depends on nothing but the reference: the same bytes on every machine. The schema is
in tests/vectors/README.md. The maker also asserts that the cases are worth having: that weights
change, that neurons spike, and that every clamp of the arithmetic is reached by some case.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any, NamedTuple

from tests import reference as ref
from tests.reference import EsConfig, LayerConfig, NetConfig

ROOT = Path(__file__).resolve().parents[2]
VECTORS = ROOT / "tests" / "vectors"
Json = dict[str, Any]
DATA = 100  # a stream number for the data of these cases; the arithmetic itself has no such stream

# ---- Which clamps were reached ----------------------------------------------------------------

CLAMPS = {
    "Net.init_weights",
    "base_currents",
    "fitness",
    "BatchMember.currents",
    "BatchMember.readout",
    "FullMember.currents",  # that of FullMember.readout needs some thousands of neurons
    "shape_batch",
    "shape_sample",
    "apply",
    "step_from_gradient",
    "credit",
    "generation_sample",
}
_reached: set[str] = set()
_clamp = ref.clamp


def _noting_clamp(x: int, limit: int) -> int:
    if abs(x) > limit:
        frame = sys._getframe(1)
        while frame.f_code.co_name.startswith("<") and frame.f_back:  # a comprehension
            frame = frame.f_back
        owner = frame.f_locals.get("self")
        prefix = f"{type(owner).__name__}." if owner is not None else ""
        _reached.add(prefix + frame.f_code.co_name)
    return _clamp(x, limit)


# ---- Data -------------------------------------------------------------------------------------


class Data:
    """Numbers drawn from the reference's own generator, one stream a name."""

    def __init__(self, *name: int) -> None:
        a, b = (*name, 0)[:2]
        self.key = ref.key(0xDA7A, a, b, 0, DATA, 0)
        self.counter = 0

    def below(self, n: int) -> int:
        self.counter += 1
        return ref.word(self.key, self.counter) % n

    def between(self, low: int, high: int) -> int:
        return low + self.below(high - low + 1)

    def recording(self, n_in: int, ticks: int, density: int) -> bytes:
        """Each input has an event with probability density/256."""
        return ref.encode(
            [[i for i in range(n_in) if self.below(256) < density] for _ in range(ticks)]
        )


# ---- (a) random numbers -----------------------------------------------------------------------


def make_rng() -> Json:
    data = Data(1)
    extremes = [0, 1, 2, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFE, 0xFFFFFFFF]
    xs = extremes + [data.below(2**32) for _ in range(20)]
    args = [[0, 0, 0, 0, 0, 0], [2**32 - 1, 2**32 - 1, 2**32 - 1, 4, 8, 15]]
    args += [[1, 0, 0, m, s, 0] for m in (0, 1) for s in range(9)]
    for _ in range(10):
        wide = [data.below(2**32), data.below(1 << 20), data.below(8192)]
        args.append([*wide, data.below(5), data.below(9), data.below(16)])
    keys = [(a, ref.key(*a)) for a in args]
    words, signs, rounding = [], [], []
    for _, k in keys[::3]:
        for c in (0, 1, 255, 32767 * 1024 + 1023, data.below(2**25)):
            words.append([*k, c, ref.word(k, c)])
        row, w = data.below(32767), data.below(256)
        signs.append([*k, row, w, ref.signs(k, row, w)])
    for _ in range(20):
        where = [data.below(2**32), data.below(1000), data.below(5)]
        where += [data.below(32767), data.below(1024)]
        rounding.append([*where, ref.rounding(*where)])
    order = []
    for seed, epoch, n, batch in ((1, 0, 10, 3), (1, 1, 10, 3), (7, 0, 1, 1), (9, 2, 40, 64)):
        indices = [ref.generation_indices(seed, g, n, batch) for g in range(5)]
        order.append(
            {
                "seed": seed,
                "epoch": epoch,
                "order": ref.epoch_order(seed, epoch, n),
                "batch": batch,
                "generations": indices,
            }
        )
    return {
        "mix": [[x, ref.mix(x)] for x in xs],
        "key": [[*a, *k] for a, k in keys],
        "word": words,
        "signs": signs,
        "rounding": rounding,
        "order": order,
    }


# ---- (b) recordings ---------------------------------------------------------------------------


def make_stream() -> Json:
    data = Data(2)
    examples: list[tuple[int, ref.Events]] = [
        (1, [[]]),
        (1, [[0]]),
        (300, [[0], [253], [254], [255], [299], [0, 253], [0, 254], [0, 255], [0, 299]]),
        (32766, [[32765], [], [0, 32765], [507, 508, 509], [253, 507, 761]]),
        (5, [[0, 1, 2, 3, 4]] * 32),
    ]
    for n_in, ticks, density in ((20, 5, 60), (600, 4, 6), (1000, 3, 1)):
        recording = data.recording(n_in, ticks, density)
        examples.append((n_in, ref.decode(recording, n_in, ticks)))
    valid = []
    for n_in, events in examples:
        recording = ref.encode(events)
        assert ref.decode(recording, n_in, len(events)) == events
        valid.append({"n_in": n_in, "ticks": len(events), "hex": recording.hex(), "events": events})
    # Not what an encoder writes, and valid: a skip with no event behind it.
    accepted: list[Json] = [
        {"n_in": 300, "ticks": 1, "hex": "ff00", "events": [[]]},
        {"n_in": 300, "ticks": 2, "hex": "01ff0000", "events": [[0], []]},
    ]
    for item in accepted:
        assert ref.decode(bytes.fromhex(item["hex"]), item["n_in"], item["ticks"]) == item["events"]
    rejected = [
        (10, 1, "", "no tick"),
        (10, 2, "0100", "a tick is missing"),
        (10, 1, "01", "the last tick does not end"),
        (10, 1, "0000", "a tick too many"),
        (10, 1, "0001", "a byte behind the last tick"),
        (10, 1, "0b00", "input 10 of 10"),
        (10, 2, "0a010000", "input 10 of 10, in two steps"),
        (254, 1, "ff0100", "input 254 of 254"),
        (32766, 1, "ff" * 129 + "0100", "input 32766 of 32766"),
        (32766, 1, "ff" * 300 + "0100", "past 16 bits"),
    ]
    for n_in, ticks, text, _ in rejected:
        assert not ref.check(bytes.fromhex(text), n_in, ticks)
    invalid = [{"n_in": n, "ticks": t, "hex": text, "why": why} for n, t, text, why in rejected]
    return {"canonical": valid, "accepted": accepted, "invalid": invalid}


# ---- (c) loss ---------------------------------------------------------------------------------


def make_loss() -> Json:
    data = Data(3)
    big = (32 * 1025 * 127 + 2**19) << 8
    sets = [[0] * k for k in (2, 3, 10, 64)]
    sets += [[big, -big], [-big, big, 0], [big] * 64, [0, 4096], [0, -1], [7, 7, 7]]
    sets += [[0, -d] for d in (1, 4095, 4096, 4097, 65535, 65536, 65537, 131070, 131071, 131072)]
    sets += [[0] * 63 + [-d] for d in (12345, 65535)]
    for spread in (10, 1000, 8000, 30000, 140000, 2**30):
        for k in (2, 5, 10, 64):
            sets.append([data.between(-spread, spread) for _ in range(k)])
    loss = []
    for logits in sets:
        for label in sorted({0, len(logits) - 1, data.below(len(logits))}):
            value = ref.cross_entropy(logits, label)
            loss.append(
                {
                    "logits": logits,
                    "label": label,
                    "loss": value,
                    "argmax": ref.argmax(logits),
                }
            )
    ds = [0, 1, 2, 2048, 4095, 4096, 4097, 61440, 65535, 65536, 2**31, 2**32 - 1]
    ds += [data.below(70000) for _ in range(40)]
    ss = [65536, 65537, 65538, 98304, 131071, 131072, 262143, 4194303, 4194304]
    ss += [data.between(65536, 64 * 65536) for _ in range(40)]
    fitness = []
    for kind in ("xent", "accuracy"):
        for logits, label, spikes, penalty in (
            ([100, 5000, 300], 1, 0, 0),
            ([100, 5000, 300], 1, 17, 5),
            ([100, 5000, 300], 0, 17, 5),
            ([5000, 5000, 300], 1, 3, 4095),
            ([100, 5000, 300], 1, 2**17, 4095),
            ([100, 200000, 300], 0, 0, 0),
        ):
            run = ref.Run(logits=logits, spikes=spikes)
            es = EsConfig("batch", 1, fitness=kind, penalty=penalty)
            f = ref.fitness(es, run, label)
            fitness.append(
                {
                    "fitness": kind,
                    "logits": logits,
                    "label": label,
                    "spikes": spikes,
                    "penalty": penalty,
                    "F": f,
                }
            )
    return {
        "exp2": [[d, ref.exp2_neg(d)] for d in ds],
        "log2": [[s, ref.log2(s)] for s in ss],
        "loss": loss,
        "fitness": fitness,
    }


# ---- (d) LIF ----------------------------------------------------------------------------------


def make_lif() -> Json:
    data = Data(4)
    traces: list[Json] = []
    for k in range(1, 9):
        i_max = LayerConfig(1, 1, k, 0).i_max
        for number, (th, q) in enumerate(((1, 0), (i_max // 2 + 1, 2), (16383, 1), (i_max, 15))):
            layer = LayerConfig(1, th, k, q)
            for kind in ("high", "low", "random", "positive"):
                if (kind in ("high", "low")) != (number in (0, 2)):
                    continue  # keep the file small
                if kind == "high":
                    currents = [i_max] * 32
                elif kind == "low":
                    currents = [-i_max] * 20 + [i_max] * 12
                elif kind == "random":
                    currents = [data.between(-i_max, i_max) for _ in range(32)]
                else:
                    currents = [data.between(-i_max // 4, i_max) for _ in range(32)]
                spikes, v = ref.lif(layer, currents)
                traces.append(
                    {
                        "k": k,
                        "th": th,
                        "q": q,
                        "currents": currents,
                        "v": v,
                        "spikes": [int(s) for s in spikes],
                    }
                )
    assert any(any(trace["spikes"]) for trace in traces)
    return {"lif": traces}


# ---- (e) forward passes -----------------------------------------------------------------------


def net_json(net: NetConfig) -> Json:
    return {
        "n_in": net.n_in,
        "ticks": net.ticks,
        "layers": [list(layer) for layer in net.layers],
        "readout": net.readout,
        "n_out": net.n_out,
        "gain": net.gain,
    }


def layers(*rows: tuple[int, int, int, int]) -> tuple[LayerConfig, ...]:
    return tuple(LayerConfig(*row) for row in rows)


def make_forward() -> Json:
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
        for matrix in net.weights:  # a bias that is not zero
            matrix[-1] = [data.between(-20, 40) for _ in matrix[-1]]
        samples: list[Json] = []
        for sample in range(3):
            recording = data.recording(config.n_in, config.ticks, density if sample else 0)
            run = ref.forward(net, recording)
            label = data.below(config.n_out)
            samples.append(
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
        assert all(sum(sum(c) for c in s["counts"]) == s["spikes"] for s in samples)
        assert all(any(count) for count in samples[-1]["counts"]), f"{name}: a silent layer"
        out.append(
            {
                "name": name,
                "net": net_json(config),
                "weights": [net.to_bytes(m).hex() for m in range(len(net.weights))],
                "digest": f"{net.digest():08x}",
                "samples": samples,
            }
        )
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


# ---- Sections 8 and 9 by themselves -----------------------------------------------------------


def make_shaping() -> Json:
    data = Data(6)
    top = 2**31 - 2**14  # 8192 samples * 2 * (2^17 - 1)
    lists = [[0], [1], [-1], [0] * 5, [1, 0, 0, 0, 0, 0, 0, 0], [top, -top, 1, -1], [-top, 0, 0]]
    lists += [[32767, -32767, 5], [32768, -32769, 5], [-65535, 65535, 1], [100] * 7 + [-90000]]
    for limit in (3, 40, 3000, 10**6, top):
        lists.append([data.between(-limit, limit) for _ in range(40)])
    batch = []
    for D in lists:
        shaped = ref.shape_batch(D)
        batch.append({"D": D, "e": shaped.e, "f": shaped.f})
    limit = 2 * ref.LIMIT_F
    lists = [[0], [127, -127], [128, -128], [255, -255], [254, -254, 1, -1, 2, -2, 3], [256, -256]]
    lists += [[limit, -limit, 0], [2**17, -(2**17)], [2**16 - 1, 1 - 2**16, 300, -300]]
    for limit in (3, 100, 200, 3000, 50000, 2 * ref.LIMIT_F):
        lists.append([data.between(-limit, limit) for _ in range(16)])
    sample = []
    for D in lists:
        shaped = ref.shape_sample(D)
        sample.append({"D": D, "e": shaped.e, "f": shaped.f})
    steps = []
    for _ in range(30):
        G, lr = data.between(-127 * 65536, 127 * 65536), (data.below(128), data.below(31))
        steps.append([G, *lr, ref.step_from_gradient(G, lr)])
    credits = []
    for _ in range(30):
        delta, lr = data.between(-127 * 256, 127 * 256), (data.below(128), data.between(12, 30))
        e, ticks = data.below(13), data.between(1, 32)
        credits.append([delta, *lr, e, ticks, ref.credit(delta, lr, e, ticks)])
    for _ in range(30):  # rates that shift left where e > ln
        delta, lr = data.between(-300, 300), (data.below(128), data.between(4, 11))
        e, ticks = data.below(13), data.between(1, 32)
        credits.append([delta, *lr, e, ticks, ref.credit(delta, lr, e, ticks)])
    for delta in (127 * 256, -127 * 256):  # extremes
        for lr, e in (((127, 4), 12), ((127, 4), 0), ((127, 30), 0), ((127, 12), 12)):
            credits.append([delta, *lr, e, 1, ref.credit(delta, lr, e, 1)])
    return {"batch": batch, "sample": sample, "step": steps, "credit": credits}


# ---- (f) whole generations --------------------------------------------------------------------


class Case(NamedTuple):
    name: str
    net: NetConfig
    es: EsConfig
    std: tuple[int, int]
    samples: int  # in the data set
    batch: int  # samples a generation
    density: int  # of events, in 1/256
    lr: tuple[tuple[ref.Rate, ref.Rate], ...]  # one (lr_h, lr_o) a generation


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


def make_generation(number: int, case: Case) -> Json:
    data = Data(7, number)
    seed = data.below(2**32)
    config, es = case.net, case.es
    samples = [
        (data.recording(config.n_in, config.ticks, case.density), data.below(config.n_out))
        for _ in range(case.samples)
    ]
    net = ref.Net(config)
    net.init_weights(seed, *case.std)
    initial = net.digest()
    digests = [initial]
    generations = []
    for generation, (lr_h, lr_o) in enumerate(case.lr):
        indices = ref.generation_indices(seed, generation, case.samples, case.batch)
        chosen = [samples[i] for i in indices]
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
        # The case must be worth having.
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
    return {
        "name": case.name,
        "net": net_json(config),
        "es": {
            "estimator": es.estimator,
            "pairs": es.pairs,
            "rank": es.rank,
            "segments": es.segments,
            "sigma_h": es.sigma_h,
            "sigma_o": es.sigma_o,
            "fitness": es.fitness,
            "penalty": es.penalty,
        },
        "seed": seed,
        "std_hidden": case.std[0],
        "std_readout": case.std[1],
        "batch": case.batch,
        "lr": [{"h": list(lr_h), "o": list(lr_o)} for lr_h, lr_o in case.lr],
        "samples": [{"stream": stream.hex(), "label": label} for stream, label in samples],
        "initial_digest": f"{initial:08x}",
        "generations": generations,
    }


def make_generations() -> Json:
    return {"cases": [make_generation(number, case) for number, case in enumerate(CASES)]}


# ---- Files ------------------------------------------------------------------------------------


def text(content: Json) -> str:
    """JSON with one line an item, for readable differences."""
    parts = []
    for name, items in content.items():
        lines = ",\n".join(json.dumps(item, separators=(",", ":")) for item in items)
        parts.append(f"{json.dumps(name)}: [\n{lines}\n]")
    return "{\n" + ",\n".join(parts) + "\n}\n"


def make() -> dict[str, str]:
    """The text of every file, by name."""
    _reached.clear()
    ref.clamp = _noting_clamp
    try:
        files = {
            "rng.json": text(make_rng()),
            "stream.json": text(make_stream()),
            "loss.json": text(make_loss()),
            "lif.json": text(make_lif()),
            "forward.json": text(make_forward()),
            "shaping.json": text(make_shaping()),
            "generations.json": text(make_generations()),
        }
    finally:
        ref.clamp = _clamp
    assert _reached >= CLAMPS, f"clamps that no case reaches: {sorted(CLAMPS - _reached)}"
    return files


def main() -> int:
    files = make()
    if "--check" in sys.argv[1:]:
        wrong = [
            name
            for name, content in files.items()
            if not (VECTORS / name).exists() or (VECTORS / name).read_text() != content
        ]
        for name in wrong:
            print(f"{name} differs: run tools/make_vectors.py")
        return 1 if wrong else 0
    VECTORS.mkdir(exist_ok=True)
    for name, content in files.items():
        (VECTORS / name).write_text(content, newline="\n")
        print(f"{name:18} {len(content):7} bytes")
    return 0


if __name__ == "__main__":
    sys.exit(main())
