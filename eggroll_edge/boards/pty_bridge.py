"""A pseudo-terminal in place of a TCP connection, for programs that want a serial device."""

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
    """Connects to url, socket://HOST:PORT; gives the path of its pty, such as /dev/pts/3."""
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
            os.close(slave)  # kept open so far: a pty without a reader or writer hangs up
            os.close(master)


def _copy(line: socket.socket, master: int, stop: threading.Event) -> None:
    """Both ways, until `stop` or until the other end of the line is gone. What nobody reads from
    the pty waits, and with it the other end: nothing is lost."""
    late = b""
    with contextlib.suppress(OSError):
        while not stop.is_set():
            readers = [master] if late else [master, line.fileno()]
            ready, room, _ = select.select(readers, [master] if late else [], [], 0.1)
            if master in ready:
                line.sendall(os.read(master, 4096))
            if line.fileno() in ready:
                late = line.recv(4096)
                if not late:
                    return
            if room:
                with contextlib.suppress(BlockingIOError):  # room for less than a write wants
                    late = late[os.write(master, late) :]
