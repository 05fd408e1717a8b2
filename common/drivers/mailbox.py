"""From the reader's thread to the consumer's: a bounded queue and the newest sample."""

from __future__ import annotations

import threading
import time
from collections import deque
from dataclasses import dataclass
from typing import Generic, TypeVar

from common.drivers.base import ClosedError, DriverError, DriverTimeoutError, StaleError
from common.types.stamped import Stamped

T = TypeVar("T")


@dataclass(frozen=True, slots=True, eq=False)
class _Letter(Generic[T]):
    sample: Stamped[T]
    taken_at: float


class Mailbox(Generic[T]):
    """Bounded; `shelf_life_s` is the age after which a queued sample is no longer handed over.

    With `lossless`, put() waits for room; otherwise the oldest gives way.
    """

    def __init__(self, depth: int, *, lossless: bool, shelf_life_s: float | None) -> None:
        self._depth = depth
        self._lossless = lossless
        self._shelf_life_s = shelf_life_s
        self._queue: deque[_Letter[T]] = deque()
        self._newest: _Letter[T] | None = None
        self._changed = threading.Condition()
        self._end: DriverError | None = None

    def put(self, sample: Stamped[T], taken_at: float) -> int:
        """Add a sample and return how many gave way. Does nothing once closed."""
        with self._changed:
            while self._lossless and len(self._queue) >= self._depth and self._end is None:
                self._changed.wait()
            if self._end is not None:
                return 0
            gone = max(len(self._queue) + 1 - self._depth, 0)
            for _ in range(gone):
                self._queue.popleft()
            self._newest = _Letter(sample, taken_at)
            self._queue.append(self._newest)
            self._changed.notify_all()
        return gone

    def take(self, timeout_s: float | None, waiting_for: str) -> tuple[Stamped[T], int]:
        """(next sample, samples passed over as too old). `waiting_for` goes into the time-out."""
        deadline = None if timeout_s is None else time.monotonic() + timeout_s
        passed = 0
        with self._changed:
            while True:
                passed += self._discard_old()
                if self._queue and not isinstance(self._end, ClosedError):
                    letter = self._queue.popleft()
                    self._changed.notify_all()
                    return letter.sample, passed
                if self._end is not None:
                    raise self._end.with_traceback(None)
                left = None if deadline is None else deadline - time.monotonic()
                if left is not None and left <= 0:
                    raise DriverTimeoutError(f"no sample in {timeout_s} s: {waiting_for}")
                self._changed.wait(left)

    def newest(self, max_age_s: float) -> Stamped[T]:
        """The newest sample, and the queue is emptied; StaleError when it is too old."""
        with self._changed:
            letter = self._newest
            if letter is not None and not isinstance(self._end, ClosedError):
                age_s = time.monotonic() - letter.taken_at
                if age_s < max_age_s:
                    self._queue.clear()
                    self._changed.notify_all()
                    return letter.sample
            if self._end is not None:
                raise self._end.with_traceback(None)
        if letter is None:
            raise StaleError("no sample yet")
        raise StaleError(f"the newest sample is {age_s:.3f} s old, over {max_age_s} s")

    def clear(self) -> int:
        """Drop what is queued: it is no longer true. Returns how many were unread."""
        with self._changed:
            count = len(self._queue)
            self._queue.clear()
            self._newest = None
            self._changed.notify_all()
        return count

    def finish(self, end: DriverError) -> None:
        """No more will come: reads raise `end`, after the queue is empty unless it is closing."""
        with self._changed:
            if self._end is None or isinstance(end, ClosedError):
                self._end = end
            self._changed.notify_all()

    def _discard_old(self) -> int:
        if self._shelf_life_s is None:
            return 0
        oldest = time.monotonic() - self._shelf_life_s
        count = 0
        while self._queue and self._queue[0].taken_at < oldest:
            self._queue.popleft()
            count += 1
        return count
