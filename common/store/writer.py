"""Group commit: one thread writes what has gathered while the last commit was being flushed.

A flush takes milliseconds whatever it holds, so the batch grows by itself with the load and a
lone record waits for nobody.
"""

from __future__ import annotations

import sqlite3
import threading
from collections import deque
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path

from common.store.errors import StoreBusyError, StoreClosedError, StoreError

MAX_BATCH = 1024
MAX_PENDING_BYTES = 64 << 20  # what may wait in memory; beyond it, callers wait or are refused

_INSERT = "INSERT INTO record (kind, time_ns, payload, sha256) VALUES (?, ?, ?, ?)"


@dataclass(frozen=True, slots=True)
class Item:
    """A record on its way to the disk. `done` gives its id once it is durable."""

    row: tuple[str, int, str, bytes]
    size: int
    done: Future[int]


class Writer:
    """Owns the writing connection; `submit` from any thread."""

    def __init__(self, connection: sqlite3.Connection, path: Path) -> None:
        self._connection, self._path = connection, path
        self._pending: deque[Item] = deque()
        self._pending_bytes = 0
        self._closed = False
        self._changed = threading.Condition()
        self._thread = threading.Thread(target=self._work, name=f"store {path.name}", daemon=True)
        self._thread.start()

    def submit(self, item: Item, wait_s: float) -> None:
        """Queue an item. StoreBusyError if there is no room for it within `wait_s`."""
        with self._changed:
            free = self._changed.wait_for(lambda: self._closed or self._has_room(item), wait_s)
            if self._closed:
                raise StoreClosedError(f"{self._path}: the store is closed")
            if not free:
                raise StoreBusyError(
                    f"{self._path}: {len(self._pending)} records wait for the disk; try later"
                )
            self._pending.append(item)
            self._pending_bytes += item.size
            self._changed.notify_all()

    def close(self) -> None:
        """Commit what was submitted, then end. Safe to call twice."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        self._thread.join()
        self._connection.close()

    def _has_room(self, item: Item) -> bool:
        return not self._pending or self._pending_bytes + item.size <= MAX_PENDING_BYTES

    def _work(self) -> None:
        while batch := self._next_batch():
            try:
                ids = self._commit(batch)
            except sqlite3.Error as error:
                self._refuse(batch, error)
            else:
                for item, record_id in zip(batch, ids, strict=True):
                    item.done.set_result(record_id)

    def _next_batch(self) -> list[Item]:
        """What waits, at most MAX_BATCH; empty once closed and nothing waits."""
        with self._changed:
            self._changed.wait_for(lambda: self._closed or self._pending)
            batch = [self._pending.popleft() for _ in range(min(MAX_BATCH, len(self._pending)))]
            self._pending_bytes -= sum(item.size for item in batch)
            self._changed.notify_all()
            return batch

    def _commit(self, batch: list[Item]) -> list[int]:
        self._connection.execute("BEGIN IMMEDIATE")
        ids = [int(self._connection.execute(_INSERT, item.row).lastrowid or 0) for item in batch]
        self._connection.execute("COMMIT")
        return ids

    def _refuse(self, batch: list[Item], error: sqlite3.Error) -> None:
        if self._connection.in_transaction:
            self._connection.execute("ROLLBACK")
        for item in batch:
            item.done.set_exception(StoreError(f"{self._path}: not stored ({error})"))
