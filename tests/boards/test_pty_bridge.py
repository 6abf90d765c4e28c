"""A pty in place of TCP loses nothing, also if nobody reads for a while."""

from __future__ import annotations

import os
import random
import socket
import threading
import time
import tty

from eggroll_edge.boards.pty_bridge import as_pty

MUCH = random.Random(1).randbytes(100_000)  # more than a pty holds


def read_all(file: int, n: int) -> bytes:
    data = b""
    while len(data) < n:
        data += os.read(file, n - len(data))
    return data


def test_much_both_ways() -> None:
    server = socket.create_server(("127.0.0.1", 0))
    url = f"socket://127.0.0.1:{server.getsockname()[1]}"
    with server, as_pty(url) as path, server.accept()[0] as line:
        file = os.open(path, os.O_RDWR | os.O_NOCTTY)
        tty.setraw(file)
        sender = threading.Thread(target=line.sendall, args=(MUCH,))
        sender.start()
        time.sleep(0.2)  # the pty is full, and the line waits
        assert read_all(file, len(MUCH)) == MUCH
        sender.join()
        writer = threading.Thread(target=os.write, args=(file, MUCH))
        writer.start()
        assert line.recv(len(MUCH), socket.MSG_WAITALL) == MUCH
        writer.join()
        os.close(file)
