"""A pseudo-terminal (pty) in front of a TCP connection, for programs that need a serial device."""

from __future__ import annotations

import contextlib
import os
import select
import socket
import threading
import tty
from collections.abc import Iterator


@contextlib.contextmanager
def as_pty(url: str) -> Iterator[str]:
    """Connect to `url`, socket://HOST:PORT, and yield the path of the pty, such as /dev/pts/3."""
    host, port = url.removeprefix("socket://").split(":")
    master, slave = os.openpty()
    tty.setraw(slave)
    os.set_blocking(master, False)
    stop = threading.Event()
    with socket.create_connection((host, int(port))) as line:
        line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        thread = threading.Thread(target=_copy, args=(line, master, stop), daemon=True)
        thread.start()
        try:
            yield os.ttyname(slave)
        finally:
            stop.set()
            thread.join(timeout=5)
            os.close(slave)  # kept open until here, because a pty that nobody has open hangs up
            os.close(master)


def _copy(line: socket.socket, master: int, stop: threading.Event) -> None:
    """Copy both ways until `stop` is set or the other end of the line is gone.

    Nothing is lost: if nobody reads the pty, the bytes wait here, and no more are taken from the
    line until they are read.
    """
    waiting = b""  # taken from the line, not yet written to the pty
    with contextlib.suppress(OSError):
        while not stop.is_set():
            readers = [master] if waiting else [master, line.fileno()]
            ready, room, _ = select.select(readers, [master] if waiting else [], [], 0.1)
            if master in ready:
                line.sendall(os.read(master, 4096))
            if line.fileno() in ready:
                waiting = line.recv(4096)
                if not waiting:
                    return
            if room:
                with contextlib.suppress(BlockingIOError):  # there is room, but for less than this
                    waiting = waiting[os.write(master, waiting) :]
