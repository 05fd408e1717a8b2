"""The gate before every actuator: limits, rate, heartbeat, latched stop.

Pure: times come in as arguments, in seconds of one monotonic clock. A gate starts stopped. It stops
by itself when the actuator's side has been silent for `heartbeat_s`, and stays stopped until
somebody resets it, however well everything else is by then (ISO 13850, 4.1.4: the reset alone must
not start a movement, it only permits one).
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Mapping

from common.drivers.base import DriverError

HEARTBEAT_S = 0.2
RATE_WINDOW_S = 1.0


class GateError(DriverError):
    """A command did not pass the gate."""


class StoppedError(GateError):
    """The gate is stopped; the message says since what. A reset opens it."""


class LimitError(GateError):
    """A value is unknown, not a number or outside its limits."""


class RateError(GateError):
    """More commands in a second than the actuator may get."""


class Gate:
    """One actuator's gate.

    limits: (least, most) of each value that a command must carry, both allowed.
    max_rate_hz: commands in any second. heartbeat_s: silence after which it stops.
    """

    def __init__(
        self,
        limits: Mapping[str, tuple[float, float]],
        max_rate_hz: int,
        heartbeat_s: float = HEARTBEAT_S,
    ) -> None:
        if any(not low <= high for low, high in limits.values()):
            raise ValueError(f"limits are (least, most), got {dict(limits)}")
        if max_rate_hz < 1 or not heartbeat_s > 0:
            raise ValueError("max_rate_hz must be >= 1 and heartbeat_s > 0")
        self._limits = dict(limits)
        self._max_rate_hz = max_rate_hz
        self._heartbeat_s = heartbeat_s
        self._passed: deque[float] = deque(maxlen=max_rate_hz)
        self._beat: int | None = None
        self._beat_at = -math.inf
        self._reason = "not started: reset the gate to start"

    @property
    def reason(self) -> str:
        """Why it is stopped, "" when it is open."""
        return self._reason

    def beat(self, number: int, now: float) -> None:
        """The other side's heartbeat was read; only another number than before is a beat."""
        self.watch(now)
        if number != self._beat:
            self._beat, self._beat_at = number, now

    def watch(self, now: float) -> bool:
        """Whether the gate is open at `now`; stops it when the heartbeat is late."""
        silent_s = now - self._beat_at
        if not self._reason and silent_s > self._heartbeat_s:
            self.stop(f"no heartbeat for {silent_s:.3f} s")
        return not self._reason

    def stop(self, reason: str) -> None:
        """Stop until reset; the first reason is kept."""
        self._reason = self._reason or reason or "stopped"

    def reset(self, now: float) -> None:
        """Open it. StoppedError when there is no heartbeat."""
        if now - self._beat_at > self._heartbeat_s:
            raise StoppedError(f"cannot reset without a heartbeat: {self._reason}")
        self._reason = ""

    def check(self, values: Mapping[str, float], now: float) -> None:
        """Pass one command or raise StoppedError, LimitError or RateError; counts what passed."""
        if not self.watch(now):
            raise StoppedError(f"stopped: {self._reason}")
        if values.keys() != self._limits.keys():
            raise LimitError(f"a command has {sorted(self._limits)}, got {sorted(values)}")
        for name, value in values.items():
            low, high = self._limits[name]
            if not low <= value <= high:  # NaN is outside too
                raise LimitError(f"{name} = {value} is outside {low} to {high}")
        full = len(self._passed) == self._max_rate_hz
        if full and now - self._passed[0] < RATE_WINDOW_S:
            raise RateError(f"over {self._max_rate_hz} commands in {RATE_WINDOW_S} s")
        self._passed.append(now)
