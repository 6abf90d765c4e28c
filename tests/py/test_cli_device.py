"""The command line with a board: emulate host, devices, monitor, train --port."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

CLI = [sys.executable, "-m", "eggroll_edge.cli"]
RUN = ["--data", "digits", "--online", "--generations", "400", "--pool", "2", "--hidden", "12"]


def call(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*CLI, *words], capture_output=True, text=True, timeout=100)


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    command = [*CLI, "emulate", "host", "--tcp", "0"]
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
    assert "samples 400 (+0), updates 400 (+0)" in done.stdout


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
    assert "host refuses SELFTEST: the device has no store, button or selftest" in done.stderr


def test_unknown_board() -> None:
    done = call("emulate", "toaster")
    assert done.returncode == 1
    assert "no board 'toaster'; there are: microbit" in done.stderr
