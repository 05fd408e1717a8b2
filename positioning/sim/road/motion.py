"""How something moves over the ground: a smooth curve through times and places."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]
CREEP_MPS = 0.05  # below it the heading is that of the fallback: a stopped body does not turn


@dataclass(frozen=True, eq=False)
class Motion:
    """A cubic spline through (x, y) at times; before the first and after the last it goes straight.

    times_s: (K,) rising, K >= 2. places_m: (K, 2). yaw_rad: heading while it stands.
    Position, velocity and heading are those of one analytic curve, so they agree exactly.
    """

    times_s: Floats
    places_m: Floats
    yaw_rad: float = 0.0

    def __post_init__(self) -> None:
        if self.times_s.ndim != 1 or self.places_m.shape != (len(self.times_s), 2):
            raise ValueError(f"{self.times_s.shape} times and {self.places_m.shape} places")
        if len(self.times_s) < 2 or not (np.diff(self.times_s) > 0).all():
            raise ValueError("a motion needs two rising times or more")

    @classmethod
    def straight(cls, start_m: ArrayLike, velocity_mps: ArrayLike, yaw_rad: float = 0.0) -> Motion:
        """From `start_m` at time 0 at a steady velocity."""
        start, velocity = np.asarray(start_m, np.float64), np.asarray(velocity_mps, np.float64)
        return cls(np.array([0.0, 1.0]), np.stack([start, start + velocity]), yaw_rad)

    @cached_property
    def _curve(self) -> Any:
        from scipy.interpolate import CubicSpline

        return CubicSpline(self.times_s, self.places_m, bc_type="natural")

    def position_m(self, time_s: ArrayLike) -> Floats:
        """(..., 2) at each time."""
        time = np.asarray(time_s, np.float64)
        inside = np.clip(time, self.times_s[0], self.times_s[-1])
        place: Floats = self._curve(inside) + self._curve(inside, 1) * (time - inside)[..., None]
        return place

    def velocity_mps(self, time_s: ArrayLike) -> Floats:
        """(..., 2) at each time."""
        inside = np.clip(np.asarray(time_s, np.float64), self.times_s[0], self.times_s[-1])
        velocity: Floats = self._curve(inside, 1)
        return velocity

    def heading_rad(self, time_s: ArrayLike) -> Floats:
        """(...) along the velocity; `yaw_rad` while it stands."""
        velocity = self.velocity_mps(time_s)
        moving = np.hypot(velocity[..., 0], velocity[..., 1]) > CREEP_MPS
        angle: Floats = np.where(
            moving, np.arctan2(velocity[..., 1], velocity[..., 0]), self.yaw_rad
        )
        return angle
