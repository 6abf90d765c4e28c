"""Ways to move bytes to a device and back: any pyserial URL."""

from __future__ import annotations

import contextlib
import select
import time
from collections.abc import Callable
from typing import Protocol

import serial

from eggroll_edge._core import lib
from eggroll_edge.errors import LinkError

BAUD: int = lib.EGG_BAUD_DEFAULT
"""Baud rate of a serial line when a session begins."""
_POLL_S = 0.0005


class Transport(Protocol):
    """A line of bytes to a device. All methods but close() raise OSError if the cable is out."""

    def write(self, data: bytes) -> None:
        """Send all bytes of `data`."""

    def read(self, timeout: float) -> bytes:
        """The bytes that have arrived. If there are none, waits up to `timeout` seconds for some.

        Returns b"" if none came.
        """

    def set_baud(self, baud: int) -> None:
        """Change the baud rate of the line; a line without a baud rate ignores the call.

        LinkError if the port cannot run at this baud rate.
        """

    def close(self) -> None:
        """Close the port."""


Opener = Callable[[], Transport]
"""Opens a transport, and opens it again after a cable was pulled. LinkError or OSError if it
cannot."""


class SerialTransport:
    """A pyserial URL: /dev/ttyACM0, COM3, socket://host:port, rfc2217://host:port, loop://.

    LinkError if it cannot be opened.
    """

    def __init__(self, url: str) -> None:
        try:
            self._port = serial.serial_for_url(url, baudrate=BAUD, timeout=0, write_timeout=10)
        except (OSError, ValueError) as error:
            raise LinkError(
                f"{url}: cannot be opened ({error}): is the board plugged in, and the port free? "
                "`eggroll-edge devices` lists ports"
            ) from error
        try:
            self._file: int | None = self._port.fileno()
            select.select([self._file], [], [], 0)
        except (OSError, AttributeError, ValueError):  # loop://, rfc2217://, Windows
            self._file = None

    def write(self, data: bytes) -> None:
        self._port.write(data)

    def read(self, timeout: float) -> bytes:
        if self._file is not None:
            select.select([self._file], [], [], max(0.0, timeout))
            return bytes(self._port.read(4096))
        end = time.monotonic() + timeout
        while not (data := bytes(self._port.read(4096))) and time.monotonic() < end:
            time.sleep(_POLL_S)
        return data

    def set_baud(self, baud: int) -> None:
        try:
            self._port.baudrate = baud
        except Exception as error:  # ValueError, OSError, termios.error: platforms differ
            raise LinkError(f"{self._port.name}: cannot have {baud} baud ({error})") from error

    def close(self) -> None:
        with contextlib.suppress(OSError):
            self._port.close()


def opener(url: str) -> Opener:
    """Make a function that opens a line to a device, for Session.

    Args:
        url: A serial port or pyserial URL: /dev/ttyACM0, COM3, socket://host:port.

    Returns:
        A function without arguments, which raises LinkError if the line cannot be opened.
    """
    return lambda: SerialTransport(url)
