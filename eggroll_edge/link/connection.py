"""Requests and replies with one device: numbers, credits, retries (runtime_c/PROTOCOL.md).

A request that is not answered in time goes out again with the same sequence number, and a device
answers such a one from memory, so nothing is executed twice. A cable that was pulled is waited for.
Several requests may be on the way: never more of them than the device keeps replies for, and behind
the one that it executes never more bytes than fit its receive ring.
"""

from __future__ import annotations

import contextlib
import secrets
import struct
import time
from collections.abc import Callable

from eggroll_edge._core import lib
from eggroll_edge.core.config import status_text
from eggroll_edge.errors import DeviceError, LinkError
from eggroll_edge.link.frames import PROTOCOL, REPLY, Command, Decoder, Frame, encode
from eggroll_edge.link.messages import Hello
from eggroll_edge.link.transport import BAUD, Opener, Transport

PATIENCE_S = 60.0
_BACKOFF = 8
"""A retry waits twice as long as the one before, at most so many times the timeout."""
_SWITCH_S = 0.05
"""Until a device that agreed to another rate has it (firmware: 20 ms)."""
_GOODBYE_S = 1.0
"""Patience while setting a device back to the usual rate."""
_HINTS = {
    lib.EGG_E_PROTOCOL: "flash firmware of this version",
    lib.EGG_E_SESSION: "it has been switched off meanwhile: connect again",
    lib.EGG_E_ESTIMATOR: "devices do batch, sample and online",
    lib.EGG_E_EMPTY: "save one first",
    lib.EGG_E_COMMAND: "flash newer firmware",
}

Tell = Callable[[str], None]
"""Takes one line for the user: the link broke, is back, stays slow."""


class Pending:
    """A request on its way."""

    def __init__(self, command: Command, sequence: int, line: bytes) -> None:
        self.command, self.sequence, self.line = command, sequence, line
        self.deadline, self.tries = 0.0, 0
        self.reply: bytes | None = None


