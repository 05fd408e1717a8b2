"""Orbits against closed forms, against each other and against RTKLIB."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from positioning.gnss.formats import rinex_nav, sp3
from positioning.gnss.formats.errors import GnssFileError, Refusal
from positioning.gnss.formats.sp3 import PreciseEphemeris
from positioning.gnss.geodesy import EARTH_RATE_RADPS
from positioning.gnss.navigation import NavigationMessages
from positioning.gnss.orbits.broadcast import BroadcastOrbits
from positioning.gnss.orbits.precise import PreciseOrbits
from positioning.gnss.orbits.states import Orbits
from positioning.gnss.satellite import SPEED_OF_LIGHT_MPS, SYSTEMS, decode
from tests.conftest import data_set
from tests.positioning.gnss.readers import sky

pytestmark = pytest.mark.positioning

RADIUS_M, RATE = 26_560_000.0, 1.4585e-4


def circle(time_s: NDArray[np.float64]) -> NDArray[np.float64]:
    """(N, 3) ECEF of a circular orbit, inclined by 55 degrees."""
    along, turn = RATE * time_s, EARTH_RATE_RADPS * time_s
    x, y = np.cos(along), np.sin(along) * np.cos(0.96)
    z = np.sin(along) * np.sin(0.96)
    c, s = np.cos(turn), np.sin(turn)
    return RADIUS_M * np.stack([c * x + s * y, c * y - s * x, z], axis=1)


def analytic(spacing_s: float) -> PreciseOrbits:
    time_s = np.arange(0, 86_400, spacing_s)
    return PreciseOrbits(
        PreciseEphemeris(
            np.full(len(time_s), 2300, np.int32), time_s, np.array([7], np.int16),
            circle(time_s)[:, None], (1e-5 + 1e-11 * time_s)[:, None],
        )
    )  # fmt: skip


def at(orbits: Orbits, satellite: int, tow_s: NDArray[np.float64], week: int = 2300):  # type: ignore[no-untyped-def]
    count = len(tow_s)
    return orbits.states(np.full(count, satellite, np.int16), np.full(count, week, np.int32), tow_s)


@pytest.mark.parametrize("spacing_s", [300.0, 900.0])
def test_a_precise_orbit_between_its_nodes_is_the_orbit_to_a_millimetre(spacing_s: float) -> None:
    tow = np.random.default_rng(1).uniform(6000, 80_000, 300)
    states = at(analytic(spacing_s), 7, tow)
    assert np.abs(states.position_m - circle(tow)).max() < 1e-3
    velocity = (circle(tow + 0.5) - circle(tow - 0.5)) / 1.0
    assert np.abs(states.velocity_mps - velocity).max() < 1e-4
    # a circle has no relativistic term but what the turning frame does not take
    assert np.abs(states.clock_s - (1e-5 + 1e-11 * tow)).max() < 1e-7
    assert states.healthy.all()


def test_outside_its_nodes_a_precise_orbit_says_nothing() -> None:
    states = at(analytic(900.0), 7, np.array([-1.0, 86_400.0]))
    assert np.isnan(states.position_m).all() and not states.healthy.any()
    assert np.isnan(at(analytic(900.0), 8, np.array([5000.0])).clock_s).all()


@pytest.mark.parametrize("satellite", [3, 209])
def test_velocity_and_clock_rate_are_the_derivatives(satellite: int) -> None:
    orbits = BroadcastOrbits(sky.messages())
    tow = sky.TOW_S + np.arange(-3000.0, 3000.0, 217.0)
    here, later, before = (at(orbits, satellite, tow + d) for d in (0.0, 0.5, -0.5))
    assert np.abs(later.position_m - before.position_m - here.velocity_mps).max() < 1e-5
    assert np.abs(later.clock_s - before.clock_s - here.clock_rate).max() < 1e-15


def test_a_week_that_ends_is_no_border() -> None:
    told = sky.messages()
    told.kepler["toe_s"] = told.kepler["toc_s"] = 604_700.0
    orbits = BroadcastOrbits(told)
    last, first = at(orbits, 3, np.array([604_799.9])), at(orbits, 3, np.array([0.1]), week=2301)
    moved = first.position_m - last.position_m
    assert np.abs(moved - 0.2 * last.velocity_mps).max() < 0.05
    assert np.isnan(at(orbits, 3, np.array([0.1])).clock_s).all()  # a week off


def test_the_nearest_message_is_taken() -> None:
    told = sky.messages()
    later = told.kepler.copy()
    later["toe_s"] += 3600
    later["toc_s"] += 3600
    later["clock_bias_s"] += 1.0
    both = BroadcastOrbits(NavigationMessages(np.concatenate([told.kepler, later]), told.glonass))
    clock = at(both, 3, sky.TOW_S + np.array([1700.0, 1900.0])).clock_s
    assert abs(clock[0]) < 0.1 and abs(clock[1] - 1) < 0.1


def test_group_delays_leave_the_two_frequency_combination_alone() -> None:
    """The broadcast clock is that of the ionosphere-free combination: its delay is zero."""
    orbits, week = BroadcastOrbits(sky.messages()), np.full(1, 2300, np.int32)
    for satellite, low_hz in ((6, 1227.60e6), (210, 1207.14e6)):
        one = np.array([satellite], np.int16)
        delays = [
            orbits.group_delay_s(one, week, np.array([sky.TOW_S]), np.array([f]))[0]
            for f in (sky.L1_HZ, low_hz)
        ]
        ratio = (sky.L1_HZ / low_hz) ** 2
        assert abs(ratio * delays[0] - delays[1]) < 1e-18
        assert delays[0] != 0


def test_a_file_that_is_no_sp3_is_an_error_and_a_broken_line_is_named(tmp_path: Path) -> None:
    path = tmp_path / "x.sp3"
    path.write_text("hello\n")
    with pytest.raises(GnssFileError, match=r"x\.sp3.*not an SP3"):
        sp3.read(path)
    epoch = "*  2016  6  6  0 {:2d}  0.00000000\n"
    record = "PG01  11026.243778  36944.717707  16845.638506   -256.829354\n"
    broken = record.replace("36944", "3x944")
    path.write_text("#cP2016\n" + epoch.format(0) + record + epoch.format(5) + broken)
    refusals: list[Refusal] = []
    told = sp3.read(path, refusals)
    assert [r.line for r in refusals] == [5]
    assert told.position_m[0, 0, 0] == 11026243.778 and np.isnan(told.position_m[1]).all()
    assert told.clock_s[0, 0] == pytest.approx(-256.829354e-6)


# Orbit and clock in m: what GPS and GLONASS publish of their broadcast errors, with room.
LIMITS = {"G": (3.0, 1.5), "R": (6.0, 4.0)}


@pytest.mark.data
@pytest.mark.parametrize("letter", list(LIMITS))
def test_broadcast_orbits_are_metres_from_precise_ones(real_data: Path, letter: str) -> None:
    folder = data_set(real_data, "gnss_berlin")
    precise = PreciseOrbits(sp3.read(folder / "gbm19001.sp3"))
    broadcast = BroadcastOrbits(rinex_nav.read(folder / "BRDC00WRD_U_20161580000_01D_MN.rnx"))
    numbers = precise.ephemeris.satellite
    numbers = numbers[numbers // 100 == SYSTEMS.index(letter)]
    tow = np.arange(90_000.0, 170_000.0, 1111.0)
    satellite, when = np.repeat(numbers, len(tow)), np.tile(tow, len(numbers))
    week = np.full(len(when), 1900, np.int32)
    one, other = broadcast.states(satellite, week, when), precise.states(satellite, week, when)
    both = one.healthy & other.healthy
    apart = np.linalg.norm(one.position_m - other.position_m, axis=1)[both]
    orbit, clock = LIMITS[letter]
    assert both.sum() > 500
    assert np.sqrt(np.mean(apart**2)) < orbit
    ahead = SPEED_OF_LIGHT_MPS * (one.clock_s - other.clock_s)
    for t in tow:  # the two count their clocks from different zeros
        ahead[when == t] -= np.median(ahead[both & (when == t)])
    assert np.sqrt(np.mean(ahead[both] ** 2)) < clock


@pytest.mark.data
def test_positions_and_clocks_are_those_of_rtklib(real_data: Path) -> None:
    """GPS, Galileo, BeiDou with geostationary ones, QZSS, GLONASS: a micrometre, 1e-6 ns."""
    rtklib = pytest.importorskip("pyrtklib5")
    path = data_set(real_data, "gnss_static_1m") / "dev" / "base.nav"
    theirs, observations, station = rtklib.nav_t(), rtklib.obs_t(), rtklib.sta_t()
    assert rtklib.readrnx(str(path), 1, "", observations, theirs, station) == 1
    ours = rinex_nav.read(path)
    compared: dict[str, int] = {}
    for k in range(theirs.n):
        record = _same_kepler(rtklib, ours, theirs.eph[k])
        if len(record) == 1:
            one = BroadcastOrbits(NavigationMessages(record, ours.glonass[:0]))
            _compare(rtklib, one, int(record["satellite"][0]), theirs.eph[k], rtklib.eph2pos)
            letter = decode(int(record["satellite"][0]))[0]
            compared[letter] = compared.get(letter, 0) + 1
    for k in range(theirs.ng):
        record = _same_glonass(rtklib, ours, theirs.geph[k])
        one = BroadcastOrbits(NavigationMessages(ours.kepler[:0], record))
        _compare(rtklib, one, int(record["satellite"][0]), theirs.geph[k], rtklib.geph2pos)
        compared["R"] = compared.get("R", 0) + 1
    assert set(compared) == set("GRECJ") and min(compared.values()) >= 3


def _same_kepler(rtklib, ours, told):  # type: ignore[no-untyped-def]
    number, week = rtklib.Arr1Dint(1), rtklib.Arr1Dint(1)
    letter = {1: "G", 8: "E", 16: "J", 32: "C"}[rtklib.satsys(told.sat, number)]
    satellite = 100 * SYSTEMS.index(letter) + number[0] - (192 if letter == "J" else 0)
    toe = rtklib.time2gpst(told.toe, week) - (14 if letter == "C" else 0)
    k = ours.kepler
    same = (k["satellite"] == satellite) & (abs(k["toe_s"] - toe) < 1) & (k["issue"] == told.iode)
    return k[same & ((letter != "E") | (k["source"].astype(int) == told.code))]


def _same_glonass(rtklib, ours, told):  # type: ignore[no-untyped-def]
    number, week = rtklib.Arr1Dint(1), rtklib.Arr1Dint(1)
    rtklib.satsys(told.sat, number)
    toe = rtklib.time2gpst(told.toe, week)
    g = ours.glonass
    return g[(g["satellite"] == 100 + number[0]) & (abs(g["toe_s"] - toe) < 1)][:1]


def _compare(rtklib, orbits, satellite, told, evaluate):  # type: ignore[no-untyped-def]
    position, clock, variance = (rtklib.Arr1Ddouble(n) for n in (6, 2, 1))
    week = rtklib.Arr1Dint(1)
    for off in (-900.0, 0.0, 617.0, 1700.0):
        time = rtklib.timeadd(told.toe, off)
        tow = rtklib.time2gpst(time, week)
        evaluate(time, told, position, clock, variance)
        states = at(orbits, satellite, np.array([tow]), week=week[0])
        assert np.abs(states.position_m[0] - [position[k] for k in range(3)]).max() < 1e-6
        assert abs(states.clock_s[0] - clock[0]) < 1e-15
