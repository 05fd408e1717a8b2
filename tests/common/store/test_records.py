"""What is put comes back, in order and unchanged; what is damaged is refused and kept."""

from __future__ import annotations

import json
import shutil
import sqlite3
import subprocess
import sys
import threading
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from common.store import writer as writer_module
from common.store.errors import (
    RecordError,
    StoreBusyError,
    StoreClosedError,
    StoreCorruptError,
    StoreError,
    StoreVersionError,
)
from common.store.records import MAX_PAYLOAD_BYTES, Record, Records
from common.store.schema import move_aside

pytestmark = pytest.mark.common

JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4)
    ),
    max_leaves=10,
)
KINDS = st.sampled_from(["a", "b.result", "c-1"])
TIMES = st.integers(0, 50)


def _tree(path: Path) -> dict[str, bytes]:
    """The store's files; without shared memory and empty logs, which any reader may make."""
    files = {p.name: p.read_bytes() for p in path.iterdir() if not p.name.endswith("-shm")}
    return {name: held for name, held in files.items() if held or not name.endswith("-wal")}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "state" / "records.sqlite"


@settings(deadline=None, max_examples=40)
@given(
    rows=st.lists(st.tuples(KINDS, JSON, TIMES), max_size=12),
    kind=st.none() | KINDS,
    since=st.none() | TIMES,
    until=st.none() | TIMES,
    limit=st.integers(0, 15),
)
def test_queries_answer_as_a_list_would(tmp_path_factory, rows, kind, since, until, limit) -> None:
    path = tmp_path_factory.mktemp("store") / "r.sqlite"
    with Records(path) as records:
        for row in rows:
            records.put(row[0], row[1], row[2])
    with Records(path) as records:
        everything = records.query()
        assert [(r.kind, r.payload, r.time_ns) for r in everything] == rows
        wanted = [
            r
            for r in everything
            if (kind is None or r.kind == kind)
            and (since is None or r.time_ns >= since)
            and (until is None or r.time_ns < until)
        ]
        found = records.query(kind=kind, since_ns=since, until_ns=until, limit=limit)
        assert found == wanted[:limit]
        of_kind = [r for r in everything if kind is None or r.kind == kind]
        assert records.tail(limit, kind=kind) == of_kind[max(0, len(of_kind) - limit) :]
        assert len(records) == len(rows)


def test_paging_by_id_gives_each_record_once(path: Path) -> None:
    with Records(path) as records:
        for number in range(25):
            last = records.put("a", number, 0)
        assert last.result(5) == 25
        pages, after = [], 0
        while page := records.query(after_id=after, limit=10):
            pages.append([r.payload for r in page])
            after = page[-1].id
    assert pages == [[*range(10)], [*range(10, 20)], [*range(20, 25)]]


def test_an_acknowledged_record_is_seen_by_another_process(path: Path) -> None:
    with Records(path) as records:
        records.put("a", {"x": 1}, 7).result(5)
        query = "SELECT kind, payload, time_ns FROM record"
        program = (
            f"import sqlite3; print(sqlite3.connect({str(path)!r}).execute({query!r}).fetchall())"
        )
        told = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True)
    assert told.stdout.decode().strip() == str([("a", '{"x":1}', 7)])


def test_the_disk_is_asked_to_flush(path: Path) -> None:
    """Power loss cannot be had here; that the log is synced at each commit can be seen."""
    with Records(path) as records:
        connection = records._writer._connection
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
        assert connection.execute("PRAGMA synchronous").fetchone() == (2,)  # FULL


