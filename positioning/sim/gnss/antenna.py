"""A vehicle's patch antenna and a station's choke ring: gain by elevation and hand, phase centre.

Levels follow measured patterns in kind: a patch on a metal roof gives some 5 dBi upright, -5 dBi at
the horizon, and takes left-handed waves 15 to 20 dB weaker from above and hardly weaker from the
side (Rao, Kunysz, Fante & McDonald 2013, GPS/GNSS Antennas, ch. 2).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from positioning.jit import compiled
from positioning.sim.gnss.city import Array

PATCH = np.array([3.0, -6.5, -16.0, 16.0, 5.0])
"""Right-handed gain in dBi upright, at the horizon, straight down; rejection of the left hand in dB
upright and at the horizon."""

CHOKE_RING = np.array([5.0, -9.0, -28.0, 25.0, 12.0])

IDEAL = np.array([0.0, 0.0, -600.0, 300.0, 300.0])
"""Takes nothing from below and nothing left-handed: no way but the direct one in the open."""


@compiled
def gains(pattern: Array, sin_elevation: float) -> tuple[float, float]:
    """Amplitudes (not powers) for a right-handed and a left-handed wave from that elevation."""
    if sin_elevation >= 0:
        level = pattern[1] + (pattern[0] - pattern[1]) * np.sqrt(sin_elevation)
        reject = pattern[4] + (pattern[3] - pattern[4]) * sin_elevation
    else:
        level = pattern[1] + (pattern[2] - pattern[1]) * min(1.0, -2.5 * sin_elevation)
        reject = pattern[4] * (1 + sin_elevation)
    return 10 ** (level / 20), 10 ** ((level - reject) / 20)


@dataclass(frozen=True, slots=True)
class PhaseCentre:
    """Where phase is measured, from the point that positions are told of.

    offset_m: up, of each slot. variation_m: amplitude of a smooth dependence on elevation and
    azimuth, which no file tells the solver.
    """

    offset_m: tuple[float, float, float] = (0.0, 0.0, 0.0)
    variation_m: float = 0.0

    def range_m(self, azimuth_rad: Array, elevation_rad: Array) -> Array:
        """(N, 3) to be added to ranges from each direction, one column a slot."""
        sin = np.sin(elevation_rad)[:, None]
        wave = np.cos(2 * azimuth_rad)[:, None] * (1 - sin) + np.cos(6 * elevation_rad)[:, None]
        tilt = np.array([1.0, 0.8, 0.7])
        return np.asarray(-sin * np.array(self.offset_m) + 0.5 * self.variation_m * wave * tilt)


PATCH_CENTRE = PhaseCentre(variation_m=0.004)
RING_CENTRE = PhaseCentre(variation_m=0.001)
