"""What every streaming driver shares: a reader thread, the health logic and the hand-over.

A device is a Backend of three hooks. The driver around it keeps the contract of `base.py`:

    backend.grab -> shape, type, checksum -> order, clock, silence -> queue -> read, read_latest

`faults.py` and any other link model sit between the backend and the first arrow.
"""

from __future__ import annotations

import threading
import time
import zlib
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from common.drivers.base import (
    AlreadyOpenError,
    ClosedError,
    CorruptSampleError,
    DisconnectedError,
    Driver,
    DriverError,
    DriverSpec,
    Health,
    NotOpenError,
    State,
)
from common.drivers.mailbox import Mailbox
from common.drivers.monitor import Monitor, silence_limit_s
from common.types.stamped import Stamped

T = TypeVar("T")
View = Callable[[T], NDArray[Any]]

POLL_S = 0.1  # the longest a grab may take without news, so that close() is prompt
FIRST_RETRY_S = 0.05
LAST_RETRY_S = 0.5  # the bound on the delay that reconnecting adds
RECONNECT_AFTER_LIMITS = 8.0  # silence limits after which the connection is made anew
JOIN_S = 2.0
DEPTH = 8


@dataclass(frozen=True, slots=True, eq=False)
class RawSample(Generic[T]):
    """A sample at the device's border.

    counter: the device's own, +1 a sample; gaps, repeats and steps back are what tells of faults.
    checksum: crc32 of the array's bytes made where the sample was made; None when there is none.
    host_time_ns: of a recorded sample; None stamps it on arrival.
    """

    counter: int
    device_time_ns: int
    value: T
    checksum: int | None = None
    host_time_ns: int | None = None


class Backend(Protocol[T]):
    """A device. All three are called by one thread at a time."""

    def connect(self) -> None:
        """Reach the device, or raise DisconnectedError. Called again after disconnect()."""
        ...

    def grab(self, timeout_s: float) -> RawSample[T] | None:
        """The next sample, or None after about `timeout_s` without one.

        DisconnectedError makes the driver reconnect, CorruptSampleError is counted, an error that
        is not `recoverable` (the end of a recording) ends the stream.
        """
        ...

    def disconnect(self) -> None:
        """Let go of the device; also called when connect() failed or the device is gone."""
        ...


def checksum(array: NDArray[Any]) -> int:
    """crc32 of the bytes of a C-contiguous array."""
    return zlib.crc32(array.data if array.flags.c_contiguous else array.tobytes())


class StreamDriver(Driver[T]):
    """A driver over a backend. `view` gives the array of a value, for the checks."""

    def __init__(self, spec: DriverSpec, backend: Backend[T], view: View[T]) -> None:
        self._spec = spec
        self.backend = backend
        self.view = view
        self._stream: _Stream[T] | None = None
        self._last: _Stream[T] | None = None

    @property
    def spec(self) -> DriverSpec:
        return self._spec

    @property
    def is_open(self) -> bool:
        return self._stream is not None

    @property
    def health(self) -> Health:
        stream = self._stream
        if stream is None:
            return Health(State.UNAVAILABLE, "closed" if self._last else "not open")
        return stream.health()

    def open(self) -> None:
        if self._stream is not None:
            raise AlreadyOpenError(f"{self._name()} is open already; close it first")
        if self._last is not None and self._last.is_stuck:
            raise DriverError(f"{self._name()}: the device's library has not returned yet")
        stream = _Stream(self._spec, self.backend, self.view)
        stream.start()
        self._stream = stream

    def close(self) -> None:
        stream, self._stream = self._stream, None
        if stream is not None:
            self._last = stream
            stream.stop(ClosedError(f"{self._name()} was closed"))

    def read(self, timeout_s: float | None = None) -> Stamped[T]:
        return self._opened().read(timeout_s)

    def read_latest(self, max_age_s: float) -> Stamped[T]:
        return self._opened().read_latest(max_age_s)

    def expect(self, samples: int = 1) -> None:
        """Tell the health logic that triggers were sent, so that a missing sample is noticed."""
        self._opened().expect(samples)

    def _opened(self) -> _Stream[T]:
        stream = self._stream
        if stream is not None:
            return stream
        if self._last is not None:
            raise ClosedError(f"{self._name()} is closed")
        raise NotOpenError(f"{self._name()} is not open; call open() first")

    def _name(self) -> str:
        return f"{self._spec.kind}/{self._spec.type}"


