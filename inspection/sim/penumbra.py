"""Soft shadows: how much of a lamp's disk a pixel sees over the height field.

From each pixel a walk towards the lamp finds the highest horizon; what the horizon leaves of the
disk is a circular segment. The horizon is taken as level across the disk.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import asin, atan, pi, sqrt

import numpy as np
from numpy.typing import NDArray

from inspection.sim.jit import njit
from inspection.sim.render import Lamps

F32 = NDArray[np.float32]

STEEP = 0.3  # lamps whose direction lies nearer to the axis shadow less than a pixel per 30 um
BLOCK_PX = 16


@dataclass(frozen=True, slots=True, eq=False)
class Dimmed:
    """A lamp that not every pixel sees: its number and the seen share of it, (N,) 0 to 1."""

    lamp: int
    share: F32


def dimmed(height_um: F32, pixel_um: float, lamps: Lamps) -> tuple[Dimmed, ...]:
    """The lamps that something stands before, with what is left of them at each pixel."""
    down, right = (float(np.abs(np.diff(height_um, axis=i)).max()) / pixel_um for i in (0, 1))
    steepest = float(np.hypot(down, right))
    found, ceiling = [], _ceiling(height_um)
    for k, (x, y, z) in enumerate(lamps.directions.astype(float)):
        reach = float(np.hypot(x, y))
        elevation, half = float(np.arctan2(z, reach)), max(float(lamps.half_angle[k]), 1e-4)
        if reach <= STEEP or steepest <= np.tan(elevation - half):
            continue  # no ray along the surface meets it again
        share = np.empty(height_um.shape, np.float32)
        _walk(height_um, ceiling, x / reach, y / reach, pixel_um, elevation, half, share)
        found.append(Dimmed(k, share.ravel()))
    return tuple(found)


def _ceiling(height: F32) -> F32:
    """The highest point of each block and of the blocks around it."""
    rows, columns = (-(-n // BLOCK_PX) for n in height.shape)
    padded = np.full((rows * BLOCK_PX, columns * BLOCK_PX), height.min(), np.float32)
    padded[: height.shape[0], : height.shape[1]] = height
    top = padded.reshape(rows, BLOCK_PX, columns, BLOCK_PX).max(axis=(1, 3))
    around = np.pad(top, 1, mode="edge")
    shifts = [around[i : i + rows, j : j + columns] for i in range(3) for j in range(3)]
    return np.asarray(np.maximum.reduce(shifts))


@njit(cache=True)
def segment(u):  # type: ignore[no-untyped-def]
    """Share of a unit disk above a level line at height u of its centre."""
    if u <= -1.0:
        return 1.0
    if u >= 1.0:
        return 0.0
    return 0.5 - (u * sqrt(1.0 - u * u) + asin(u)) / pi


@njit(cache=True)
def _walk(height, ceiling, dx, dy, pixel, elevation, half, share):  # type: ignore[no-untyped-def]
    rows, columns = height.shape
    low, high, top = np.tan(elevation - half), np.tan(elevation + half), height.max()
    for row in range(rows):
        for column in range(columns):
            start, horizon, step = height[row, column], low, 1
            while start + step * pixel * horizon < top and horizon < high:
                at_y, at_x = row + step * dy, column + step * dx
                if at_y < 0 or at_x < 0 or at_y > rows - 1 or at_x > columns - 1:
                    break
                y, x = min(int(at_y), rows - 2), min(int(at_x), columns - 2)
                if ceiling[y // BLOCK_PX, x // BLOCK_PX] <= start + step * pixel * horizon:
                    step += BLOCK_PX  # nothing within a block's width reaches the ray
                    continue
                down, right = at_y - y, at_x - x
                upper = height[y, x] * (1 - right) + height[y, x + 1] * right
                lower = height[y + 1, x] * (1 - right) + height[y + 1, x + 1] * right
                met = upper * (1 - down) + lower * down
                horizon = max(horizon, (met - start) / (step * pixel))
                step += 1
            share[row, column] = segment((atan(horizon) - elevation) / half)
