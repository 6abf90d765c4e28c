"""Write firmware/images/selftest_vectors.h from tests/vectors/generations.json and the reference.

python -m tools.generate.selftest           write it
python -m tools.generate.selftest --check   exit 1 if it differs from what it should be
"""

from __future__ import annotations

import argparse
import json
import sys
import textwrap
from typing import Any

from tests import reference as ref
from tools.lib.paths import ROOT

VECTORS = ROOT / "tests" / "vectors" / "generations.json"
HEADER = ROOT / "firmware" / "images" / "selftest_vectors.h"

RUNS = {
    "batch rank 1": "batch, 16 pairs",
    "batch rank 3": "batch, 40 pairs, rank 3, two layers, refractory 2",
    "online": "online, 32 pairs, 3 segments",
    "online two layers": "online, 16 pairs, 5 segments, two layers, refractory 2, penalty",
}
"""What the selftest runs: its name on the board, and the case of the vectors."""

SWEEP, SWEEP_AS = "sweep two layers", "online two layers"
"""A run of `sweep`, and the run whose net and recordings it takes, because flash is short."""

Case = dict[str, Any]


def runs() -> dict[str, Case]:
    """All runs by their names: net, estimator, recordings, and the digest after each generation."""
    cases = {case["name"]: case for case in json.loads(VECTORS.read_text())["cases"]}
    found = {name: cases[source] for name, source in RUNS.items()}
    return {**found, SWEEP: sweep_case(found[SWEEP_AS])}


def sweep_case(case: Case) -> Case:
    """The case with the estimator `sweep`, as the reference model computes it."""
    config = ref.NetConfig(
        case["net"]["n_in"], case["net"]["ticks"],
        tuple(ref.LayerConfig(*layer) for layer in case["net"]["layers"]),
        case["net"]["readout"], case["net"]["n_out"], case["net"]["gain"],
    )  # fmt: skip
    es = {**case["es"], "estimator": "sweep", "pairs": 1, "sigma_h": 40}
    net = ref.Net(config)
    net.init_weights(case["seed"], case["std_hidden"], case["std_readout"])
    samples = [(bytes.fromhex(x["stream"]), x["label"]) for x in case["samples"]]
    rates, generations = {"h": (64, 12), "o": (64, 7)}, []
    answers = [False for _ in config.layers]
    for i, g in enumerate(case["generations"]):
        chosen = [samples[k] for k in g["indices"]]
        result = ref.generation_sweep(
            net, ref.EsConfig(**es), case["seed"], i, chosen, *rates.values()
        )
        for m, delta in enumerate(result.found[0].delta):
            answers[m] |= any(any(row) for row in delta)
        generations.append({"indices": g["indices"], "digest": f"{net.digest():08x}"})
    assert all(answers), "a layer without a response"
    return {**case, "es": es, "lr": [rates] * len(generations), "generations": generations}


def list_of(values: list[str] | list[int] | bytes) -> str:
    """A C initialiser."""
    return "{" + ", ".join(map(str, values)) + "}"


def wrapped(line: str) -> str:
    """A line of C in lines of at most 120 columns."""
    return "\n".join(textwrap.wrap(line, 120, subsequent_indent="    ", break_long_words=False))


def recordings_text(number: int, case: Case) -> str:
    """The arrays of the recordings of a run."""
    lines = []
    for i, sample in enumerate(case["samples"]):
        stream = list_of(bytes.fromhex(sample["stream"]))
        lines.append(wrapped(f"static const uint8_t run{number}_stream{i}[] = {stream};"))
    lines.append(f"static const selftest_recording run{number}_recordings[] = {{")
    for i, sample in enumerate(case["samples"]):
        stream = f"run{number}_stream{i}"
        lines.append(f"    {{{stream}, sizeof {stream}, {sample['label']}}},")
    lines.append("};")
    return "\n".join(lines)


def generations_text(number: int, case: Case) -> str:
    """The arrays of the generations of a run: the order of the recordings, and the digests."""
    lines = []
    for i, g in enumerate(case["generations"]):
        order = list_of(g["indices"])
        lines.append(wrapped(f"static const uint8_t run{number}_order{i}[] = {order};"))
    lines.append(f"static const selftest_generation run{number}_generations[] = {{")
    for i, (g, lr) in enumerate(zip(case["generations"], case["lr"], strict=True)):
        learning_rates = f"{list_of(lr['h'])}, {list_of(lr['o'])}"
        lines.append(f"    {{0x{g['digest']}u, {learning_rates}, run{number}_order{i}}},")
    lines.append("};")
    return "\n".join(lines)


def entry_text(number: int, recordings: int, name: str, case: Case) -> str:
    """The entry of one run in the table of all; `recordings` is the run whose recordings it has."""
    net, es = case["net"], case["es"]
    readout = {"integrate": "EGG_READOUT_INTEGRATE", "spikes": "EGG_READOUT_SPIKES"}
    fitness = {"xent": "EGG_FITNESS_XENT", "accuracy": "EGG_FITNESS_ACCURACY"}[es["fitness"]]
    layers = ", ".join(list_of(layer) for layer in net["layers"])
    sizes = f"{net['n_in']}, {net['n_out']}, {net['ticks']}, {len(net['layers'])}"
    run = f"{case['std_hidden']}, {case['std_readout']}, {case['batch']}"
    estimator = f"EGG_ESTIMATOR_{es['estimator'].upper()}"
    return f"""    {{"{name}",
     {{{sizes}, {readout[net["readout"]]}, {net["gain"]}, {{{layers}}}}},
     {{{es["pairs"]}, {es["penalty"]}, {estimator}, {es["rank"]}, {es["segments"]}, {fitness}}},
     {{{es["sigma_h"]}, {es["sigma_o"]}}},
     {case["seed"]}u, 0x{case["initial_digest"]}u, {run}, {len(case["generations"])},
     run{recordings}_recordings, run{number}_generations}},"""


def only_with(estimators: set[str], text: str) -> str:
    """Text that is left out of an image that has none of these estimators."""
    bits = sum({"batch": 1, "sample": 2, "sweep": 8}[name] for name in estimators)
    return f"#if EGG_SESSION_ESTIMATORS & {bits}u\n{text}\n#endif"


def header() -> str:
    """The text of the header."""
    all_runs = list(runs().items())
    of = [
        i if name != SWEEP else list(RUNS).index(SWEEP_AS) for i, (name, _) in enumerate(all_runs)
    ]
    estimators = [case["es"]["estimator"] for _, case in all_runs]
    parts = ["/* Written by tools/generate/selftest.py; do not edit. For selftest.c only. */"]
    parts += ["/* clang-format off */", ""]
    for i in sorted(set(of)):
        users = {estimators[user] for user in range(len(of)) if of[user] == i}
        parts.append(only_with(users, recordings_text(i, all_runs[i][1])))
    for i, (_, case) in enumerate(all_runs):
        parts.append(only_with({estimators[i]}, generations_text(i, case)))
    parts += ["", "static const selftest_case selftest_cases[] = {"]
    for i, (name, case) in enumerate(all_runs):
        parts.append(only_with({estimators[i]}, entry_text(i, of[i], name, case)))
    return "\n".join([*parts, "};", ""])


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--check", action="store_true", help="write nothing, compare")
    text = header()
    if not parser.parse_args().check:
        HEADER.write_text(text)
    elif not HEADER.exists() or HEADER.read_text() != text:
        print(f"{HEADER} is out of date: run python -m tools.generate.selftest", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
