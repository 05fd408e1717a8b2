"""Seeded faults between a device and its driver, for tests and drills.

    faults.inject(driver, [Drop(0.1), Stall(at=50, duration_s=1.0)], seed=7)   # before open()

The faults act where a bad cable, a busy bus or a failing device would: under the checks and the
health logic, which see them as they would see the real ones. For one seed the same samples are hit,
whatever other faults run beside. Every fault acts on the samples [at, until) that the device gave
since the faults were put in, through every reconnection; `until` None means for ever.
"""

from __future__ import annotations

import copy
import time
from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Generic, TypeVar

import numpy as np

from common.drivers.base import DisconnectedError, Driver
from common.drivers.stream import Backend, RawSample, StreamDriver, View, checksum

T = TypeVar("T")
Rng = np.random.Generator


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """What goes wrong, and for which samples."""

    rate: float = 1.0
    at: int = 0
    until: int | None = None

    def __post_init__(self) -> None:
        if not 0 <= self.rate <= 1:
            raise ValueError(f"rate must be within 0..1, got {self.rate}")

    def strikes(self, index: int, rng: Rng) -> bool:
        """Whether sample `index` is hit; draws once whatever the answer."""
        hit = bool(rng.random() < self.rate)
        return hit and self.at <= index and (self.until is None or index < self.until)


@dataclass(frozen=True, slots=True, kw_only=True)
class Drop(Fault):
    """Samples vanish."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Duplicate(Fault):
    """Samples come twice."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reorder(Fault):
    """Samples come after their successor."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Corrupt(Fault):
    """One bit in each of `n_bytes` bytes of the array is flipped on the way."""

    n_bytes: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class ClockStep(Fault):
    """From sample `at` on, the device's clock reads `step_s` more."""

    step_s: float = 3600.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Outage(Fault):
    """A fault that lasts for `duration_s` from sample `at` on, once."""

    duration_s: float = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Stall(Outage):
    """The device says nothing; what it measures meanwhile waits in its buffers or is lost."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Disconnect(Outage):
    """The device cannot be reached."""


def inject(driver: Driver[T], faults: Sequence[Fault], seed: int = 0) -> Driver[T]:
    """Put faults under a driver that is not open; returns the driver.

    TypeError when the driver is not a StreamDriver, ValueError when it is open.
    """
    if not isinstance(driver, StreamDriver):
        raise TypeError(f"faults act on a StreamDriver, not on {type(driver).__name__}")
    if driver.is_open:
        raise ValueError("put the faults in before the driver is opened")
    driver.backend = FaultyBackend(driver.backend, driver.view, faults, seed)
    return driver


class FaultyBackend(Generic[T]):
    """A backend seen through a bad link. A sample gets its checksum before anything goes wrong."""

    def __init__(
        self, inner: Backend[T], view: View[T], faults: Iterable[Fault], seed: int
    ) -> None:
        self._inner = inner
        self._view = view
        self._faults = tuple(faults)
        self._rngs = [np.random.default_rng([seed, k]) for k in range(len(self._faults))]
        self._index = 0
        self._held: RawSample[T] | None = None
        self._ready: deque[RawSample[T]] = deque()
        self._done: set[int] = set()
        self._silent_until = 0.0
        self._gone_until = 0.0

    def connect(self) -> None:
        """Reach the device; DisconnectedError during a `Disconnect`."""
        self._check_line()
        self._inner.connect()

    def disconnect(self) -> None:
        """Let go of the device."""
        self._ready.clear()
        self._inner.disconnect()

    def grab(self, timeout_s: float) -> RawSample[T] | None:
        """A sample as the link leaves it."""
        self._check_line()
        silent_s = self._silent_until - time.monotonic()
        if silent_s > 0:
            time.sleep(min(silent_s, timeout_s))
            return None
        if not self._ready:
            raw = self._inner.grab(timeout_s)
            if raw is not None:
                self._ready.extend(self._through(raw))
        return self._ready.popleft() if self._ready else None

    def _check_line(self) -> None:
        left_s = self._gone_until - time.monotonic()
        if left_s > 0:
            raise DisconnectedError(f"injected: not reachable for another {left_s:.2f} s")

    def _through(self, raw: RawSample[T]) -> list[RawSample[T]]:
        index, self._index = self._index, self._index + 1
        if raw.checksum is None:
            raw = replace(raw, checksum=checksum(self._view(raw.value)))
        out = [raw]
        for k, (fault, rng) in enumerate(zip(self._faults, self._rngs, strict=True)):
            if fault.strikes(index, rng):
                out = self._strike(k, fault, out, rng)
        return self._release(out)

    def _strike(
        self, k: int, fault: Fault, out: list[RawSample[T]], rng: Rng
    ) -> list[RawSample[T]]:
        match fault:
            case Drop():
                return []
            case Duplicate():
                return [raw for raw in out for _ in range(2)]
            case Corrupt():
                return [self._flip(raw, fault.n_bytes, rng) for raw in out]
            case ClockStep():
                return [_shift(raw, fault.step_s) for raw in out]
            case Reorder() if out and self._held is None:
                self._held = out[0]
                return out[1:]
            case Outage() if k not in self._done:
                self._done.add(k)
                self._begin(fault)
                return []
        return out

    def _release(self, out: list[RawSample[T]]) -> list[RawSample[T]]:
        """A sample that was held back follows its successor."""
        if self._held is not None and out and out[0].counter > self._held.counter:
            out, self._held = [*out, self._held], None
        return out

    def _begin(self, fault: Outage) -> None:
        until = time.monotonic() + fault.duration_s
        if isinstance(fault, Disconnect):
            self._gone_until = until
            self._check_line()
        self._silent_until = until

    def _flip(self, raw: RawSample[T], n_bytes: int, rng: Rng) -> RawSample[T]:
        value: Any = copy.deepcopy(raw.value)
        flat = self._view(value).reshape(-1).view(np.uint8)
        where = rng.choice(flat.size, size=min(n_bytes, flat.size), replace=False)
        flat[where] ^= np.uint8(1) << rng.integers(0, 8, size=where.size).astype(np.uint8)
        return replace(raw, value=value)


def _shift(raw: RawSample[T], step_s: float) -> RawSample[T]:
    return replace(raw, device_time_ns=max(raw.device_time_ns + int(step_s * 1e9), 0))
