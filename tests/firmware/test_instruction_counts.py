"""Counted instructions: they repeat, belong to the right work, and meet the goals of speed.

The model of `eggroll-edge plan` predicts them for nets to which it was not fitted.
"""

from __future__ import annotations

import socket
import subprocess
import time
import zlib
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from eggroll_edge.bench import cost_fit, mcu_counter
from eggroll_edge.bench import mcu as bench_mcu
from eggroll_edge.bench.cost_fit import load_of
from eggroll_edge.bench.mcu_counter import TARGETS, Counted, Target, count
from eggroll_edge.bench.mcu_work import Work, make_work, run_on_host
from eggroll_edge.boards.emulator import emulator
from eggroll_edge.boards.table import BoardError, find_board
from eggroll_edge.core.config import LEARN_ABOVE_MAX, EsConfig, LifConfig, NetConfig
from eggroll_edge.planning.instructions import cost
from eggroll_edge.planning.load import measured_load, typical_load
from eggroll_edge.training.config import TrainConfig
from eggroll_edge.training.replay import replay
from eggroll_edge.training.run import train
from eggroll_edge.training.run_dir import load_config
from tests.helpers.tiny_dataset import dataset
from tools.results.stretches import stretch

TARGET = {target.name: target for target in TARGETS}
BATCH = NetConfig(200, 10, 12, (LifConfig(40, 900),))
ONLINE = NetConfig(330, 5, 15, (LifConfig(56, 2000),))
LINEAR = NetConfig(330, 10, 15, (), gain=5, input_segments=3)
SMALL = NetConfig(200, 10, 12, (LifConfig(40, 2000),))
FRESH = [
    make_work("fresh_batch", BATCH, EsConfig("batch", 24), 2, std=50, seed=101),
    make_work("fresh_batch_rank2", ONLINE, EsConfig("batch", 32, 2), 2, std=64, seed=102),
    make_work("fresh_online", ONLINE, EsConfig("sample", 32, segments=5), 2, std=60, seed=103),
    make_work("fresh_sweep", ONLINE, EsConfig("sweep", 1, segments=4), 2, std=60, seed=105),
    make_work("fresh_sweep_small", SMALL, EsConfig("sweep", 1), 2, std=40, seed=106),
    make_work("fresh_online_small", SMALL, EsConfig("sample", 16, segments=3), 2, std=64, seed=104),
    make_work("fresh_sweep", SMALL, EsConfig("sweep", 1, segments=4), 2, std=50, seed=105),
    make_work("fresh_sweep_large", ONLINE, EsConfig("sweep", 1, segments=5), 2, std=64, seed=106),
    make_work(
        "fresh_sweep_below",
        replace(ONLINE, gain=0),
        EsConfig("sweep", 1, segments=5, learn_above=LEARN_ABOVE_MAX),
        2,
        std=64,
        seed=107,
    ),
    make_work("fresh_eprop", ONLINE, EsConfig("eprop", 1, segments=15), 2, std=60, seed=108),
    make_work("fresh_eprop_small", SMALL, EsConfig("eprop", 1, segments=12), 2, std=40, seed=109),
    make_work("fresh_linear", LINEAR, EsConfig("sweep", 1), 2, seed=110),
    make_work(
        "fresh_sweep_sums", SMALL, EsConfig("sweep", 1, segments=4), 4, std=50, seed=111,
        mini_batch=True,
    ),
    make_work("fresh_linear_sums", LINEAR, EsConfig("sweep", 1), 3, seed=112, mini_batch=True),
]  # fmt: skip
"""Work to which the model was not fitted."""


@pytest.mark.parametrize("name", ["cortex-m0", "stm32f405", "riscv-virt"])
def test_the_model_predicts_fresh_counts(name: str) -> None:
    """Within 10 %: the instructions of the evaluation, and of the whole generation."""
    target = TARGET[name]
    for work, counted in zip(FRESH, count(target, FRESH), strict=True):
        found = cost(target.core, load_of(work, counted))
        assert found.generation == pytest.approx(counted.generation, rel=0.1), work.name
        assert found.evaluation == pytest.approx(counted.evaluation, rel=0.1), work.name
        if work.es.estimator != "batch":  # online, every recording is a generation
            assert found.members == work.members
            assert len(counted.parts) == len(work.recordings)


def test_fresh_works_are_not_in_the_fit() -> None:
    fitted = {(w.net, w.es) for w in cost_fit.fit_works()}
    assert not fitted & {(w.net, w.es) for w in FRESH}


def works_by_name(recordings: int) -> dict[str, Work]:
    return {work.name: work for work in bench_mcu.works(recordings)}


@pytest.fixture(scope="module")
def counts() -> dict[str, dict[str, Counted]]:
    works = bench_mcu.works(3)
    return {
        name: dict(zip((w.name for w in works), count(TARGET[name], works), strict=True))
        for name in ("cortex-m0", "stm32f405")
    }


@pytest.mark.parametrize(("name", "goal"), [("cortex-m0", 12_000), ("stm32f405", 6_100)])
def test_instructions_a_member_evaluation(
    name: str, goal: int, counts: dict[str, dict[str, Counted]]
) -> None:
    """Counts are exact, so this test does not depend on time: it fails if the core gets slower."""
    for kind in ("batch", "online"):
        assert counts[name][kind].evaluation / works_by_name(3)[kind].members <= goal, kind


