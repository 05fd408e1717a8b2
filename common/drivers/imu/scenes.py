"""How a simulated IMU moves. Who may be named: `simulated.scenes`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

STANDARD_GRAVITY_MPS2 = 9.80665
Vector = NDArray[np.float64]


class MotionScene(Protocol):
    """The motion of a sensor, without any error of the sensor."""

    def motion(self, time_s: float) -> tuple[Vector, Vector]:
        """Angular velocity (3,) in rad/s and specific force (3,) in m/s^2 in the sensor's axes,
        `time_s` after it was connected. The same time gives the same motion."""
        ...


@dataclass(frozen=True)
class Circle:
    """A vehicle on a level circle to the left, x forward, z up; at radius_m 0 it stands still.

    It starts from rest and speeds up to speed_mps over rise_s. The turn of the Earth is left out.
    """

    speed_mps: float = 0.0
    radius_m: float = 0.0
    rise_s: float = 5.0
    gravity_mps2: float = STANDARD_GRAVITY_MPS2

    def motion(self, time_s: float) -> tuple[Vector, Vector]:
        if self.radius_m == 0:
            return np.zeros(3), np.array([0.0, 0.0, self.gravity_mps2])
        rising = time_s < self.rise_s
        speed = self.speed_mps * (time_s / self.rise_s if rising else 1.0)
        forward = self.speed_mps / self.rise_s if rising else 0.0
        yaw_rate = speed / self.radius_m
        force = np.array([forward, speed * yaw_rate, self.gravity_mps2])
        return np.array([0.0, 0.0, yaw_rate]), force


def still(**parameters: Any) -> MotionScene:
    """A sensor that lies level and does not move."""
    return Circle(**parameters)


def circle(**parameters: Any) -> MotionScene:
    """A `Circle`, of 10 m/s and 30 m unless told otherwise."""
    return Circle(**{"speed_mps": 10.0, "radius_m": 30.0, **parameters})
