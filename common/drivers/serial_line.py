"""A serial line through pyserial, with its failures told as a driver's."""

from __future__ import annotations

from typing import Any

from common.drivers.base import DisconnectedError
from common.errors import MissingExtraError

MAX_READ_BYTES = 1 << 16


class SerialLine:
    """Bytes from and to a port; MissingExtraError when it is made without pyserial."""

    def __init__(self, port: str, baud: int) -> None:
        try:
            import serial
        except ImportError as error:
            raise MissingExtraError("pyserial", "gnss") from error
        self._library: Any = serial
        self._port = port
        self._baud = baud
        self._line: Any = None

    def open(self) -> None:
        """Reach the port. DisconnectedError when it is not there, or somebody else's."""
        self.close()
        try:
            line = self._library.serial_for_url(self._port, self._baud, do_not_open=True)
            if not self._port.partition("://")[1]:
                line.exclusive = True
            line.open()
            line.reset_input_buffer()
        except (OSError, ValueError) as error:
            raise DisconnectedError(f"{self._port}: {error}") from error
        self._line = line

    def close(self) -> None:
        """Let go of the port; closing twice does nothing."""
        line, self._line = self._line, None
        if line is not None:
            line.close()

    def read(self, timeout_s: float) -> bytes:
        """What has come, after at most `timeout_s` nothing. DisconnectedError when it is gone."""
        if self._line is None:
            raise DisconnectedError(f"{self._port} is closed")
        try:
            self._line.timeout = timeout_s
            first: bytes = self._line.read(1)
            waiting = min(self._line.in_waiting, MAX_READ_BYTES) if first else 0
            return first + (self._line.read(waiting) if waiting else b"")
        except (OSError, TypeError) as error:  # TypeError: closed by another thread meanwhile
            raise DisconnectedError(f"{self._port}: {error}") from error

    def write(self, data: bytes) -> None:
        """Send all of it. DisconnectedError when the port is gone."""
        if self._line is None:
            raise DisconnectedError(f"{self._port} is closed")
        try:
            self._line.write(data)
            self._line.flush()
        except OSError as error:
            raise DisconnectedError(f"{self._port}: {error}") from error
