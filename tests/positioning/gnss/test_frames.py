"""Frames against pyproj, and the arrays of observations against themselves."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from positioning.gnss import geodesy
from positioning.gnss.observations import Observations, join
from positioning.gnss.satellite import BANDS, SYSTEMS, decode, encode, system

pytestmark = pytest.mark.positioning

LATITUDE = st.floats(-90, 90)
LONGITUDE = st.floats(-180, 180)
HEIGHT = st.floats(-500, 3e7)


def made(epochs: int, rng: np.random.Generator) -> Observations:
    counts = rng.integers(0, 6, epochs)
    rows = int(counts.sum())
    satellites = np.concatenate([np.sort(rng.permutation(99)[:n] + 1) for n in counts])
    return Observations(
        week=np.full(epochs, 2300, np.int32),
        tow_s=np.arange(epochs, dtype=np.float64),
        first=np.concatenate(([0], np.cumsum(counts))).astype(np.int64),
        satellite=satellites.astype(np.int16),
        code_m=rng.normal(size=(rows, BANDS)),
        phase_cycles=rng.normal(size=(rows, BANDS)),
        doppler_hz=rng.normal(size=(rows, BANDS)).astype(np.float32),
        cn0_dbhz=rng.normal(size=(rows, BANDS)).astype(np.float32),
        slip=rng.random((rows, BANDS)) > 0.5,
        half_cycle=rng.random((rows, BANDS)) > 0.5,
        signal=np.full((rows, BANDS), b"1C", "S2"),
        frequency_hz=np.full((rows, BANDS), 1575.42e6),
    )


@given(LATITUDE, LONGITUDE, HEIGHT)
def test_geodetic_and_back(latitude_deg: float, longitude_deg: float, height_m: float) -> None:
    latitude, longitude = np.radians(latitude_deg), np.radians(longitude_deg)
    point = geodesy.to_ecef(np.float64(latitude), np.float64(longitude), np.float64(height_m))
    back = geodesy.to_ecef(*geodesy.to_geodetic(point))
    assert np.linalg.norm(back - point) < 1e-7


def test_ecef_agrees_with_proj() -> None:
    pyproj = pytest.importorskip("pyproj")
    rng = np.random.default_rng(0)
    lat, lon, height = (
        rng.uniform(-90, 90, 500),
        rng.uniform(-180, 180, 500),
        rng.uniform(0, 2e7, 500),
    )
    peer = np.stack(
        pyproj.Transformer.from_crs(4979, 4978, always_xy=True).transform(lon, lat, height), -1
    )
    ours = geodesy.to_ecef(np.radians(lat), np.radians(lon), height)
    assert np.abs(ours - peer).max() < 1e-6


def test_elevation_of_what_stands_above_is_a_right_angle() -> None:
    origin = geodesy.to_ecef(np.float64(0.4), np.float64(1.9), np.float64(30.0))
    up = geodesy.enu_axes(np.float64(0.4), np.float64(1.9))[2]
    _, elevation = geodesy.azimuth_elevation(origin + 2e7 * up[None], origin)
    assert elevation == pytest.approx(np.pi / 2)


@given(st.sampled_from(SYSTEMS), st.integers(1, 99))
def test_a_satellites_name_and_number(letter: str, number: int) -> None:
    name = f"{letter}{number:02d}"
    assert decode(encode(name)) == name
    assert SYSTEMS[int(system(np.array([encode(name)], np.int16))[0])] == letter


@pytest.mark.parametrize("name", ["", "G", "X01", "G00", "G-1", "Gab"])
def test_what_is_no_satellite_is_named(name: str) -> None:
    with pytest.raises(ValueError, match="no satellite"):
        encode(name)


@given(st.integers(1, 12), st.integers(0, 2**32 - 1))
def test_epochs_one_by_one_join_to_the_whole(epochs: int, seed: int) -> None:
    whole = made(epochs, np.random.default_rng(seed))
    again = join(list(whole))
    assert np.array_equal(again.first, whole.first)
    assert np.array_equal(again.code_m, whole.code_m)
    assert np.array_equal(again.satellite, whole.satellite)


@given(st.integers(1, 12), st.integers(0, 2**32 - 1))
def test_where_keeps_the_epochs_of_the_rows(epochs: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    whole = made(epochs, rng)
    keep = rng.random(len(whole.satellite)) > 0.5
    kept = whole.where(keep)
    assert np.array_equal(kept.epoch_of_row, whole.epoch_of_row[keep])
    assert np.array_equal(kept.code_m, whole.code_m[keep])


def test_rows_that_do_not_fit_are_refused() -> None:
    whole = made(3, np.random.default_rng(1))
    with pytest.raises(ValueError, match="first must rise"):
        Observations(
            **{name: getattr(whole, name) for name in whole.__slots__ if name != "first"},
            first=whole.first[::-1].copy(),
        )