def test_many_threads_and_two_stores_on_one_file(path: Path) -> None:
    ids: list[int] = []
    with Records(path) as one, Records(path) as two:

        def work(records: Records, worker: int) -> None:
            ids.extend([records.put("a", [worker, n], n).result(30) for n in range(40)])

        threads = [threading.Thread(target=work, args=((one, two)[w % 2], w)) for w in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sorted(ids) == list(range(1, 241))
        assert sorted(r.payload for r in two.query()) == [
            [w, n] for w in range(6) for n in range(40)
        ]


@pytest.mark.parametrize(
    ("kind", "payload", "time_ns", "message"),
    [
        ("a", float("nan"), 0, "not JSON"),
        ("a", {1, 2}, 0, "not JSON"),
        ("a", b"raw", 0, "not JSON"),
        ("a", "x" * MAX_PAYLOAD_BYTES, 0, "over"),
        ("", 1, 0, "kind ''"),
        ("A", 1, 0, "kind 'A'"),
        ("a\n", 1, 0, "kind"),
        ("a", 1, -1, "time_ns -1"),
        ("a", 1, 1 << 63, "time_ns"),
    ],
)
def test_what_cannot_be_stored_is_said_at_once(path, kind, payload, time_ns, message) -> None:
    with Records(path) as records:
        with pytest.raises(RecordError, match=message):
            records.put(kind, payload, time_ns)
        assert len(records) == 0


def test_a_closed_store_says_so(path: Path) -> None:
    records = Records(path)
    pending = records.put("a", 1, 0)
    records.close()
    records.close()
    assert pending.result(0) == 1  # close waits for what was put
    for act in (lambda: records.put("a", 2, 0), lambda: records.tail(1), lambda: len(records)):
        with pytest.raises(StoreClosedError, match="closed"):
            act()


def test_what_is_queued_cannot_be_cancelled(path: Path) -> None:
    with Records(path) as records:
        accepted = records.put("a", 1, 0)
        assert not accepted.cancel()
        assert accepted.result(5) == 1


def test_overload_is_refused_and_ends(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writer_module, "MAX_PENDING_BYTES", 1000)
    with Records(path) as records, closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")  # the disk is kept busy
        accepted = []
        with pytest.raises(StoreBusyError, match="wait for the disk"):
            while True:
                accepted.append(records.put("a", "x" * 100, 0, wait_s=0))
        assert len(accepted) < 30
        other.execute("ROLLBACK")
        assert [f.result(30) for f in accepted] == list(range(1, len(accepted) + 1))
        assert records.put("a", 1, 0).result(5) == len(accepted) + 1


def test_a_failing_disk_fails_the_record_and_not_the_store(path: Path) -> None:
    with Records(path) as records:
        records.put("a", 1, 0).result(5)
        pages = records._writer._connection.execute("PRAGMA page_count").fetchone()[0]
        records._writer._connection.execute(f"PRAGMA max_page_count = {pages}")
        with pytest.raises(StoreError, match=r"records\.sqlite: not stored \(.*full"):
            records.put("a", "x" * 100_000, 0).result(5)
        records._writer._connection.execute("PRAGMA max_page_count = 1000000")
        assert records.put("a", 2, 0).result(5) > 1
        assert [r.payload for r in records.query()] == [1, 2]


def _filled(path: Path, count: int = 300) -> None:
    with Records(path) as records:
        for number in range(count):
            records.put("a", {"number": number, "text": "x" * 100}, number)


def _scribble(path: Path) -> None:
    raw = bytearray(path.read_bytes())
    raw[4096 : len(raw) : 3] = b"\x55" * len(raw[4096 : len(raw) : 3])
    path.write_bytes(raw)


@pytest.mark.parametrize(
    "damage",
    [
        lambda path: path.write_bytes(b"not a database, but somebody's notes" * 100),
        lambda path: path.write_bytes(path.read_bytes()[:10_000]),
        _scribble,
    ],
    ids=["another file", "cut short", "scribbled over"],
)
def test_a_damaged_file_is_refused_and_left_alone(path: Path, damage) -> None:
    _filled(path)
    damage(path)
    before = _tree(path.parent)
    for _ in range(2):
        with pytest.raises(StoreCorruptError, match=r"records\.sqlite: damaged .*move_aside"):
            Records(path)
    assert _tree(path.parent) == before
    aside = move_aside(path)
    assert aside.read_bytes() == before["records.sqlite"]
    with Records(path) as records:
        assert records.put("a", 1, 0).result(5) == 1
    assert aside.read_bytes() == before["records.sqlite"]


def test_a_damaged_file_keeps_its_log(path: Path) -> None:
    """The log of a killed process is neither merged nor deleted when the database is refused."""
    live = path.parent / "live.sqlite"
    _filled(live)
    with Records(live) as records:
        records.put("a", 1, 0).result(5)
        for suffix in ("", "-wal"):
            shutil.copy(f"{live}{suffix}", f"{path}{suffix}")
    _scribble(path)
    log = Path(f"{path}-wal").read_bytes()
    with pytest.raises(StoreCorruptError):
        Records(path)
    assert Path(f"{path}-wal").read_bytes() == log
    path.write_bytes(b"")
    with pytest.raises(StoreCorruptError, match="its log holds records"):
        Records(path)
    assert Path(f"{path}-wal").read_bytes() == log
    aside = move_aside(path)
    assert Path(f"{aside}-wal").read_bytes() == log


def test_a_store_copied_with_its_log_is_read_whole(path: Path) -> None:
    live = path.parent / "live.sqlite"
    with Records(live) as records:
        records.put("a", "in the log only", 0).result(5)
        for suffix in ("", "-wal"):
            shutil.copy(f"{live}{suffix}", f"{path}{suffix}")
    with Records(path) as records:
        assert records.tail(1) == [Record(1, "a", 0, "in the log only")]


def test_a_changed_record_fails_its_hash(path: Path) -> None:
    _filled(path, 3)
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("UPDATE record SET payload = ? WHERE id = 2", (json.dumps("forged"),))
    with Records(path) as records:
        assert records.query(after_id=2)[0].payload["number"] == 2
        with pytest.raises(StoreCorruptError, match="record 2 fails its sha256"):
            records.query()


def test_another_programs_database_is_not_touched(path: Path) -> None:
    path.parent.mkdir()
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("CREATE TABLE theirs (x)")
    before = _tree(path.parent)
    with pytest.raises(StoreCorruptError, match="another program"):
        Records(path)
    assert _tree(path.parent) == before


def test_a_newer_schema_is_not_touched(path: Path) -> None:
    _filled(path, 1)
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("PRAGMA user_version = 2")
    before = _tree(path.parent)
    with pytest.raises(StoreVersionError, match=r"schema 2, this one reads 1.*upgrade"):
        Records(path)
    assert _tree(path.parent) == before


def test_a_folder_in_the_way_is_named(path: Path) -> None:
    path.mkdir(parents=True)
    with pytest.raises(StoreError, match=r"records\.sqlite: cannot be opened"):
        Records(path)
