"""The database file: made, checked and opened, never overwritten.

SQLite in WAL mode with synchronous=FULL: a commit returns after the log was flushed to the disk
(https://www.sqlite.org/wal.html, https://www.sqlite.org/pragma.html#pragma_synchronous).
"""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from pathlib import Path

from common.store.errors import StoreCorruptError, StoreError, StoreVersionError

APPLICATION_ID = 0x4C4E474E  # "LNGN", in the file's header: tells our stores from other databases
VERSION = 1
_BUSY_TIMEOUT_S = 10.0  # another process may be committing
_SIDE_FILES = ("-wal", "-shm", "-journal")

_SCHEMA = """
CREATE TABLE record (
  id INTEGER PRIMARY KEY AUTOINCREMENT,  -- an id is never given twice
  kind TEXT NOT NULL,
  time_ns INTEGER NOT NULL,
  payload TEXT NOT NULL,
  sha256 BLOB NOT NULL
) STRICT;
CREATE INDEX record_by_kind ON record (kind, time_ns);
CREATE INDEX record_by_time ON record (time_ns);
"""


def open_database(path: Path) -> sqlite3.Connection:
    """A connection to the store at `path`, checked; it is made if nothing is there.

    StoreCorruptError where the file is damaged or another program's, StoreVersionError where a
    newer version wrote it; in both cases nothing is changed.
    """
    _refuse_orphaned_log(path)
    try:
        _check(path)
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        connection = connect(path)
        _prepare(connection)
        _flush_folder(path.parent)
    except (OSError, sqlite3.OperationalError) as error:
        raise StoreError(f"{path}: cannot be opened ({error})") from None
    except sqlite3.DatabaseError as error:
        raise StoreCorruptError(_damaged(path, str(error))) from None
    return connection


def connect(path: Path) -> sqlite3.Connection:
    """A connection that may be used from any thread, one at a time; commits are explicit."""
    return sqlite3.connect(
        path, timeout=_BUSY_TIMEOUT_S, isolation_level=None, check_same_thread=False
    )


def move_aside(path: Path) -> Path:
    """Rename a damaged store and its log, so that a new one can begin; gives the new name."""
    aside = next(
        candidate
        for number in range(1, 10_000)
        if not (candidate := path.with_name(f"{path.name}.damaged-{number}")).exists()
    )
    for suffix in _SIDE_FILES:
        side = Path(f"{path}{suffix}")
        if side.exists():
            side.rename(f"{aside}{suffix}")
    if path.exists():
        path.rename(aside)
    _flush_folder(path.parent)
    return aside


def _refuse_orphaned_log(path: Path) -> None:
    """SQLite deletes a log whose database is empty; the records in it would go with it."""
    log = Path(f"{path}-wal")
    if log.exists() and log.stat().st_size and not (path.exists() and path.stat().st_size):
        raise StoreCorruptError(_damaged(path, "empty, though its log holds records"))


def _check(path: Path) -> None:
    """Look at what is there through a connection that cannot write, not even on closing."""
    if not path.exists() or Path(f"{path}-journal").exists():  # killed while it was being made
        return
    uri = f"{path.resolve().as_uri()}?mode=ro"
    with closing(sqlite3.connect(uri, uri=True, timeout=_BUSY_TIMEOUT_S)) as connection:
        (found,) = connection.execute("PRAGMA quick_check(1)").fetchone()
        (application,) = connection.execute("PRAGMA application_id").fetchone()
        (version,) = connection.execute("PRAGMA user_version").fetchone()
        (tables,) = connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()
    if found != "ok":
        raise StoreCorruptError(_damaged(path, found))
    if application != APPLICATION_ID and (application or version or tables):
        raise StoreCorruptError(f"{path}: a database of another program; name another file")
    if version > VERSION:
        raise StoreVersionError(
            f"{path}: written by a newer version (schema {version}, this one reads {VERSION}); "
            "upgrade: pip install --upgrade lingnan"
        )


def _prepare(connection: sqlite3.Connection) -> None:
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("BEGIN IMMEDIATE")
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    if version == 0:
        for statement in _SCHEMA.split(";"):
            connection.execute(statement)
        connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        connection.execute(f"PRAGMA user_version = {VERSION}")
    connection.execute("COMMIT")


def _damaged(path: Path, why: str) -> str:
    return (
        f"{path}: damaged ({' '.join(why.split())}). It was left as it is. To begin a new one and "
        f"keep this, rename {path.name} and {path.name}-wal (or call move_aside); "
        f"`sqlite3 {path.name} .recover` may save its records"
    )


def _flush_folder(folder: Path) -> None:
    fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)
