"""Whole drives: geometry, determinism, plausibility, files, and RTKLIB as the referee."""

from __future__ import annotations

import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from common.errors import LingnanError
from positioning.cli import app
from positioning.gnss import geodesy
from positioning.gnss.formats import rinex_nav, rinex_obs, sp3
from positioning.gnss.formats.errors import GnssFileError
from positioning.gnss.observations import Observations
from positioning.gnss.orbits.broadcast import BroadcastOrbits
from positioning.gnss.satellite import SPEED_OF_LIGHT_MPS
from positioning.sim.gnss import air, files, scenario, sky, ubx
from positioning.sim.gnss.receiver import Receiver
from positioning.sim.gnss.scenario import BASE, Drive, Scenario, simulate, without_errors

pytestmark = pytest.mark.positioning

OPEN = Scenario(layout="open", seed=1, duration_s=40.0)
CONFIG = """pos1-posmode=kinematic
pos1-frequency=l1+2
pos1-elmask=15
pos1-ionoopt=brdc
pos1-tropopt=saas
pos2-armode=continuous
pos2-bdsarmode=on
pos2-niter=4
out-solformat=xyz
out-timeform=tow
"""


@pytest.fixture(scope="module")
def open_sky() -> Drive:
    return simulate(OPEN)


@pytest.fixture(scope="module")
def canyon() -> Drive:
    return simulate(Scenario(layout="canyon", seed=4, duration_s=60.0))


def rtklib(
    drive: Drive, folder: Path, rover: str = "rover.obs", systems: int = 41
) -> tuple[np.ndarray, np.ndarray]:
    """(east, north, up error (E, 3), quality (E,)) of rnx2rtkp on the drive's files; systems: its
    sum of 1 GPS, 4 GLONASS, 8 Galileo, 32 BeiDou."""
    if shutil.which("rnx2rtkp") is None:
        pytest.skip("rnx2rtkp is not installed (Debian package rtklib)")
    files.write(drive, folder)
    (folder / "conf").write_text(CONFIG + f"pos1-navsys={systems}\n")
    if rover.endswith(".ubx"):
        _converted(folder / rover)
    names = [str(folder / name).replace(".ubx", ".conv") for name in (rover, "base.obs", "nav.nav")]
    at = [f"{x:.4f}" for x in drive.base_position_m]
    out = str(folder / "out.pos")
    command = ["rnx2rtkp", "-k", str(folder / "conf"), "-r", *at, "-o", out, *names]
    subprocess.run(command, check=True, capture_output=True, timeout=100)
    rows = np.loadtxt(out, comments="%")
    epoch = np.searchsorted(drive.rover.tow_s, rows[:, 1] - 0.02)
    error = rows[:, 2:5] - drive.truth.position_m[epoch]
    axes = drive.place.axes
    return error @ axes.T, rows[:, 5]


def _converted(path: Path) -> None:
    """RTKLIB's own RINEX of a receiver's frames."""
    if shutil.which("convbin") is None:
        pytest.skip("convbin is not installed (Debian package rtklib)")
    out = str(path.with_suffix(".conv"))
    command = ["convbin", "-r", "ubx", "-od", "-os", "-v", "3.04", "-o", out, str(path)]
    subprocess.run(command, check=True, capture_output=True, timeout=100)


