"""What every PLC driver shares: a cyclic exchange of images, and the way commands go out.

Each cycle the newest command is written and the status read, as a fieldbus does. A command with
news in it does not wait for its cycle. A status whose clock stands still is the old one: it is not
delivered, so that a PLC that answers but no longer works shows as silent.
"""

from __future__ import annotations

import threading
import time
from abc import ABC, abstractmethod
from typing import Any

from numpy.typing import NDArray

from common.drivers.base import CorruptSampleError, DriverSpec
from common.drivers.plc.config import AnyPlcConfig
from common.drivers.stream import RawSample, StreamDriver
from common.types.plc import COMMAND, STATUS, PlcStatus, Words, problem

BEAT = COMMAND.place("heartbeat")[0].total  # the heartbeat comes first in a command


class Outbox:
    """The command to be written; a newer one takes its place."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._words: Words | None = None
        self._fresh = threading.Event()

    def put(self, words: Words | None) -> None:
        """Replace the command; None withdraws it. News beyond the heartbeat wakes the exchange."""
        with self._lock:
            before, self._words = self._words, words
        if words is not None and (before is None or (before[BEAT:] != words[BEAT:]).any()):
            self._fresh.set()

    def take(self) -> Words | None:
        """The newest command; it stays, and is written again with the next cycle."""
        self._fresh.clear()
        with self._lock:
            return self._words

    def wait(self, timeout_s: float) -> None:
        """Until a command is put, or so long."""
        self._fresh.wait(timeout_s)


class CyclicBackend(ABC):
    """A backend that exchanges images. `exchange` may block for the device's time-out."""

    def __init__(self, rate_hz: float, outbox: Outbox) -> None:
        self._period_s = 1.0 / rate_hz
        self._outbox = outbox
        self._due_s = 0.0
        self._counter = 0
        self._clock_us = -1

    def connect(self) -> None:
        """Reach the PLC; statuses count from 0 again."""
        self._counter, self._clock_us, self._due_s = 0, -1, 0.0
        self.reach()

    @abstractmethod
    def reach(self) -> None:
        """Open the connection, or raise DisconnectedError."""

    @abstractmethod
    def disconnect(self) -> None:
        """Let go of it."""

    @abstractmethod
    def exchange(self, command: Words | None) -> NDArray[Any]:
        """Write the command, if there is one, and read the status's words.

        DisconnectedError, CorruptSampleError; ConfigError when the PLC refuses the addresses.
        """

    def grab(self, timeout_s: float) -> RawSample[PlcStatus] | None:
        """The next status whose clock has moved."""
        until = time.monotonic() + timeout_s
        while (now := time.monotonic()) < until:
            self._outbox.wait(min(max(self._due_s - now, 0.0), until - now))
            if time.monotonic() >= until and self._due_s > until:
                return None
            self._due_s = time.monotonic() + self._period_s
            words = self.exchange(self._outbox.take())
            if wrong := problem(words):
                raise CorruptSampleError(f"the PLC sent {wrong}")
            status = PlcStatus(words)
            if (clock_us := status.one("clock_us")) != self._clock_us:
                self._clock_us = clock_us
                counter, self._counter = self._counter, self._counter + 1
                return RawSample(counter, clock_us * 1000, status)
        return None


class Plc(StreamDriver[PlcStatus]):
    """A PLC: read like any driver, and written to."""

    def __init__(self, config: AnyPlcConfig, backend: CyclicBackend, outbox: Outbox) -> None:
        spec = DriverSpec(
            kind="plc",
            type=config.type,
            frame_id=config.frame_id,
            shape=(STATUS.words,),
            dtype="uint16",
            rate_hz=config.rate_hz,
            unit="1",
        )
        self._outbox = outbox
        super().__init__(spec, backend, lambda status: status.words)

    def open(self) -> None:
        """Connect. No command of an earlier opening is written again."""
        if not self.is_open:
            self._outbox.put(None)
        super().open()

    def close(self) -> None:
        """Disconnect. The last command stays with the PLC, whose watchdog then stops it."""
        super().close()
        self._outbox.put(None)

    def write(self, command: Words) -> None:
        """Set the command image; it goes out with the next cycle, at once where it says more
        than the last but for the heartbeat, and again every cycle.

        ClosedError, NotOpenError; ValueError when it is no (COMMAND.words,) uint16.
        """
        self._opened()
        if command.shape != (COMMAND.words,) or command.dtype.str[1:] != "u2":
            raise ValueError(f"a command is ({COMMAND.words},) uint16, got {command.shape}")
        self._outbox.put(command.copy())
