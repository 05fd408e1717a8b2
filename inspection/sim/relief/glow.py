"""The second reflection of a laser line: what the lit line sends to the walls around it.

One Lambertian bounce on a coarse grid, as in `bounce`, of a line instead of a picture: every cell
under the sheet sends to the cells around it, and those are imaged where the tilted camera sees
them. Without speckle, since the light of many points mixes there. Nothing hides one cell from
another, and glossy second reflections are left out.
"""

from __future__ import annotations

from math import cos, pi, radians, sin, sqrt

import cv2
import numpy as np
from numpy.typing import NDArray

from inspection.jit import njit
from inspection.sim.relief.bounce import COARSE, TALL
from inspection.sim.relief.target import Target

F32 = NDArray[np.float32]

REACH = 15  # cells


class Glow:
    """The glow around the line wherever it lies on one target.

    sheet_um: standard deviation of the sheet. angle_deg: of the camera's axis from the sheet.
    """

    def __init__(self, target: Target, free: F32, sheet_um: float, angle_deg: float) -> None:
        rows, columns = target.shape
        small = (max(columns // COARSE, 2), max(rows // COARSE, 2))
        self._cell_um = target.um_per_px * columns / small[0]
        self._pitch_um = target.um_per_px
        self._low = cv2.resize(target.height_um, small, interpolation=cv2.INTER_AREA)
        slope_y, slope_x = np.gradient(self._low, self._cell_um)
        self._slopes = slope_x.astype(np.float32), slope_y.astype(np.float32)
        self._albedo = cv2.resize(target.maps[0], small, interpolation=cv2.INTER_AREA)
        self._seen = cv2.resize(free, small, interpolation=cv2.INTER_AREA)
        self._angle, self._line_um = radians(angle_deg), sheet_um * sqrt(2 * pi)
        self.matters = bool(float(np.ptp(self._low)) > TALL * self._cell_um)

    def add(self, at_um: float, out: F32, per_area: float) -> None:
        """Add it to a frame (R, W), the line lying `at_um` from the edge of the first row.

        per_area: what a pixel holds of a white Lambertian surface under unit irradiance, times pi.
        """
        if not self.matters:
            return
        got = np.zeros(self._low.shape, np.float32)
        row = int(np.clip(at_um / self._cell_um, 0, self._low.shape[0] - 1))
        _send(self._low, *self._slopes, self._albedo, row, self._cell_um, self._line_um, got)
        light = got * self._albedo * self._seen * np.float32(per_area / pi)
        _image(light, self._low, self._geometry(at_um, out.shape[0]), out)

    def _geometry(self, at_um: float, rows: int) -> NDArray[np.float64]:
        return np.array(
            [cos(self._angle), sin(self._angle), self._cell_um, self._pitch_um, at_um, rows / 2]
        )


@njit(cache=True, fastmath=True)
def _send(height, slope_x, slope_y, albedo, row, cell, line, got):  # type: ignore[no-untyped-def]
    rows, columns = height.shape
    for u in range(columns):
        sent = albedo[row, u] * line * cell / np.pi
        p0, q0 = slope_x[row, u], slope_y[row, u]
        n0 = 1.0 / np.sqrt(1.0 + p0 * p0 + q0 * q0)
        for y in range(max(row - REACH, 0), min(row + REACH + 1, rows)):
            for x in range(max(u - REACH, 0), min(u + REACH + 1, columns)):
                dx, dy, dz = (x - u) * cell, (y - row) * cell, height[y, x] - height[row, u]
                r2 = dx * dx + dy * dy + dz * dz
                p, q = slope_x[y, x], slope_y[y, x]
                leaves = n0 * (dz - p0 * dx - q0 * dy)
                comes = (p * dx + q * dy - dz) / np.sqrt(1.0 + p * p + q * q)
                if leaves > 0.0 and comes > 0.0 and y != row:
                    got[y, x] += sent * leaves * comes / (r2 * r2)


@njit(cache=True, fastmath=True)
def _image(light, height, geometry, out):  # type: ignore[no-untyped-def]
    """Each cell onto the square of pixels that it fills."""
    cosine, sine, cell, pitch, at, middle = geometry
    rows, columns = light.shape
    side = round(cell / pitch)
    for y in range(rows):
        for x in range(columns):
            if light[y, x] <= 0.0:
                continue
            v = height[y, x] * sine + ((y + 0.5) * cell - at) * cosine
            top, left = round(v / pitch + middle - 0.5 * side), round(x * cell / pitch)
            for j in range(max(top, 0), min(top + side, out.shape[0])):
                for i in range(max(left, 0), min(left + side, out.shape[1])):
                    out[j, i] += light[y, x]
