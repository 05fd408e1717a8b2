"""The vehicle's own sensors beside GNSS: wheels, and a plane odometry as both of them."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from positioning.gnss.coupled.errors import CoupledError
from positioning.gnss.coupled.inertial import Inertial
from positioning.gnss.coupled.settings import Settings

F64 = NDArray[np.float64]

_GRAVITY = 9.81
_SMOOTH_S = 0.2
ODOMETRY = Settings(
    gyro_noise=0.01, force_noise=1.0, gyro_bias=0.005, force_bias=0.01, speed_mps=0.1,
    force_walk=1e-5, level_rad=0.03, wheel_slip=1e-5, slip_walk=1e-7,
)  # fmt: skip
"""For a car that tells speed and turn rate only: forces made from that speed know of no slip."""


class Wheels(NamedTuple):
    """time_s: (T,), rising. speed_mps: (T,) forward."""

    time_s: F64
    speed_mps: F64

    def at(self, epochs_s: F64) -> tuple[F64, F64]:
        """(speed, acceleration) (E,) at epochs, means over _SMOOTH_S; NaN where none is near."""
        if len(self.time_s) < 2:
            return np.full(len(epochs_s), np.nan), np.zeros(len(epochs_s))
        step = np.diff(self.time_s)
        gone = np.append(0.0, np.cumsum(step * (self.speed_mps[1:] + self.speed_mps[:-1]) / 2))
        half = _SMOOTH_S / 2
        edges = epochs_s[:, None] + np.array([-2 * half, -half, half, 2 * half])
        way = np.interp(edges, self.time_s, gone)
        span = np.clip(edges, self.time_s[0], self.time_s[-1])
        speed = (way[:, 2] - way[:, 1]) / np.maximum(span[:, 2] - span[:, 1], 1e-3)
        gained = np.interp(edges[:, 3], self.time_s, self.speed_mps)
        gained = gained - np.interp(edges[:, 0], self.time_s, self.speed_mps)
        nearest = np.clip(np.searchsorted(self.time_s, epochs_s), 1, len(self.time_s) - 1)
        away = np.minimum(
            np.abs(self.time_s[nearest] - epochs_s), np.abs(self.time_s[nearest - 1] - epochs_s)
        )
        return np.where(away < 1.0, speed, np.nan), gained / (4 * half)


def from_odometry(time_s: F64, speed_mps: F64, yaw_rate_radps: F64) -> tuple[Inertial, Wheels]:
    """A plane car's speed and turn rate (T,) as the sensors of this estimate; use ODOMETRY.

    Forward force is the speed's change, that to the left its turn, that upwards gravity's.
    """
    if len(time_s) < 2 or np.any(np.diff(time_s) <= 0):
        raise CoupledError("odometry needs at least two samples of rising time")
    step = np.diff(time_s, prepend=2 * time_s[0] - time_s[1])
    gained = np.diff(speed_mps, prepend=speed_mps[0]) / step
    zero = np.zeros_like(speed_mps)
    side = speed_mps * yaw_rate_radps
    force = np.column_stack((gained, side, zero + _GRAVITY))
    turn = np.column_stack((zero, zero, yaw_rate_radps))
    return Inertial(time_s, turn, force), Wheels(time_s, speed_mps)
