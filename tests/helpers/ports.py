"""TCP ports for tests that must know the port of an emulator before it starts."""

from __future__ import annotations

import os
import random
import socket


def free_port() -> int:
    """A free port below those that the system hands out by itself.

    So no other test that runs at the same time is given this port while nobody listens on it.
    """
    candidates = random.Random(os.urandom(8))
    while True:
        port = candidates.randrange(20000, 32000)
        with socket.socket() as found:
            found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                found.bind(("127.0.0.1", port))
            except OSError:
                continue
        return port
