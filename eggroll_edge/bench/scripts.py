"""Runs the scripts of tools/peers, each in a separate process; each prints one line of JSON."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterable
from importlib.util import find_spec
from typing import Any

from eggroll_edge.bench.report import Notify, source_root
from eggroll_edge.errors import EggrollError


def run_script(arguments: str, data: str, notify: Notify) -> dict[str, Any]:
    """What `SCRIPT ARGUMENTS... --data DATA` printed, or {"error": its last line}.

    arguments: the script and its arguments, such as "ours.py --pairs 512".
    EggrollError if this package does not run from a source checkout.
    """
    root = source_root()
    script, *rest = arguments.split()
    notify(f"tools/peers/{arguments}")
    # Otherwise torch's threads spin while they wait: eight times slower on a busy machine.
    environment = {"OMP_WAIT_POLICY": "PASSIVE", **os.environ}
    done = subprocess.run(
        [sys.executable, "-m", f"tools.peers.{script.removesuffix('.py')}", *rest, "--data", data],
        capture_output=True, text=True, check=False, cwd=root, env=environment,
    )  # fmt: skip
    if done.returncode != 0:
        last = (done.stderr.strip().splitlines() or ["no message"])[-1]
        return {"error": last}
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def missing(packages: Iterable[str]) -> list[str]:
    """The packages among these that are not installed."""
    return [name for name in packages if find_spec(name) is None]


def why_not(packages: Iterable[str]) -> str | None:
    """Why a script that needs these packages cannot run; None if it can."""
    absent = missing(packages)
    if absent:
        return f"{', '.join(absent)} is not installed"
    try:
        source_root()
    except EggrollError as error:
        return str(error)
    return None
