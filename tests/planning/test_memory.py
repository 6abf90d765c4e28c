"""Memory on a microcontroller, before anything is flashed."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from eggroll_edge.boards.table import BOARDS
from eggroll_edge.core.config import EsConfig, EstimatorName, LifConfig, NetConfig
from eggroll_edge.errors import ConfigError, DeviceError
from eggroll_edge.link.messages import DeviceConfig
from eggroll_edge.link.session import Session
from eggroll_edge.planning.memory import CODE_RESERVE, Plan, plan_of
from eggroll_edge.training.presets import load_preset, merge
from tests.helpers.link import ROOT, Program, build


def net(inputs: int, *hidden: int, outputs: int = 10, ticks: int = 15) -> NetConfig:
    return NetConfig(inputs, outputs, ticks, tuple(LifConfig(size) for size in hidden))


@pytest.mark.parametrize("estimator", ["batch", "sample", "sweep"])
def test_training_extra_of_the_small_net(estimator: EstimatorName) -> None:
    """The criterion: 578-64-10 at 32 pairs trains in 4 KiB more than it runs in."""
    plan = plan_of(net(578, 64), EsConfig(estimator, 32, segments=5), online=estimator != "batch")
    assert plan.weights == 579 * 64 + 65 * 10
    assert 0 < plan.training_extra <= 4096
    assert plan.ram_training == plan.weights + plan.inference + plan.training_extra + 4096


MODES = {
    "online": (EsConfig("sample", 16, 1, 5), True),
    "mini-batch": (EsConfig("sample", 16, 1, 5), False),
    "sweep online": (EsConfig("sweep", 1, 1, 5), True),
    "sweep in mini-batches": (EsConfig("sweep", 1, 1, 3), False),
    "batch": (EsConfig("batch", 32), False),
    "batch of rank 3": (EsConfig("batch", 40, 3), False),
    "sweep with a shift": (EsConfig("sweep", 1, 1, 3, shift=2), True),
}


def test_plan_is_what_a_board_asks_for(tmp_path: Path) -> None:
    """To the byte: CONFIG's answer of the session as firmware builds it (its arena is 8 KiB)."""
    with Session(lambda: Program(build("gcc", "link", tmp_path))) as session:
        shapes = net(578, 32), net(300, 40, 24, ticks=10)
        pixels = (2, 17, 17), (1, 15, 20)
        for shape in map(lambda n, p: replace(n, input_shape=p), shapes, pixels):
            for es, online in MODES.values():
                plan = plan_of(shape, es, 2000, online=online)
                with pytest.raises(DeviceError, match=f"the net needs {plan.ram_training} bytes"):
                    session.configure(DeviceConfig(shape, es, online, stream_max=2000))
            with pytest.raises(DeviceError, match=f"the net needs {plan.ram_inference} bytes"):
                session.configure(DeviceConfig(shape, stream_max=2000))


def test_mini_batches_are_summed_up_in_four_bytes_a_weight() -> None:
    online, summed = (plan_of(net(578, 64), MODES["online"][0], online=x) for x in (True, False))
    assert summed.training_extra == online.training_extra + 4 * online.weights
    assert online.fits(BOARDS["stm32f405"])
    assert not summed.fits(BOARDS["stm32f405"])


def preset_plan(name: str) -> Plan:
    config = merge(load_preset(name), {})
    shape = config.net_config(config.binning().n_in, 10)
    return plan_of(shape, config.es_config(), online=config.online)


