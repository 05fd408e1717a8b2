"""Health of a stream, as pure steps: samples and times come in as arguments.

Three watchers: the order of the device's counter, the device's clock against the host's, and
silence. All host times are seconds of one monotonic clock.
"""

from __future__ import annotations

from collections import deque
from dataclasses import replace
from enum import Enum

from common.drivers.base import Counters, Health, State

SILENCE_FLOOR_S = 0.25  # shorter gaps are a busy host rather than a broken device
HOLD_S = 1.0  # a fault is reported for so long after it was last seen
CLOCK_STEP_S = 0.25  # far above drift between two samples and jitter of a time stamp
CLOCK_WARM_UP = 5  # samples before the least delay can be trusted
RECENT = 256  # samples remembered


def silence_limit_s(rate_hz: float | None) -> float:
    """Silence that means DEGRADED: two periods, and never under SILENCE_FLOOR_S."""
    return SILENCE_FLOOR_S if rate_hz is None else max(2.0 / rate_hz, SILENCE_FLOOR_S)


class Order(Enum):
    """What a sample's counter says about it."""

    NEXT = "next"
    DUPLICATE = "duplicate"
    LATE = "late"


class Sequencer:
    """Turns a device's counter, which may restart, into a strictly increasing seq."""

    def __init__(self) -> None:
        self._offset = 0
        self._last_seq = -1
        self._first_of_connection = True
        self._recent: deque[int] = deque(maxlen=RECENT)

    def reconnected(self) -> None:
        """The next counter may start anywhere."""
        self._first_of_connection = True
        self._recent.clear()

    def step(self, counter: int) -> tuple[Order, int, int]:
        """(order, seq, number of samples missing before it); seq only means something for NEXT."""
        if self._first_of_connection:
            self._first_of_connection = False
            if counter + self._offset <= self._last_seq:  # the device began again from 0
                self._offset = self._last_seq + 1 - counter
            return self._accept(counter, missing=0)
        seq = counter + self._offset
        if seq > self._last_seq:
            return self._accept(counter, missing=seq - self._last_seq - 1)
        return (Order.DUPLICATE if counter in self._recent else Order.LATE), seq, 0

    def _accept(self, counter: int, missing: int) -> tuple[Order, int, int]:
        self._last_seq = counter + self._offset
        self._recent.append(counter)
        return Order.NEXT, self._last_seq, missing


class ClockWatch:
    """Relates the device's clock to the host's by the quickest arrivals.

    A sample arrives after it was taken, so host minus device time is the clocks' offset plus a
    delay >= 0, and its least value over the recent samples is the best estimate of the offset
    (the minimum filter of NTP, RFC 5905 section 10). Falling below that least value, or device
    time going back, is no delay: the device's clock was set.
    """

    def __init__(self) -> None:
        self._offsets: deque[float] = deque(maxlen=RECENT)
        self._last_device_ns: int | None = None

    def reset(self) -> None:
        """Forget: the device may have restarted."""
        self._offsets.clear()
        self._last_device_ns = None

    def step(self, device_time_ns: int, now: float) -> tuple[bool, float]:
        """(whether the clock was set, host time at which the sample was taken)."""
        offset = now - device_time_ns * 1e-9
        last = self._last_device_ns
        stepped = last is not None and (device_time_ns <= last or self._fell(offset))
        if stepped:
            self._offsets.clear()
        self._last_device_ns = device_time_ns
        self._offsets.append(offset)
        return stepped, device_time_ns * 1e-9 + min(self._offsets)

    def _fell(self, offset: float) -> bool:
        known = len(self._offsets) >= CLOCK_WARM_UP
        return known and offset < min(self._offsets) - CLOCK_STEP_S


