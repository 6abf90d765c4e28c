"""Write firmware/images/selftest_vectors.h from tests/vectors/generations.json.

python -m tools.generate.selftest           write it
python -m tools.generate.selftest --check   exit 1 if it differs from what it should be
"""

from __future__ import annotations

import argparse
import json
import sys
import textwrap
from typing import Any

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

Case = dict[str, Any]


def list_of(values: list[str] | list[int] | bytes) -> str:
    """A C initialiser."""
    return "{" + ", ".join(map(str, values)) + "}"


def wrapped(line: str) -> str:
    """A line of C in lines of at most 120 columns."""
    return "\n".join(textwrap.wrap(line, 120, subsequent_indent="    ", break_long_words=False))


def case_text(number: int, case: Case) -> str:
    """The arrays of one case: recordings, their order, and the digests of the generations."""
    lines = []
    for i, sample in enumerate(case["samples"]):
        stream = list_of(bytes.fromhex(sample["stream"]))
        lines.append(wrapped(f"static const uint8_t run{number}_stream{i}[] = {stream};"))
    lines.append(f"static const selftest_recording run{number}_recordings[] = {{")
    for i, sample in enumerate(case["samples"]):
        stream = f"run{number}_stream{i}"
        lines.append(f"    {{{stream}, sizeof {stream}, {sample['label']}}},")
    lines.append("};")
    for i, g in enumerate(case["generations"]):
        order = list_of(g["indices"])
        lines.append(wrapped(f"static const uint8_t run{number}_order{i}[] = {order};"))
    lines.append(f"static const selftest_generation run{number}_generations[] = {{")
    for i, (g, lr) in enumerate(zip(case["generations"], case["lr"], strict=True)):
        learning_rates = f"{list_of(lr['h'])}, {list_of(lr['o'])}"
        lines.append(f"    {{0x{g['digest']}u, {learning_rates}, run{number}_order{i}}},")
    lines.append("};")
    return "\n".join(lines)


def entry_text(number: int, name: str, case: Case) -> str:
    """The entry of one case in the table of all."""
    net, es = case["net"], case["es"]
    readout = {"integrate": "EGG_READOUT_INTEGRATE", "spikes": "EGG_READOUT_SPIKES"}
    estimator = {"batch": "EGG_ESTIMATOR_BATCH", "sample": "EGG_ESTIMATOR_SAMPLE"}[es["estimator"]]
    fitness = {"xent": "EGG_FITNESS_XENT", "accuracy": "EGG_FITNESS_ACCURACY"}[es["fitness"]]
    layers = ", ".join(list_of(layer) for layer in net["layers"])
    sizes = f"{net['n_in']}, {net['n_out']}, {net['ticks']}, {len(net['layers'])}"
    run = f"{case['std_hidden']}, {case['std_readout']}, {case['batch']}"
    return f"""    {{"{name}",
     {{{sizes}, {readout[net["readout"]]}, {net["gain"]}, {{{layers}}}}},
     {{{es["pairs"]}, {es["penalty"]}, {estimator}, {es["rank"]}, {es["segments"]}, {fitness}}},
     {{{es["sigma_h"]}, {es["sigma_o"]}}},
     {case["seed"]}u, 0x{case["initial_digest"]}u, {run}, {len(case["generations"])},
     run{number}_recordings, run{number}_generations}},"""


def header() -> str:
    """The text of the header."""
    cases = {case["name"]: case for case in json.loads(VECTORS.read_text())["cases"]}
    runs = [(name, cases[source]) for name, source in RUNS.items()]
    parts = ["/* Written by tools/generate/selftest.py; do not edit. For selftest.c only. */"]
    parts += ["/* clang-format off */", ""]
    parts += [case_text(i, case) for i, (_, case) in enumerate(runs)]
    parts += ["", "static const selftest_case selftest_cases[] = {"]
    parts += [entry_text(i, name, case) for i, (name, case) in enumerate(runs)]
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
