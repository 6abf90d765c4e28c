"""The core alone, as microcontrollers and as hosts build it, on random nets and recordings.

Both builds must print the same losses and digests. A microcontroller takes other paths than a host:
it packs two membranes or two columns into a word, and visits only the neurons that have credit. It
falls back to plain loops for odd thresholds, refractory times, large currents and deeper layers.
"""

from __future__ import annotations

import random
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.runtime_c.test_c_matrix import CORE, CORE_SOURCES, HOST, ROOT, SANITIZE, STRICT

CASES = 60
"""Random cases for each seed."""
BATCH, SAMPLE, SWEEP, EPROP = 0, 1, 3, 4


def stream(rng: random.Random, ticks: int, inputs: int) -> str:
    """A random recording in hexadecimal digits; in some every input has an event in every tick."""
    rate = rng.choice([0.0, 0.01, 0.1, 0.3, 1.0])
    out = bytearray()
    for _ in range(ticks):
        gap = 0
        for _ in range(inputs):
            gap += 1
            if rng.random() < rate:
                out += bytes([255] * ((gap - 1) // 254) + [(gap - 1) % 254 + 1])
                gap = 0
        out.append(0)
    return out.hex()


def random_case(rng: random.Random) -> str:
    """A net, an estimator, recordings and generations, as tests/c/driver.c reads them."""
    ticks, inputs = rng.randint(1, 32), rng.choice([1, 7, 30, 130, 300])
    sizes = [rng.choice([1, 2, 7, 16, 33, 64]) for _ in range(rng.choice([1, 1, 1, 2, 3, 4]))]
    outputs, readout = rng.choice([2, 3, 10]), int(rng.random() < 0.2)
    if readout:
        sizes[-1] = outputs
    leak, refractory = rng.choice([1, 1, 1, 2, 8]), rng.choice([0, 0, 0, 3])
    thresholds = [rng.choice([1, 50, 301, 600, 2000, 16383]) for _ in sizes]
    estimator = rng.choice([SWEEP, SWEEP, SWEEP, SAMPLE, BATCH, EPROP])
    segments = ticks if estimator == EPROP else min(ticks, rng.choice([1, 2, 3, 5, 7, 8]))
    linear = estimator == SWEEP and not readout and rng.random() < 0.2
    most = ((32767 >> leak) - 1) // 4
    sigma = min(most, rng.choice([0, 1, 100, 400, thresholds[0], most]))
    layers: list[list[object]] = [
        [n, th, leak, refractory] for n, th in zip(sizes, thresholds, strict=True) if not linear
    ]
    lines: list[list[object]] = [
        [inputs, outputs, ticks, len(layers), readout, rng.randint(0, 8)],
        *(layers or [[min(ticks, rng.randint(1, 8))]]),
        [estimator, rng.choice([1, 33]), 1, segments,
         int(rng.random() < 0.2), rng.choice([0, 6, 4095]), rng.choice([0, 0, 8000]),
         sigma, rng.choice([0, 3000])],
        [rng.getrandbits(32), rng.choice([5, 30, 64]), rng.choice([10, 64])],
        [3],
    ]  # fmt: skip
    for _ in range(3):
        recording = stream(rng, ticks, inputs)
        lines.append([rng.randrange(outputs), len(recording) // 2, recording])
    lines.append([4])
    least = 4 if estimator == SAMPLE else 0
    for recordings in (1, 1, 3, 1):
        rate = [rng.choice([1, 100, 127]), rng.choice([least, 6, 8, 13])]
        indices = [rng.randrange(3) for _ in range(recordings)]
        lines.append([*rate, *rate, recordings, *indices])
    return "\n".join(" ".join(map(str, line)) for line in lines)


@pytest.fixture(scope="module")
def drivers(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """The driver as a microcontroller would build it, with sanitizers, and as hosts build it."""
    if shutil.which("gcc") is None:
        pytest.fail("gcc is not installed: tools/test installs it")
    built = []
    for name, flags in (("small", ["-O1", *SANITIZE]), ("host", ["-O2", *HOST])):
        program = tmp_path_factory.mktemp(name) / "driver"
        sources = [str(ROOT / "tests/c/driver.c"), *map(str, CORE_SOURCES)]
        command = ["gcc", *STRICT, *flags, f"-I{CORE}", *sources, "-o", str(program)]
        subprocess.run(command, check=True)
        built.append(program)
    return built


@pytest.mark.parametrize("seed", range(4))
def test_microcontrollers_and_hosts_agree(drivers: list[Path], seed: int) -> None:
    rng = random.Random(seed)
    changed = 0
    for i in range(CASES):
        case = random_case(rng)
        small, host = (
            subprocess.run([driver], input=case, capture_output=True, text=True, check=True).stdout
            for driver in drivers
        )
        assert small == host, f"seed {seed}, case {i}:\n{case[:400]}"
        digests = [line.split()[-1] for line in small.splitlines()]
        changed += digests[0] != digests[-1]
    assert changed > CASES // 2  # most cases change weights
