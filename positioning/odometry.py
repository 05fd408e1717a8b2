"""A place as odometry: where the antenna is about an origin, and how the car moves along its way.

Frames (REP-103, REP-105): east, north, up about the origin; the car's x ahead, y to the left, z up.
Satellites tell no attitude: the car points where it goes, so one that drives backwards is told to
point the other way, and one that stands points anywhere.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from positioning.gnss import geodesy
from positioning.gnss.solution import Quality
from positioning.pipeline import Place

F64 = NDArray[np.float64]

_MOVING_MPS = 1.0
_SIGMAS = 3.0  # by which the way gone must stand out of the velocity's error


@dataclass(frozen=True, slots=True, eq=False)
class Motion:
    """position_m: (3,) east, north, up. covariance_m2: (3, 3) of it.

    yaw_rad: of the car's x from east over north. yaw_rad2: its variance; both NaN where the car
    stands or its velocity is not told.
    velocity_mps: (3,) in the car's axes. velocity_covariance: (3, 3) of it, (m/s)^2. NaN where not
    told.
    """

    position_m: F64
    covariance_m2: F64
    yaw_rad: float
    yaw_rad2: float
    velocity_mps: F64
    velocity_covariance: F64


class Odometry:
    """Motion about an origin (3,) ECEF; without one, about the first place."""

    def __init__(self, origin_m: F64 | None = None) -> None:
        self._origin_m = origin_m

    def step(self, place: Place) -> Motion | None:
        """None where the epoch has no place."""
        if place.quality is Quality.NONE:
            return None
        if self._origin_m is None:
            self._origin_m = place.position_m
        latitude, longitude, _ = geodesy.to_geodetic(self._origin_m)
        axes = geodesy.enu_axes(latitude, longitude)
        velocity = axes @ place.velocity_mps
        spread = axes @ place.velocity_covariance @ axes.T
        return Motion(
            axes @ (place.position_m - self._origin_m),
            axes @ place.covariance_m2 @ axes.T,
            *_way(velocity, spread),
        )


def _way(velocity_mps: F64, spread: F64) -> tuple[float, float, F64, F64]:
    """Yaw, its variance, velocity and its covariance in the car's axes; given local ones."""
    speed = float(np.hypot(*velocity_mps[:2]))
    if not np.isfinite(speed):
        return np.nan, np.nan, velocity_mps, spread
    sigma = float(np.sqrt(np.trace(spread[:2, :2])))
    if speed < max(_MOVING_MPS, _SIGMAS * sigma):
        return np.nan, np.nan, *_any_way(velocity_mps, spread)
    cos, sin = velocity_mps[:2] / speed
    turn = np.array([[cos, sin, 0.0], [-sin, cos, 0.0], [0.0, 0.0, 1.0]])
    turned = turn @ spread @ turn.T
    ahead = np.array([speed, 0.0, velocity_mps[2]])
    return float(np.arctan2(sin, cos)), float(turned[1, 1]) / speed**2, ahead, turned


def _any_way(velocity_mps: F64, spread: F64) -> tuple[F64, F64]:
    """Velocity and covariance of a car that may point anywhere: no more than how fast it is."""
    flat = (velocity_mps[:2] @ velocity_mps[:2] + np.trace(spread[:2, :2])) / 2
    return np.array([0.0, 0.0, velocity_mps[2]]), np.diag([flat, flat, spread[2, 2]])