class Link:
    """One device's end of a line. LinkError: it does not answer; DeviceError: it refuses."""

    def __init__(
        self,
        open_transport: Opener,
        *,
        timeout: float = 1.0,
        patience: float = PATIENCE_S,
        ceiling: int | None = None,
        baud: int = BAUD,
        name: str = "",
    ) -> None:
        """Connect, and say HELLO.

        timeout: seconds before a first retry. patience: seconds without any answer, or without a
        cable, before giving up; a slow device computes for long. ceiling: longest payload to send,
        bytes; a bad line wants short frames. baud: the rate to agree on, after a start at 115200; a
        device that cannot, or a line that does not carry it, stays at 115200. name: of the port,
        for messages.
        """
        self._open, self._timeout, self._patience = open_transport, timeout, patience
        self._most, self._asked = ceiling, baud
        self.name = name
        self.tell: Tell = lambda text: None
        self.notes: list[str] = []
        """What tell() was told before anyone listened."""
        self.retries = 0
        """Frames that were sent again."""
        self.reconnects = 0
        self.bytes_out = self.bytes_in = 0
        self.baud = self._fast = BAUD
        """The line's rate now; `_fast`: the one that the device may have, too."""
        self._waiting: list[Pending] = []
        self._decoder = Decoder()
        self._transport: Transport = open_transport()
        self.hello = self.handshake()

    @property
    def title(self) -> str:
        """The board, and where it is."""
        board = self.hello.board if hasattr(self, "hello") else "the device"
        return f"{board} at {self.name}" if self.name else board

    def handshake(self) -> Hello:
        """Begin a new session with the device; requests on their way are forgotten."""
        self._waiting.clear()
        self._sequence = secrets.randbelow(256)  # so that late replies to others do not fit
        self._replies, self._window = 1, 1 << 30
        self._heard = time.monotonic()
        self._renewed = 0.0
        self._nonce = struct.pack("<IB", secrets.randbits(32), PROTOCOL)
        self._decoder = Decoder()
        with contextlib.suppress(OSError):  # what others left on the line
            while self._transport.read(0):
                pass
        hello = Hello.parse(self.request(Command.HELLO, self._nonce))
        self._replies, self._window = hello.replies, hello.window
        self.ceiling = min(hello.ceiling, self._most or hello.ceiling)
        self.hello = hello
        if self._asked != self.baud:
            self._negotiate(self._asked)
        return hello

    def said(self) -> list[str]:
        """Lines that the device has said since the last call, beside its replies."""
        lines, self._decoder.said = self._decoder.said, []
        return lines

    def close(self) -> None:
        """Let go of the port; the device goes back to the usual rate."""
        if self.baud != BAUD:
            self._patience = min(self._patience, _GOODBYE_S)
            with contextlib.suppress(Exception):  # it goes back by itself, only later
                self.request(Command.BAUD, struct.pack("<I", BAUD))
        self._transport.close()

    # --- the line's rate

    def _negotiate(self, baud: int) -> None:
        """Agree on a rate, and confirm it there with a HELLO; or stay at 115200."""
        try:
            self._transport.set_baud(baud)  # can the port do it at all?
            self._transport.set_baud(self.baud)
            self.request(Command.BAUD, struct.pack("<I", baud))
        except LinkError as error:
            self._note(f"the line stays at {self.baud} baud: {error}")
            return
        self._fast = baud
        self._set_baud(baud)
        time.sleep(_SWITCH_S)
        self.request(Command.HELLO, self._nonce)  # is answered at the one rate or at the other

    def _set_baud(self, baud: int) -> None:
        self.baud = baud
        with contextlib.suppress(LinkError):  # a cable that is out shows with the next byte
            self._transport.set_baud(baud)

    def _note(self, text: str) -> None:
        self.notes.append(f"{self.title}: {text}")
        self.tell(self.notes[-1])

    # --- requests and replies

    def request(self, command: Command, payload: bytes = b"") -> bytes:
        """Send, wait, and give the reply's body."""
        return self.collect(self.submit(command, payload))

    def submit(self, command: Command, payload: bytes = b"") -> Pending:
        """Send without waiting for the reply; waits for credits if need be."""
        line = encode(Frame(command, self._sequence, payload))
        while not self._has_credit(len(line) + 1):
            self._pump()
        pending = Pending(command, self._sequence, line)
        self._sequence = (self._sequence + 1) & 255
        if not self._waiting:
            self._heard = time.monotonic()
        self._waiting.append(pending)
        if len(self._waiting) == 1 and command is Command.HELLO:
            line = b"\0" + line  # ends whatever was on the line before
        self._send(pending, line)
        return pending

    def collect(self, pending: Pending) -> bytes:
        """Wait for the reply to a request; its body."""
        while pending.reply is None:
            self._pump()
        status, body = pending.reply[0], pending.reply[1:]
        if status != lib.EGG_OK:
            raise self._refused(pending.command, status, body)
        return body

    def _has_credit(self, size: int) -> bool:
        """The oldest request is the one at hand: the device has taken it out of its ring."""
        behind = sum(len(p.line) + 1 for p in self._waiting[1:] if p.reply is None)
        fits = not self._waiting or behind + size <= self._window
        return len(self._waiting) < self._replies and fits

    def _send(self, pending: Pending, line: bytes) -> None:
        wait = self._timeout * min(_BACKOFF, 2**pending.tries)
        pending.tries += 1
        pending.deadline = time.monotonic() + wait
        self.bytes_out += len(line)
        try:
            self._transport.write(line)
        except OSError as error:
            self._reconnect(error)

    def _resend(self, pending: Pending) -> None:
        self.retries += 1
        self._send(pending, b"\0" + pending.line)

    def _pump(self) -> None:
        """Take what arrives; at the oldest request's deadline, send it again."""
        oldest = self._waiting[0]
        wait = oldest.deadline - time.monotonic()
        try:
            data = self._transport.read(min(max(wait, 0.0), 0.2))
        except OSError as error:
            self._reconnect(error)
            return
        self.bytes_in += len(data)
        for frame in self._decoder.feed(data):
            self._take(frame)
        now = time.monotonic()
        if self._waiting and self._waiting[0] is oldest and now >= oldest.deadline:
            if now - self._heard > self._patience:
                self._waiting.clear()
                raise LinkError(
                    f"{self.name}{': ' if self.name else ''}no answer to {oldest.command.name} "
                    f"within {self._patience:g} s: is it the right port, and does the firmware "
                    "run? A slow board may want more --patience; else unplug it, plug it in and "
                    "try again"
                )
            patient = 1 if oldest.command is Command.HELLO else 2  # the others may compute for long
            if oldest.tries > patient and self._fast != BAUD:  # it may be at the other rate
                self._set_baud(BAUD if self.baud != BAUD else self._fast)
            self._resend(oldest)

    def _take(self, frame: Frame) -> None:
        for pending in self._waiting:
            if (frame.type, frame.sequence) == (pending.command | REPLY, pending.sequence):
                break
        else:
            return  # an answer that came twice
        if pending.reply is not None or not frame.payload:
            return
        self._heard = time.monotonic()
        if self._fast != self.baud:
            self._note(f"nothing comes through at {self._fast} baud: the line is at {self.baud}")
            self._fast = self.baud
        status = frame.payload[0]
        if status == lib.EGG_E_SESSION:
            self._waiting.clear()
            raise self._refused(pending.command, status, b"")
        if status == lib.EGG_E_SEQUENCE:  # one before it got lost: all again, but not each time
            if self._heard - self._renewed > self._timeout / 2:
                self._renewed = self._heard
                for each in self._waiting:
                    self._resend(each)
            return
        pending.reply = frame.payload
        while self._waiting and self._waiting[0].reply is not None:
            self._waiting.pop(0)
            if self._waiting:  # its time begins now
                self._waiting[0].deadline = self._heard + self._timeout

    def _reconnect(self, cause: OSError) -> None:
        """Open the port again, and repeat what was on its way."""
        self._transport.close()
        begun = time.monotonic()
        self._note(f"the link broke ({cause}); waiting for it, up to {self._patience:g} s")
        while True:
            try:
                self._transport = self._open()
                break
            except (OSError, LinkError) as error:
                if time.monotonic() > begun + self._patience:
                    raise LinkError(
                        f"{self.title}: the link broke ({cause}) and did not come back within "
                        f"{self._patience:g} s: plug the board in, then resume the run"
                    ) from error
                time.sleep(0.05)
        if self.baud != BAUD:
            self._set_baud(self.baud)
        self.reconnects += 1
        self._decoder = Decoder()
        self._heard = time.monotonic()
        self._note(f"the link is back after {self._heard - begun:.1f} s")
        for pending in list(self._waiting):
            if pending.reply is None:
                self._resend(pending)

    def _refused(self, command: Command, status: int, body: bytes) -> DeviceError:
        text = f"{self.title} refuses {command.name}: {status_text(status)} (status {status})"
        if command is Command.CONFIG and status == lib.EGG_E_MEMORY and len(body) == 8:
            needs, has = struct.unpack("<II", body)
            text += (
                f"; the net needs {needs} bytes, the board has {has}: use fewer hidden neurons, "
                "pool = 2, fewer pairs or ticks (`eggroll-edge plan` tells sizes)"
            )
        elif status in _HINTS:
            text += f"; {_HINTS[status]}"
        return DeviceError(text, status)
