"""A job file gives back what was taught, is the same for the same teaching, and is refused
when a byte of it was changed or it asks for more than it holds."""

from __future__ import annotations

import errno
import io
import json
import zipfile
from collections.abc import Callable
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from common.errors import LingnanError
from inspection import job as job_module
from inspection.job import Job, JobError, can_be_written
from inspection.methods.table import UnknownMethodError

pytestmark = pytest.mark.inspection


def example(**changes: Any) -> Job:
    made = Job(
        kind="golden",
        state={
            "verifier": np.arange(12, dtype=np.float64).reshape(3, 4),
            "bank": np.asfortranarray(np.arange(6, dtype=np.float32).reshape(2, 3)),
            "scale": np.array(2.5, np.float32),
            "net": b"\x08\x07bytes of a network",
        },
        threshold={"value": 0.25, "basis": "zero-miss"},
        recipe={"layout": "folder", "settings": {"grid": 3}},
        statistics={"n_images": 4, "说明": "样品"},
        taught_sha256=frozenset({"ff", "00"}),
        taught_parts=frozenset({"7"}),
    )
    return replace(made, **changes)


def members(payload: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(payload)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def sealed(parts: dict[str, bytes], compression: int = zipfile.ZIP_STORED) -> bytes:
    """An archive with a right seal, as somebody would forge it, by other code than the job's."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", compression) as archive:
        for name, payload in parts.items():
            archive.writestr(name, payload)
        archive.comment = b"0" * 64
    body = buffer.getvalue()[:-64]
    return body + sha256(body).hexdigest().encode()


def forged(change: Callable[[dict[str, bytes], dict[str, Any]], None]) -> bytes:
    """The example with members and sheet changed, hashes and seal made to agree again."""
    parts = members(example().to_bytes())
    sheet = json.loads(parts.pop("job.json"))
    change(parts, sheet)
    sheet["members"] = {
        name: {"sha256": sha256(payload).hexdigest(), "bytes": len(payload)}
        for name, payload in parts.items()
    }
    return sealed({"job.json": json.dumps(sheet).encode(), **parts})


def npy(header: str, data: bytes) -> bytes:
    text = header.encode().ljust(117) + b"\n"
    return b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") + text + data


def test_round_trip(tmp_path: Path) -> None:
    before = example()
    before.save(tmp_path / "a.job")
    after = Job.load(tmp_path / "a.job")
    assert set(after.state) == set(before.state)
    for name, value in before.state.items():
        if isinstance(value, bytes):
            assert after.state[name] == value
        else:
            back = after.state[name]
            assert isinstance(back, np.ndarray)
            assert back.dtype == value.dtype
            np.testing.assert_array_equal(back, value, strict=True)
    for name in ("kind", "threshold", "recipe", "statistics", "taught_sha256", "taught_parts"):
        assert getattr(after, name) == getattr(before, name)
    assert after.settings == {"grid": 3, "threshold": 0.25}


def test_same_teaching_same_bytes_whatever_the_order() -> None:
    turned = dict(reversed(example().state.items()))
    assert example().to_bytes() == example(state=turned).to_bytes()
    assert Job.from_bytes(example().to_bytes()).to_bytes() == example().to_bytes()


def test_any_zip_reader_opens_it() -> None:
    names = set(members(example().to_bytes()))
    arrays = {"arrays/verifier.npy", "arrays/bank.npy", "arrays/scale.npy"}
    assert names == {"job.json", "models/net.onnx"} | arrays


def test_every_changed_byte_is_refused() -> None:
    payload = example().to_bytes()
    for at in range(len(payload)):
        changed = bytearray(payload)
        changed[at] ^= 1
        with pytest.raises(JobError):
            Job.from_bytes(bytes(changed))


@settings(deadline=None)  # the machine is shared: time is no property here
@given(st.data())
def test_cut_or_prolonged_files_are_refused(data: st.DataObject) -> None:
    payload = example().to_bytes()
    cut = payload[: data.draw(st.integers(0, len(payload) - 1))]
    longer = payload + data.draw(st.binary(min_size=1, max_size=80))
    for changed in (cut, longer):
        with pytest.raises(JobError):
            Job.from_bytes(changed)


@settings(deadline=None)  # the machine is shared: time is no property here
@given(st.binary(max_size=400))
def test_sealed_rubbish_is_refused(rubbish: bytes) -> None:
    body = b"PK" + rubbish
    with pytest.raises(JobError):
        Job.from_bytes(body + sha256(body).hexdigest().encode())


BODY = example().to_bytes()[:-64]
DIRECTORY = BODY.index(b"PK\1\2")  # zip's list of members, at the end
PLACE = st.integers(2, len(BODY) - 1) | st.integers(DIRECTORY, len(BODY) - 1)
CHANGE = st.tuples(PLACE, st.integers(0, 255))


@settings(deadline=None, max_examples=1000)
@given(st.lists(CHANGE, min_size=1, max_size=4))
def test_a_changed_and_newly_sealed_job_is_refused_or_whole(changes: list[tuple[int, int]]) -> None:
    """Past the seal stands the parser: whatever the archive says, it answers with JobError."""
    body = bytearray(BODY)
    for at, value in changes:
        body[at] = value
    try:
        job = Job.from_bytes(bytes(body) + sha256(body).hexdigest().encode())
    except JobError:
        return
    assert set(job.state) == set(example().state)
    assert np.isfinite(job.threshold["value"])


def test_a_forged_job_that_agrees_with_itself_is_read() -> None:
    """The forger of the next test is sound: what it changes is why those are refused."""
    assert Job.from_bytes(forged(lambda parts, sheet: None)).kind == "golden"


def _claims(header: str, data: bytes = b"") -> Callable[[dict[str, bytes], dict[str, Any]], None]:
    def change(parts: dict[str, bytes], sheet: dict[str, Any]) -> None:
        parts["arrays/scale.npy"] = npy(header, data)

    return change


def _adds(name: str) -> Callable[[dict[str, bytes], dict[str, Any]], None]:
    def change(parts: dict[str, bytes], sheet: dict[str, Any]) -> None:
        parts[name] = parts["arrays/scale.npy"]

    return change


def _says(**entries: Any) -> Callable[[dict[str, bytes], dict[str, Any]], None]:
    def change(parts: dict[str, bytes], sheet: dict[str, Any]) -> None:
        sheet.update(entries)

    return change


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (_claims("{'descr': '<f8', 'fortran_order': False, 'shape': (1099511627776,)}"), "agree"),
        (_claims("{'descr': '<f8', 'fortran_order': False, 'shape': (-1, -1)}", b"8" * 8), "shape"),
        (_claims("{'descr': '|O', 'fortran_order': False, 'shape': (1,)}", b"8" * 8), "object"),
        (_claims("{'descr': '|S0', 'fortran_order': False, 'shape': (0,)}"), "shape"),
        (_claims("{'descr': '<f4', 'fortran_order': True, 'shape': (2,)}", b"8" * 8), "shape"),
        (_claims("no header"), "scale"),
        (_claims("("), "scale"),
        (_claims("  x\n y"), "scale"),
        (_adds("arrays/../scale.npy"), "not a member"),
        (_adds("/arrays/scale2.npy"), "not a member"),
        (_adds("arrays/Scale.npy"), "not a member"),
        (_adds("models/net.npy"), "not a member"),
        (_adds("models/scale.onnx"), "same name"),
        (_says(format=2), "format"),
        (_says(threshold={"value": float("nan")}), "threshold"),
        (_says(threshold={"value": True}), "threshold"),
        (_says(threshold={"value": 10**400}), "threshold"),
        (_says(threshold={}), "threshold"),
        (_says(kind=3), "kind"),
        (_says(taught_sha256=[{}]), "taught"),
    ],
)
def test_forgeries_are_refused(
    change: Callable[[dict[str, bytes], dict[str, Any]], None], reason: str
) -> None:
    with pytest.raises(JobError, match=reason):
        Job.from_bytes(forged(change))


def test_compressed_members_are_refused_unread() -> None:
    bomb = {"job.json": b" " * (32 << 20)}
    payload = sealed(bomb, zipfile.ZIP_DEFLATED)
    assert len(payload) < 1 << 16
    with pytest.raises(JobError, match="compressed"):
        Job.from_bytes(payload)


def test_missing_and_unlisted_members_are_refused() -> None:
    parts = members(example().to_bytes())
    less = {name: payload for name, payload in parts.items() if name != "models/net.onnx"}
    with pytest.raises(JobError, match=r"models/net\.onnx"):
        Job.from_bytes(sealed(less))
    with pytest.raises(JobError, match=r"arrays/new\.npy"):
        Job.from_bytes(sealed({**parts, "arrays/new.npy": parts["arrays/scale.npy"]}))
    with pytest.raises(JobError, match=r"job\.json"):
        Job.from_bytes(sealed({"arrays/new.npy": parts["arrays/scale.npy"]}))


def test_too_many_members_are_refused() -> None:
    many = {f"arrays/a{i}.npy": b"" for i in range(job_module.MAX_MEMBERS + 1)}
    with pytest.raises(JobError, match="members"):
        Job.from_bytes(sealed(many))


def test_too_large_a_file_is_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(job_module, "MAX_FILE_BYTES", 1 << 20)
    large = tmp_path / "large.job"
    large.write_bytes(bytes((1 << 20) + 1))
    with pytest.raises(JobError, match="MiB"):
        Job.load(large)


def test_errors_name_the_file(tmp_path: Path) -> None:
    with pytest.raises(JobError, match=r"none\.job: no such job file"):
        Job.load(tmp_path / "none.job")
    with pytest.raises(JobError, match="cannot be read"):
        Job.load(tmp_path)
    (tmp_path / "text.job").write_text("hello")
    with pytest.raises(JobError, match=r"text\.job: not a job file"):
        Job.load(tmp_path / "text.job")


def test_a_failed_save_leaves_the_old_job(tmp_path: Path) -> None:
    path = tmp_path / "a.job"
    example().save(path)
    before = path.read_bytes()
    with pytest.raises(ValueError, match="JSON"):
        example(statistics={"n": float("inf")}).save(path)
    with pytest.raises(JobError, match="cannot be written"):
        example().save(tmp_path / "absent" / "a.job")
    assert path.read_bytes() == before
    assert [entry.name for entry in tmp_path.iterdir()] == ["a.job"]


@pytest.mark.parametrize("name", ["Upper", "../up", "a/b", "", "x" * 65])
def test_names_that_could_leave_the_archive_are_not_written(name: str) -> None:
    with pytest.raises(ValueError, match="state's name"):
        example(state={name: np.zeros(1)}).to_bytes()


def test_objects_are_not_written() -> None:
    with pytest.raises(ValueError, match="Object arrays"):
        example(state={"pickle": np.array([{}], dtype=object)}).to_bytes()


@pytest.mark.parametrize(
    "changes",
    [
        {"state": {}},
        {"state": {"verifier": np.zeros((3, 4)), "margin_px": np.zeros(4)}},
        {"recipe": {"settings": [1]}},
    ],
)
def test_a_job_without_what_its_method_needs_says_so(changes: dict[str, Any]) -> None:
    with pytest.raises(LingnanError, match="golden needs"):
        example(**changes).method()


def test_a_full_disk_keeps_the_old_job(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.job"
    example().save(path)
    before = path.read_bytes()
    whole = Path.write_bytes

    def full(self: Path, data: bytes) -> int:
        whole(self, data[: len(data) // 2])
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(JobError, match="No space left"):
        example(kind="segment").save(path)
    assert path.read_bytes() == before
    assert [entry.name for entry in tmp_path.iterdir()] == ["a.job"]


def test_a_method_that_is_not_there_is_named() -> None:
    with pytest.raises(UnknownMethodError, match="'magic'"):
        example(kind="magic").method()


def test_where_a_job_cannot_be_written_is_told_before_any_work(tmp_path: Path) -> None:
    note, held = tmp_path / "note.txt", tmp_path / "held.job"
    note.write_text("not a job")
    can_be_written(tmp_path / "new.job")
    Job("known", {}, {"value": 1.0}).save(held)
    can_be_written(held)  # teaching anew replaces a job
    for path, says in (
        (tmp_path / "none" / "a.job", "no such folder"),
        (note, "no job: name another file"),
        (tmp_path, "is a folder"),
    ):
        with pytest.raises(JobError, match=says):
            can_be_written(path)
    assert note.read_text() == "not a job"


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("--job", "none/a.job"), "no such folder"),
        (("--job", "note.txt"), "no job"),
        (("--job", "a.job", "--corrections", "none.jsonl"), "none.jsonl: cannot be read"),
        (("--job", "a.job", "--miss-target", "2"), "miss-target"),
    ],
)
def test_a_wrong_wish_is_refused_before_a_sample_is_read(
    words: tuple[str, ...],
    says: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    from common.cli.main import run as command

    monkeypatch.chdir(tmp_path)
    (tmp_path / "note.txt").write_text("not a job")
    assert command(["inspection", "teach", "nowhere", "--layout", "folder", *words]) == 2
    told = capsys.readouterr()
    assert says in told.out + told.err
    assert sorted(path.name for path in tmp_path.iterdir()) == ["note.txt"]