BESIDE_INFERENCE = {
    "preset `pico`, `stm32f4` (online)": preset_plan("pico"),
    "preset `microbit` (online)": preset_plan("microbit"),
    "578-64-10, `sample` online, 5 segments": plan_of(
        net(578, 64), EsConfig("sample", 32, 1, 5), online=True
    ),
    "578-64-10, `sweep` online, 5 segments": plan_of(
        net(578, 64), EsConfig("sweep", 1, 1, 5), online=True
    ),
    "578-16-10, `sweep` online, 5 segments": plan_of(
        net(578, 16), EsConfig("sweep", 1, 1, 5), online=True
    ),
    "578-64-32-10, `sweep` online, 5 segments": plan_of(
        net(578, 64, 32), EsConfig("sweep", 1, 1, 5), online=True
    ),
    "578-64-10, `batch`, rank 1": plan_of(net(578, 64), EsConfig("batch", 32)),
    "578-32-10, `batch`, rank 1": plan_of(net(578, 32), EsConfig("batch", 32)),
    "578-16-10, `batch`, rank 1": plan_of(net(578, 16), EsConfig("batch", 32)),
    "578-64-10, `batch`, rank 3": plan_of(net(578, 64), EsConfig("batch", 32, 3)),
}
OVER = {"578-16-10, `batch`, rank 1", "578-64-10, `batch`, rank 3"}
"""Where it is known not to hold."""


@pytest.mark.parametrize("what", BESIDE_INFERENCE)
def test_training_takes_little_more_than_inference(what: str) -> None:
    """At most 10 % or 1 KiB more, without the buffer for a recording: docs/reference/boards.md."""
    plan = BESIDE_INFERENCE[what]
    inference, extra = plan.weights + plan.inference, plan.training_extra
    most = max(1024, inference // 10)
    assert (extra > most) == (what in OVER)
    verdict = f"{extra - most:,} over" if extra > most else "holds"
    row = f"| {what} | {inference:,} | {extra:,} | {most:,} | {verdict} |"
    assert row in (ROOT / "docs/reference/boards.md").read_text()


def test_the_presets_of_large_boards_are_alike() -> None:
    assert preset_plan("stm32f4") == preset_plan("pico")


def test_grows_with_what_it_depends_on() -> None:
    small = plan_of(net(578, 64), EsConfig("batch", 32))
    assert plan_of(net(578, 65), EsConfig("batch", 32)).inference > small.inference
    assert plan_of(net(578, 64, ticks=16), EsConfig("batch", 32)).inference > small.inference
    for larger in (EsConfig("batch", 33), EsConfig("batch", 32, rank=2)):
        grown = plan_of(net(578, 64), larger)
        assert grown.inference == small.inference
        assert grown.training_extra > small.training_extra


def test_fits_needs_ram_for_the_stack_and_flash_for_two_copies() -> None:
    small = BOARDS["microbit"]
    exact = Plan(small.ram - small.reserve - 3000, 1000, 1000, 1000)
    assert exact.fits(small)
    assert exact.verdict(small) == "fits"
    over = Plan(exact.weights + 1, 1000, 1000, 1000)
    assert not over.fits(small)
    assert over.verdict(small) == "RAM short by 1 B, but inference fits"
    pico = BOARDS["pico"]
    narrow = replace(pico, flash=CODE_RESERVE + 2 * exact.weights - 1)
    assert exact.verdict(narrow) == "flash short by 1 B"


def test_json_has_every_board() -> None:
    values = plan_of(net(578, 64), EsConfig("sample", 32, segments=5), online=True).to_dict()
    assert set(values["boards"]) == set(BOARDS)
    assert values["boards"]["stm32f405"]["fits"]
    assert not values["boards"]["microbit"]["fits"]
    assert values["ram_training"] == values["ram_inference"] + values["training_extra"]


def test_what_cannot_be_planned() -> None:
    with pytest.raises(ConfigError, match="hosts only"):
        plan_of(net(578, 64), EsConfig("full", 32))
    with pytest.raises(ConfigError, match="15 at least"):
        plan_of(net(578, 64), EsConfig("batch", 32), sample_buffer=14)


def test_a_convolution_learns_on_a_microbit() -> None:
    """A board computes one row of places after the other, so that their currents fit its RAM."""
    layer = LifConfig(8, 180, kernel=5)
    net = NetConfig(578, 10, 15, (layer,), "integrate", 2, 1, (2, 17, 17), 2)
    plan = plan_of(net, EsConfig("sweep", 1, segments=5), 1630, online=True)
    assert plan.inference < 2 * net.neurons * net.ticks / 9  # two bytes for each current
    assert plan.fits(BOARDS["microbit"])
    assert not replace(plan, sample_buffer=2048).fits(BOARDS["microbit"])
