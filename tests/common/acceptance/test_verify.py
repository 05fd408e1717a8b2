"""A report is found out when it, or the data behind it, was touched."""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
from pathlib import Path

import pytest

from common.acceptance import document as files
from common.acceptance.verify import verify
from common.errors import LingnanError

from ..conftest import Lingnan

pytestmark = pytest.mark.common


@pytest.fixture
def report(lingnan: Lingnan, tmp_path: Path) -> Path:
    """A report of two experiments, one on data files."""
    assert lingnan("accept", "fake", "--only", "T-RUN-public", "--out", "p").returncode == 0
    return tmp_path / "p"


def test_a_report_as_written_passes(lingnan: Lingnan, report: Path, tmp_path: Path) -> None:
    digest = hashlib.sha256((report / "acceptance.json").read_bytes()).hexdigest()
    done = lingnan("accept", "--verify", "p", "--sha256", digest.upper())
    assert done.returncode == 0, done.stdout
    assert digest in done.stdout
    assert digest in (report / "index.html").read_text(encoding="utf-8")
    if shutil.which("sha256sum"):
        check = ["sha256sum", "--quiet", "-c", "SHA256SUMS"]
        assert subprocess.run(check, cwd=report, check=False).returncode == 0


def test_a_changed_data_file_is_named(lingnan: Lingnan, report: Path, tmp_path: Path) -> None:
    (tmp_path / "data/set/a.bin").write_bytes(b"Measured on this")
    done = lingnan("accept", "--verify", "p", "--json")
    assert done.returncode == 1
    assert json.loads(done.stdout)["faults"] == ["data file set/a.bin is missing or changed"]


def test_absent_data_is_said_and_is_no_fault(report: Path) -> None:
    checked = verify(report, None)
    assert checked.faults == ()
    assert "the data is absent here" in checked.unchecked[0]


@pytest.mark.parametrize("name", ["acceptance.json", "index.html", "data"])
def test_a_changed_file_is_named(report: Path, tmp_path: Path, name: str) -> None:
    path = next((report / name).iterdir()) if name == "data" else report / name
    path.write_text(path.read_text(encoding="utf-8").replace("T-RUN-public", "T-RUN-pablic") + " ")
    assert any(path.name in fault for fault in verify(report, tmp_path / "data").faults)


def test_added_and_removed_files_are_named(report: Path) -> None:
    (report / "figures").mkdir(exist_ok=True)
    (report / "figures" / "extra.png").write_bytes(b"")
    assert any("extra.png" in fault for fault in verify(report, None).faults)
    sums = report / "SHA256SUMS"
    sums.write_bytes(sums.read_bytes()[:-1])
    assert any("SHA256SUMS is missing or not" in fault for fault in verify(report, None).faults)
    sums.unlink()
    assert any("SHA256SUMS is missing or not" in fault for fault in verify(report, None).faults)


def test_a_consistent_forgery_is_found_by_the_signed_hash_and_by_its_verdict(report: Path) -> None:
    document, signed = files.read(report)
    document["rows"][0]["n"] = 10**6
    files.write(report, document)
    assert verify(report, None).faults == ()
    assert "not the expected" in verify(report, None, signed).faults[0]
    document["rows"][0]["verdict"] = "not met"
    files.write(report, document)
    assert "its numbers say 'met'" in verify(report, None).faults[0]


@pytest.mark.parametrize("text", ["", "[]", '{"rows": [{}]}', "[" * 100_000, '{"rows": 3}'])
def test_what_is_no_report_is_refused_with_its_name(tmp_path: Path, text: str) -> None:
    (tmp_path / "acceptance.json").write_text(text)
    with pytest.raises(LingnanError, match=r"acceptance\.json is no acceptance report"):
        files.read(tmp_path)


def test_a_folder_without_a_report_says_how_to_make_one(lingnan: Lingnan) -> None:
    done = lingnan("accept", "--verify", "nowhere")
    assert done.returncode == 2
    assert "make one with lingnan accept --out nowhere" in done.stderr
