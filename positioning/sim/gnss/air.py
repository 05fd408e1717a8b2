"""Delays in the air by integrating along the ray: not the models that a solver corrects with.

Troposphere: refractivity falls exponentially, dry and wet apart, over a spherical Earth, and the
wet part leans to one side. Ionosphere: a Chapman layer whose density follows the local hour and
latitude and carries a travelling disturbance.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from positioning.gnss import geodesy
from positioning.sim.gnss.city import Array

_EARTH_M = 6_371_000.0
_DRY, _DRY_M = 268e-6, 8600.0
_WET_M = 2100.0
_PEAK_M, _SCALE_M = 360e3, 65e3
_CHAPMAN = 4.1327  # area of exp((1 - z - exp(-z)) / 2)
_TEC_M3 = 40.308e16  # delay in m times Hz^2, of 1 TEC unit


@dataclass(frozen=True, slots=True)
class Air:
    """wet: refractivity of vapour at the ground. lean: its relative change over 10 km east, north.
    night_tecu, day_tecu: vertical electron content. wave: relative height of a disturbance of
    wave_m length running at wave_mps towards wave_rad (from east). switches for tests."""

    wet: float = 90e-6
    lean: tuple[float, float] = (0.0, 0.0)
    night_tecu: float = 8.0
    day_tecu: float = 25.0
    wave: float = 0.005
    wave_m: float = 180e3
    wave_mps: float = 150.0
    wave_rad: float = 0.0
    is_on: bool = True


def draw(rng: np.random.Generator) -> Air:
    """A day's air."""
    return Air(
        wet=rng.uniform(40e-6, 120e-6),
        lean=(rng.normal(0, 0.01), rng.normal(0, 0.01)),
        night_tecu=rng.uniform(4, 12),
        day_tecu=rng.uniform(10, 35),
        wave=rng.uniform(0.002, 0.008),
        wave_m=rng.uniform(150e3, 300e3),
        wave_rad=rng.uniform(-np.pi, np.pi),
    )


def _nodes(edges_m: list[float], order: int) -> tuple[Array, Array]:
    """Gauss-Legendre heights and weights over joined intervals."""
    x, w = np.polynomial.legendre.leggauss(order)
    spans = list(pairwise(edges_m))
    heights = [(b + a) / 2 + (b - a) / 2 * x for a, b in spans]
    return np.concatenate(heights), np.concatenate([(b - a) / 2 * w for a, b in spans])


_LOW = _nodes([0.0, 1e3, 3e3, 8e3, 20e3, 60e3], 6)
_HIGH = _nodes([120e3, 300e3, 450e3, 700e3, 1200e3], 6)


def _slant(height_m: Array, radius_m: Array, sin_elevation: Array) -> tuple[Array, Array]:
    """Way to a height over the start (N, K), and its derivative."""
    r, s = radius_m[:, None], sin_elevation[:, None]
    root = np.sqrt((r + height_m) ** 2 - r**2 * (1 - s**2))
    return root - r * s, (r + height_m) / root


def troposphere_m(air: Air, height_m: Array, azimuth_rad: Array, elevation_rad: Array) -> Array:
    """(N,) delay from heights (N,) along directions (N,), above the horizon."""
    if not air.is_on:
        return np.zeros(len(height_m))
    up, weight = _LOW
    sin = np.sin(elevation_rad)
    way, slope = _slant(up, _EARTH_M + height_m, sin)
    flat = way * np.cos(elevation_rad)[:, None] / 10e3
    lean = air.lean[0] * np.sin(azimuth_rad) + air.lean[1] * np.cos(azimuth_rad)
    over = height_m[:, None] + up
    wet = air.wet * np.exp(-over / _WET_M) * (1 + lean[:, None] * flat)
    return np.asarray(((_DRY * np.exp(-over / _DRY_M) + wet) * slope) @ weight)


def ionosphere_m_hz2(air: Air, receiver_m: Array, ray: Array, tow_s: Array) -> Array:
    """(N,) code delay times frequency squared, from ECEF points (N, 3) along unit rays (N, 3)."""
    if not air.is_on:
        return np.zeros(len(tow_s))
    up, weight = _HIGH
    radius = np.linalg.norm(receiver_m, axis=1)
    sin = np.einsum("ij,ij->i", receiver_m, ray) / radius
    way, slope = _slant(up + _EARTH_M - radius[:, None], radius, sin)
    at = receiver_m[:, None, :] + way[:, :, None] * ray[:, None, :]
    latitude = np.arctan2(at[..., 2], np.hypot(at[..., 0], at[..., 1]))
    longitude = np.arctan2(at[..., 1], at[..., 0])
    z = (up - _PEAK_M) / _SCALE_M
    density = np.exp(0.5 * (1 - z - np.exp(-z))) / (_CHAPMAN * _SCALE_M)
    content = _vertical_tecu(air, latitude, longitude, tow_s[:, None])
    return np.asarray(_TEC_M3 * ((content * density * slope) @ weight))


def _vertical_tecu(air: Air, latitude: Array, longitude: Array, tow_s: Array) -> Array:
    hour = (tow_s / 3600 + longitude * 12 / np.pi) % 24
    sun = np.cos((hour - 14) * np.pi / 15)
    crests = 1 + 0.4 * np.exp(-(((np.abs(latitude) - 0.26) / 0.12) ** 2))
    base = air.night_tecu + air.day_tecu * np.maximum(sun, 0) ** 1.3 * crests
    east, north = longitude * np.cos(latitude) * _EARTH_M, latitude * _EARTH_M
    along = east * np.cos(air.wave_rad) + north * np.sin(air.wave_rad)
    phase = 2 * np.pi * (along - air.wave_mps * tow_s) / air.wave_m
    return np.asarray(base * (1 + air.wave * np.sin(phase)))


def directions(satellite_m: Array, receiver_m: Array) -> tuple[Array, Array, Array, Array]:
    """(unit rays (N, 3), azimuth, elevation, height of the receiver (N,)) of N pairs in ECEF."""
    line = satellite_m - receiver_m
    ray = line / np.linalg.norm(line, axis=1, keepdims=True)
    latitude, longitude, height = geodesy.to_geodetic(receiver_m)
    local = np.einsum("nij,nj->ni", geodesy.enu_axes(latitude, longitude), ray)
    azimuth = np.arctan2(local[:, 0], local[:, 1])
    return ray, azimuth, np.arcsin(np.clip(local[:, 2], -1, 1)), height
