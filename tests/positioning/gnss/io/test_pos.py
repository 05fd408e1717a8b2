"""RTKLIB's .pos files: written to its very bytes, read in every form it writes."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from positioning.gnss.formats import pos
from positioning.gnss.formats.errors import GnssFileError
from positioning.gnss.geodesy import to_ecef
from positioning.gnss.solution import Solution

from .places import real

pytestmark = pytest.mark.positioning

BASE = ("-3959400.631", "3385704.533", "3667523.111")
SPAN = ((2149, 475_200.0), (2149, 475_259.0))


@pytest.fixture(scope="module")
def inputs() -> list[str]:
    folder = real("gnss_static_5km", "dev")
    return [str(folder / n) for n in ("SEPT078M1.21O", "3034078M1.21O", "SEPT078M.21P")]


@pytest.fixture(scope="module")
def solved(inputs: list[str], tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """What rnx2rtkp writes of one solution, by its options."""
    program = shutil.which("rnx2rtkp")
    if program is None:
        pytest.skip("no rnx2rtkp: apt-get install rtklib")
    folder, files = tmp_path_factory.mktemp("rtklib"), {}
    for options in ("-t", "-e", "-g", "-a", "-u", "-s ,"):
        out = folder / f"{options[1]}.pos"
        command = [program, "-p", "2", *options.split(" "), "-r", *BASE, "-o", str(out), *inputs]
        subprocess.run(command, check=True, capture_output=True, timeout=120)
        files[options] = out
    return files


@pytest.mark.data
@pytest.mark.parametrize(
    ("option", "form", "times"), [("-t", "geodetic", "calendar"), ("-e", "ecef", "week")]
)
def test_a_rewritten_file_is_the_same_to_the_byte(
    solved: dict[str, Path], inputs: list[str], tmp_path: Path, option: str,
    form: pos.Form, times: pos.Times,
) -> None:  # fmt: skip
    theirs, out = pos.read_file(solved[option]), tmp_path / "ours.pos"
    pos.write(out, theirs.solution, form=form, times=times, inputs=inputs,
              reference_m=theirs.reference_m, span=SPAN)  # fmt: skip
    wanted, got = solved[option].read_text().splitlines(), out.read_text().splitlines()
    assert len(got) == 70
    assert got[0].startswith("% program   : lingnan") and got[1:] == wanted[1:]


@pytest.mark.data
def test_every_form_tells_the_same(solved: dict[str, Path]) -> None:
    reference = pos.read_file(solved["-t"])
    for option, path in solved.items():
        found = pos.read_file(path)
        away = np.abs(found.solution.position_m - reference.solution.position_m).max()
        assert away < 3e-4, option
        assert found.solution.tow_s == pytest.approx(reference.solution.tow_s)
        assert np.array_equal(found.solution.quality, reference.solution.quality)
        assert found.span_s == reference.span_s
        unlike = found.solution.covariance_m2 - reference.solution.covariance_m2
        assert np.abs(unlike).max() < 4e-6
        assert found.reference_m == pytest.approx(np.array(BASE, float), abs=3e-4)
        assert not found.refusals


def solution(count: int, seed: int = 0) -> Solution:
    rng = np.random.default_rng(seed)
    latitude, longitude = rng.uniform(-1.5, 1.5, count), rng.uniform(-3.1, 3.1, count)
    root = rng.normal(size=(count, 3, 3))
    return Solution(
        week=np.full(count, 2300, np.int32),
        tow_s=np.sort(np.round(rng.uniform(0, 604_799, count), 3)),
        position_m=to_ecef(latitude, longitude, rng.uniform(-100, 9000, count)),
        covariance_m2=root @ root.transpose(0, 2, 1),
        quality=rng.integers(1, 8, count).astype(np.int8),
        satellites=rng.integers(0, 40, count).astype(np.int16),
        age_s=rng.uniform(0, 30, count).astype(np.float32),
        ratio=rng.uniform(0, 900, count).astype(np.float32),
        velocity_mps=rng.normal(size=(count, 3)) * 20,
        wrong_fix_probability=rng.uniform(0, 1, count).astype(np.float32),
        protection_level_m=rng.uniform(0, 50, (count, 2)).astype(np.float32),
    )


@given(seed=st.integers(0, 10_000), form=st.sampled_from(["geodetic", "ecef"]))
def test_what_is_written_is_read(
    tmp_path_factory: pytest.TempPathFactory, seed: int, form: pos.Form
) -> None:
    wanted, path = solution(7, seed), tmp_path_factory.mktemp("pos") / "a.pos"
    pos.write(path, wanted, form=form)
    got = pos.read(path)
    assert np.abs(got.position_m - wanted.position_m).max() < 4e-4
    assert np.abs(got.tow_s - wanted.tow_s).max() < 6e-4
    assert np.abs(got.covariance_m2 - wanted.covariance_m2).max() < 5e-3
    assert got.velocity_mps is not None and wanted.velocity_mps is not None
    assert np.abs(got.velocity_mps - wanted.velocity_mps).max() < 2e-5
    assert got.quality.tolist() == wanted.quality.tolist()
    assert got.wrong_fix_probability == pytest.approx(wanted.wrong_fix_probability, abs=1e-6)
    assert got.protection_level_m == pytest.approx(wanted.protection_level_m, abs=1e-3)


def test_epochs_without_a_position_are_left_out(tmp_path: Path) -> None:
    made = solution(6)
    made.quality[2] = 0
    made.position_m[4] = np.nan
    pos.write(tmp_path / "a.pos", made)
    assert pos.read(tmp_path / "a.pos").tow_s == pytest.approx(made.tow_s[[0, 1, 3, 5]], abs=6e-4)


def test_the_end_of_a_week_rolls_over(tmp_path: Path) -> None:
    made = solution(1)
    made.tow_s[0] = 604_799.9996
    pos.write(tmp_path / "a.pos", made)
    got = pos.read(tmp_path / "a.pos")
    assert (got.week[0], got.tow_s[0]) == (2301, 0.0)


def test_broken_lines_are_named_and_left_out(tmp_path: Path) -> None:
    path = tmp_path / "a.pos"
    pos.write(path, solution(5))
    lines = path.read_text().splitlines()
    lines[4] = lines[4][:60]
    lines.append("2024/13/45 00:00:00.000 1 2 3 4 5 6 7 8 9 10 11 12 13")
    path.write_text("\n".join(lines))
    found = pos.read_file(path)
    assert len(found.solution) == 4
    assert [refusal.line for refusal in found.refusals] == [5, len(lines)]
    path.write_text("no solution\n")
    with pytest.raises(GnssFileError, match=r"a\.pos: no epoch"):
        pos.read(path)
