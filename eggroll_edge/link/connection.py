"""Requests to a device and its replies: sequence numbers, send window, retries (PROTOCOL.md).

A request that is not answered in time is sent again with the same sequence number. If the device
has executed that number before, it repeats its reply from memory, so that no request is executed
twice. If the cable is pulled, the link waits until it is back. Several requests may be outstanding
(sent, but not yet answered): at most as many as the device keeps replies for. All of them except
the one that the device is executing must fit into its receive buffer together.
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

TIMEOUT_S = 60.0
_BACKOFF_MAX = 8
"""Each retry waits twice as long as the one before, but at most this number of reply timeouts."""
_SWITCH_S = 0.05
"""Seconds after which a device that agreed to another baud rate has changed to it (firmware: 20
ms)."""
_GOODBYE_S = 1.0
"""Timeout for setting a device back to the usual baud rate."""
_HINTS = {
    lib.EGG_E_PROTOCOL: "flash firmware of this version",
    lib.EGG_E_SESSION: "it was switched off and on: connect again",
    lib.EGG_E_ESTIMATOR: "its firmware lacks this estimator: flash it again (`eggroll-edge flash`)",
    lib.EGG_E_EMPTY: "save one first",
    lib.EGG_E_COMMAND: "flash newer firmware",
}

Notify = Callable[[str], None]
"""Receives one line for the user, such as: the link broke, the link is back."""


class Pending:
    """An outstanding request."""

    def __init__(self, command: Command, sequence: int, line: bytes) -> None:
        self.command, self.sequence, self.line = command, sequence, line
        self.deadline, self.tries = 0.0, 0
        self.reply: bytes | None = None


class Link:
    """The host's end of a line to one device.

    Any method raises LinkError if the device does not answer or the line cannot be opened, and
    DeviceError if the device refuses a command.
    """

    def __init__(
        self,
        open_transport: Opener,
        *,
        reply_timeout: float = 1.0,
        timeout: float = TIMEOUT_S,
        max_payload: int | None = None,
        baud: int = BAUD,
        name: str = "",
    ) -> None:
        """Open the line and begin a session with the device.

        Args:
            open_transport: Opens the line; opener() makes such a function from a URL.
            reply_timeout: Seconds until a request is sent again for the first time.
            timeout: Seconds without any answer, or without a cable, after which the link gives up.
                A slow device may need long for one recording.
            max_payload: Longest payload to send, in bytes. Short frames suit a bad line. None takes
                the device's limit, and no larger value has an effect.
            baud: Baud rate to negotiate after the start at 115200 baud. If the device or the line
                cannot run at this rate, the line stays at 115200.
            name: Name of the port, for messages.

        Raises:
            LinkError: The line cannot be opened, or the device does not answer.
        """
        self._open, self._reply_timeout, self._timeout = open_transport, reply_timeout, timeout
        self._payload_limit, self._wanted_baud = max_payload, baud
        self.name = name
        self.notify: Notify = lambda text: None
        self.notes: list[str] = []
        """All lines that notify() has received, also those before the caller replaced it."""
        self.retries = 0
        """Frames that were sent again."""
        self.reconnects = 0
        """Times that the line was opened again."""
        self.bytes_out = self.bytes_in = 0
        self.baud = self._agreed_baud = BAUD
        """Present baud rate of the line. If the line went back to 115200 to find the device, the
        device may still be at `_agreed_baud`."""
        self._waiting: list[Pending] = []
        self._decoder = Decoder()
        self._transport: Transport = open_transport()
        self.hello = self.handshake()

    @property
    def title(self) -> str:
        """The board and its port, for messages."""
        board = self.hello.board if hasattr(self, "hello") else "the device"
        return f"{board} at {self.name}" if self.name else board

    def handshake(self) -> Hello:
        """Begin a new session with the device; outstanding requests are forgotten."""
        self._waiting.clear()
        self._sequence = secrets.randbelow(256)  # late replies of an earlier session must not match
        self._max_outstanding, self._window = 1, 1 << 30
        self._heard = time.monotonic()
        self._renewed = 0.0
        self._nonce = struct.pack("<IB", secrets.randbits(32), PROTOCOL)
        self._decoder = Decoder()
        with contextlib.suppress(OSError):  # discard what is left on the line
            while self._transport.read(0):
                pass
        hello = Hello.parse(self.request(Command.HELLO, self._nonce))
        self._max_outstanding, self._window = hello.max_outstanding, hello.receive_window
        self.max_payload = min(hello.max_payload, self._payload_limit or hello.max_payload)
        self.hello = hello
        if self._wanted_baud != self.baud:
            self._negotiate(self._wanted_baud)
        return hello

    def text_lines(self) -> list[str]:
        """The lines of text that the device has printed between its replies since the last call."""
        lines, self._decoder.text_lines = self._decoder.text_lines, []
        return lines

    def close(self) -> None:
        """Close the port. The device returns to 115200 baud."""
        if self.baud != BAUD:
            self._timeout = min(self._timeout, _GOODBYE_S)
            with contextlib.suppress(Exception):  # without it, the device does so after a while
                self.request(Command.BAUD, struct.pack("<I", BAUD))
        self._transport.close()

    # --- baud rate

    def _negotiate(self, baud: int) -> None:
        """Agree on a baud rate and confirm it with a HELLO at that rate; or stay at 115200."""
        try:
            self._transport.set_baud(baud)  # fails if the port cannot have it
            self._transport.set_baud(self.baud)
            self.request(Command.BAUD, struct.pack("<I", baud))
        except LinkError as error:
            self._note(f"the line stays at {self.baud} baud: {error}")
            return
        self._agreed_baud = baud
        self._set_baud(baud)
        time.sleep(_SWITCH_S)
        self.request(Command.HELLO, self._nonce)  # retries find the device at either baud rate

    def _set_baud(self, baud: int) -> None:
        self.baud = baud
        with contextlib.suppress(LinkError):  # if the cable is out, the next byte shows it
            self._transport.set_baud(baud)

    def _note(self, text: str) -> None:
        self.notes.append(f"{self.title}: {text}")
        self.notify(self.notes[-1])

    # --- requests and replies

    def request(self, command: Command, payload: bytes = b"") -> bytes:
        """Send a request and wait for its reply; returns the reply's body."""
        return self.collect(self.submit(command, payload))

    def submit(self, command: Command, payload: bytes = b"") -> Pending:
        """Send a request as soon as the send window allows it; collect() waits for its reply."""
        line = encode(Frame(command, self._sequence, payload))
        while not self._may_send(len(line) + 1):
            self._pump()
        pending = Pending(command, self._sequence, line)
        self._sequence = (self._sequence + 1) & 255
        if not self._waiting:
            self._heard = time.monotonic()
        self._waiting.append(pending)
        if len(self._waiting) == 1 and command is Command.HELLO:
            line = b"\0" + line  # ends a torn frame that may be on the line
        self._send(pending, line)
        return pending

    def collect(self, pending: Pending) -> bytes:
        """Wait for the reply to a request; returns its body. DeviceError if it is a refusal."""
        while pending.reply is None:
            self._pump()
        status, body = pending.reply[0], pending.reply[1:]
        if status != lib.EGG_OK:
            raise self._refused(pending.command, status, body)
        return body

    def _may_send(self, size: int) -> bool:
        """Whether the send window takes another `size` bytes.

        The oldest request does not count: the device has already taken it out of its receive
        buffer.
        """
        behind = sum(len(p.line) + 1 for p in self._waiting[1:] if p.reply is None)
        fits = not self._waiting or behind + size <= self._window
        return len(self._waiting) < self._max_outstanding and fits

    def _send(self, pending: Pending, line: bytes) -> None:
        wait = self._reply_timeout * min(_BACKOFF_MAX, 2**pending.tries)
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
        """Take what arrives. At the deadline of the oldest request, send it again."""
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
            if now - self._heard > self._timeout:
                self._waiting.clear()
                raise LinkError(
                    f"{self.name}{': ' if self.name else ''}no answer to {oldest.command.name} "
                    f"within {self._timeout:g} s: is it the right port, and does the firmware "
                    "run? A slow board may want more --timeout; else unplug it, plug it in and "
                    "try again"
                )
            # A device answers HELLO at once, but may compute for long before any other reply.
            tries_here = 1 if oldest.command is Command.HELLO else 2
            if oldest.tries > tries_here and self._agreed_baud != BAUD:
                self._set_baud(BAUD if self.baud != BAUD else self._agreed_baud)
            self._resend(oldest)

    def _take(self, frame: Frame) -> None:
        """Match a reply with its request."""
        for pending in self._waiting:
            if (frame.type, frame.sequence) == (pending.command | REPLY, pending.sequence):
                break
        else:
            return  # the second copy of an answer
        if pending.reply is not None or not frame.payload:
            return
        self._heard = time.monotonic()
        if self._agreed_baud != self.baud:
            self._note(
                f"nothing comes through at {self._agreed_baud} baud: the line is at {self.baud}"
            )
            self._agreed_baud = self.baud
        status = frame.payload[0]
        if status == lib.EGG_E_SESSION:
            self._waiting.clear()
            raise self._refused(pending.command, status, b"")
        if status == lib.EGG_E_SEQUENCE:  # an earlier one got lost: send all again, but only once
            if self._heard - self._renewed > self._reply_timeout / 2:
                self._renewed = self._heard
                for each in self._waiting:
                    self._resend(each)
            return
        pending.reply = frame.payload
        while self._waiting and self._waiting[0].reply is not None:
            self._waiting.pop(0)
            if self._waiting:  # the device begins with this one only now
                self._waiting[0].deadline = self._heard + self._reply_timeout

    def _reconnect(self, cause: OSError) -> None:
        """Open the port again, and repeat the outstanding requests."""
        self._transport.close()
        begun = time.monotonic()
        self._note(f"the link broke ({cause}); waiting for it, up to {self._timeout:g} s")
        while True:
            try:
                self._transport = self._open()
                break
            except (OSError, LinkError) as error:
                if time.monotonic() > begun + self._timeout:
                    raise LinkError(
                        f"{self.title}: the link broke ({cause}) and did not come back within "
                        f"{self._timeout:g} s: plug the board in, then resume the run"
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
