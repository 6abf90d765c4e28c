"""The host board: a device emulated in this process, on a pseudo-terminal or on TCP.

It runs the same C session as the firmware of real boards.
"""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from eggroll_edge._core import ffi, lib
from eggroll_edge.boards.pty_bridge import as_pty
from eggroll_edge.core.arrays import U8
from eggroll_edge.core.config import status_text
from eggroll_edge.errors import ConfigError

ARENA = 8 << 20
"""Default bytes of memory for a net and its training."""
WINDOW = 1024
"""Default receive window: bytes that may be on their way to the board."""
POLL_S = 0.1
"""Seconds without input after which the board checks its timers."""

_OUT = 1 << 16
_PIECE = 1024  # bytes handed over at once, so that the answers find room in _OUT


class HostBoard:
    """A board with an arena, a receive window and a flash of two checkpoint slots."""

    def __init__(
        self,
        name: str = "host",
        *,
        arena: int = ARENA,
        window: int = WINDOW,
        flash: U8 | None = None,
        erase: int = 1024,
        program: int = 4,
    ) -> None:
        """Start the board. ConfigError if the window is too small.

        name: the board's name in its answer to HELLO.
        arena: bytes for a net and its training.
        window: bytes of the receive window.
        flash: memory for two checkpoints, each of whole erase units, which keeps its contents when
        the board restarts. None: the board cannot save.
        erase, program: bytes of an erase unit and of a program unit of the flash.
        """
        self.native = ffi.new("egg_host_board *")
        self._name = ffi.new("char[]", name.encode("ascii"))
        self._out = ffi.new("uint8_t[]", _OUT)
        self._arena = np.zeros(-(-arena // 4), np.uint32)  # aligned
        self._flash = flash
        self._window, self._bytes = window, arena
        self.native.out, self.native.out_max = self._out, _OUT
        if flash is not None:
            f = self.native.flash
            f.bytes, f.size = ffi.from_buffer("uint8_t[]", flash), len(flash)
            f.erase, f.program, f.random = erase, program, 1
            f.steps = 2**32 - 1
        self.start()

    def start(self) -> None:
        """Switch the board on, or off and on: it loses everything except its flash."""
        memory = ffi.cast("uint8_t *", ffi.from_buffer(self._arena))
        status = lib.egg_host_board_init(self.native, self._name, self._window, memory, self._bytes)
        if status != lib.EGG_OK:
            raise ConfigError(
                f"the host board cannot start with a window of {self._window}: "
                f"{status_text(status)}; use {lib.EGG_PAYLOAD_MAX + 10} bytes or more"
            )

    def load(self) -> bool:
        """Load the newest checkpoint, as firmware does when it starts; False if there is none."""
        session = ffi.addressof(self.native.session)
        return bool(lib.egg_session_load(session) == lib.EGG_OK)

    def receive(self, data: bytes) -> bytes:
        """Hand received bytes to the session; returns the session's answer."""
        answer = b""
        for start in range(0, len(data), _PIECE):
            piece = data[start : start + _PIECE]
            lib.egg_session_receive(ffi.addressof(self.native.session), piece, len(piece))
            answer += bytes(ffi.buffer(self._out, self.native.out_bytes))
            self.native.out_bytes = 0
        return answer

    def idle(self) -> None:
        """What firmware does while nothing arrives: an unconfirmed baud rate returns to 115200."""
        lib.egg_session_idle(ffi.addressof(self.native.session))

    @property
    def digest(self) -> int:
        """CRC-32 of the weights."""
        return int(lib.egg_net_digest(ffi.addressof(self.native.session.net)))

    def press(self, label: int) -> None:
        """Set the label that the board's buttons choose; -1: none."""
        self.native.label = label


class InProcess:
    """A Transport to a board in this process, which answers within write()."""

    def __init__(self, board: HostBoard) -> None:
        self._board, self._answer = board, b""

    def write(self, data: bytes) -> None:
        self._answer += self._board.receive(data)

    def read(self, timeout: float) -> bytes:
        answer, self._answer = self._answer, b""
        self._board.idle()
        return answer

    def set_baud(self, baud: int) -> None:
        pass  # there is no line

    def close(self) -> None:
        pass


def flash_memory(size: int = 1 << 20, path: Path | None = None) -> U8:
    """Flash memory of `size` bytes, erased, or with the contents of the file `path`.

    All writes go to that file, too. It is made if it is missing.
    """
    if path is None:
        return np.full(size, 0xFF, np.uint8)
    if not path.exists():
        np.full(size, 0xFF, np.uint8).tofile(path)
    memory: U8 = np.memmap(path, np.uint8, "r+")
    return memory


@contextlib.contextmanager
def on_pty(board: HostBoard) -> Iterator[str]:
    """Serve the board on a pseudo-terminal and yield its path, such as /dev/pts/3."""
    with on_tcp(board) as url, as_pty(url) as path:
        yield path


@contextlib.contextmanager
def on_tcp(board: HostBoard, port: int = 0) -> Iterator[str]:
    """Serve the board on TCP, one client after the other; yields the URL socket://127.0.0.1:PORT.

    port: the TCP port; 0 takes any free port.
    """
    listener = socket.create_server(("127.0.0.1", port))
    listener.settimeout(POLL_S)
    stop = threading.Event()

    def accept() -> None:
        while not stop.is_set():
            with contextlib.suppress(TimeoutError):
                _serve(board, listener.accept()[0], stop)

    thread = threading.Thread(target=accept, daemon=True)
    thread.start()
    try:
        yield f"socket://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        stop.set()
        thread.join(timeout=5)
        listener.close()


def _serve(board: HostBoard, client: socket.socket, stop: threading.Event) -> None:
    """Answer a client until it hangs up or `stop` is set."""
    client.settimeout(POLL_S)
    client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    with client, contextlib.suppress(OSError):
        while not stop.is_set():
            try:
                data = client.recv(4096)
            except TimeoutError:
                board.idle()
                continue
            if not data:
                return
            board.idle()
            if answer := board.receive(data):
                client.sendall(answer)
