"""Mirror images in facades, and what a reflection does to the wave's hand and strength."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from positioning.gnss.satellite import SPEED_OF_LIGHT_MPS
from positioning.jit import compiled
from positioning.sim.gnss.city import Array
from positioning.sim.gnss.materials import circular, specular


@compiled
def facade(table: Array, wall: int) -> tuple[float, float, float, float, float]:
    """(middle east, middle north, outward normal east, north, half width) of facade `wall`, four a
    box."""
    box, side = table[wall // 4], wall % 4
    if side < 2:
        sign = 1.0 if side == 0 else -1.0
        nx, ny, far, half = sign * box[2], sign * box[3], box[4], box[5]
    else:
        sign = 1.0 if side == 2 else -1.0
        nx, ny, far, half = -sign * box[3], sign * box[2], box[5], box[4]
    return box[0] + nx * far, box[1] + ny * far, nx, ny, half


@compiled
def mirror(table: Array, wall: int, point: Array, image: Array) -> float:
    """The image of a point in a facade's plane, into `image`; how far in front of it it stood."""
    x, y, nx, ny, _ = facade(table, wall)
    h: float = (point[0] - x) * nx + (point[1] - y) * ny
    image[0], image[1], image[2] = point[0] - 2 * h * nx, point[1] - 2 * h * ny, point[2]
    return h


@compiled
def meets(table: Array, wall: int, image: Array, ray: Array, h: float, at: Array) -> float:
    """How far from the image its ray comes out of the facade, at the point `at`; -1 where not."""
    x, y, nx, ny, half = facade(table, wall)
    cos = ray[0] * nx + ray[1] * ny
    if cos <= 1e-6:
        return -1.0
    t = h / cos
    for axis in range(3):
        at[axis] = image[axis] + t * ray[axis]
    box = table[wall // 4]
    if not box[6] < at[2] < box[7]:
        return -1.0
    aside = (at[1] - y) * nx - (at[0] - x) * ny
    return t if abs(aside) < half else -1.0


@compiled
def facing(table: Array, near: NDArray[np.int64], point: Array, reach: float) -> NDArray[np.int64]:
    """Facades within reach that the point stands in front of."""
    kept = np.empty(4 * len(near), np.int64)
    count = 0
    for b in near:
        for wall in range(4 * b, 4 * b + 4):
            x, y, nx, ny, half = facade(table, wall)
            h = (point[0] - x) * nx + (point[1] - y) * ny
            aside = abs((point[1] - y) * nx - (point[0] - x) * ny) - half
            if 0.05 < h < reach and aside < reach:
                kept[count] = wall
                count += 1
    return kept[:count]


@compiled
def bounce(material: int, rough: float, cos: float, frequency: float) -> tuple[complex, complex]:
    """(right-handed, left-handed) field after one reflection of a right-handed wave."""
    co, cross = circular(material, frequency, cos)
    share = specular(rough, SPEED_OF_LIGHT_MPS / frequency, cos)
    return co * share, cross * share


@compiled
def toward(start: Array, stop: Array, unit: Array) -> float:
    """Unit vector and distance from one point to another."""
    for axis in range(3):
        unit[axis] = stop[axis] - start[axis]
    length = np.sqrt(unit[0] ** 2 + unit[1] ** 2 + unit[2] ** 2)
    for axis in range(3):
        unit[axis] /= max(length, 1e-9)
    return float(length)
