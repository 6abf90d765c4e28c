"""docs/how-to/sensor-firmware.md: its code compiles, and learns on a board."""

from __future__ import annotations

import contextlib
import io
import re
import time
from pathlib import Path

import pytest

from eggroll_edge.boards.build import build
from eggroll_edge.boards.emulator import emulator
from eggroll_edge.core.config import EsConfig, Hyperparameters, LifConfig, NetConfig
from eggroll_edge.link.messages import DeviceConfig
from eggroll_edge.link.session import Session
from eggroll_edge.link.transport import SerialTransport
from tests.helpers import link as linked

ROOT = Path(__file__).resolve().parents[2]

PAGE = (ROOT / "docs/how-to/sensor-firmware.md").read_text()
NET = NetConfig(20, 2, 5, (LifConfig(10, 96),))
CONFIG = DeviceConfig(NET, EsConfig("sweep", 1, 1, 1), True, 1, 32, 32, 200)
LABEL, RECORDINGS = 1, 120

SENSOR = """
#include <stddef.h>
#include <stdint.h>
static const uint8_t all[] = {BYTES};
static const uint16_t offsets[] = {OFFSETS};
size_t sensor_recording(uint8_t *stream, size_t room);
size_t sensor_recording(uint8_t *stream, size_t room) {
    static uint32_t next;
    if (next + 1u == sizeof offsets / sizeof *offsets) return 0;
    size_t n = 0;
    for (size_t i = offsets[next]; i < offsets[next + 1u] && n < room; i++) stream[n++] = all[i];
    next++;
    return n;
}
"""


def block(language: str) -> str:
    found = re.search(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)
    assert found is not None
    return found[1]


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """A build folder, and APP for the Makefile: the page's file, and a sensor that plays back."""
    folder = tmp_path_factory.mktemp("app")
    streams = [stream for stream, _ in linked.recordings(RECORDINGS, net=NET)]
    ends = [0]
    for stream in streams:
        ends.append(ends[-1] + len(stream))
    sensor = SENSOR.replace("BYTES", ", ".join(map(str, b"".join(streams))))
    (folder / "sensor.c").write_text(sensor.replace("OFFSETS", ", ".join(map(str, ends))))
    (folder / "learner.c").write_text(block("c"))
    return folder, f"{folder}/learner.c {folder}/sensor.c"


@pytest.mark.parametrize("board", ["microbit", "hifive1"])
def test_the_page_compiles(board: str, app: tuple[Path, str]) -> None:
    folder, files = app
    assert build(board, "app", out=folder / "build", variables={"APP": files}).exists()


def test_the_page_makes_its_configuration() -> None:
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(block("python"), {})
    assert printed.getvalue().strip() == str(list(CONFIG.pack()))
    bytes_in_c = re.search(r"config\[\] = \{(.*?)\}", block("c"), re.DOTALL)
    assert bytes_in_c is not None
    assert [int(x) for x in bytes_in_c[1].split(",")] == list(CONFIG.pack())


def test_a_board_learns_from_its_sensor(
    app: tuple[Path, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A pressed button is the label. After power loss the board continues from its checkpoint."""
    folder, files = app
    elf = build("pico", "app", out=folder / "build", variables={"APP": files})
    monkeypatch.setenv("PICO_PRESSED", str(14 + LABEL))
    streams = [stream for stream, _ in linked.recordings(RECORDINGS, net=NET)]
    for order in (streams, streams[:100] + streams):  # saved after 100; the sensor plays all again
        with linked.in_process() as host:
            host.configure(CONFIG)
            host.begin(0, Hyperparameters((48, 0), ((96, 7), (80, 8))))
            for stream in order:
                host.train(stream, LABEL)
            expected = host.digest()
        with (
            emulator("pico", elf, memory=tmp_path / "memory") as running,
            Session(lambda: SerialTransport(running.url)) as session,
        ):
            while session.digest()[0] < len(order):
                time.sleep(0.02)
            assert session.digest() == expected
