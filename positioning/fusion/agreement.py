"""Whether radar and camera say the same of what both see.

A tracker follows a sensor that lies, and its innovations are small again; so the detections
themselves are compared, before any track. A camera that was knocked turns all bearings; ranges that
are wrong by the same on every body come from a radar, for a camera's would grow with the square of
the distance.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from positioning.fusion.observe import wrap
from positioning.fusion.scan import Scan, near_side

Floats = NDArray[np.float64]

MEMORY = 60  # pairs that the averages remember
SAME_S = 0.03  # scans that count as of one time
NEAR_M, NEAR_RAD = 8.0, 0.15  # farther apart two detections are of two bodies
SURE_M = 3.0  # spread above which a camera's distance says nothing
LIMIT_M, LIMIT_RAD = 2.5, 0.04


@dataclass(slots=True)
class Agreement:
    """Running means of radar less camera: range_m of near sides, azimuth_rad of middles."""

    range_m: float = 0.0
    azimuth_rad: float = 0.0
    _radar: deque[Scan] = field(default_factory=lambda: deque(maxlen=6))

    def radar(self, scan: Scan) -> None:
        """Is kept until a picture of the same time comes."""
        self._radar.append(scan)

    def camera(self, scan: Scan) -> None:
        """Compared with the radar's scan of the same time, where there is one."""
        if not self._radar or not len(scan):
            return
        other = min(self._radar, key=lambda one: abs(one.time_s - scan.time_s))
        if abs(other.time_s - scan.time_s) > SAME_S or not len(other):
            return
        distance, azimuth, spread, _ = near_side(scan)
        for r, bearing in zip(
            distance[spread < SURE_M**2], azimuth[spread < SURE_M**2], strict=True
        ):
            self._pair(other.z[:, 0] - r, wrap(other.z[:, 1] - bearing))

    def _pair(self, off_m: Floats, off_rad: Floats) -> None:
        apart = np.hypot(off_m / NEAR_M, off_rad / NEAR_RAD)
        best = int(apart.argmin())
        if apart[best] < 1.0:
            self.range_m += (float(off_m[best]) - self.range_m) / MEMORY
            self.azimuth_rad += (float(off_rad[best]) - self.azimuth_rad) / MEMORY

    @property
    def radar_is_off(self) -> bool:
        """Ranges do not fit the camera's."""
        return abs(self.range_m) > LIMIT_M

    @property
    def camera_is_off(self) -> bool:
        """Bearings do not fit the radar's."""
        return abs(self.azimuth_rad) > LIMIT_RAD
