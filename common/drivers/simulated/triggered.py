"""A simulated device with a trigger: it measures when it is told to, or on and on."""

from __future__ import annotations

import queue
import time
from collections.abc import Callable
from typing import Generic, TypeVar

import numpy as np

from common.drivers.base import ConfigError, DriverError
from common.drivers.simulated.clock import ClockModel, DriftingClock
from common.drivers.simulated.freerun import Pace
from common.drivers.stream import RawSample

A = TypeVar("A")
T = TypeVar("T")

BUFFERS = 4  # samples that the device holds before it must lose some
MAX_PENDING = 4096  # triggers that wait


class TriggeredBackend(Generic[A, T]):
    """The device: restarts its counter and its clock whenever it is connected.

    pending: what was asked for and is not made yet. free: what sample number n asks for where the
    device runs free; None where it waits for `pending`. measure: takes what is asked, the seconds
    since the connection and a generator of this very sample's own, so that the same seed gives the
    same samples.
    """

    def __init__(
        self,
        pace: Pace,
        clock: ClockModel,
        pending: queue.Queue[A],
        free: Callable[[int], A] | None,
        measure: Callable[[A, float, np.random.Generator], T],
        about: str,
    ) -> None:
        self._pace = pace
        self._model = clock
        self._pending = pending
        self._free = free
        self._measure = measure
        self._about = about
        self._clock = DriftingClock(clock, pace.seed)
        self._counter = 0
        self._started = 0.0

    def connect(self) -> None:
        """Power up."""
        while not self._pending.empty():
            self._pending.get_nowait()
        self._clock = DriftingClock(self._model, self._pace.seed)
        self._counter = 0
        self._started = time.monotonic()

    def disconnect(self) -> None:
        """Nothing is held."""

    def grab(self, timeout_s: float) -> RawSample[T] | None:
        """Wait for what is due, and measure it. ConfigError, which ends the stream, where the scene
        fails: one that fails once will fail again."""
        due = self._triggered(timeout_s) if self._free is None else self._running(timeout_s)
        if due is None:
            return None
        asked, time_s = due
        counter, self._counter = self._counter, self._counter + 1
        rng = np.random.Generator(np.random.SFC64([self._pace.seed, counter]))
        if rng.random() < self._pace.drop_rate:
            return None
        try:
            value = self._measure(asked, time_s, rng)
        except DriverError:
            raise
        except Exception as error:  # a scene is anybody's code
            raise ConfigError(f"scene {self._about!r} failed: {error!r}") from error
        return RawSample(counter, self._clock.read_ns(time_s), value)

    def _triggered(self, timeout_s: float) -> tuple[A, float] | None:
        try:
            asked = self._pending.get(timeout=timeout_s)
        except queue.Empty:
            return None
        return asked, self._now_s()

    def _running(self, timeout_s: float) -> tuple[A, float] | None:
        """What sample `counter` asks for, at counter / rate_hz."""
        assert self._free is not None
        rate_hz = self._pace.rate_hz
        if self._pace.realtime:
            behind = int(self._now_s() * rate_hz) - self._counter
            if behind > BUFFERS:
                self._counter += behind
            wait_s = self._counter / rate_hz - self._now_s()
            time.sleep(min(max(wait_s, 0.0), timeout_s))
            if wait_s > timeout_s:
                return None
        return self._free(self._counter), self._counter / rate_hz

    def _now_s(self) -> float:
        if self._pace.realtime:
            return time.monotonic() - self._started
        return self._counter / self._pace.rate_hz
