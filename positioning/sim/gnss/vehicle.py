"""A car's motion as smooth functions of time, so that every derivative is exact.

Local frame east, north, up; body frame forward, left, up (REP 103). Position and the angles are
quintic splines: velocity, acceleration and turn rates are their derivatives, not differences.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.interpolate import BSpline, make_interp_spline

from positioning.sim.gnss import route
from positioning.sim.gnss.city import Array, City

KNOT_S = 0.1
REFERENCE_UP_M = 0.5
"""Height of the body's origin (rear axle) over the ground."""

_ROLL_PER_LATERAL = 0.012  # rad per m/s^2
_PITCH_PER_BRAKING = 0.006


@dataclass(frozen=True, slots=True, eq=False)
class Motion:
    """position: spline to (T, 3) m. angles: spline to (T, 3) roll, pitch (nose down), yaw in rad
    (yaw from east, anticlockwise). Times are s from the drive's start, from -margin on."""

    position: BSpline
    angles: BSpline

    def attitude(self, times_s: Array) -> Array:
        """(T, 3, 3) that turns body vectors into local ones."""
        return euler(self.angles(times_s))

    def turn_rate(self, times_s: Array) -> Array:
        """(T, 3) rad/s of the body against the local frame, in body axes."""
        roll, pitch, _ = self.angles(times_s).T
        droll, dpitch, dyaw = self.angles(times_s, 1).T
        sr, cr, sp, cp = np.sin(roll), np.cos(roll), np.sin(pitch), np.cos(pitch)
        return np.column_stack(
            (droll - dyaw * sp, dpitch * cr + dyaw * sr * cp, -dpitch * sr + dyaw * cr * cp)
        )

    def point(self, times_s: Array, lever_m: Array) -> Array:
        """(T, 3) local place of a point that is fixed in the body at lever_m (3,)."""
        return np.asarray(self.position(times_s) + self.attitude(times_s) @ lever_m)

    def point_velocity(self, times_s: Array, lever_m: Array) -> Array:
        """(T, 3) m/s of that point, local."""
        swing = np.cross(self.turn_rate(times_s), lever_m)
        turned = np.einsum("tij,tj->ti", self.attitude(times_s), swing)
        return np.asarray(self.position(times_s, 1) + turned)


def euler(angles_rad: Array) -> Array:
    """(..., 3, 3) Rz(yaw) Ry(pitch) Rx(roll)."""
    roll, pitch, yaw = np.moveaxis(angles_rad, -1, 0)
    sr, cr, sp, cp = np.sin(roll), np.cos(roll), np.sin(pitch), np.cos(pitch)
    sy, cy = np.sin(yaw), np.cos(yaw)
    rows = [
        np.stack([cy * cp, cy * sp * sr - sy * cr, cy * sp * cr + sy * sr], axis=-1),
        np.stack([sy * cp, sy * sp * sr + cy * cr, sy * sp * cr - cy * sr], axis=-1),
        np.stack([-sp, cp * sr, cp * cr], axis=-1),
    ]
    return np.stack(rows, axis=-2)


def drive(city: City, duration_s: float, rng: np.random.Generator, margin_s: float = 2.0) -> Motion:
    """A drive through the city's streets; the car stands at its start."""
    times = np.arange(-margin_s, duration_s + margin_s + KNOT_S, KNOT_S)
    spline, crossings = route.path(city, city.speed_limit_mps * (duration_s + 30) + 200, rng)
    gone = route.way(spline, crossings, city.speed_limit_mps, times + margin_s, rng)
    slope = spline(gone, 1)
    yaw = np.unwrap(np.arctan2(slope[:, 1], slope[:, 0]))
    speed = np.gradient(gone, KNOT_S)
    rolling = (speed / (speed + 3.0))[:, None]
    shake = _smooth_noise(len(times), np.array([0.006, 0.005, 0.012]), rng) * rolling
    roll = _ROLL_PER_LATERAL * speed * np.gradient(yaw, KNOT_S) + shake[:, 0]
    pitch = -_PITCH_PER_BRAKING * np.gradient(speed, KNOT_S) + shake[:, 1]
    up = REFERENCE_UP_M + shake[:, 2]
    return Motion(
        make_interp_spline(times, np.column_stack((spline(gone), up)), k=5),
        make_interp_spline(times, np.column_stack((roll, pitch, yaw)), k=5),
    )


def standing(point_m: Array, duration_s: float, margin_s: float = 2.0) -> Motion:
    """No motion at all: a station, or a car that waits."""
    times = np.arange(-margin_s, duration_s + margin_s + 1.0, 1.0)
    place = np.broadcast_to(point_m, (len(times), 3))
    return Motion(
        make_interp_spline(times, place, k=5),
        make_interp_spline(times, np.zeros((len(times), 3)), k=5),
    )


def _smooth_noise(count: int, deviation: Array, rng: np.random.Generator) -> Array:
    """(count, K) noise with a band of about 1 Hz, of those standard deviations."""
    kernel = np.hanning(9)[1:-1]
    white = rng.normal(size=(count + len(kernel) - 1, len(deviation)))
    smooth = np.column_stack([np.convolve(w, kernel, mode="valid") for w in white.T])
    return np.asarray(smooth / np.linalg.norm(kernel) * deviation)
