"""This computer as a board: the C session that boards run, in this process, on a pty or on TCP."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np

from eggroll_edge._core import ffi, lib
from eggroll_edge.core import U8
from eggroll_edge.errors import ConfigError
from eggroll_edge.netconfig import status_text
from eggroll_edge.pty_bridge import as_pty

ARENA = 8 << 20
WINDOW = 1024
_OUT = 1 << 16


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
        """flash: memory that outlives the board, two slots of whole erase units; None: no store."""
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
        """Switch it on (again): the session forgets all but the flash."""
        memory = ffi.cast("uint8_t *", ffi.from_buffer(self._arena))
        status = lib.egg_host_board_init(self.native, self._name, self._window, memory, self._bytes)
        if status != lib.EGG_OK:
            raise ConfigError(
                f"the host board cannot start with a window of {self._window}: "
                f"{status_text(status)}; use {lib.EGG_PAYLOAD_MAX + 10} bytes or more"
            )

    def load(self) -> bool:
        """As firmware at its start: take up the newest checkpoint, if there is one."""
        session = ffi.addressof(self.native.session)
        return bool(lib.egg_session_load(session) == lib.EGG_OK)

    def receive(self, data: bytes) -> bytes:
        """Hand received bytes to the session; what it answered."""
        answer = b""
        for start in range(0, len(data), 1024):  # so that the answers to a piece find room
            piece = data[start : start + 1024]
            lib.egg_session_receive(ffi.addressof(self.native.session), piece, len(piece))
            answer += bytes(ffi.buffer(self._out, self.native.out_bytes))
            self.native.out_bytes = 0
        return answer

    def idle(self) -> None:
        """As firmware while nothing arrives: the line's rate may have to go back."""
        lib.egg_session_idle(ffi.addressof(self.native.session))

    @property
    def digest(self) -> int:
        """Of the weights."""
        return int(lib.egg_net_digest(ffi.addressof(self.native.session.net)))

    def press(self, label: int) -> None:
        """The label that its buttons give; -1: none."""
        self.native.label = label


class InProcess:
    """A Transport to a board in this process; it answers within write()."""

    def __init__(self, board: HostBoard) -> None:
        self._board, self._answer = board, b""

    def write(self, data: bytes) -> None:
        self._answer += self._board.receive(data)

    def read(self, timeout: float) -> bytes:
        answer, self._answer = self._answer, b""
        self._board.idle()
        return answer

    def set_baud(self, baud: int) -> None:
        pass  # no line

    def close(self) -> None:
        pass


def flash_memory(size: int = 1 << 20, path: Path | None = None) -> U8:
    """Erased flash; with a path: that file's (made if it is missing), which keeps all writes."""
    if path is None:
        return np.full(size, 0xFF, np.uint8)
    if not path.exists():
        np.full(size, 0xFF, np.uint8).tofile(path)
    memory: U8 = np.memmap(path, np.uint8, "r+")
    return memory


def _serve(
    read: Callable[[], bytes | None], write: Callable[[bytes], None], board: HostBoard
) -> None:
    """Until read() gives None."""
    while (data := read()) is not None:
        board.idle()
        if data and (answer := board.receive(data)):
            write(answer)


@contextlib.contextmanager
def on_pty(board: HostBoard) -> Iterator[str]:
    """The board on a pseudo-terminal; gives its path, such as /dev/pts/3."""
    with on_tcp(board) as url, as_pty(url) as path:
        yield path


@contextlib.contextmanager
def on_tcp(board: HostBoard, port: int = 0) -> Iterator[str]:
    """The board behind TCP, one client after the other; gives its URL, socket://127.0.0.1:PORT."""
    listener = socket.create_server(("127.0.0.1", port))
    listener.settimeout(0.1)
    stop = threading.Event()

    def serve(client: socket.socket) -> None:
        client.settimeout(0.1)
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

        def read() -> bytes | None:
            if stop.is_set():
                return None
            try:
                return client.recv(4096) or None
            except TimeoutError:
                return b""

        with client, contextlib.suppress(OSError):
            _serve(read, client.sendall, board)

    def accept() -> None:
        while not stop.is_set():
            with contextlib.suppress(TimeoutError):
                serve(listener.accept()[0])

    thread = threading.Thread(target=accept, daemon=True)
    thread.start()
    try:
        yield f"socket://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        stop.set()
        thread.join(timeout=5)
        listener.close()
