"""A head's path over a measured part by the command: the gap of a known part, and refusals."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from common.cli.main import run

pytestmark = pytest.mark.inspection


@pytest.fixture
def part(tmp_path: Path) -> Path:
    """A stage at 0 with a post of 300 um in its middle, 5 um a pixel."""
    height = np.zeros((101, 121), np.float32)
    height[45:56, 55:66] = 300.0
    file = tmp_path / "post.npz"
    np.savez(file, height_um=height, um_per_px=5.0)
    return file


def clearance(part: Path, *words: str) -> int:
    return run(["inspection", "clearance", str(part), *words])


def test_the_gap_is_that_of_the_post(part: Path, capsys: pytest.CaptureFixture[str]) -> None:
    near = ("--head", "nozzle", "--step-um", "50", "--needed-um", "200", "--json")
    assert clearance(part, "--tip-um", "800", *near) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["gap_um"] == pytest.approx(500.0)
    assert told["part_um"][2] == 300.0


def test_a_path_that_comes_nearer_is_refused_with_what_it_lacks(
    part: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ("--head", "nozzle", "--step-um", "50", "--needed-um", "600", "--tip-um", "800")
    assert clearance(part, *words) == 2
    assert "raise the path by 100.0 um" in capsys.readouterr().err
    inside = ("--head", "nozzle", "--needed-um", "1", "--tip-um", "250")
    assert clearance(part, *inside, "--step-um", "50") == 2
    assert clearance(part, *inside, "--step-um", "500") == 0  # no line of that path meets the post


def test_a_wide_head_meets_what_a_narrow_one_passes(part: Path, tmp_path: Path) -> None:
    beside = tmp_path / "beside.csv"  # 150 um over the stage, 200 um beside the post
    beside.write_text("75,0,150\n75,500,150\n")
    assert clearance(part, "--path", str(beside), "--head", "nozzle", "--needed-um", "100") == 0
    assert clearance(part, "--path", str(beside), "--needed-um", "100") == 2


def test_beside_the_map_nothing_is_near(
    part: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    far = tmp_path / "far.csv"
    far.write_text("-9000,0,10\n-9000,500,10\n")
    assert clearance(part, "--path", str(far), "--head", "nozzle", "--json") == 0
    assert json.loads(capsys.readouterr().out)["gap_um"] is None


def test_what_was_not_seen_is_not_taken_for_flat(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    height = np.zeros((40, 40), np.float32)
    height[10:12, 10:12] = np.nan
    np.savez(tmp_path / "holes.npz", height_um=height, um_per_px=5.0)
    assert clearance(tmp_path / "holes.npz", "--tip-um", "2000") == 2
    assert "unseen" in capsys.readouterr().err
    assert clearance(tmp_path / "holes.npz", "--tip-um", "2000", "--unseen-um", "900") == 0
    assert clearance(tmp_path / "holes.npz", "--tip-um", "1800", "--unseen-um", "900") == 2


@pytest.mark.parametrize(
    "text", ["", "0,0,9\n", "0,0,9\n1,two,9\n", "0,0\n0,1\n", "0,0,nan\n1,1,9\n"]
)
def test_a_path_that_is_none_is_named(
    part: Path, tmp_path: Path, text: str, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "path.csv"
    file.write_text(text)
    assert clearance(part, "--path", str(file)) == 2
    assert "path.csv" in capsys.readouterr().err


def test_one_way_to_say_the_path(part: Path) -> None:
    assert clearance(part) == 2
    assert clearance(part, "--tip-um", "900", "--path", "x.csv") == 2


@pytest.mark.parametrize(
    "words",
    [("--tip-um", "nan"), ("--tip-um", "inf"), ("--tip-um", "900", "--unseen-um", "nan")],
)
def test_no_path_is_cleared_by_what_is_no_number(part: Path, words: tuple[str, ...]) -> None:
    with np.load(part) as told:
        height = told["height_um"]
    height[0, 0] = np.nan
    np.savez(part, height_um=height, um_per_px=5.0)
    assert clearance(part, "--unseen-um", "0", *words) == 2


def test_a_meander_of_endless_lines_is_refused_at_once(
    part: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert clearance(part, "--tip-um", "2000", "--step-um", "1e-6") == 2
    assert "--step-um" in capsys.readouterr().err


def test_a_path_through_the_part_is_told_in_um_under_its_top(
    part: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert clearance(part, "--head", "nozzle", "--step-um", "50", "--tip-um", "250") == 2
    assert "passes 50.0 um under the part's point" in capsys.readouterr().err
    assert clearance(part, "--head", "nozzle", "--step-um", "50", "--tip-um", "1500") == 0
    assert "z 300 um." in capsys.readouterr().out
