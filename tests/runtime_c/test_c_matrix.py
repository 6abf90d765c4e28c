"""The C core alone, built by gcc and clang, with several optimisations and both memory layouts.

All builds must give the bits of the vectors.
"""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
CORE = ROOT / "runtime_c"
CORE_SOURCES = sorted(p for p in CORE.glob("*/egg_*.c") if p.parent.name != "host")
CASES: list[dict[str, Any]] = [
    case
    for case in json.loads((ROOT / "tests/vectors/generations.json").read_text())["cases"]
    if case["es"]["estimator"] != "full"  # the full-rank baseline is not part of the core
]
for name in ("sweep", "eprop"):
    CASES += json.loads((ROOT / f"tests/vectors/{name}.json").read_text())["cases"]
STRICT = ["-std=c99", "-Wall", "-Wextra", "-Wconversion", "-Werror", "-Wno-psabi"]
SANITIZE = ["-g", "-fsanitize=address,undefined,alignment", "-fno-sanitize-recover=all"]
HOST = ["-DEGG_ROW_ALIGN=32u", "-DEGG_SIGN_WORDS=16u"]
BUILDS = {
    **{f"{cc} {level}": [cc, level] for cc in ["gcc", "clang"] for level in ["-O0", "-Os", "-O2"]},
    **{f"{cc} -O3 host": [cc, "-O3", *HOST] for cc in ["gcc", "clang"]},
    **{f"{cc} sanitized": [cc, "-O1", *SANITIZE] for cc in ["gcc", "clang"]},
    "gcc sanitized host": ["gcc", "-O1", *SANITIZE, *HOST],
}


LEVELS = {
    "gcc": ["gcc", "-O3"],
    "clang": ["clang", "-O3"],
    "gcc sanitized": ["gcc", "-O1", *SANITIZE],
    "NEON, emulated": ["aarch64-linux-gnu-gcc", "-O3", "-static"],
}
"""Builds of the core with the host's loops, which use every vector width of the processor."""
WRAP = "-fwrapv"  # as in _build_core.py


def as_text(case: dict[str, Any]) -> str:
    """The case in the form that tests/c/driver.c reads."""
    net, es = case["net"], case["es"]
    lines: list[list[object]] = [
        [
            net["n_in"],
            net["n_out"],
            net["ticks"],
            len(net["layers"]),
            ["integrate", "spikes"].index(net["readout"]),
            net["gain"],
        ],
        *(net["layers"] or [[net["input_segments"]]]),
        [
            ["batch", "sample", "full", "sweep", "eprop"].index(es["estimator"]),
            es["pairs"],
            es["rank"],
            es["segments"],
            ["xent", "accuracy"].index(es["fitness"]),
            es["penalty"],
            es.get("learn_above", 0),
            es["sigma_h"],
            es["sigma_o"],
        ],
        [case["seed"], case["std_hidden"], case["std_readout"]],
        [len(case["samples"])],
        *([s["label"], len(s["stream"]) // 2, s["stream"]] for s in case["samples"]),
        [len(case["generations"])],
    ]
    for lr, generation in zip(case["lr"], case["generations"], strict=True):
        indices = generation["indices"]
        lines.append([*lr["h"], *lr["o"], len(indices), *indices])
    return "\n".join(" ".join(map(str, line)) for line in lines)


def expected(case: dict[str, Any]) -> list[str]:
    """What the driver prints for a case."""
    lines = [f"start {case['initial_digest']}"]
    for g in case["generations"]:
        runs = [f"loss {loss} {ok}" for loss, ok in zip(g["loss"], g["correct"], strict=True)]
        if case["es"]["estimator"] == "batch":
            runs.append("f " + " ".join(map(str, g["f"])))
        elif case["es"]["estimator"] == "sample":
            runs = [
                f"{run} e {e} f {' '.join(map(str, f))}"
                for run, e, f in zip(runs, g["e"], g["f"], strict=True)
            ]
        lines.append(f"generation {' '.join(runs)} digest {g['digest']}")
    return lines


@pytest.fixture(scope="module", params=BUILDS)
def programs(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    cc, *flags = BUILDS[request.param]
    if shutil.which(cc) is None:
        pytest.fail(f"{cc} is not installed: tools/test installs it")
    folder = tmp_path_factory.mktemp("build")
    compile_core = [cc, *STRICT, *flags, f"-I{CORE}", "-c", *map(str, CORE_SOURCES)]
    subprocess.run(compile_core, check=True, cwd=folder)
    objects = sorted(map(str, folder.glob("egg_*.o")))
    for program in ["driver", "unit"]:
        source = str(ROOT / f"tests/c/{program}.c")
        link = [cc, *STRICT, *flags, f"-I{CORE}", source, *objects, "-o", program]
        subprocess.run(link, check=True, cwd=folder)
    return folder


def test_unit(programs: Path) -> None:
    done = subprocess.run([programs / "unit"], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.endswith(", 0 failed\n")


def test_vectors(programs: Path) -> None:
    for case in CASES:
        done = subprocess.run(
            [programs / "driver"], input=as_text(case), capture_output=True, text=True
        )
        assert done.returncode == 0, f"{case['name']}: {done.stderr}"
        assert done.stdout.splitlines() == expected(case), case["name"]


def test_all_vector_widths_give_the_same_bits(tmp_path: Path) -> None:
    """Each build compares its widths with the code of devices, and all builds agree."""
    sources = [ROOT / "tests/c/levels.c", *CORE.glob("*/egg_*.c")]
    digests = set()
    for name, (cc, *flags) in LEVELS.items():
        if shutil.which(cc) is None:
            pytest.fail(f"{cc} is not installed: tools/test installs it")
        program = tmp_path / f"levels-{cc}"
        subprocess.run(
            [cc, *STRICT, *flags, *HOST, WRAP, f"-I{CORE}", *map(str, sources), "-o", str(program)],
            check=True,
        )
        emulator = ["qemu-aarch64"] if cc.startswith("aarch64") else []
        done = subprocess.run([*emulator, str(program)], capture_output=True, text=True)
        assert done.returncode == 0, f"{name}: {done.stdout}{done.stderr}"
        *found, verdict = done.stdout.splitlines()
        assert not verdict.startswith("0 vector widths"), name
        digests.add(tuple(found))
    assert len(digests) == 1


def test_core_is_free_of_libc_and_floats(tmp_path: Path) -> None:
    """The object files of the core call nothing outside it and use no floating point."""
    objects = []
    for source in CORE_SOURCES:
        text = source.read_text()
        assert "float" not in text, f"{source.name} names a floating-point type"
        assert "double" not in text, f"{source.name} names a floating-point type"
        objects.append(tmp_path / f"{source.stem}.o")
        flags = ["-O2", "-ffreestanding", "-fno-builtin", f"-I{CORE}"]
        subprocess.run(["gcc", *flags, "-c", str(source), "-o", str(objects[-1])], check=True)
    names = subprocess.run(
        ["nm", *map(str, objects)], capture_output=True, text=True, check=True
    ).stdout.splitlines()
    defined = {line.split()[-1] for line in names if " T " in line}
    undefined = {line.split()[-1] for line in names if " U " in line}
    # Compilers may turn loops into these three, which every freestanding target has.
    assert undefined - defined <= {"memset", "memcpy", "memmove"}
