"""Test vectors of single steps of the arithmetic: random numbers, streams, loss, LIF, shaping."""

from __future__ import annotations

from tests import reference as ref
from tests.reference import EsConfig, LayerConfig
from tools.generate.vector_data import Data, Json


def make_rng() -> Json:
    """rng.json: mix, keys, words, signs, rounding, and the order of recordings."""
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


def make_stream() -> Json:
    """stream.json: recordings as bytes, valid and invalid."""
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
    # Valid, although no encoder writes it: a skip with no event behind it.
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


def make_loss() -> Json:
    """loss.json: exp2, log2, cross-entropy and fitness."""
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


def make_lif() -> Json:
    """lif.json: the membrane of one neuron."""
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


def make_shaping() -> Json:
    """shaping.json: fitness bytes of differences, and steps of weights."""
    data = Data(6)
    top = 2**31 - 2**14  # 8192 recordings * 2 * (2^17 - 1)
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
    for _ in range(30):  # learning rates that shift left, where e > ln
        delta, lr = data.between(-300, 300), (data.below(128), data.between(4, 11))
        e, ticks = data.below(13), data.between(1, 32)
        credits.append([delta, *lr, e, ticks, ref.credit(delta, lr, e, ticks)])
    for delta in (127 * 256, -127 * 256):  # extremes
        for lr, e in (((127, 4), 12), ((127, 4), 0), ((127, 30), 0), ((127, 12), 12)):
            credits.append([delta, *lr, e, 1, ref.credit(delta, lr, e, 1)])
    return {"batch": batch, "sample": sample, "step": steps, "credit": credits}
