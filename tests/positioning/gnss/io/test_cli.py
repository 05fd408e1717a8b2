"""The commands, on files as users have them."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from common.errors import LingnanError
from positioning.cli import app
from positioning.gnss.formats import pos, rinex_nav, rinex_obs, ubx
from positioning.gnss.rtk import pipeline
from positioning.gnss.rtk.tuning import Tuning
from positioning.gnss.solution import Quality

from .places import real
from .test_pos import solution

pytestmark = pytest.mark.positioning


_HEADER = "".join(
    f"{values:<60}{label}\n"
    for values, label in (
        ("     3.04           OBSERVATION DATA    M", "RINEX VERSION / TYPE"),
        ("  2024    xx    20     0     0    0.0000000     GPS", "TIME OF FIRST OBS"),
        ("", "END OF HEADER"),
    )
)


def run(*words: object) -> None:
    app([str(word) for word in words], result_action="return_value", exit_on_error=False)


@pytest.mark.data
def test_rtk_is_solved_scored_and_drawn(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder, out = real("gnss_static_5km", "dev"), tmp_path / "out.pos"
    run("solve", "--rover", folder / "SEPT078M1.21O", "--base", folder / "3034078M1.21O",
        "--nav", folder / "SEPT078M.21P", "--out", out,
        "--base-position=-3959400.631,3385704.533,3667523.111")  # fmt: skip
    assert "60 epochs of the rover: 60 fix" in capsys.readouterr().out
    place = tmp_path / "truth.txt"
    place.write_text("-3962108.673 3381309.574 3668678.638\n")
    run("score", out, "--truth", place, "--json")
    found = json.loads(capsys.readouterr().out)
    assert found["expected"] == 60 and found["fix_rate"] == 1.0 and found["wrong_fixes"] == 0
    assert found["three_d"]["p95_m"] < 0.03
    for kind in ("map", "error", "cdf"):
        run("plot", out, "--truth", place, "--kind", kind, "--out", tmp_path / f"{kind}.png")
    run("plot", out, "--kind", "sky", "--rover", folder / "SEPT078M1.21O",
        "--nav", folder / "SEPT078M.21P", "--out", tmp_path / "sky.svg")  # fmt: skip
    assert b"G" in (tmp_path / "sky.svg").read_bytes()
    for kind in ("map", "error", "cdf"):
        assert (tmp_path / f"{kind}.png").read_bytes()[:4] == b"\x89PNG"


@pytest.mark.data
def test_wide_lanes_place_what_is_not_fixed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A recorded baseline of 5.3 km on which nothing may be fixed."""
    monkeypatch.setattr(pipeline, "Tuning", lambda: Tuning(least_fixed=99))
    folder, off = real("gnss_static_5km", "dev"), {}
    for words in ((), ("--wide-lanes",)):
        out = tmp_path / "out.pos"
        run("solve", "--rover", folder / "SEPT078M1.21O", "--base", folder / "3034078M1.21O",
            "--nav", folder / "SEPT078M.21P", "--out", out, *words,
            "--base-position=-3959400.631,3385704.533,3667523.111")  # fmt: skip
        solved = pos.read(out)
        assert np.all(solved.quality == Quality.FLOAT)
        place = np.array([-3962108.673, 3381309.574, 3668678.638])
        off[words] = np.median(np.linalg.norm(solved.position_m - place, axis=1))
    assert off[("--wide-lanes",)] < 0.03 < off[()]


@pytest.mark.data
def test_a_receiver_s_file_becomes_rinex(tmp_path: Path) -> None:
    path = real("gnss_coldstart", "16dBatt_no_interference_coldstart.ubx")
    obs, nav = tmp_path / "a.obs", tmp_path / "a.nav"
    run("convert", path, "--obs", obs, "--nav", nav)
    assert len(rinex_obs.read(obs)) == len(ubx.read(path))
    assert len(rinex_nav.read(nav).kepler) == 28


