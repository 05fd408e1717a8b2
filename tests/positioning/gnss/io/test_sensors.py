"""The vehicle's own sensors: their files, and the command that couples them."""

from __future__ import annotations

import json
from dataclasses import replace
from functools import cache
from pathlib import Path
from tempfile import mkdtemp

import numpy as np
import pytest

from common.errors import LingnanError
from positioning.cli import app
from positioning.gnss.formats.errors import GnssFileError
from positioning.gnss.formats.sensors import FORCES, RATES, TIME, read_inertial, read_wheels
from positioning.sim.gnss.files import write
from positioning.sim.gnss.receiver import Receiver
from positioning.sim.gnss.scenario import Scenario, simulate

pytestmark = pytest.mark.positioning

WEEK_S = 604_800.0
HEAD = ",".join((TIME, *RATES, *FORCES))


def run(*words: object) -> None:
    app([str(word) for word in words], result_action="return_value", exit_on_error=False)


@cache
def files() -> Path:
    """A drive at 1 Hz, as files."""
    folder = Path(mkdtemp(prefix="lingnan-"))
    rover = replace(Receiver(), rate_hz=1.0)
    write(simulate(Scenario(layout="avenue", seed=31, duration_s=30.0, rover=rover)), folder)
    return folder


def solving(*more: object) -> list[object]:
    f = files()
    return ["solve", "--rover", f / "rover.obs", "--base", f / "base.obs", "--nav", f / "nav.nav",
            *more]  # fmt: skip


@pytest.mark.parametrize("estimator", ["batch", "realtime"])
def test_a_drive_is_coupled_and_scored(
    estimator: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out.pos"
    run(*solving("--imu", files() / "imu.csv", "--wheel", files() / "wheel.csv",
                 "--lever", "0.9,0.12,1.05", "--estimator", estimator, "--out", out))  # fmt: skip
    told = capsys.readouterr()
    assert "30 epochs of the rover" in told.out and "--lever" not in told.err
    assert "imu.csv" in out.read_text()
    run("score", out, "--truth", files() / "truth.csv", "--json")
    found = json.loads(capsys.readouterr().out)
    assert found["availability"] == 1.0
    assert found["horizontal"]["p95_m"] < 1.0


def test_records_come_back_as_they_were_written() -> None:
    drive = simulate(Scenario(layout="open", seed=5, duration_s=6.0))
    week, tow = drive.scenario.start
    folder = Path(mkdtemp(prefix="lingnan-"))
    write(drive, folder)
    begin_s = week * WEEK_S + tow
    inertial = read_inertial(folder / "imu.csv", begin_s + 0.2)
    np.testing.assert_allclose(inertial.time_s, begin_s + drive.imu.time_s, atol=1e-4)
    np.testing.assert_allclose(inertial.force_mps2, drive.imu.force_mps2, atol=1e-7)
    wheels = read_wheels(folder / "wheel.csv", begin_s)
    np.testing.assert_allclose(wheels.speed_mps, drive.wheel.speed_mps, atol=1e-3)


def test_columns_may_stand_in_any_order_and_weeks_may_end(tmp_path: Path) -> None:
    path = tmp_path / "wheel.csv"
    path.write_text("speed_mps,note,gps_tow_s\n1.5,7,604799.5\n\n2.5,8,0.5\n")
    found = read_wheels(path, 2321 * WEEK_S - 1.0)
    np.testing.assert_allclose(found.time_s - 2321 * WEEK_S, [-0.5, 0.5])
    np.testing.assert_allclose(found.speed_mps, [1.5, 2.5])


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "names no column gps_tow_s"),
        ("gps_tow_s,speed_mps\n1,2\n", "names no column rate_x_radps"),
        (HEAD + "\n", "no sample"),
        (HEAD + "\n1,0,0,0,0,0,9.8\n2,0,x,0,0,0,9.8\n", "row 1"),
        (HEAD + "\n1,0,0,0,0,0,9.8\n2,0,0\n", "numbers between commas"),
        (HEAD + "\n1,0,0,0,0,0,9.8\n2,0,nan,0,0,0,9.8\n", "line 3"),
        (HEAD + "\n1,0,0,0,0,0,9.8\n1,0,0,0,0,0,9.8\n", "do not rise"),
    ],
)
def test_a_broken_record_is_named(tmp_path: Path, text: str, told: str) -> None:
    path = tmp_path / "broken.csv"
    path.write_text(text)
    with pytest.raises(GnssFileError, match=told) as caught:
        read_inertial(path, 0.0)
    assert "broken.csv" in str(caught.value)


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("--wheel", "w.csv"), "give --imu"),
        (("--lever", "1,2,3"), "give --imu"),
        (("--imu", "i.csv", "--lever", "1,2"), "forward,left,up"),
        (("--imu", "gone.csv"), "gone.csv"),
        (("--imu", "i.csv", "--mode", "static"), "kinematic"),
        (("--imu", "i.csv", "--estimator", "epoch"), "realtime"),
    ],
)
def test_options_that_do_not_go_together_are_named(
    tmp_path: Path, words: tuple[str, ...], told: str
) -> None:
    with pytest.raises(LingnanError, match=told):
        run(*solving(*words, "--out", tmp_path / "x.pos"))
    assert not (tmp_path / "x.pos").exists()


def test_real_time_without_a_base_is_refused(tmp_path: Path) -> None:
    f, out = files(), tmp_path / "x.pos"
    alone = ["solve", "--rover", f / "rover.obs", "--nav", f / "nav.nav", "--mode", "single"]
    with pytest.raises(LingnanError, match="needs a base"):
        run(*alone, "--imu", f / "imu.csv", "--estimator", "realtime", "--out", out)
    assert not out.exists()
