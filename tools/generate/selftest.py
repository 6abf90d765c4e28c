"""Write firmware/images/selftest_vectors.h: short runs, as the reference model computes them.

All runs train on the same few recordings, in the same order, because flash is short.

python -m tools.generate.selftest           write it
python -m tools.generate.selftest --check   exit 1 if it differs from what it should be
"""

from __future__ import annotations

import argparse
import sys
import textwrap
from dataclasses import dataclass

from tests import reference as ref
from tests.reference import EsConfig, NetConfig
from tools.generate.vector_data import Data, layers
from tools.lib.paths import ROOT

HEADER = ROOT / "firmware" / "images" / "selftest_vectors.h"
INPUTS, OUTPUTS, TICKS, GAIN = 20, 3, 12, 5
SEED, STD_HIDDEN, STD_READOUT = 0x5E1F7E57, 48, 40
RECORDINGS, GENERATIONS = 5, 3
ESTIMATOR_BITS = {"batch": 1, "sample": 2, "sweep": 8}
"""EGG_SESSION_ESTIMATORS of runtime_c/link/egg_session.h."""


@dataclass(frozen=True)
class Run:
    """A run of GENERATIONS generations of `batch` recordings."""

    name: str
    """What the board prints."""
    layers: tuple[ref.LayerConfig, ...]
    es: EsConfig
    batch: int
    hidden: tuple[int, int]
    readout: tuple[int, int]
    """Learning rates (m, n): m * 2^-n."""

    @property
    def net(self) -> NetConfig:
        """The net."""
        return NetConfig(INPUTS, TICKS, self.layers, "integrate", OUTPUTS, GAIN)


ONE = layers((10, 50, 1, 0))
TWO = layers((8, 80, 1, 2), (7, 45, 2, 2))
RUNS = (
    Run("batch rank 1", ONE, EsConfig("batch", 16, 1, 1, 2000, 2000), 3, (120, 2), (90, 2)),
    Run("batch rank 3", TWO, EsConfig("batch", 40, 3, 1, 1800, 1500), 2, (120, 2), (90, 2)),
    Run("online", ONE, EsConfig("sample", 32, 1, 3, 60, 1500), 1, (120, 10), (120, 10)),
    Run(
        "online two layers",
        TWO,
        EsConfig("sample", 16, 1, 5, 40, 800, penalty=12),
        1,
        (120, 10),
        (120, 10),
    ),
    Run("sweep", ONE, EsConfig("sweep", 1, 1, 3, 25, learn_above=2000), 1, (64, 8), (64, 7)),
    Run(
        "sweep two layers",
        TWO,
        EsConfig("sweep", 1, 1, 5, 40, penalty=12),
        1,
        (64, 8),
        (64, 7),
    ),
)
"""What the selftest runs."""


def recordings() -> list[tuple[bytes, int]]:
    """Stream and label of each recording."""
    data = Data(10)
    return [(data.recording(INPUTS, TICKS, 50), data.below(OUTPUTS)) for _ in range(RECORDINGS)]


def digests(run: Run) -> list[int]:
    """The digest of the initial weights, and that after each generation."""
    net = ref.Net(run.net)
    net.init_weights(SEED, STD_HIDDEN, STD_READOUT)
    train = {
        "batch": ref.generation_batch,
        "sample": ref.generation_sample,
        "sweep": ref.generation_credit,
    }[run.es.estimator]
    found, data, at = [net.digest()], recordings(), 0
    before = [[row[:] for row in matrix] for matrix in net.weights]
    for generation in range(GENERATIONS):
        chosen = [data[(at + i) % RECORDINGS] for i in range(run.batch)]
        at += run.batch
        train(net, run.es, SEED, generation, chosen, run.hidden, run.readout)
        found.append(net.digest())
    idle = 1 if run.es.learn_above else 0  # generations whose recording leaves no credit
    assert len(set(found)) == len(found) - idle, f"{run.name}: a generation changes nothing"
    for m, matrix in enumerate(net.weights):
        assert matrix != before[m], f"{run.name}: matrix {m} does not change"
    return found


def list_of(values: list[str] | list[int] | bytes | tuple[int, ...]) -> str:
    """A C initialiser."""
    return "{" + ", ".join(map(str, values)) + "}"


def wrapped(line: str) -> str:
    """A line of C in lines of at most 120 columns."""
    return "\n".join(textwrap.wrap(line, 120, subsequent_indent="    ", break_long_words=False))


def recordings_text() -> str:
    """The arrays of the recordings."""
    found = recordings()
    lines = [
        wrapped(f"static const uint8_t stream{i}[] = {list_of(stream)};")
        for i, (stream, _) in enumerate(found)
    ]
    lines.append("static const selftest_recording selftest_recordings[] = {")
    lines += [f"    {{stream{i}, {label}}}," for i, (_, label) in enumerate(found)]
    return "\n".join([*lines, "};"])


def entry_text(run: Run) -> str:
    """The entry of a run in the table of all, for images that have its estimator."""
    es, net, found = run.es, run.net, [f"0x{digest:08x}u" for digest in digests(run)]
    fitness = {"xent": "EGG_FITNESS_XENT", "accuracy": "EGG_FITNESS_ACCURACY"}[es.fitness]
    rows = ", ".join(list_of(tuple(layer)) for layer in net.layers)
    shape = "0, 0, 0, 0, 1"  # no input segments, inputs of unknown shape, no readout pool
    sizes = f"{INPUTS}, {OUTPUTS}, {TICKS}, {len(net.layers)}"
    estimator = f"EGG_ESTIMATOR_{es.estimator.upper()}"
    settings = f"{es.pairs}, {es.penalty}, {estimator}, {es.rank}, {es.segments}, {fitness}, "
    settings += f"{es.learn_above}, {es.shift}"
    return f"""#if EGG_SESSION_ESTIMATORS & {ESTIMATOR_BITS[es.estimator]}u
    {{"{run.name}",
    {{{sizes}, EGG_READOUT_INTEGRATE, {GAIN}, {{{rows}}}, {shape}}},
    {{{settings}}},
     {{{es.sigma_h}, {es.sigma_o}}}, {list_of(run.hidden)}, {list_of(run.readout)}, {run.batch},
     {list_of(found)}}},
#endif"""


def header() -> str:
    """The text of the header."""
    names = {
        "SEED": f"0x{SEED:08x}u",
        "STD_HIDDEN": f"{STD_HIDDEN}u",
        "STD_READOUT": f"{STD_READOUT}u",
        "RECORDINGS": f"{RECORDINGS}u",
    }
    parts = ["/* Written by tools/generate/selftest.py; do not edit. For selftest.c only. */"]
    parts += ["/* clang-format off */", ""]
    parts += [f"#define SELFTEST_{name} {value}" for name, value in names.items()]
    parts += ["", recordings_text(), "", "static const selftest_case selftest_cases[] = {"]
    return "\n".join([*parts, *map(entry_text, RUNS), "};", ""])


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
