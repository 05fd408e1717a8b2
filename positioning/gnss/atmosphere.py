"""Delays of the ionosphere and the troposphere as single receivers model them, compiled."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from positioning.gnss.satellite import SPEED_OF_LIGHT_MPS
from positioning.jit import compiled

L1_HZ = 1575.42e6

F64 = NDArray[np.float64]

_NIELL_DEGREES = np.array([15.0, 30.0, 45.0, 60.0, 75.0])
_NIELL_DRY = np.array([
    [1.2769934e-3, 1.2683230e-3, 1.2465397e-3, 1.2196049e-3, 1.2045996e-3],
    [2.9153695e-3, 2.9152299e-3, 2.9288445e-3, 2.9022565e-3, 2.9024912e-3],
    [62.610505e-3, 62.837393e-3, 63.721774e-3, 63.824265e-3, 64.258455e-3],
])  # fmt: skip
_NIELL_SEASON = np.array([
    [0.0, 1.2709626e-5, 2.6523662e-5, 3.4000452e-5, 4.1202191e-5],
    [0.0, 2.1414979e-5, 3.0160779e-5, 7.2562722e-5, 11.723375e-5],
    [0.0, 9.0128400e-5, 4.3497037e-5, 84.795348e-5, 170.37206e-5],
])  # fmt: skip
_NIELL_WET = np.array([
    [5.8021897e-4, 5.6794847e-4, 5.8118019e-4, 5.9727542e-4, 6.1641693e-4],
    [1.4275268e-3, 1.5138625e-3, 1.4572752e-3, 1.5007428e-3, 1.7599082e-3],
    [4.3472961e-2, 4.6729510e-2, 4.3908931e-2, 4.4626982e-2, 5.4736038e-2],
])  # fmt: skip
_NIELL_HEIGHT = (2.53e-5, 5.49e-3, 1.14e-3)


@compiled
def klobuchar(
    coefficients: F64,
    latitude_rad: float,
    longitude_rad: float,
    azimuth_rad: float,
    elevation_rad: float,
    tow_s: float,
) -> float:
    """Ionospheric code delay on L1 in m (Klobuchar 1987, IS-GPS-200 20.3.3.5.2.5).

    coefficients: (8,) alpha and beta. For another carrier multiply by (L1_HZ / carrier_hz) ** 2.
    """
    elevation = max(elevation_rad, 0.0) / math.pi
    angle = 0.0137 / (elevation + 0.11) - 0.022
    latitude = latitude_rad / math.pi + angle * math.cos(azimuth_rad)
    latitude = min(max(latitude, -0.416), 0.416)
    longitude = longitude_rad / math.pi
    longitude += angle * math.sin(azimuth_rad) / math.cos(latitude * math.pi)
    magnetic = latitude + 0.064 * math.cos((longitude - 1.617) * math.pi)
    local = (43_200 * longitude + tow_s) % 86_400
    slant = 1 + 16 * (0.53 - elevation) ** 3
    amplitude, period = 0.0, 0.0
    for k in range(3, -1, -1):
        amplitude = amplitude * magnetic + coefficients[k]
        period = period * magnetic + coefficients[4 + k]
    phase = 2 * math.pi * (local - 50_400) / max(period, 72_000.0)
    delay = 5e-9
    if abs(phase) < 1.57:
        delay += max(amplitude, 0.0) * (1 - phase**2 / 2 + phase**4 / 24)
    return SPEED_OF_LIGHT_MPS * slant * delay


@compiled
def zenith_delays(latitude_rad: float, height_m: float, humidity: float) -> tuple[float, float]:
    """Hydrostatic and wet zenith delay in m (Saastamoinen 1972) of the standard atmosphere.

    humidity: relative, 0 to 1. Above 11 km and below -500 m the height is held there.
    """
    height = min(max(height_m, -500.0), 11_000.0)
    pressure = 1013.25 * (1 - 2.2557e-5 * height) ** 5.2568
    kelvin = 288.16 - 6.5e-3 * height
    vapour = 6.108 * humidity * math.exp((17.15 * kelvin - 4684.0) / (kelvin - 38.45))
    gravity = 1 - 0.00266 * math.cos(2 * latitude_rad) - 0.00028 * height / 1e3
    return 0.0022768 * pressure / gravity, 0.002277 * (1255.0 / kelvin + 0.05) * vapour


@compiled
def niell(
    latitude_rad: float, height_m: float, elevation_rad: float, day_of_year: float
) -> tuple[float, float]:
    """Hydrostatic and wet mapping from the zenith (Niell 1996)."""
    degrees = abs(latitude_rad) * 180 / math.pi
    season = (day_of_year - 28.0) / 365.25 + (0.5 if latitude_rad < 0 else 0.0)
    wave = math.cos(2 * math.pi * season)
    sine = math.sin(max(elevation_rad, 0.02))
    dry, wet = np.empty(3), np.empty(3)
    for k in range(3):
        mean = np.interp(degrees, _NIELL_DEGREES, _NIELL_DRY[k])
        dry[k] = mean - wave * np.interp(degrees, _NIELL_DEGREES, _NIELL_SEASON[k])
        wet[k] = np.interp(degrees, _NIELL_DEGREES, _NIELL_WET[k])
    a, b, c = _NIELL_HEIGHT
    higher = (1 / sine - _fraction(sine, a, b, c)) * height_m / 1e3
    return _fraction(sine, dry[0], dry[1], dry[2]) + higher, _fraction(sine, wet[0], wet[1], wet[2])


@compiled
def _fraction(sine: float, a: float, b: float, c: float) -> float:
    top = 1 + a / (1 + b / (1 + c))
    return top / (sine + a / (sine + b / (sine + c)))


@compiled
def troposphere(
    latitude_rad: float, height_m: float, elevation_rad: float, day_of_year: float
) -> float:
    """Slant delay in m at 70 % humidity: Saastamoinen's zenith delays, Niell's mapping."""
    dry, wet = zenith_delays(latitude_rad, height_m, 0.7)
    map_dry, map_wet = niell(latitude_rad, height_m, elevation_rad, day_of_year)
    return dry * map_dry + wet * map_wet