def test_a_simulated_drive_is_not_written_over_another(tmp_path: Path) -> None:
    (tmp_path / "imu.csv").write_text("recorded")
    with pytest.raises(LingnanError, match=r"imu\.csv already"):
        run("simulate", tmp_path, "--duration", 5)
    assert [path.name for path in tmp_path.iterdir()] == ["imu.csv"]
    assert (tmp_path / "imu.csv").read_text() == "recorded"


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("score", "{pos}", "--truth", "{gone}"), "gone"),
        (("score", "{junk}", "--truth", "{pos}"), "neither RINEX"),
        (("plot", "{pos}", "--out", "x.jpeg"), "ends in .png"),
        (("plot", "{pos}", "--kind", "cdf", "--out", "x.png"), "--truth"),
        (("plot", "{pos}", "--kind", "sky", "--out", "x.png"), "--rover"),
        (("solve", "--rover", "{pos}", "--nav", "{pos}", "--out", "x.pos"), "--base"),
        (("solve", "--rover", "{pos}", "--nav", "{pos}", "--mode", "single", "--out", "x.pos"),
         "no observations"),
        (("solve", "--rover", "{gone}", "--nav", "{pos}", "--mode", "single", "--out", "x.pos"),
         "gone"),
        (("solve", "--rover", "{pos}", "--base", "{pos}", "--nav", "{pos}", "--mode", "single",
          "--out", "x.pos"), "takes no base"),
        (("solve", "--rover", "{pos}", "--nav", "{pos}", "--mode", "single", "--wide-lanes",
          "--out", "x.pos"), "wide-lanes is of RTK"),
        (("solve", "--rover", "{pos}", "--base", "{pos}", "--nav", "{pos}", "--imu", "{pos}",
          "--wide-lanes", "--out", "x.pos"), "choose one"),
        (("convert", "{junk}"), "--obs"),
        (("convert", "{junk}", "--obs", "{junk}"), "name another"),
        (("convert", "{junk}", "--obs", "x.pos", "--nav", "x.pos"), "two files"),
        (("solve", "--rover", "{junk}", "--nav", "{pos}", "--mode", "single", "--out", "{junk}"),
         "name another"),
        (("solve", "--rover", "{pos}", "--nav", "{junk}", "--mode", "single", "--out", "{junk}"),
         "name another"),
        (("solve", "--rover", "{pos}", "--nav", "{pos}", "--base", "{pos}", "--out", "x.pos",
          "--base-position=1,2"), "'1,2' is not X,Y,Z"),
        (("solve", "--rover", "{pos}", "--nav", "{pos}", "--base", "{pos}", "--out", "x.pos",
          "--base-position=nan,1,2"), "is not X,Y,Z"),
        (("solve", "--rover", "{pos}", "--nav", "{pos}", "--base", "{pos}", "--out", "x.pos",
          "--lever=inf,1,2"), "is not forward,left,up in m"),
        (("score", "{pos}", "--truth", "{pos}", "--start", "2000:nan"), "WEEK:SECOND"),
        (("score", "{pos}", "--truth", "{pos}", "--start", "{begun}"), "TIME OF FIRST OBS is no"),
        (("convert", "{sp3}", "--obs", "x.pos"), "orbits.sp3: SP3"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_named(tmp_path: Path, words: tuple[str, ...], told: str) -> None:
    pos.write(tmp_path / "good.pos", solution(5))
    (tmp_path / "junk.bin").write_bytes(b"junk" * 100)
    (tmp_path / "begun.obs").write_text(_HEADER)
    (tmp_path / "orbits.sp3").write_bytes(b"#cP2016  6  6  0  0  0.00000000     288\n")
    names = {"pos": tmp_path / "good.pos", "junk": tmp_path / "junk.bin", "gone": tmp_path / "gone",
             "sp3": tmp_path / "orbits.sp3", "begun": tmp_path / "begun.obs"}  # fmt: skip
    with pytest.raises(LingnanError, match=told):
        run(*(word.format(**names) for word in words))
    assert not (tmp_path / "x.pos").exists()
    assert (tmp_path / "junk.bin").read_bytes() == b"junk" * 100