class _Stream(Generic[T]):
    """One opening of a driver: from connect to disconnect."""

    def __init__(self, spec: DriverSpec, backend: Backend[T], view: View[T]) -> None:
        live = spec.delivery == "newest"
        periodic = spec.rate_hz is not None
        shelf_life_s = max(silence_limit_s(spec.rate_hz), 0.5) if live and periodic else None
        self._spec = spec
        self._backend = backend
        self._view = view
        self._live = live
        self._mailbox: Mailbox[T] = Mailbox(DEPTH, lossless=not live, shelf_life_s=shelf_life_s)
        self._monitor = Monitor(spec.rate_hz, device_clock=live, now=time.monotonic())
        self._lock = threading.Lock()  # over the monitor
        self._closing = threading.Event()
        self._retry_s = 0.0  # grows with every attempt until a sample comes
        name = f"{spec.kind}/{spec.type} reader"
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def start(self) -> None:
        try:
            self._backend.connect()
        except BaseException:
            self._let_go()
            raise
        self._monitor = Monitor(self._spec.rate_hz, device_clock=self._live, now=time.monotonic())
        self._thread.start()

    def stop(self, error: ClosedError) -> None:
        self._closing.set()
        self._mailbox.finish(error)
        self._thread.join(JOIN_S)

    @property
    def is_stuck(self) -> bool:
        """Whether a stopped reader still waits in the device's library; it lets go on return."""
        return self._thread.is_alive()

    def health(self) -> Health:
        with self._lock:
            return self._monitor.health(time.monotonic())

    def expect(self, samples: int) -> None:
        with self._lock:
            self._monitor.expect(samples, time.monotonic())

    def read(self, timeout_s: float | None) -> Stamped[T]:
        sample, passed = self._mailbox.take(timeout_s, f"{self._spec.kind}/{self._spec.type}")
        self._overrun(passed)
        return sample

    def read_latest(self, max_age_s: float) -> Stamped[T]:
        return self._mailbox.newest(max_age_s)

    def _overrun(self, count: int) -> None:
        with self._lock:
            self._monitor.overrun(count)

    def _run(self) -> None:
        try:
            while not self._closing.is_set() and self._step():
                pass
        finally:
            self._let_go()

    def _step(self) -> bool:
        """One grab; False when the stream has ended."""
        try:
            raw = self._backend.grab(POLL_S)
            if raw is not None:
                self._check(raw)
                self._deliver(raw)
            elif self._is_dead():
                raise DisconnectedError("silent for too long; connecting anew")
        except CorruptSampleError as error:
            with self._lock:
                self._monitor.corrupt(time.monotonic(), str(error))
        except DriverError as error:
            return self._end(error) if not error.recoverable else self._reconnect(error)
        except Exception as error:  # a device library may raise anything; the stream must live
            return self._reconnect(error)
        return True

    def _let_go(self) -> None:
        """Disconnect; that a broken device objects must not keep the driver from going on."""
        with suppress(Exception):
            self._backend.disconnect()

    def _is_dead(self) -> bool:
        with self._lock:
            return self._live and self._monitor.is_silent(time.monotonic(), RECONNECT_AFTER_LIMITS)

    def _check(self, raw: RawSample[T]) -> None:
        array = self._view(raw.value)
        if array.shape != self._spec.shape or array.dtype != np.dtype(self._spec.dtype):
            raise CorruptSampleError(
                f"sample {raw.counter} is {array.shape} {array.dtype}, "
                f"declared {self._spec.shape} {self._spec.dtype}"
            )
        if raw.device_time_ns < 0:
            raise CorruptSampleError(f"sample {raw.counter} has a device time before 0")
        if raw.checksum is not None and checksum(array) != raw.checksum:
            raise CorruptSampleError(f"sample {raw.counter} does not match its checksum")

    def _deliver(self, raw: RawSample[T]) -> None:
        now = time.monotonic()
        with self._lock:
            verdict = self._monitor.arrived(raw.counter, raw.device_time_ns, now)
            if verdict is None:
                return
            self._monitor.paused()
        self._retry_s = 0.0
        seq, taken_at = verdict
        host_time_ns = time.time_ns() if raw.host_time_ns is None else raw.host_time_ns
        stamped = Stamped(seq, raw.device_time_ns, host_time_ns, self._spec.frame_id, raw.value)
        gone = self._mailbox.put(stamped, taken_at)
        with self._lock:
            self._monitor.overrun(gone)
            self._monitor.resumed(time.monotonic())

    def _end(self, error: DriverError) -> bool:
        with self._lock:
            self._monitor.disconnected(time.monotonic(), str(error))
        self._mailbox.finish(error)
        return False

    def _reconnect(self, error: Exception) -> bool:
        """Try until the device is back or the driver is closed."""
        if self._live:  # what was queued is of the past
            self._overrun(self._mailbox.clear())
        while not self._closing.is_set():
            with self._lock:
                self._monitor.disconnected(time.monotonic(), str(error) or repr(error))
            self._let_go()
            self._closing.wait(self._retry_s)
            self._retry_s = min(max(2 * self._retry_s, FIRST_RETRY_S), LAST_RETRY_S)
            try:
                self._backend.connect()
            except Exception as again:
                if isinstance(again, DriverError) and not again.recoverable:
                    return self._end(again)
                error = again
            else:
                with self._lock:
                    self._monitor.connected(time.monotonic())
                break
        return True
