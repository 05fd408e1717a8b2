"""Which points of a height field a distant lamp reaches, or a distant camera sees."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from inspection.jit import njit

F32 = NDArray[np.float32]


def reached(height_um: F32, um_per_px: float, toward: tuple[float, float, float]) -> F32:
    """(H, W): 1 where the ray towards the unit vector `toward` is free, 0 where it is blocked.

    A ray that clears the surface by less than half a pixel's rise counts in part, so that the edge
    of a shadow is not a staircase. Beyond the field nothing blocks.
    """
    x, y, z = toward
    reach = float(np.hypot(x, y))
    if reach < 1e-6:
        return np.ones(height_um.shape, np.float32)
    out = np.empty(height_um.shape, np.float32)
    _walk(height_um, x / reach, y / reach, um_per_px * z / reach, float(height_um.max()), out)
    return out


@njit(cache=True, fastmath=True)
def _walk(height, dx, dy, rise, top, out):  # type: ignore[no-untyped-def]
    rows, columns = height.shape
    for row in range(rows):
        for column in range(columns):
            start, free, step = height[row, column], 1.0, 1
            while start + step * rise < top + 0.5 * rise:
                y, x = row + step * dy, column + step * dx
                if y < 0 or x < 0 or y > rows - 1 or x > columns - 1:
                    break
                j, i = min(int(y), rows - 2), min(int(x), columns - 2)
                u, t = x - i, y - j
                there = (1 - t) * ((1 - u) * height[j, i] + u * height[j, i + 1]) + t * (
                    (1 - u) * height[j + 1, i] + u * height[j + 1, i + 1]
                )
                free = min(free, 0.5 + (start + step * rise - there) / rise)
                if free <= 0.0:
                    break
                step += 1
            out[row, column] = max(free, 0.0)
