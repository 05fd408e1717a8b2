"""Navigation messages: the same in RINEX 2, 3 and 4, round trips, and broken ones."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest

from positioning.gnss.formats import rinex_nav, rinex_obs
from positioning.gnss.formats.errors import GnssFileError, Refusal
from tests.conftest import data_set
from tests.positioning.gnss.readers import sky

pytestmark = pytest.mark.positioning

TAIL = """\
    0.240000000000D+02 0.212500000000D+01 0.443732768965D-08 0.237002107609D+01
    0.912696123123D-07 0.553706113715D-02 0.108145177364D-04 0.515364817619D+04
    0.864000000000D+05-0.175088644028D-06-0.240868609163D+01-0.800937414169D-07
    0.964506218435D+00 0.173812500000D+03 0.466179717411D+00-0.776853787650D-08
    0.622525930704D-09 0.100000000000D+01 0.190000000000D+04 0.000000000000D+00
    0.200000000000D+01 0.000000000000D+00 0.512227416039D-08 0.240000000000D+02
    0.833100000000D+05 0.400000000000D+01
"""
CLOCK = " 0.227009877562D-04 0.125055521494D-11 0.000000000000D+00\n"
END = " " * 60 + "END OF HEADER\n"
VERSION2 = f"{'     2              NAVIGATION DATA':60}RINEX VERSION / TYPE\n{END}"
VERSION3 = f"{'     3.04           N: GNSS NAV DATA    M':60}RINEX VERSION / TYPE\n{END}"
VERSION4 = VERSION3.replace("3.04", "4.00")
RECORD2 = " 1 16  6  6  0  0  0.0" + CLOCK + TAIL
RECORD3 = (
    "G01 2016 06 06 00 00 00" + CLOCK + TAIL.replace("    ", "     ").replace("\n   -", "\n    -")
)


def test_versions_tell_the_same_message(tmp_path: Path) -> None:
    texts = [VERSION2 + RECORD2, VERSION3 + RECORD3, VERSION4 + "> EPH G01 LNAV\n" + RECORD3]
    told = []
    for k, text in enumerate(texts):
        path = tmp_path / f"{k}.nav"
        path.write_text(text)
        told.append(rinex_nav.read(path).kepler)
    assert [len(t) for t in told] == [1, 1, 1]
    assert told[0][0] == told[1][0] == told[2][0]
    record = told[0][0]
    assert (record["satellite"], record["toe_week"], record["toe_s"]) == (1, 1900, 86_400.0)
    assert record["sqrt_a"] == 5153.64817619 and record["delay0_s"] == 5.12227416039e-09


def test_what_is_written_is_read_again(tmp_path: Path) -> None:
    messages = sky.messages()
    rinex_nav.write(tmp_path / "a.nav", messages)
    again = rinex_nav.read(tmp_path / "a.nav")
    for name in messages.kepler.dtype.names or ():
        np.testing.assert_allclose(again.kepler[name], messages.kepler[name], rtol=1e-12)


BROKEN = [
    (RECORD3.replace("0.5153648", "0.51x3648"), "51x3648"),
    (RECORD3.replace("2016 06 06", "2016 16 06"), "month"),
    ("\n".join(RECORD3.split("\n")[:5]) + "\n", "5 lines of 8"),
    (RECORD3.replace("0.515364817619D+04", "0.649300000000D+04"), "no orbit"),
    ("Z" + RECORD3[1:], "no satellite"),
]


@pytest.mark.parametrize(("record", "what"), BROKEN)
def test_a_broken_message_is_named_and_left_out(tmp_path: Path, record: str, what: str) -> None:
    path = tmp_path / "a.nav"
    path.write_text(VERSION3 + record + RECORD3.replace("G01", "G02"))
    refusals: list[Refusal] = []
    told = rinex_nav.read(path, refusals)
    assert list(told.kepler["satellite"]) == [2]
    assert refusals[0].line == 3 and any(what in r.what for r in refusals)


def test_an_observation_file_is_refused_by_name(tmp_path: Path) -> None:
    path = tmp_path / "wrong.nav"
    path.write_text(VERSION3.replace("N: GNSS NAV DATA", "OBSERVATION DATA"))
    with pytest.raises(GnssFileError, match=r"wrong\.nav.*not navigation"):
        rinex_nav.read(path)


@pytest.mark.data
def test_real_files_give_every_message_once(real_data: Path) -> None:
    folder = data_set(real_data, "gnss_berlin")
    refusals: list[Refusal] = []
    told = rinex_nav.read([folder / "brdc1580.16n", folder / "brdc1580.16g"], refusals)
    begun = sum(
        line[:2].strip() != "" and line[60:].strip()[:1] not in "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
        for name in ("brdc1580.16n", "brdc1580.16g")
        for line in (folder / name).read_text().split("END OF HEADER")[1].splitlines()
    )
    assert len(told.kepler) + len(told.glonass) + len(refusals) <= begun
    assert len(told.kepler) > 400 and len(told.glonass) > 1000
    assert told.leap_s == 17 and set(told.glonass_channels().values()) <= set(range(-7, 7))
    assert {r.what.split(": ")[-1].split(" (")[0] for r in refusals} <= {
        "no orbit",
        "the time of ephemeris is no quarter of an hour)",
    }
    alpha = told.klobuchar()
    assert alpha is not None and alpha[0] == 0.6519e-8


@pytest.mark.data
def test_rtklib_solves_our_files_as_it_does_the_originals(real_data: Path, tmp_path: Path) -> None:
    program = shutil.which("rnx2rtkp")
    if program is None:
        pytest.skip("rnx2rtkp is not installed: apt-get install rtklib")
    folder = data_set(real_data, "gnss_static_1m") / "dev"
    rinex_obs.write(tmp_path / "r.obs", rinex_obs.read(folder / "rover.obs"))
    rinex_obs.write(tmp_path / "b.obs", rinex_obs.read(folder / "base.obs"))
    rinex_nav.write(tmp_path / "n.nav", rinex_nav.read(folder / "base.nav"))
    original = _solved(program, [folder / n for n in ("rover.obs", "base.obs", "base.nav")])
    ours = _solved(program, [tmp_path / n for n in ("r.obs", "b.obs", "n.nav")])
    assert original.shape == ours.shape and len(ours) == 301
    assert np.abs(original[:, 2:4] - ours[:, 2:4]).max() < 2e-8  # degrees, 2 mm
    assert np.array_equal(original[:, 5], ours[:, 5])  # fixed alike


def _solved(program: str, paths: list[Path]) -> np.ndarray:
    done = subprocess.run([program, "-p", "2", *map(str, paths)], capture_output=True, check=True)
    rows = [line.split() for line in done.stdout.decode().splitlines() if line[:1] != "%"]
    return np.array([[float(word) for word in row[:7]] for row in rows if row])
