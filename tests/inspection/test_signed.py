"""A job's report: its numbers are those of the samples, and whoever touches anything is told."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from common.acceptance.verify import verify
from common.cli.main import run
from inspection.job import Job
from tests.inspection import boards

pytestmark = pytest.mark.inspection


@pytest.fixture
def parts(tmp_path: Path) -> Path:
    """Boards that the job was not taught on."""
    root = tmp_path / "boards"
    root.mkdir()
    boards.write(root, boards=2, images=3, seed=91)
    return root


def evaluate(data: Path, job: Path, out: Path, *more: str) -> int:
    words = ["inspection", "evaluate", str(data), "--layout", "deeppcb", "--job", str(job)]
    return run([*words, "--report", str(out), "--evidence", "simulated", *more])


def rows(out: Path) -> dict[str, Any]:
    document = json.loads((out / "acceptance.json").read_bytes())
    return {row["id"]: row for row in document["rows"]}


def test_it_is_written_with_exact_bounds_and_can_be_verified(
    parts: Path, boards_job: Path, tmp_path: Path
) -> None:
    out = tmp_path / "report"
    assert evaluate(parts, boards_job, out) == 0
    found = rows(out)["job/miss"]
    assert (found["value"], found["n"]) == (0.0, 18)
    assert found["high"] == pytest.approx(1 - 0.05 ** (1 / 18))  # of none in n, in closed form
    assert found["verdict"] == "on track" and found["evidence"] == "simulated"
    assert rows(out)["job/false"]["verdict"] == "not measured"  # no good board is among them
    page = (out / "index.html").read_text(encoding="utf-8")
    for told in ("Tested by", "Signature", boards_job.name, "Seed"):
        assert (told in page) == (told != "Seed")  # nothing was drawn: no seed
    checked = verify(out, parts)
    assert (checked.faults, checked.unchecked) == ((), ())


def test_a_sample_that_was_exchanged_is_named(
    parts: Path, boards_job: Path, tmp_path: Path
) -> None:
    assert evaluate(parts, boards_job, tmp_path / "r") == 0
    image = sorted(parts.glob("*_test.jpg"))[2]
    image.write_bytes(image.read_bytes() + b"\0")
    assert verify(tmp_path / "r", parts).faults == (
        f"data file {image.name} is missing or changed",
    )


def test_what_was_missed_is_counted_and_shown(
    parts: Path, boards_job: Path, tmp_path: Path
) -> None:
    job = Job.load(boards_job)
    blind = tmp_path / "blind.job"
    replace(job, threshold={**job.threshold, "value": 1e9}).save(blind)
    assert evaluate(parts, blind, tmp_path / "r", "--miss-target", "0.05") == 0
    found = rows(tmp_path / "r")["job/miss"]
    assert (found["value"], found["target"], found["verdict"]) == (1.0, 0.05, "not met")
    document = json.loads((tmp_path / "r" / "acceptance.json").read_bytes())
    shown = [figure["shows"] for figure in document["figures"]["job/miss"]]
    assert sum("missed" in told for told in shown) == 4
    assert json.loads(json.dumps(found))["method"].count("1e+09") == 1


def test_two_reports_are_never_mixed(
    parts: Path, boards_job: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "report"
    assert evaluate(parts, boards_job, out) == 0
    before = (out / "acceptance.json").read_bytes()
    assert evaluate(parts, boards_job, out) == 2
    assert "is not empty" in capsys.readouterr().err
    assert (out / "acceptance.json").read_bytes() == before


def test_where_the_parts_come_from_must_be_said(
    parts: Path, boards_job: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["inspection", "evaluate", str(parts), "--layout", "deeppcb", "--job", str(boards_job)]
    assert run([*words, "--report", str(tmp_path / "r")]) == 2
    assert "--evidence" in capsys.readouterr().err
    assert not (tmp_path / "r").exists()
    assert run([*words, "--report", str(tmp_path / "r"), "--evidence", "hearsay"]) == 2


def test_figures_for_machines_stay_alone_on_standard_output(
    parts: Path, boards_job: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert evaluate(parts, boards_job, tmp_path / "r", "--json", "-") == 0
    assert json.loads(capsys.readouterr().out)["n_defects"] == 18


def test_figures_are_not_written_over_the_job_nor_judged_for_no_file(
    parts: Path, boards_job: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = boards_job.read_bytes()
    words = ["inspection", "evaluate", str(parts), "--layout", "deeppcb", "--job", str(boards_job)]
    for target in (boards_job, tmp_path, tmp_path / "gone" / "scores.json"):
        assert run([*words, "--json", str(target)]) == 2
        assert str(target.parent) in capsys.readouterr().err
    assert boards_job.read_bytes() == before
