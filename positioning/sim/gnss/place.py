"""The city's plane on the Earth: a tangent plane at an origin."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from positioning.gnss import geodesy
from positioning.sim.gnss.city import Array


@dataclass(frozen=True, slots=True, eq=False)
class Place:
    """origin_m: (3,) ECEF of the city's middle on the ground. axes: (3, 3) rows east, north, up."""

    origin_m: Array
    axes: Array

    def ecef(self, local_m: Array) -> Array:
        """(..., 3) ECEF of local points."""
        return np.asarray(self.origin_m + local_m @ self.axes)

    def local(self, ecef_m: Array) -> Array:
        """(..., 3) local of ECEF points."""
        return np.asarray((ecef_m - self.origin_m) @ self.axes.T)


def at(latitude_deg: float, longitude_deg: float, height_m: float) -> Place:
    """The tangent plane at a geodetic place."""
    angles = np.radians(latitude_deg), np.radians(longitude_deg)
    origin = geodesy.to_ecef(*(np.asarray(v) for v in (*angles, height_m)))
    return Place(origin, geodesy.enu_axes(*(np.asarray(v) for v in angles)))
