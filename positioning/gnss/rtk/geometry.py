"""Ranges as the signals travelled them, and the troposphere on the way.

Saastamoinen's zenith delay (1972) in the standard atmosphere, mapped by Black and Eisner (1984).
Between receivers a few km apart the model's error cancels but for the height difference.
"""

from __future__ import annotations

import numpy as np

from positioning.gnss.geodesy import EARTH_RATE_RADPS, FLATTENING, SEMI_MAJOR_M
from positioning.gnss.rtk.arrays import F64
from positioning.gnss.satellite import SPEED_OF_LIGHT_MPS
from positioning.jit import compiled

_E2 = FLATTENING * (2 - FLATTENING)
_RATE_OVER_C = EARTH_RATE_RADPS / SPEED_OF_LIGHT_MPS
_HIGHEST_M = 9000.0  # of the standard atmosphere's formulas


@compiled
def up_and_height(position: F64) -> tuple[F64, float]:
    """Unit vector up (3,) and ellipsoidal height, m, at an ECEF position (3,)."""
    across = np.hypot(position[0], position[1])
    latitude = np.arctan2(position[2], across * (1.0 - _E2))
    normal = SEMI_MAJOR_M
    for _ in range(5):
        normal = SEMI_MAJOR_M / np.sqrt(1.0 - _E2 * np.sin(latitude) ** 2)
        latitude = np.arctan2(position[2] + _E2 * normal * np.sin(latitude), across)
    cos, sin = np.cos(latitude), np.sin(latitude)
    up = np.array([cos * position[0] / across, cos * position[1] / across, sin])
    height = across * cos + position[2] * sin - SEMI_MAJOR_M * np.sqrt(1.0 - _E2 * sin**2)
    return up, height


@compiled
def line_of_sight(satellite: F64, receiver: F64, direction: F64) -> float:
    """Range in m with the Earth's turn under way (Sagnac); fills the unit vector to it."""
    for axis in range(3):
        direction[axis] = satellite[axis] - receiver[axis]
    distance = np.sqrt(direction[0] ** 2 + direction[1] ** 2 + direction[2] ** 2)
    direction /= distance
    turn = satellite[0] * receiver[1] - satellite[1] * receiver[0]
    return float(distance + _RATE_OVER_C * turn)


@compiled
def zenith_delay(height_m: float) -> float:
    """Hydrostatic zenith delay, m, of the standard atmosphere.

    The day's humidity is not known; what it adds to the difference of two receivers is some
    0.05 mm at zenith for each metre of height between them. Long baselines estimate it.
    """
    height = min(max(height_m, -500.0), _HIGHEST_M)
    return float(0.0022768 * 1013.25 * (1.0 - 2.2557e-5 * height) ** 5.2568)


@compiled
def mapping(sine_elevation: float) -> float:
    """Slant over zenith delay."""
    return float(1.001 / np.sqrt(0.002001 + max(sine_elevation, 0.0) ** 2))
