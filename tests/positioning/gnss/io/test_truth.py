"""Truths of the data sets, and NMEA."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from common.drivers.gnss.framing import Framer
from positioning.gnss.formats import nmea, truth
from positioning.gnss.formats.errors import GnssFileError
from positioning.gnss.geodesy import to_geodetic
from positioning.gnss.solution import Quality

from .places import real

pytestmark = pytest.mark.positioning


@pytest.mark.data
def test_berlin_counts_from_its_first_observation() -> None:
    path = real("gnss_berlin", "dev", "GT.txt")
    with pytest.raises(GnssFileError, match="--start"):
        truth.read(path)
    start = truth.start_of(str(real("gnss_berlin", "Berlin_Potsdamer_Platz.obs")))
    assert start == (1900, 126_641.7)
    found = truth.read(path, start)
    assert len(found.time_s) == 872 and found.time_s[0] == 1900 * 604_800 + 126_641.7
    latitude, longitude, _ = (np.rad2deg(v[0]) for v in to_geodetic(found.position_m))
    assert (latitude, longitude) == pytest.approx((52.51, 13.37), abs=0.02)
    speed = np.linalg.norm(np.diff(found.position_m, axis=0), axis=1) / np.diff(found.time_s)
    assert speed.max() < 25


@pytest.mark.data
def test_hong_kong_and_comma_and_places_are_read() -> None:
    found = truth.read(real("gnss_hongkong", "dev", "gps_solution_TST", "groundTruth_TST.csv"))
    assert len(found.time_s) == 485 and found.time_s[0] == 2051 * 604_800 + 46_701
    (segment,) = real("comma2k19", "Example_1").glob("*/40")
    drive = truth.read(segment)
    length_m = np.linalg.norm(np.diff(drive.position_m, axis=0), axis=1).sum()
    assert len(drive.time_s) == 1200 and 900 < length_m < 1100
    place = truth.read(real("gnss_static_1m", "dev", "rover_position.txt"))
    base = truth.read(real("gnss_static_1m", "dev", "base_position.txt"))
    assert place.is_static
    assert np.linalg.norm(place.position_m - base.position_m) == pytest.approx(1.0, abs=0.5)


def test_between_its_points_a_truth_is_straight_and_outside_it_is_silent() -> None:
    points = np.array([[6.4e6, 0, 0], [6.4e6, 10, 0], [6.4e6, 10, 100]])
    found = truth.Truth(np.array([0.0, 1.0, 11.0]), points)
    steered = found.at(np.array([-0.002]))  # a receiver's clock is off by ms
    assert steered[0].tolist() == [6.4e6, pytest.approx(-0.02), 0]
    told = found.at(np.array([-0.1, 0.25, 1.0, 6.0, 11.0, 11.5]))
    assert told[1].tolist() == [6.4e6, 2.5, 0] and told[2].tolist() == [6.4e6, 10, 0]
    assert np.isnan(told[:, 0]).tolist() == [True, False, False, True, False, True]


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("a b c", "not a truth"),
        ("", "not a truth"),
        ("1 2 3 4", "neither three numbers"),
        ("2051,1,22.3,114.1,5\n", "fewer than two"),
        ("1 2\n3 4 5 6 7\n", "not a truth"),
        ("2051,1,5e7,1e6,5\n2051,2,5e7,1e6,5", "not on the Earth"),
        ("week,tow\n115200.1,0.1,0.2,0.3,9.8\n115200.2,0.1,0.2,0.3,9.8", "no GPS week"),
        ("2051,nan,22,114,5\n2051,2,22,114,5", "no numbers"),
    ],
)
def test_what_is_no_truth_is_named(tmp_path: Path, content: str, told: str) -> None:
    path = tmp_path / "t.csv"
    path.write_text(content)
    with pytest.raises(GnssFileError, match=told) as refused:
        truth.read(path)
    assert str(path) in str(refused.value)


def test_a_pickled_array_is_refused(tmp_path: Path) -> None:
    pose = tmp_path / "global_pose"
    pose.mkdir()
    for name in ("frame_gps_times", "frame_positions"):
        with (pose / name).open("wb") as stream:
            np.save(stream, np.array([{"a": 1}], dtype=object), allow_pickle=True)
    with pytest.raises(GnssFileError, match="not a plain array"):
        truth.read(tmp_path)


def sentence(body: str) -> str:
    value = 0
    for letter in body.encode():
        value ^= letter
    return f"${body}*{value:02X}\r\n"


def test_nmea_is_read_over_midnight_with_heights_above_the_ellipsoid(tmp_path: Path) -> None:
    text = ""
    for k, (clock, day, quality) in enumerate(
        [("235959.00", "301225", 4), ("000000.00", "311225", 5), ("000001.00", "311225", 0)]
    ):
        text += sentence(f"GNRMC,{clock},A,2306.0000,N,11318.0000,E,0.0,0.0,{day},,,A,V")
        place = "2306.0000,N,11318.0000,E" if quality else ",,,"
        text += sentence(f"GNGGA,{clock},{place},{quality},{10 + k},0.8,20.5,M,-4.5,M,1.0,0001")
        text += sentence(f"GNGST,{clock},1.0,0.1,0.1,0.0,0.02,0.01,0.03")
    path = tmp_path / "log.nmea"
    path.write_text(text + "$GNGGA,broken*00\r\n")
    told = nmea.Told()
    found = nmea.read(path, told)
    assert found.quality.tolist() == [Quality.FIX, Quality.FLOAT]
    assert found.week.tolist() == [2399, 2399]
    assert found.tow_s == pytest.approx([259_217.0, 259_218.0])  # Wednesday, 18 leap seconds
    latitude, longitude, height = to_geodetic(found.position_m)
    assert np.rad2deg(latitude) == pytest.approx(23.1) and height == pytest.approx(16.0)
    assert np.rad2deg(longitude) == pytest.approx(113.3)
    assert np.trace(found.covariance_m2[0]) == pytest.approx(0.02**2 + 0.01**2 + 0.03**2)
    assert told.counts.corrupt == 1


def test_positions_without_a_date_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "log.nmea"
    path.write_text(sentence("GNGGA,1200.00,2306.0,N,11318.0,E,1,9,0.8,20.5,M,-4.5,M,,"))
    with pytest.raises(GnssFileError, match="RMC or ZDA"):
        nmea.read(path)


def test_a_sentence_is_found_by_its_checksum() -> None:
    (frame,) = Framer().feed(sentence("GNGGA,1,2").encode())
    assert frame.protocol == "nmea"
