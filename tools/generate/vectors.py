"""Write tests/vectors/*.json from the reference model (tests/reference).

    python -m tools.generate.vectors           write the files
    python -m tools.generate.vectors --check   exit 1 if a file differs from what it should be

The files depend on the reference model alone, so every machine makes the same bytes. Their format
is described in tests/vectors/README.md. The cases must be worth having: this program also asserts
that weights change, that neurons spike, and that some case reaches every clamp of the arithmetic.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import sys
from collections.abc import Iterator

from tests import reference
from tools.generate.vector_convolution import make_convolution
from tools.generate.vector_data import Json
from tools.generate.vector_networks import make_forward, make_generations
from tools.generate.vector_parts import make_lif, make_loss, make_rng, make_shaping, make_stream
from tools.generate.vector_shift import make_shift
from tools.generate.vector_sweep import make_eprop, make_sweep
from tools.lib.paths import ROOT

VECTORS = ROOT / "tests" / "vectors"

CLAMPS = {
    "Net.init_weights",
    "base_currents",
    "fitness",
    "BatchMember.currents",
    "BatchMember.readout",
    "FullMember.currents",  # FullMember.readout would need some thousands of neurons
    "shape_batch",
    "shape_sample",
    "apply",
    "step_from_gradient",
    "credit",
    "_apply_sums",
    "last_sensitivity",  # deeper_sensitivity would need some hundreds of neurons
    "per_current",
    "sweep_credit",  # _readout would need a thousand inputs or neurons with equal weights
    "event_gradient",
    "readout_gradient",
}
"""Functions of the reference model whose clamp() must change a value in some case."""


def make() -> dict[str, str]:
    """The text of every file, by its name."""
    with reached_clamps() as reached:
        files = {
            "rng.json": text(make_rng()),
            "stream.json": text(make_stream()),
            "loss.json": text(make_loss()),
            "lif.json": text(make_lif()),
            "forward.json": text(make_forward()),
            "shaping.json": text(make_shaping()),
            "generations.json": text(make_generations()),
            "sweep.json": text(make_sweep()),
            "eprop.json": text(make_eprop()),
            "convolution.json": text(make_convolution()),
            "shift.json": text(make_shift()),
        }
    assert reached >= CLAMPS, f"clamps that no case reaches: {sorted(CLAMPS - reached)}"
    return files


def text(content: Json) -> str:
    """JSON with one line an item, for readable differences."""
    parts = []
    for name, items in content.items():
        lines = ",\n".join(json.dumps(item, separators=(",", ":")) for item in items)
        parts.append(f"{json.dumps(name)}: [\n{lines}\n]")
    return "{\n" + ",\n".join(parts) + "\n}\n"


@contextlib.contextmanager
def reached_clamps() -> Iterator[set[str]]:
    """The functions of the reference model in which clamp() has changed a value so far."""
    reached: set[str] = set()
    clamp = reference.clamp

    def noting_clamp(x: int, limit: int) -> int:
        if abs(x) > limit:
            frame = sys._getframe(1)
            while frame.f_code.co_name.startswith("<") and frame.f_back:  # a comprehension
                frame = frame.f_back
            caller = frame.f_locals.get("self")
            prefix = f"{type(caller).__name__}." if caller is not None else ""
            reached.add(prefix + frame.f_code.co_name)
        return clamp(x, limit)

    users = [
        module
        for name, module in list(sys.modules.items())
        if name.startswith(f"{reference.__name__}.") and hasattr(module, "clamp")
    ]
    for module in users:
        module.__dict__["clamp"] = noting_clamp
    try:
        yield reached
    finally:
        for module in users:
            module.__dict__["clamp"] = clamp


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--check", action="store_true", help="write nothing, compare")
    check = parser.parse_args().check
    wrong = False
    for name, content in make().items():
        file = VECTORS / name
        if not check:
            file.write_text(content, newline="\n")
            print(f"{name:18} {len(content):7} bytes")
        elif not file.exists() or file.read_text() != content:
            wrong = True
            print(f"{name} differs: run python -m tools.generate.vectors")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
