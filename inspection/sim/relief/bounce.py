"""Light that reaches a point by way of another point: one Lambertian bounce.

An approximation on a coarse grid: each cell gathers from cells in a fan around it, by the form
factor cos cos A / (pi r^2), from the diffuse light they send. Taken as free of obstacles between
the two, which holds in steps and grooves, where it matters; glossy bounces are left out. Near a
sharp corner the grid is too coarse: in a groove of right angle, a quarter to a third of the light
is missing.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from inspection.jit import njit
from inspection.sim.relief.target import Target

F32 = NDArray[np.float32]

COARSE = 4  # pixels a cell
REACH = (1, 2, 3, 4, 6, 8, 11, 15, 20)  # cells
TALL = 0.5  # relief in cells below which nothing is gathered


def gathered(target: Target, sent: F32) -> F32:
    """Irradiance by the bounce, (K, H, W), of the radiosity `sent` (K, H, W) of each pattern."""
    height = target.height_um
    small = (max(height.shape[1] // COARSE, 2), max(height.shape[0] // COARSE, 2))
    cell = target.um_per_px * height.shape[1] / small[0]
    out = np.zeros_like(sent)
    low = cv2.resize(height, small, interpolation=cv2.INTER_AREA)
    if float(np.ptp(low)) < TALL * cell:
        return out
    slope_y, slope_x = np.gradient(low, cell)
    first = [cv2.resize(image, small, interpolation=cv2.INTER_AREA) for image in sent]
    coarse = np.ascontiguousarray(np.moveaxis(np.stack(first), 0, -1))
    got = np.zeros_like(coarse)
    _gather(low, slope_x, slope_y, np.float32(cell), np.array(REACH, np.int64), coarse, got)
    for k in range(len(sent)):
        out[k] = cv2.resize(
            np.ascontiguousarray(got[..., k]), height.shape[::-1], interpolation=cv2.INTER_LINEAR
        )
    return out


@njit(cache=True, fastmath=True)
def _gather(height, slope_x, slope_y, cell, reach, sent, got):  # type: ignore[no-untyped-def]
    rows, columns = height.shape
    turns = 16
    for y in range(rows):
        for x in range(columns):
            p, q = slope_x[y, x], slope_y[y, x]
            n = 1.0 / np.sqrt(1.0 + p * p + q * q)
            for turn in range(turns):
                angle = 2 * np.pi * turn / turns
                for i in range(reach.size):
                    r = reach[i]
                    v, u = y + round(r * np.sin(angle)), x + round(r * np.cos(angle))
                    if v < 0 or u < 0 or v >= rows or u >= columns:
                        break
                    dx, dy, dz = (u - x) * cell, (v - y) * cell, height[v, u] - height[y, x]
                    here = n * (dz - p * dx - q * dy)
                    there = slope_x[v, u] * dx + slope_y[v, u] * dy - dz  # over its own nz, as A is
                    if here <= 0.0 or there <= 0.0:
                        continue
                    # cells of the ring that this one stands for
                    before = reach[i - 1] if i else 0
                    after = reach[i + 1] if i + 1 < reach.size else r + 1
                    ring = np.pi * ((r + after) ** 2 - (r + before) ** 2) / 4 / turns
                    r2 = dx * dx + dy * dy + dz * dz
                    factor = ring * cell * cell * here * there / (np.pi * r2 * r2)
                    for k in range(sent.shape[2]):
                        got[y, x, k] += factor * sent[v, u, k]
