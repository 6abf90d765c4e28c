"""The command line with a board: emulate host, devices, monitor, train --port."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from eggroll_edge.link.session import Session
from eggroll_edge.link.transport import opener
from tests.helpers.link import expected_online, run_online

CLI = [sys.executable, "-m", "eggroll_edge"]
RUN = ["--data", "digits", "--online", "--generations", "400", "--pool", "2", "--hidden", "12"]


def call(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*CLI, *words], capture_output=True, text=True, timeout=100)


BATCH = [*RUN[:2], "--estimator", "batch", "--generations", "6", "--batch", "9", "--pairs", "16"]
SMALL = ["--pool", "2", "--hidden", "12"]


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    yield from host_board("--tcp", "0")


@pytest.fixture(scope="module")
def url_2() -> Iterator[str]:
    yield from host_board("--tcp", "0")


@pytest.fixture
def pty() -> Iterator[str]:
    yield from host_board()


def host_board(*words: str) -> Iterator[str]:
    command = [*CLI, "emulate", "host", *words]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        yield process.stdout.readline().strip()
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=10) == 128 + signal.SIGTERM


def test_train_on_a_port_as_on_this_computer(url: str, tmp_path: Path) -> None:
    pytest.importorskip("sklearn")
    digests = []
    for where in ([], ["--port", url]):
        done = call("train", *RUN, *where, "--json", "--out", str(tmp_path / f"run{len(where)}"))
        assert done.returncode == 0, done.stderr
        digests.append(json.loads(done.stdout)["weights_digest"])
    assert digests[0] == digests[1]
    done = call("devices", url, "--json")
    found = json.loads(done.stdout)["devices"]
    assert [(x["port"], x["board"], x["generation"]) for x in found] == [(url, "host", 400)]
    assert f"{found[0]['digest']:08x}" == digests[0]
    done = call("monitor", "--port", url, "--count", "1", "--every", "0.1")
    assert "recordings 400, updates 400: 0 recordings, " in done.stdout
    assert "computing " in done.stdout


def test_the_host_is_a_serial_device_by_default(pty: str, tmp_path: Path) -> None:
    assert pty.startswith("/dev/")
    found = json.loads(call("devices", pty, "--json").stdout)["devices"]
    assert [(x["port"], x["board"], x["core"]) for x in found] == [(pty, "host", None)]
    with Session(opener(pty)) as session:
        assert list(run_online(session, 5)) == expected_online(50)[:5]
    done = call("emulate", "host", "--pty", "--tcp", "0")
    assert done.returncode == 1
    assert "use one of them" in done.stderr


def test_train_tells_what_the_link_took(url: str, tmp_path: Path) -> None:
    pytest.importorskip("sklearn")
    where = ["--port", url, "--baud", "921600", "--timeout", "30"]
    done = call("train", *RUN, *where, "--json", "--out", str(tmp_path / "run"))
    assert done.returncode == 0, done.stderr
    (link,) = json.loads(done.stdout)["link"]
    assert (link["port"], link["board"], link["samples"]) == (url, "host", 400)
    assert link["bytes_in"] > 400 * 100
    assert 0 < link["compute_s"] <= link["seconds"]
    shown = " ".join(done.stderr.split())
    assert f"host at {url}: 400 recordings, " in shown
    assert "bytes/recording to the device" in shown
    done = call("devices", url, "--baud", "921600", "--json")  # TCP has no rate; the board has
    assert json.loads(done.stdout)["devices"][0]["baud"] == 921600


def test_two_ports_are_one_population(url: str, url_2: str, tmp_path: Path) -> None:
    pytest.importorskip("sklearn")
    digests = []
    for i, where in enumerate(([], ["--port", url], ["--port", url, "--port", url_2])):
        out = str(tmp_path / f"run{i}")
        done = call("train", *BATCH, *SMALL, *where, "--json", "--out", out)
        assert done.returncode == 0, done.stderr
        digests.append(json.loads(done.stdout)["weights_digest"])
    assert digests[0] == digests[1] == digests[2]
    samples = {part["port"]: part["samples"] for part in json.loads(done.stdout)["link"]}
    assert samples == {url: 24, url_2: 30}
    found = json.loads(call("devices", url, url_2, "--json").stdout)["devices"]
    assert {f"{x['digest']:08x}" for x in found} == set(digests)


def test_ports_that_cannot_be_one_population(url: str, tmp_path: Path) -> None:
    ports = ["--port", url, "--port", "/dev/other"]
    for words, why in [
        ([*RUN, *ports], "online on 2 devices: each recording is learnt from the weights that"),
        (["--data", "digits", *ports], "estimator sweep on 2 devices"),
        ([*BATCH, "--port", url, "--port", url], "the same port is named twice"),
    ]:
        done = call("train", *words, "--out", str(tmp_path / "run"))
        assert done.returncode == 1
        assert why in " ".join(done.stderr.split())
    assert not (tmp_path / "run").exists()


def test_a_port_that_is_not_there(tmp_path: Path) -> None:
    for words in (["train", *RUN, "--out", str(tmp_path / "run")], ["monitor"]):
        done = call(*words, "--port", "/dev/no-such-port")
        assert done.returncode == 1
        assert "/dev/no-such-port: cannot be opened" in done.stderr
        assert "is the board plugged in" in done.stderr
    assert not (tmp_path / "run").exists()


def test_nothing_answers() -> None:
    done = call("devices", "/dev/no-such-port")
    assert done.returncode == 1
    assert "no device answered" in done.stdout


def test_board_without_a_selftest(url: str) -> None:
    done = call("monitor", "--port", url, "--selftest")
    assert done.returncode == 1
    assert (
        f"host at {url} refuses SELFTEST: the device has no checkpoint store, button" in done.stderr
    )


def test_unknown_board() -> None:
    done = call("emulate", "toaster")
    assert done.returncode == 1
    assert "there is no board 'toaster': use one of microbit" in done.stderr