class Monitor:
    """One opened stream's health."""

    def __init__(self, rate_hz: float | None, *, device_clock: bool, now: float) -> None:
        """`device_clock`: whether device times run with the host's (live), or are recorded."""
        self._limit_s = silence_limit_s(rate_hz)
        self._periodic = rate_hz is not None
        self._order = Sequencer()
        self._clock = ClockWatch() if device_clock else None
        self._counters = Counters()
        self._down: str | None = None
        self._awaited_since: float | None = now if self._periodic else None
        self._triggered = 0  # samples that triggers asked for
        self._seen = not self._periodic  # whether this connection gave a sample yet
        self._fault: tuple[float, str] | None = None

    def connected(self, now: float) -> None:
        """The connection stands again."""
        self._down = None
        self._order.reconnected()
        if self._clock is not None:
            self._clock.reset()
        self._awaited_since = now if self._periodic else None
        self._triggered = 0
        self._seen = not self._periodic
        self._count(reconnects=1)

    def disconnected(self, now: float, reason: str) -> None:
        """The connection is lost, or has ended."""
        self._down = reason
        self._fault = (now, reason)

    def expect(self, samples: int, now: float) -> None:
        """Triggers were sent: so many samples are due."""
        self._triggered += samples
        if self._awaited_since is None:
            self._awaited_since = now

    def paused(self) -> None:
        """A sample is being handed over: if that takes long, it is the consumer who is slow."""
        self._awaited_since = None

    def resumed(self, now: float) -> None:
        """The device is listened to again."""
        self._await_more(now)

    def corrupt(self, now: float, reason: str) -> None:
        """A sample came damaged and was refused."""
        self._count(corrupt=1)
        self._fault = (now, reason)

    def overrun(self, count: int) -> None:
        """Samples left the queue unread; that is the consumer's doing, not the device's fault."""
        if count:
            self._count(overruns=count)

    def arrived(self, counter: int, device_time_ns: int, now: float) -> tuple[int, float] | None:
        """(seq, host time at which it was taken) of a sample to deliver, None for one to drop."""
        order, seq, missing = self._order.step(counter)
        if order is not Order.NEXT:
            self._refuse(order, counter, now)
            return None
        self._triggered = max(self._triggered - 1 - missing, 0)
        self._await_more(now)
        self._seen = True
        self._count(received=1, dropped=missing)
        if missing:
            self._fault = (now, f"{missing} samples lost before counter {counter}")
        if self._clock is None:
            return seq, now
        stepped, taken_at = self._clock.step(device_time_ns, now)
        if stepped:
            self._count(clock_steps=1)
            self._fault = (now, f"the device's clock was set, at counter {counter}")
        return seq, taken_at

    def silence_s(self, now: float) -> float:
        """How long a sample has been due."""
        return 0.0 if self._awaited_since is None else now - self._awaited_since

    def is_silent(self, now: float, limits: float = 1.0) -> bool:
        """Whether a sample has been due for more than so many silence limits."""
        return self.silence_s(now) > limits * self._limit_s

    def health(self, now: float) -> Health:
        """The state at `now`."""
        if self._down is not None:
            return Health(State.UNAVAILABLE, self._down, self._counters)
        reason = self._trouble(now)
        return Health(State.DEGRADED if reason else State.READY, reason, self._counters)

    def _trouble(self, now: float) -> str:
        if self.is_silent(now):
            return f"no sample for {self.silence_s(now):.2f} s"
        if self._fault is not None and now - self._fault[0] < HOLD_S:
            return self._fault[1]
        return "" if self._seen else "no sample yet"

    def _refuse(self, order: Order, counter: int, now: float) -> None:
        if order is Order.DUPLICATE:
            self._count(duplicates=1)
        else:
            self._count(reordered=1)
        self._fault = (now, f"sample {counter} came {order.value}")

    def _await_more(self, now: float) -> None:
        self._awaited_since = now if self._periodic or self._triggered else None

    def _count(self, **more: int) -> None:
        now = {name: getattr(self._counters, name) + count for name, count in more.items()}
        self._counters = replace(self._counters, **now)