def test_double_differences_of_a_clean_run_are_geometry() -> None:
    """Below 1 mm, from arrays that went through RINEX, clocks running, against ranges that are
    computed here from the satellites' truth."""
    clean = replace(without_errors(Receiver()), clock=Receiver().clock)
    made = replace(OPEN, rover=clean, base=without_errors(BASE), has_air=False)
    drive = simulate(made)
    above = sky.made_up(*made.start, np.random.default_rng([made.seed, *b"sky"]), "GEC")
    for e in (0, 75, 150):
        single = []
        for told, truth in ((drive.rover, drive.truth), (drive.base, drive.base_truth)):
            k = e if told is drive.rover else e // 5
            one = told.epochs(k, k + 1)
            index = np.searchsorted(above.satellites, one.satellite)
            when = np.full(len(index), made.start[1] + truth.time_s[k])
            here = np.broadcast_to(truth.position_m[k], (len(index), 3))
            distance, _, _, clock = sky.line_of_sight(above, index, made.start[0], when, here)
            wave = SPEED_OF_LIGHT_MPS / one.frequency_hz[:, :2]
            model = (distance - SPEED_OF_LIGHT_MPS * clock)[:, None]
            left = one.phase_cycles[:, :2] - model / wave, one.code_m[:, :2] - model
            single.append((one, wave, left))
        (rover, wave, a), (base, _, b) = single
        assert np.array_equal(rover.satellite, base.satellite)
        for system in (0, 2, 3):
            rows = np.flatnonzero(rover.satellite // 100 == system)
            assert len(rows) > 4
            cycles, metres = (
                (x[rows] - x[rows[:1]]) - (y[rows] - y[rows[:1]]) for x, y in zip(a, b, strict=True)
            )
            assert abs((cycles - np.round(cycles)) * wave[rows]).max() < 1e-3
            assert abs(metres).max() < 1e-3


def test_the_same_seed_gives_the_same_drive(open_sky: Drive) -> None:
    again = simulate(OPEN)
    for name in ("code_m", "phase_cycles", "cn0_dbhz", "slip"):
        first, second = getattr(open_sky.rover, name), getattr(again.rover, name)
        assert np.array_equal(first, second, equal_nan=name != "slip")
    assert np.array_equal(open_sky.imu.force_mps2, again.imu.force_mps2)
    other = simulate(replace(OPEN, seed=2, duration_s=5.0))
    assert not np.array_equal(other.truth.position_m[0], again.truth.position_m[0])


def test_strength_in_the_open_is_that_of_life(open_sky: Drive) -> None:
    cn0 = open_sky.rover.cn0_dbhz[:, :2]
    assert 33 < np.nanpercentile(cn0, 1) < np.nanpercentile(cn0, 99) < 51
    assert 40 < np.nanmedian(cn0) < 46
    assert open_sky.truth.line_of_sight.all()
    high = open_sky.truth.elevation_rad > 1.0
    low = open_sky.truth.elevation_rad < 0.35
    assert np.nanmedian(cn0[high]) > np.nanmedian(cn0[low]) + 3


def test_doppler_is_the_rate_of_phase(open_sky: Drive) -> None:
    rover = open_sky.rover
    satellite = int(rover.satellite[0])
    rows = rover.satellite == satellite
    phase, doppler = rover.phase_cycles[rows, 0], rover.doppler_hz[rows, 0]
    settled = slice(20, None)
    middle = (doppler[settled][1:] + doppler[settled][:-1]) / 2
    assert np.median(abs(np.diff(phase[settled]) / 0.2 + middle)) < 0.5


def test_the_city_hides_bends_and_mirrors(canyon: Drive, open_sky: Drive) -> None:
    truth, rover = canyon.truth, canyon.rover
    seen = truth.line_of_sight
    assert 0.3 < seen.mean() < 0.95
    per_epoch = [len(d.rover.satellite) / len(d.rover) for d in (canyon, open_sky)]
    assert per_epoch[0] < 0.8 * per_epoch[1]
    strength = [np.nanmedian(rover.cn0_dbhz[rows, 0]) for rows in (seen, ~seen)]
    assert strength[0] > strength[1] + 6
    spread = [np.nanpercentile(abs(truth.code_error_m[rows, 0]), 90) for rows in (seen, ~seen)]
    assert spread[1] > 10 > 5 > spread[0]
    assert (canyon.kind == scenario.KINDS.index("canyon")).mean() > 0.5
    assert (canyon.open_sky < 0.7).all()


def test_slips_move_phase_by_whole_or_half_cycles() -> None:
    """Epoch to epoch, phase less geometry, clock and known errors stays, but for slips."""
    drive = simulate(Scenario(layout="trees", seed=2, duration_s=60.0, has_air=False))
    rover, truth = drive.rover, drive.truth
    checked = 0
    for satellite in np.unique(rover.satellite):
        rows = np.flatnonzero(
            (rover.satellite == satellite) & np.isfinite(rover.phase_cycles[:, 0])
        )
        wave = SPEED_OF_LIGHT_MPS / rover.frequency_hz[rows, 0]
        epoch = rover.epoch_of_row[rows]
        left = rover.phase_cycles[rows, 0] * wave - truth.range_m[rows]
        left -= SPEED_OF_LIGHT_MPS * truth.clock_s[epoch] + truth.carrier_error_m[rows, 0]
        steps = np.diff(left / wave)
        calm = (np.diff(epoch) == 1) & ~truth.slipped[rows[1:], 0]
        calm &= ~rover.half_cycle[rows[1:], 0] & ~rover.half_cycle[rows[:-1], 0]
        drift = np.median(steps[calm]) if calm.any() else 0.0
        # what is left is the satellite's clock, and half cycles put right a little later
        away = abs((steps[calm] - drift) * 2 - np.round((steps[calm] - drift) * 2))
        assert away.max(initial=0) < 0.15
        checked += int(calm.sum())
    assert checked > 2000


def test_the_air_is_of_life_and_not_the_solvers_model() -> None:
    """Zenith delays near 2.4 m and of tens of TEC units; to 10 degrees near 1 / sin, not beyond."""
    day = air.Air()
    elevation = np.radians([90.0, 30.0, 10.0])
    slow = air.troposphere_m(day, np.zeros(3), np.zeros(3), elevation)
    assert slow[0] == pytest.approx(2.49, abs=0.1)
    assert slow[1] / slow[0] == pytest.approx(1.99, abs=0.02)
    assert slow[2] / slow[0] == pytest.approx(5.6, abs=0.1)
    here = geodesy.to_ecef(*(np.array(v) for v in (np.radians(23.1), np.radians(113.3), 0.0)))
    up = here / np.linalg.norm(here)
    bent = air.ionosphere_m_hz2(day, here[None], up[None], np.array([6 * 3600.0]))
    assert 3 < bent[0] / 1575.42e6**2 < 9


def test_files_give_the_drive_back(canyon: Drive, tmp_path: Path) -> None:
    files.write(canyon, tmp_path)
    read = rinex_obs.read(tmp_path / "rover.obs")
    assert np.array_equal(read.satellite, canyon.rover.satellite)
    assert np.allclose(read.code_m, canyon.rover.code_m, atol=6e-4, equal_nan=True)
    assert np.allclose(read.phase_cycles, canyon.rover.phase_cycles, atol=6e-4, equal_nan=True)
    assert np.array_equal(read.slip, canyon.rover.slip)
    told = rinex_nav.read(tmp_path / "nav.nav")
    assert len(told.kepler) == len(canyon.navigation.kepler)
    inertial = np.loadtxt(tmp_path / "imu.csv", delimiter=",", skiprows=1)
    assert inertial.shape == (6000, 7)
    lines = (tmp_path / "truth.csv").read_text().splitlines()
    assert lines[0] == files.TRUTH_COLUMNS
    assert len(lines) == 1 + len(canyon.rover)
    assert lines[1].split(",")[-1] in scenario.KINDS
    with np.load(tmp_path / "rows.npz", allow_pickle=False) as rows:
        assert len(rows["line_of_sight"]) == len(canyon.rover.satellite)


def test_another_reader_of_ubx_sees_the_same(canyon: Drive, tmp_path: Path) -> None:
    pyubx2 = pytest.importorskip("pyubx2")
    few: Observations = canyon.rover.epochs(0, 5)
    stream = ubx.raw(few, 18)
    (tmp_path / "x.ubx").write_bytes(stream)
    with (tmp_path / "x.ubx").open("rb") as opened:
        messages = [m for _, m in pyubx2.UBXReader(opened)]
    assert [m.identity for m in messages] == ["RXM-RAWX"] * 5
    assert [m.rcvTow for m in messages] == pytest.approx(few.tow_s)
    assert messages[0].numMeas == (few.epochs(0, 1).signal != b"").sum()
    row, slot = np.argwhere(few.signal != b"")[0]
    assert messages[0].prMes_01 == few.code_m[row, slot]
    assert messages[0].cpMes_01 == few.phase_cycles[row, slot]


def test_rtklib_finds_a_clean_run_to_a_millimetre(tmp_path: Path) -> None:
    made = replace(
        OPEN, rover=without_errors(Receiver()), base=without_errors(BASE), has_air=False,
        base_m=(-30.0, 20.0, 1.6), duration_s=20.0,
    )  # fmt: skip
    error, quality = rtklib(simulate(made), tmp_path)
    fixed = quality == 1
    assert fixed.mean() > 0.95
    assert abs(error[fixed, :2]).max() < 2e-3
    assert np.median(abs(error[fixed, 2])) < 3e-3


def test_rtklib_fixes_the_open_sky(open_sky: Drive, tmp_path: Path) -> None:
    error, quality = rtklib(open_sky, tmp_path)
    fixed = quality == 1
    assert fixed.mean() > 0.9
    assert np.percentile(np.hypot(*error[fixed, :2].T), 95) < 0.02
    assert np.percentile(abs(error[fixed, 2]), 95) < 0.03


def test_rtklib_solves_the_receivers_own_frames_alike(open_sky: Drive, tmp_path: Path) -> None:
    """What RTKLIB reads from UBX it solves as what it reads from RINEX."""
    of_ubx, of_rinex = (rtklib(open_sky, tmp_path, f"rover.{kind}") for kind in ("ubx", "obs"))
    both = (of_ubx[1] == 1) & (of_rinex[1] == 1)
    assert both.mean() > 0.9
    assert abs(of_ubx[0] - of_rinex[0])[both].max() < 1e-3


def test_the_city_costs_rtklib_most_of_its_fixes(canyon: Drive, tmp_path: Path) -> None:
    _, quality = rtklib(canyon, tmp_path)
    assert (quality == 1).sum() < 0.6 * len(canyon.rover)


def berlin() -> tuple[Path, Path]:
    """Broadcast messages and precise orbits of one day."""
    from common.paths import data_root

    root = data_root()
    folder = None if root is None else root / "gnss_berlin"
    if folder is None or not folder.exists():
        pytest.skip("no precise orbits: gnss_berlin is not beside the checkout")
    return folder / "BRDC00WRD_U_20161580000_01D_MN.rnx", folder / "gbm19001.sp3"


@pytest.mark.data
def test_satellites_fly_where_a_precise_ephemeris_has_them_and_say_another_place() -> None:
    nav, path = berlin()
    above, week, tow = sky.recorded([nav], np.random.default_rng(1), "GREC", path)
    told = sp3.read(path)
    node = int(np.argmin(abs(told.tow_s - tow)))
    index = np.arange(len(above.satellites))
    position, _, clock, _ = above.truth(index, week, np.full(len(index), told.tow_s[node]))
    column = np.searchsorted(told.satellite, above.satellites)
    assert abs(position - told.position_m[node, column]).max() < 1e-6
    tau = abs(clock - told.clock_s[node, column]) * SPEED_OF_LIGHT_MPS
    assert tau.max() < 50.0, "but for the relativistic term, which SP3 leaves out"
    names = (above.satellites, np.full(len(index), week, np.int32))
    said = BroadcastOrbits(above.messages).states(*names, np.full(len(index), told.tow_s[node]))
    apart = np.linalg.norm(said.position_m - position, axis=1)
    assert 0.3 < np.median(apart) < 4.0


@pytest.mark.data
def test_rtklib_fixes_a_drive_under_precise_orbits_with_glonass(tmp_path: Path) -> None:
    nav, path = berlin()
    words = ["simulate", tmp_path / "d", "--layout", "open", "--seed", 43, "--duration", 40]
    app([str(word) for word in (*words, "--nav", nav, "--sp3", path)],
        result_action="return_value", exit_on_error=False)  # fmt: skip
    above, week, tow = sky.recorded([nav], np.random.default_rng([43, *b"recorded"]), "GREC", path)
    drive = simulate(replace(OPEN, seed=43, sky=above, start=(week, tow)))
    files.write(drive, tmp_path / "same")
    for name in ("rover.obs", "nav.nav", "truth.csv"):
        assert (tmp_path / "d" / name).read_bytes() == (tmp_path / "same" / name).read_bytes()
    seen = drive.rover.satellite // 100
    assert (seen == 1).sum() > 3 * len(drive.rover), "GLONASS"
    error, quality = rtklib(drive, tmp_path, systems=13)
    fixed = quality == 1
    assert fixed.mean() > 0.9
    assert np.percentile(np.hypot(*error[fixed, :2].T), 95) < 0.025


@pytest.mark.data
def test_skies_that_do_not_go_together_are_named(tmp_path: Path) -> None:
    nav, path = berlin()
    other = path.parents[1] / "gnss_static_1m" / "dev" / "base.nav"
    with pytest.raises(GnssFileError, match=r"base\.nav: 0 satellites told by it and by .*sp3"):
        sky.recorded([other], np.random.default_rng(1), "GREC", path)
    with pytest.raises(GnssFileError, match="not an SP3 file"):
        sky.recorded([nav], np.random.default_rng(1), "GREC", nav)


def test_precise_orbits_alone_make_no_sky(tmp_path: Path) -> None:
    words = ["simulate", str(tmp_path / "d"), "--sp3", "orbits.sp3"]
    with pytest.raises(LingnanError, match=r"orbits\.sp3.*give --nav too"):
        app(words, result_action="return_value", exit_on_error=False)
    assert not (tmp_path / "d").exists()


@pytest.mark.data
def test_a_recorded_sky_is_simulated_too(tmp_path: Path) -> None:
    from common.paths import data_root

    root = data_root()
    path = None if root is None else root / "gnss_static_1m" / "dev" / "base.nav"
    if path is None or not path.exists():
        pytest.skip("no recorded navigation messages: gnss_static_1m is not beside the checkout")
    above, week, tow = sky.recorded([path], np.random.default_rng(1), "GREC")
    drive = simulate(replace(OPEN, sky=above, start=(week, tow), origin_deg=(22.5, 114.0)))
    assert set(np.unique(drive.rover.satellite // 100)) == {0, 1, 2, 3}
    error, quality = rtklib(drive, tmp_path)
    fixed = quality == 1
    assert fixed.mean() > 0.9
    assert np.percentile(np.hypot(*error[fixed, :2].T), 95) < 0.025
