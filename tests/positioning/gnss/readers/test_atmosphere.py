"""Delays of the atmosphere against RTKLIB's and against what must hold."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from positioning.gnss import atmosphere

pytestmark = pytest.mark.positioning

QUIET = np.array(
    [0.6519e-8, 0.2235e-7, -0.5960e-7, -0.1192e-6, 8.602e4, 9.83e4, -6.554e4, -5.243e5]
)


@given(st.floats(-1.5, 1.5), st.floats(-3, 3), st.floats(-3, 3), st.floats(0.05, 1.5),
       st.floats(0, 604_799))  # fmt: skip
def test_the_ionosphere_is_at_least_its_night(
    latitude: float, longitude: float, azimuth: float, elevation: float, tow: float
) -> None:
    delay = atmosphere.klobuchar(QUIET, latitude, longitude, azimuth, elevation, tow)
    slant = 1 + 16 * (0.53 - elevation / math.pi) ** 3
    assert delay >= 299_792_458 * 5e-9 * slant * (1 - 1e-12)
    assert delay < 100


def test_at_the_zenith_the_mapping_is_one_and_the_sea_level_delay_known() -> None:
    dry, wet = atmosphere.niell(0.7, 0.0, math.pi / 2, 100.0)
    assert dry == pytest.approx(1, abs=1e-12) and wet == pytest.approx(1, abs=1e-12)
    zenith, moist = atmosphere.zenith_delays(math.radians(45), 0.0, 0.5)
    assert zenith == pytest.approx(0.0022768 * 1013.25, rel=1e-6)
    assert 0.05 < moist < 0.15
    assert atmosphere.zenith_delays(math.radians(45), 5000.0, 0.5)[0] < 0.6 * zenith


def test_delays_are_those_of_rtklib() -> None:
    rtklib = pytest.importorskip("pyrtklib5")
    place, towards, ions, wet = (rtklib.Arr1Ddouble(n) for n in (3, 2, 8, 1))
    place[0], place[1], place[2] = 0.6, 2.4, 100.0
    for k in range(8):
        ions[k] = QUIET[k]
    for elevation in (0.1, 0.5, 1.4):
        for azimuth, tow in ((0.0, 20_000.0), (2.0, 50_000.0), (4.0, 300_000.0)):
            towards[0], towards[1] = azimuth, elevation
            time = rtklib.gpst2time(2320, tow)
            delay = atmosphere.klobuchar(QUIET, 0.6, 2.4, azimuth, elevation, tow)
            assert delay == pytest.approx(rtklib.ionmodel(time, ions, place, towards), abs=1e-9)
            mapped = atmosphere.niell(0.6, 100.0, elevation, rtklib.time2doy(time))
            assert mapped[0] == pytest.approx(rtklib.tropmapf(time, place, towards, wet), abs=1e-9)
            assert mapped[1] == pytest.approx(wet[0], abs=1e-9)
            slant = sum(atmosphere.zenith_delays(0.6, 100.0, 0.7)) / math.sin(elevation)
            assert slant == pytest.approx(rtklib.tropmodel(time, place, towards, 0.7), abs=1e-6)
