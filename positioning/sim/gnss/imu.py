"""An inertial sensor on the car: exact kinematics, then what a sensor makes of them.

A sample is the mean over the interval before it, as strapdown sensors give: specific force and
turn rate against inertial space (Groves 2013, ch. 2 and 4), so Earth's turn and gravity are in it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from positioning.gnss.geodesy import EARTH_RATE_RADPS
from positioning.sim.gnss.city import Array
from positioning.sim.gnss.place import Place
from positioning.sim.gnss.vehicle import Motion

_GM = 3.986004418e14
_RADIUS_M = 6_378_137.0
_J2 = 1.082627e-3
_GAUSS = (0.5 - np.sqrt(3) / 6, 0.5 + np.sqrt(3) / 6)


@dataclass(frozen=True, slots=True)
class ImuGrade:
    """Of the sensor, gyroscope and accelerometer. noise: density, rad/s and m/s^2 per root Hz.
    bias: RMS at the start. wander: RMS of a first-order process of wander_s. scale: RMS, relative.
    skew_rad: RMS of the axes' misalignment. step: of the output."""

    rate_hz: float = 100.0
    gyro_noise: float = 1.2e-4
    gyro_bias: float = 3e-3
    gyro_wander: float = 5e-5
    gyro_step: float = 1.3e-4
    force_noise: float = 1.0e-3
    force_bias: float = 0.05
    force_wander: float = 5e-4
    force_step: float = 6e-4
    wander_s: float = 300.0
    scale: float = 2e-3
    skew_rad: float = 2e-3


PERFECT = ImuGrade(100.0, *(0.0,) * 8, 300.0, 0.0, 0.0)


@dataclass(frozen=True, slots=True, eq=False)
class ImuRecord:
    """time_s: (T,) from the start, GPS time, at the end of each interval. rate_radps,
    force_mps2: (T, 3) in body axes forward, left, up."""

    time_s: Array
    rate_radps: Array
    force_mps2: Array


def gravitation(ecef_m: Array) -> Array:
    """(..., 3) m/s^2 of the Earth's flattened mass, in ECEF; without centrifugal force."""
    radius = np.linalg.norm(ecef_m, axis=-1, keepdims=True)
    up = 5 * (ecef_m[..., 2:] / radius) ** 2
    shape = np.concatenate((1 - up, 1 - up, 3 - up), axis=-1)
    bulge = 1.5 * _J2 * (_RADIUS_M / radius) ** 2 * shape
    return np.asarray(-_GM / radius**3 * ecef_m * (1 + bulge))


def exact(motion: Motion, place: Place, times_s: Array) -> tuple[Array, Array]:
    """(turn rate, specific force) at the body's origin at those times, (T, 3) each, body axes."""
    turn = np.array([0.0, 0.0, EARTH_RATE_RADPS])
    position = place.ecef(motion.position(times_s))
    velocity, acceleration = (motion.position(times_s, k) @ place.axes for k in (1, 2))
    inertial = acceleration + 2 * np.cross(turn, velocity)
    inertial += np.cross(turn, np.cross(turn, position))
    to_body = (motion.attitude(times_s).swapaxes(1, 2)) @ place.axes
    force = np.einsum("tij,tj->ti", to_body, inertial - gravitation(position))
    return motion.turn_rate(times_s) + to_body @ turn, force


def sense(
    grade: ImuGrade, motion: Motion, place: Place, duration_s: float, rng: np.random.Generator
) -> ImuRecord:
    """What the sensor tells of a drive."""
    step = 1 / grade.rate_hz
    times = np.arange(1, round(duration_s * grade.rate_hz) + 1, dtype=np.float64) * step
    halves = [exact(motion, place, times - step + share * step) for share in _GAUSS]
    rate, force = ((halves[0][k] + halves[1][k]) / 2 for k in (0, 1))
    gyro = (grade.gyro_noise, grade.gyro_bias, grade.gyro_wander, grade.gyro_step)
    accelerometer = (grade.force_noise, grade.force_bias, grade.force_wander, grade.force_step)
    return ImuRecord(
        times, _sensed(rate, gyro, grade, rng),
        _sensed(force, accelerometer, grade, rng),
    )  # fmt: skip


def _sensed(
    true: Array, figures: tuple[float, ...], grade: ImuGrade, rng: np.random.Generator
) -> Array:
    """True values (T, 3) with bias, wander, scale, skew, noise, in steps."""
    noise, bias, wander, step = figures
    mixing = np.eye(3) + np.diag(rng.normal(0, grade.scale, 3))
    mixing += rng.normal(0, grade.skew_rad, (3, 3)) * (1 - np.eye(3))
    drawn = rng.normal(size=(2, *true.shape))
    keep = np.exp(-1 / grade.rate_hz / grade.wander_s)
    walk = _filtered(np.sqrt(1 - keep**2) * drawn[0], keep) * wander
    white = noise * np.sqrt(grade.rate_hz) * drawn[1]
    told = true @ mixing.T + rng.normal(0, bias, 3) + walk + white
    return np.asarray(np.round(told / step) * step if step > 0 else told)


def _filtered(steps: Array, keep: float) -> Array:
    """First-order recursion x = keep x + step along axis 0."""
    from scipy.signal import lfilter

    return np.asarray(lfilter([1.0], [1.0, -keep], steps, axis=0))
