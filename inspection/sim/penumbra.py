"""Soft shadows: how much of a lamp's disk a pixel sees over the height field.

From each pixel a walk towards the lamp finds the highest horizon; what the horizon leaves of the
disk is a circular segment. The horizon is taken as level across the disk.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import asin, atan, pi, sqrt

import numpy as np
from numpy.typing import NDArray

from inspection.sim.ceiling import BLOCK_PX, CELL_PX, ceilings
from inspection.sim.jit import njit
from inspection.sim.render import Lamps

F32 = NDArray[np.float32]

STEEP = 0.3  # lamps whose direction lies nearer to the axis shadow less than a pixel per 30 um


@dataclass(frozen=True, slots=True, eq=False)
class Dimmed:
    """A lamp that not every pixel sees: its number and the seen share of it, (N,) 0 to 1."""

    lamp: int
    share: F32


def dimmed(height_um: F32, pixel_um: float, lamps: Lamps) -> tuple[Dimmed, ...]:
    """The lamps that something stands before, with what is left of them at each pixel."""
    x, y, z = lamps.directions.astype(float).T
    reach = np.hypot(x, y)
    elevation, half = np.arctan2(z, reach), np.maximum(lamps.half_angle.astype(float), 1e-4)
    if not (reach > STEEP).any():
        return ()
    rays = np.tan(elevation - half)  # one that rises more than the surface never meets it again
    casting = np.flatnonzero((reach > STEEP) & (_steepest(height_um, pixel_um) > rays))
    if not casting.size:
        return ()
    near, wide = ceilings(height_um)
    found = []
    for k in map(int, casting):
        share = np.empty(height_um.shape, np.float32)
        way = (x[k] / reach[k], y[k] / reach[k], pixel_um, elevation[k], half[k])
        _walk(height_um, near, wide, *way, share)
        found.append(Dimmed(k, share.ravel()))
    return tuple(found)


def _steepest(height_um: F32, pixel_um: float) -> float:
    down, right = (float(np.abs(np.diff(height_um, axis=i)).max()) / pixel_um for i in (0, 1))
    return float(np.hypot(down, right))


@njit(cache=True)
def segment(u):  # type: ignore[no-untyped-def]
    """Share of a unit disk above a level line at height u of its centre."""
    if u <= -1.0:
        return 1.0
    if u >= 1.0:
        return 0.0
    return 0.5 - (u * sqrt(1.0 - u * u) + asin(u)) / pi


@njit(cache=True, nogil=True, error_model="numpy")
def _walk(height, near, wide, dx, dy, pixel, elevation, half, share):  # type: ignore[no-untyped-def]
    rows, columns = height.shape
    low, high, top = np.tan(elevation - half), np.tan(elevation + half), height.max()
    free = segment((atan(low) - elevation) / half)
    for row in range(rows):
        for column in range(columns):
            start, horizon, step = height[row, column], low, 1
            while start + step * pixel * horizon < top and horizon < high:
                at_y, at_x = row + step * dy, column + step * dx
                if at_y < 0 or at_x < 0 or at_y > rows - 1 or at_x > columns - 1:
                    break
                y, x = min(int(at_y), rows - 2), min(int(at_x), columns - 2)
                ray = start + step * pixel * horizon
                if near[y // CELL_PX, x // CELL_PX] <= ray:
                    step += BLOCK_PX if wide[y // BLOCK_PX, x // BLOCK_PX] <= ray else CELL_PX
                    continue
                down, right = at_y - y, at_x - x
                upper = height[y, x] * (1 - right) + height[y, x + 1] * right
                lower = height[y + 1, x] * (1 - right) + height[y + 1, x + 1] * right
                met = upper * (1 - down) + lower * down
                horizon = max(horizon, (met - start) / (step * pixel))
                step += 1
            share[row, column] = (
                free if horizon == low else segment((atan(horizon) - elevation) / half)
            )
