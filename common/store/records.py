"""Records that survive `kill -9` and power loss once they were acknowledged."""

from __future__ import annotations

import hashlib
import json
import re
import sqlite3
import threading
from collections.abc import Iterator, Mapping
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from common.store.errors import RecordError, StoreClosedError, StoreCorruptError, StoreError
from common.store.schema import connect, open_database
from common.store.writer import Item, Writer

MAX_PAYLOAD_BYTES = 1 << 20
_KIND = re.compile(r"[a-z][a-z0-9_.-]{0,63}\Z")


@dataclass(frozen=True, slots=True)
class Record:
    """A stored record. id: grows in the order of storing. time_ns: as the caller gave it."""

    id: int
    kind: str
    time_ns: int
    payload: Any


class Records:
    """An append-only store of JSON records in one SQLite file.

    >>> with Records(state_dir() / "records.sqlite") as records:
    ...     accepted = records.put("inspection.result", {"score": 0.2}, time.time_ns())
    ...     accepted.result(timeout=5)  # the record's id: it is on the disk now

    Usable from any thread; several processes may hold the same file. Errors: see
    `common.store.errors`; a damaged file is refused on opening and left as it is.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._writer = Writer(open_database(path), path)
        self._reader = connect(path)
        self._reading = threading.Lock()
        self._open = True

    def put(self, kind: str, payload: Any, time_ns: int, *, wait_s: float = 5.0) -> Future[int]:
        """Store one record; the future gives its id once it is durable, StoreError if it failed.

        kind: lower-case name such as "inspection.result". payload: what JSON can hold, finite
        numbers, at most 1 MiB. time_ns: Unix time. wait_s: how long to wait for room when the
        disk is behind, then StoreBusyError.
        """
        item = Item(*_row(kind, payload, time_ns), done=Future())
        item.done.set_running_or_notify_cancel()  # what is queued is not taken back
        self._writer.submit(item, wait_s)
        return item.done

    def tail(self, count: int, *, kind: str | None = None) -> list[Record]:
        """The `count` records stored last, oldest first."""
        where, values = _where({"kind = ?": kind})
        sql = f"SELECT * FROM record {where} ORDER BY id DESC LIMIT ?"  # noqa: S608 - our own words
        return list(self._read(sql, (*values, count)))[::-1]

    def query(
        self,
        *,
        kind: str | None = None,
        since_ns: int | None = None,
        until_ns: int | None = None,
        after_id: int | None = None,
        limit: int = 1000,
    ) -> list[Record]:
        """Records by kind and since_ns <= time_ns < until_ns, in the order of storing.

        after_id: continue behind this id, to page through more than `limit`.
        """
        where, values = _where(
            {
                "kind = ?": kind,
                "time_ns >= ?": since_ns,
                "time_ns < ?": until_ns,
                "id > ?": after_id,
            }
        )
        sql = f"SELECT * FROM record {where} ORDER BY id LIMIT ?"  # noqa: S608 - our own words
        return list(self._read(sql, (*values, limit)))

    def __len__(self) -> int:
        with self._reading:
            return int(self._connection().execute("SELECT count(*) FROM record").fetchone()[0])

    def close(self) -> None:
        """Wait until everything put is durable, then close. Safe to call twice."""
        self._writer.close()
        with self._reading:
            self._open = False
            self._reader.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _connection(self) -> sqlite3.Connection:
        if not self._open:
            raise StoreClosedError(f"{self.path}: the store is closed")
        return self._reader

    def _read(self, sql: str, values: tuple[Any, ...]) -> Iterator[Record]:
        try:
            with self._reading:
                rows = self._connection().execute(sql, values).fetchall()
        except sqlite3.Error as error:
            raise StoreError(f"{self.path}: {error}") from None
        for record_id, kind, time_ns, text, digest in rows:
            if _digest(kind, time_ns, text) != digest:
                raise StoreCorruptError(f"{self.path}: record {record_id} fails its sha256")
            yield Record(record_id, kind, time_ns, json.loads(text))


def _row(kind: str, payload: Any, time_ns: int) -> tuple[tuple[str, int, str, bytes], int]:
    if not _KIND.match(kind):
        raise RecordError(f"kind {kind!r} is not a lower-case name of at most 64 characters")
    if not 0 <= time_ns < 1 << 63:
        raise RecordError(f"time_ns {time_ns} is not a Unix time in nanoseconds")
    try:
        text = json.dumps(payload, allow_nan=False, separators=(",", ":"), sort_keys=True)
    except (TypeError, ValueError, RecursionError) as error:
        raise RecordError(f"a {kind} record is not JSON: {error}") from None
    if len(text) > MAX_PAYLOAD_BYTES:
        raise RecordError(f"a {kind} record of {len(text)} bytes, over {MAX_PAYLOAD_BYTES}")
    return (kind, time_ns, text, _digest(kind, time_ns, text)), len(text)


def _digest(kind: str, time_ns: int, text: str) -> bytes:
    return hashlib.sha256(f"{kind}\n{time_ns}\n{text}".encode()).digest()


def _where(conditions: Mapping[str, Any]) -> tuple[str, tuple[Any, ...]]:
    told = {words: value for words, value in conditions.items() if value is not None}
    return (f"WHERE {' AND '.join(told)}" if told else "", tuple(told.values()))
