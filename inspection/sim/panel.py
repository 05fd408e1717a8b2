"""A large luminous disk about the camera's axis, mirrored in a glossy surface.

The facets that mirror the disk into the camera are those whose slope lies within a disk of radius
tan(half angle / 2) in the plane of slopes. GGX slopes are a uniform density on a sphere that is
projected stereographically onto that plane; disks in the plane are caps of the sphere, and the
share of a cap has a closed form. Where the disk is small this is the GGX lobe at its centre; where
the facets are smooth it is the mirror image of an evenly bright disk with its edge.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import pi, sqrt

import numpy as np
from numpy.typing import NDArray

from inspection.sim.brdf import fresnel
from inspection.sim.jit import njit

F32 = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Panel:
    """irradiance: on a plane facing it. half_angle: rad. slope_x, slope_y: of the plane mirror that
    shows the camera its middle; 0 where it is well aligned."""

    irradiance: float
    half_angle: float
    slope_x: float = 0.0
    slope_y: float = 0.0

    @property
    def radiance(self) -> float:
        """Of the disk, per steradian."""
        return self.irradiance / (pi * float(np.sin(self.half_angle)) ** 2)


@njit(cache=True, fastmath=True, inline="always")
def cap_share(distance, radius, alpha):  # type: ignore[no-untyped-def]
    """Share of isotropic GGX slopes about a point that lie within a disk.

    distance: of the disk's centre from that point; radius: of the disk; alpha: the roughness.
    """
    a, b = (distance + radius) / alpha, (distance - radius) / alpha
    return 0.5 * (1.0 - (1.0 + a * b) / sqrt((1.0 + a * a) * (1.0 + b * b)))


@njit(cache=True, nogil=True, fastmath=True, error_model="numpy")
def add_panel(p, q, albedo, f0, alpha_x, alpha_y, panel, out):  # type: ignore[no-untyped-def]
    """Adds what the panel (irradiance, radiance, radius, slope x, y) makes of each point to `out`.

    Grooves are taken as isotropic of alpha sqrt(alpha_x alpha_y); facets hide none another.
    """
    irradiance, radiance, radius = panel[0], panel[1], panel[2]
    for i in range(p.size):
        nz = 1.0 / sqrt(1.0 + p[i] * p[i] + q[i] * q[i])
        x, y = p[i] - panel[3], q[i] - panel[4]
        f = fresnel(f0[i], nz)
        share = cap_share(sqrt(x * x + y * y), radius, sqrt(alpha_x[i] * alpha_y[i]))
        body = albedo[i] / pi * (1.0 - f) * (1.0 - f) * nz
        out[i] += radiance * f * share + irradiance * body
