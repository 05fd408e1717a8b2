"""A simulated device that measures at its own rate, on and on: for those without a trigger."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

import numpy as np

from common.drivers.base import ConfigError, DriverError
from common.drivers.stream import RawSample

T = TypeVar("T")
Rng = np.random.Generator
Measure = Callable[[int, float, Rng], tuple[int, T]]

BUFFERED_S = 0.2  # of samples that the device holds before it must lose some


@dataclass(frozen=True, slots=True)
class Pace:
    """rate_hz: samples a second. realtime: False makes them as fast as they are read, at the times
    that rate_hz gives them. drop_rate: fraction that the device itself loses."""

    rate_hz: float
    realtime: bool
    drop_rate: float
    seed: int


class FreeRunBackend(Generic[T]):
    """The device: `start` is called when it is connected and gives what measures.

    That takes the sample's number, the seconds since then and a generator of this sample's own, so
    that the same seed gives the same samples; it returns the device's time in ns and the value.
    """

    def __init__(self, pace: Pace, start: Callable[[], Measure[T]], about: str) -> None:
        self._pace = pace
        self._start = start
        self._about = about
        self._measure: Measure[T] = start()
        self._counter = 0
        self._started = 0.0

    def connect(self) -> None:
        """Power up: the counter begins at 0."""
        self._measure = self._start()
        self._counter = 0
        self._started = time.monotonic()

    def disconnect(self) -> None:
        """Nothing is held."""

    def grab(self, timeout_s: float) -> RawSample[T] | None:
        """The sample that is due at counter / rate_hz."""
        if self._pace.realtime and not self._is_due(timeout_s):
            return None
        counter, self._counter = self._counter, self._counter + 1
        rng = np.random.Generator(np.random.SFC64([self._pace.seed, counter]))
        if rng.random() < self._pace.drop_rate:
            return None
        try:
            device_time_ns, value = self._measure(counter, counter / self._pace.rate_hz, rng)
        except DriverError:
            raise
        except Exception as error:  # a scene is anybody's code
            raise ConfigError(f"scene {self._about!r} failed: {error!r}") from error
        return RawSample(counter, device_time_ns, value)

    def _is_due(self, timeout_s: float) -> bool:
        rate_hz = self._pace.rate_hz
        elapsed_s = time.monotonic() - self._started
        behind = int(elapsed_s * rate_hz) - self._counter
        if behind > max(BUFFERED_S * rate_hz, 4):
            self._counter += behind
        wait_s = self._counter / rate_hz - elapsed_s
        time.sleep(min(max(wait_s, 0.0), timeout_s))
        return wait_s <= timeout_s