@pytest.mark.parametrize("name", ["cortex-m0", "stm32f405"])
def test_a_recording_below_learn_above_takes_one_inference(
    name: str, counts: dict[str, dict[str, Counted]]
) -> None:
    below, learned = counts[name]["sweep-below"], counts[name]["sweep"]
    assert below.live == 0
    assert below.digest == zlib.crc32(works_by_name(3)["sweep-below"].weights.tobytes())
    assert below.evaluation < 0.75 * learned.evaluation
    assert below.update < 100 * 3  # calls that return at once


@pytest.mark.parametrize("name", ["cortex-m0", "stm32f405"])
def test_ten_times_fewer_than_full_rank(name: str, counts: dict[str, dict[str, Counted]]) -> None:
    assert counts[name]["full"].generation >= 10 * counts[name]["batch"].generation


def test_counts_repeat() -> None:
    works = FRESH[:1]
    assert count(TARGET["stm32f405"], works) == count(TARGET["stm32f405"], works)


def test_qemu_and_rp2040js_count_alike() -> None:
    """The Pico's M0+ executes what a Cortex-M0 does, and another emulator counts."""
    work = FRESH[:1]
    pico, m0 = count(TARGET["pico"], work)[0], count(TARGET["cortex-m0"], work)[0]
    assert pico.evaluation == pytest.approx(m0.evaluation, rel=0.01)
    assert pico.digest == m0.digest


def test_work_that_is_not_the_hosts_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mcu_counter, "expected_digest", lambda work: 1)
    with pytest.raises(BoardError, match="is not fresh_batch as the host computes it"):
        count(TARGET["stm32f405"], FRESH[:1])


def test_a_net_that_does_not_fit_faults() -> None:
    large = make_work(
        "large", NetConfig(2312, 10, 15, (LifConfig(64, 900),)), EsConfig("batch", 8), 1
    )
    with pytest.raises(BoardError, match="FAULT"):
        count(Target("x", "Cortex-M4", "stm32f405"), [large])


def test_the_counter_counts_exactly(tmp_path: Path) -> None:
    """A program with a known number of instructions between the two marks."""
    source = tmp_path / "known.S"
    source.write_text(
        ".syntax unified\n.cpu cortex-m0\n.thumb\n.global reset\n"
        ".word 0x20001000\n.word reset + 1\n"
        ".thumb_func\nreset: movs r0, #7\n.thumb_func\nbench_begin: nop\n"
        "1: subs r0, #1\nbne 1b\nnop\n.thumb_func\nbench_end: nop\n2: b 2b\n"
    )
    elf = tmp_path / "known.elf"
    flags = ["-mcpu=cortex-m0", "-mthumb", "-nostdlib", "-Wl,-Ttext=0", "-Wl,-e,reset"]
    subprocess.run(["arm-none-eabi-gcc", *flags, str(source), "-o", str(elf)], check=True)
    out = tmp_path / "counts"
    assert find_board("mps2-an386").arch == "arm"
    options = mcu_counter.counting_options("mps2-an386", elf, tmp_path, out)
    with emulator("mps2-an386", elf, options=options) as running:
        host, port = running.url.removeprefix("socket://").split(":")
        with socket.create_connection((host, int(port))):
            for _ in range(200):
                if out.exists() and out.read_text().endswith("\n"):
                    break
                time.sleep(0.05)
    assert out.read_text().split() == [str(1 + 7 * 2 + 1)]


def test_a_typical_load_is_like_a_random_one() -> None:
    """The guess of `plan` for active rows and spans, if events are spread over all inputs."""
    work = FRESH[2]
    real = load_of(work, Counted(1, 1, 0.5, 0))
    guess = typical_load(work.net, work.es, 2, work.events, 0.5)
    assert guess.rows == pytest.approx(real.rows, rel=0.05)
    assert guess.spans == pytest.approx(real.spans, rel=0.05)
    assert replace(guess, rows=real.rows, spans=real.spans, moved=real.moved) == real


def test_a_measured_load_has_the_events_of_the_dataset() -> None:
    """Each recording of `work` is in the dataset, and nothing else."""
    data = dataset(6, 3)
    net = NetConfig(data.n_in, data.n_classes, data.ticks, (LifConfig(16, 900),))
    recordings = tuple((data[i].tobytes(), int(data.labels[i])) for i in range(len(data)))
    for es in (EsConfig("sweep", 1, segments=3), EsConfig("batch", 8)):
        work = replace(make_work("x", net, es, 1), recordings=recordings)
        real = load_of(work, Counted(1, 1, 0.5, 0))
        found = measured_load(net, es, len(data), data, 0.25)
        assert (found.events, found.spans) == pytest.approx((real.events, real.spans))
        assert found.rows == pytest.approx(real.rows)
        assert found.learned == 0.25
    flat = replace(net, layers=(), input_segments=2)
    found = measured_load(flat, EsConfig("sweep", 1), 1, data)
    assert found.rows == found.spans <= found.events


def test_a_stretch_is_a_part_of_the_session(tmp_path: Path) -> None:
    """The host's form of a counted stretch ends with the weights of the training run."""
    data = dataset(40, 3)
    config = TrainConfig(
        hidden=(16,), online=True, estimator="sweep", generations=600, ticks=data.ticks
    )
    train(config, tmp_path / "run", data=data, test_data=data, workers=1)
    work = stretch(load_config(tmp_path / "run"), tmp_path / "run", data, 250, 250)
    assert len(work.recordings) == 250
    after = replay(tmp_path / "run", until=500, data_override=data)
    assert f"{run_on_host(work).digest:08x}" == after.weights_digest


def test_header_has_every_weight_and_byte() -> None:
    text = mcu_counter.header(FRESH[:1])
    weights = text[text.index("weights_0[] = {") + 15 : text.index("};")]
    assert np.array_equal(np.array(weights.split(","), int), FRESH[0].weights)
