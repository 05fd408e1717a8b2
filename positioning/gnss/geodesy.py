"""Earth-centred, geodetic and local frames (WGS 84), vectorised over leading axes."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

SEMI_MAJOR_M = 6_378_137.0
FLATTENING = 1 / 298.257223563
EARTH_RATE_RADPS = 7.2921151467e-5

Array = NDArray[np.float64]


def to_ecef(latitude_rad: Array, longitude_rad: Array, height_m: Array) -> Array:
    """(..., 3) ECEF in m from geodetic latitude, longitude and ellipsoidal height."""
    e2 = FLATTENING * (2 - FLATTENING)
    sin, cos = np.sin(latitude_rad), np.cos(latitude_rad)
    normal = SEMI_MAJOR_M / np.sqrt(1 - e2 * sin**2)
    across = (normal + height_m) * cos
    return np.stack(
        [
            across * np.cos(longitude_rad),
            across * np.sin(longitude_rad),
            (normal * (1 - e2) + height_m) * sin,
        ],
        axis=-1,
    )


def to_geodetic(ecef_m: Array) -> tuple[Array, Array, Array]:
    """Latitude, longitude (rad) and ellipsoidal height (m) of (..., 3) ECEF points.

    Five rounds of Bowring's iteration: below 1e-9 m from the surface to the satellites.
    """
    e2 = FLATTENING * (2 - FLATTENING)
    x, y, z = np.moveaxis(np.asarray(ecef_m, dtype=np.float64), -1, 0)
    across = np.hypot(x, y)
    latitude = np.arctan2(z, across * (1 - e2))
    for _ in range(5):
        sin = np.sin(latitude)
        normal = SEMI_MAJOR_M / np.sqrt(1 - e2 * sin**2)
        latitude = np.arctan2(z + e2 * normal * sin, across)
    sin, cos = np.sin(latitude), np.cos(latitude)
    height = across * cos + z * sin - SEMI_MAJOR_M * np.sqrt(1 - e2 * sin**2)
    return latitude, np.arctan2(y, x), height


def enu_axes(latitude_rad: Array, longitude_rad: Array) -> Array:
    """(..., 3, 3) rows east, north, up: `axes @ (ecef - origin)` is the local vector."""
    slat, clat = np.sin(latitude_rad), np.cos(latitude_rad)
    slon, clon = np.sin(longitude_rad), np.cos(longitude_rad)
    zero = np.zeros_like(slat)
    rows = [
        np.stack([-slon, clon, zero], axis=-1),
        np.stack([-slat * clon, -slat * slon, clat], axis=-1),
        np.stack([clat * clon, clat * slon, slat], axis=-1),
    ]
    return np.stack(rows, axis=-2)


def to_enu(ecef_m: Array, origin_m: Array) -> Array:
    """(..., 3) east, north, up in m of ECEF points about one origin (3,)."""
    latitude, longitude, _ = to_geodetic(origin_m)
    return np.asarray((ecef_m - origin_m) @ enu_axes(latitude, longitude).T)


def azimuth_elevation(satellite_m: Array, receiver_m: Array) -> tuple[Array, Array]:
    """Azimuth (from north over east, -pi to pi) and elevation, rad, of (N, 3) from (3,)."""
    east, north, up = np.moveaxis(to_enu(satellite_m, receiver_m), -1, 0)
    return np.arctan2(east, north), np.arctan2(up, np.hypot(east, north))
