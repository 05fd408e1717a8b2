"""One source, many watchers: each has a small mailbox in which the newest win.

`publish` may be called from any thread; a watcher is read in the event loop that opened it. A
slow watcher loses the oldest items and delays nobody.
"""

from __future__ import annotations

import asyncio
import threading
from collections import deque
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager, suppress
from typing import Generic, TypeVar

T = TypeVar("T")


class Watcher(Generic[T]):
    """A mailbox of `depth` items, bound to the running event loop."""

    def __init__(self, depth: int) -> None:
        self._loop = asyncio.get_running_loop()
        self._items: deque[T] = deque(maxlen=depth)
        self._ready = asyncio.Event()
        self._closed = False

    def offer(self, item: T) -> None:
        """Put an item in, from any thread; the oldest falls out when the mailbox is full."""
        self._items.append(item)
        self._wake()

    def close(self) -> None:
        """Nothing more comes; what is in the mailbox is still read."""
        self._closed = True
        self._wake()

    def _wake(self) -> None:
        if not self._ready.is_set():
            with suppress(RuntimeError):  # the loop has ended, and the watcher with it
                self._loop.call_soon_threadsafe(self._ready.set)

    def take(self) -> list[T]:
        """All that is in the mailbox now."""
        return [self._items.popleft() for _ in range(len(self._items))]

    async def items(self, idle_s: float, total_s: float) -> AsyncIterator[T | None]:
        """Items as they come; None after each `idle_s` without one; ends after `total_s`."""
        end = self._loop.time() + total_s
        while not self._closed or self._items:
            wait_s = min(idle_s, end - self._loop.time())
            if wait_s <= 0:
                return
            self._ready.clear()
            if not self._items and not self._closed:
                with suppress(TimeoutError):
                    await asyncio.wait_for(self._ready.wait(), wait_s)
            yield self._items.popleft() if self._items else None


class Fanout(Generic[T]):
    """The watchers of one source; at most `limit` at once."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._lock = threading.Lock()
        self._watchers: set[Watcher[T]] = set()
        self._closed = False

    def __len__(self) -> int:
        return len(self._watchers)

    @property
    def full(self) -> bool:
        """Whether one more watcher would be too many."""
        return len(self._watchers) >= self._limit

    @contextmanager
    def watch(self, depth: int = 1) -> Iterator[Watcher[T]]:
        """A mailbox for as long as the block runs; already closed if the fan-out is."""
        watcher: Watcher[T] = Watcher(depth)
        with self._lock:
            self._watchers.add(watcher)
            closed = self._closed
        if closed:
            watcher.close()
        try:
            yield watcher
        finally:
            with self._lock:
                self._watchers.discard(watcher)

    def publish(self, item: T) -> None:
        """Give an item to every watcher."""
        for watcher in self._all():
            watcher.offer(item)

    def close(self) -> None:
        """End every watcher, and those that come."""
        with self._lock:
            self._closed = True
        self.end()

    def end(self) -> None:
        """End the watchers of now."""
        for watcher in self._all():
            watcher.close()

    def _all(self) -> list[Watcher[T]]:
        with self._lock:
            return list(self._watchers)
