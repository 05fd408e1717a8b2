"""Ways from a satellite to a receiver in a city: direct, bent, mirrored once or twice.

The satellite is far, so its wave is plane: `ray` is the unit vector towards it. A mirrored way is
straight for the image of the receiver behind the facade (image method), hence longer than the
direct one by (point - image) . ray exactly.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from positioning.jit import compiled
from positioning.sim.gnss.antenna import gains
from positioning.sim.gnss.city import Array, City
from positioning.sim.gnss.diffraction import deygout, excess_m
from positioning.sim.gnss.materials import ASPHALT
from positioning.sim.gnss.mirrors import bounce, facade, facing, meets, mirror, toward
from positioning.sim.gnss.obstacles import FAR_M, covers, edges_of, hidden, near, through_leaves

Into = tuple[Any, ...]  # count, excess, rate and field of Paths

MOST = 12
"""Ways kept of one satellite at one time; further mirrored ones are dropped."""

_HORIZON_M = 350.0  # boxes farther off neither hide nor mirror
_MIRROR_M = 160.0  # facades farther off do not mirror
_TWICE_M = 60.0  # nor, for a second reflection, farther than this
_FIRST_M = 75.0  # middle of a box that is met first on such a way
_GROUND_RELIEF_M = 0.006
_EDGES = 24


@dataclass(frozen=True, slots=True, eq=False)
class Paths:
    """What reaches the antenna, for N rows (a satellite at an epoch); way 0 is the direct one.

    count: (N,) int32 ways. excess_m, rate_mps: (N, MOST) length over the straight line and its
    change. field: (N, MOST, 2) complex, over an isotropic right-handed antenna in the open, without
    the phase of `excess_m`. line_of_sight: (N,) bool, no box between (leaves do not count).
    canopy_m: (N,) way through leaves.
    """

    count: NDArray[np.int32]
    excess_m: Array
    rate_mps: Array
    field: NDArray[np.complex128]
    line_of_sight: NDArray[np.bool_]
    canopy_m: Array


def trace(
    city: City,
    point_m: Array,
    velocity_mps: Array,
    epoch: NDArray[np.int64],
    ray: Array,
    frequency_hz: Array,
    pattern: Array,
) -> Paths:
    """Ways of N rows: of satellites along ray (N, 3) as seen at point_m[epoch], east north up.

    point_m, velocity_mps: (E, 3) of the antenna. frequency_hz: (N, 2).
    """
    rows = len(ray)
    paths = Paths(
        np.zeros(rows, np.int32),
        np.zeros((rows, MOST)),
        np.zeros((rows, MOST)),
        np.zeros((rows, MOST, 2), np.complex128),
        np.zeros(rows, np.bool_),
        np.zeros(rows),
    )
    table = city.boxes.packed()
    _trace(
        table, city.boxes.material, covers(table), city.canopies.packed(),
        np.ascontiguousarray(point_m), np.ascontiguousarray(velocity_mps), epoch,
        np.ascontiguousarray(ray), frequency_hz, pattern,
        paths.count, paths.excess_m, paths.rate_mps, paths.field, paths.line_of_sight,
        paths.canopy_m,
    )  # fmt: skip
    return paths


def visible(city: City, point_m: Array, ray: Array) -> NDArray[np.bool_]:
    """(E, K) whether each of K directions (K, 3) is free of boxes at each of E points."""
    return np.asarray(_visible(city.boxes.packed(), np.ascontiguousarray(point_m), ray))


@compiled
def _visible(table: Array, points: Array, rays: Array) -> NDArray[np.bool_]:
    free = np.ones((len(points), len(rays)), np.bool_)
    for e in range(len(points)):
        close = near(table, points[e], _HORIZON_M)
        for k in range(len(rays)):
            free[e, k] = not hidden(table, close, points[e], rays[k], FAR_M)
    return free


@compiled
def _trace(
    table: Array, materials: NDArray[np.int8], corners: Array, trees: Array,
    points: Array, velocities: Array, epoch: NDArray[np.int64], rays: Array, frequency: Array,
    pattern: Array, count: NDArray[np.int32], excess: Array, rate: Array,
    field: NDArray[np.complex128], line_of_sight: NDArray[np.bool_], canopy: Array,
) -> None:  # fmt: skip
    """Fills the arrays of Paths, row by row; rows of one epoch follow each other."""
    edges = np.empty((_EDGES, 2))
    of = -1
    close = near(table, points[0], 0.0)
    walls, inner, outer = close, close, close
    for row in range(len(rays)):
        point, ray = points[epoch[row]], rays[row]
        if epoch[row] != of:
            of = epoch[row]
            close = near(table, point, _HORIZON_M)
            walls = facing(table, close, point, _MIRROR_M)
            inner = _seen(table, close, facing(table, close, point, _TWICE_M), point)
            outer = _lit(table, close, point)
        line_of_sight[row] = not hidden(table, close, point, ray, FAR_M)
        found = edges_of(table, corners, close, point, ray, edges)
        canopy[row], loss = through_leaves(trees, point, ray, FAR_M)
        right, _ = gains(pattern, ray[2])
        for band in range(2):
            if frequency[row, band] > 0:
                wavelength = 299792458.0 / frequency[row, band]
                bent = deygout(edges, found, wavelength)
                field[row, 0, band] = bent * right * 10 ** (-loss / 20)
        excess[row, 0] = excess_m(edges, found)
        count[row] = 1
        into = (count, excess, rate, field)
        velocity = velocities[of]
        _ground(table, close, trees, point, velocity, ray, frequency, pattern, row, into)
        _once(
            table, materials, close, walls, trees, point, velocity, ray, frequency, pattern,
            row, into,
        )  # fmt: skip
        if not line_of_sight[row]:
            _twice(
                table, materials, close, inner, outer, point, velocity, ray, frequency, pattern,
                row, into,
            )  # fmt: skip


@compiled
def _add(
    into: Into, row: int, length: float, rate: float,
    right: complex, left: complex, other_right: complex, other_left: complex,
    sin_arrival: float, pattern: Array, weaker: float,
) -> None:  # fmt: skip
    """One more way, of right- and left-handed fields in the two bands."""
    counts, excess, rates, field = into
    k = counts[row]
    if k >= MOST:
        return
    to_right, to_left = gains(pattern, sin_arrival)
    excess[row, k], rates[row, k] = length, rate
    field[row, k, 0] = weaker * (to_right * right + to_left * left)
    field[row, k, 1] = weaker * (to_right * other_right + to_left * other_left)
    counts[row] = k + 1


@compiled
def _ground(
    table: Array, close: NDArray[np.int64], trees: Array, point: Array, velocity: Array,
    ray: Array, frequency: Array, pattern: Array, row: int, into: Into,
) -> None:  # fmt: skip
    """The way by the ground, plane up = 0."""
    if ray[2] <= 0.02 or point[2] <= 0.1:
        return
    foot = np.array([0.0, 0.0, 0.0])
    foot[0] = point[0] + ray[0] / ray[2] * point[2]
    foot[1] = point[1] + ray[1] / ray[2] * point[2]
    if hidden(table, close, foot, ray, FAR_M):
        return
    a, b = bounce(ASPHALT, _GROUND_RELIEF_M, ray[2], frequency[row, 0])
    c, d = bounce(ASPHALT, _GROUND_RELIEF_M, ray[2], frequency[row, 1])
    _, loss = through_leaves(trees, foot, ray, FAR_M)
    length, rate = 2 * point[2] * ray[2], 2 * velocity[2] * ray[2]
    _add(into, row, length, rate, a, b, c, d, -ray[2], pattern, 10 ** (-loss / 20))


@compiled
def _once(
    table: Array, materials: NDArray[np.int8], close: NDArray[np.int64], walls: NDArray[np.int64],
    trees: Array, point: Array, velocity: Array, ray: Array, frequency: Array, pattern: Array,
    row: int, into: Into,
) -> None:  # fmt: skip
    """Ways by one facade."""
    image, at, unit = np.empty(3), np.empty(3), np.empty(3)
    for wall in walls:
        h = mirror(table, wall, point, image)
        if meets(table, wall, image, ray, h, at) < 0:
            continue
        _, _, nx, ny, _ = facade(table, wall)
        cos = ray[0] * nx + ray[1] * ny
        length = toward(point, at, unit)
        if hidden(table, close, point, unit, length - 0.01):
            continue
        _step(at, nx, ny)
        if hidden(table, close, at, ray, FAR_M):
            continue
        material, rough = materials[wall // 4], table[wall // 4, 8]
        a, b = bounce(material, rough, cos, frequency[row, 0])
        c, d = bounce(material, rough, cos, frequency[row, 1])
        _, loss = through_leaves(trees, point, unit, length)
        rate = 2 * cos * (velocity[0] * nx + velocity[1] * ny)
        _add(into, row, 2 * h * cos, rate, a, b, c, d, unit[2], pattern, 10 ** (-loss / 20))


@compiled
def _twice(
    table: Array, materials: NDArray[np.int8], close: NDArray[np.int64], walls: NDArray[np.int64],
    outer: NDArray[np.int64], point: Array, velocity: Array, ray: Array, frequency: Array,
    pattern: Array, row: int, into: Into,
) -> None:  # fmt: skip
    """Ways by two facades that face each other: `first` is met first by the wave."""
    image, second, on_first, on_last = np.empty(3), np.empty(3), np.empty(3), np.empty(3)
    unit, between, turned = np.empty(3), np.empty(3), np.empty(3)
    for last in walls:
        _, _, mx, my, _ = facade(table, last)
        h_last = mirror(table, last, point, image)
        for first in outer:
            _, _, nx, ny, _ = facade(table, first)
            cos = ray[0] * nx + ray[1] * ny
            if cos <= 0.02 or nx * mx + ny * my > -0.2:
                continue
            h = mirror(table, first, image, second)
            if h <= 0 or meets(table, first, second, ray, h, on_first) < 0:
                continue
            toward(image, on_first, between)
            if meets(table, last, image, between, h_last, on_last) < 0:
                continue
            span = toward(on_last, on_first, between)
            length = toward(point, on_last, unit)
            _step(on_last, mx, my)
            _step(on_first, nx, ny)
            if (
                hidden(table, close, point, unit, length - 0.01)
                or hidden(table, close, on_last, between, span - 0.02)
                or hidden(table, close, on_first, ray, FAR_M)
            ):
                continue
            cos_last = between[0] * mx + between[1] * my
            turned[:] = velocity
            _reflect(turned, mx, my)
            _reflect(turned, nx, ny)
            excess, rate = 0.0, 0.0
            for axis in range(3):
                excess += (point[axis] - second[axis]) * ray[axis]
                rate += (velocity[axis] - turned[axis]) * ray[axis]
            m1, r1 = materials[first // 4], table[first // 4, 8]
            m2, r2 = materials[last // 4], table[last // 4, 8]
            a, b = _both(m1, r1, cos, m2, r2, cos_last, frequency[row, 0])
            c, d = _both(m1, r1, cos, m2, r2, cos_last, frequency[row, 1])
            _add(into, row, excess, rate, a, b, c, d, unit[2], pattern, 1.0)


@compiled
def _seen(
    table: Array, close: NDArray[np.int64], walls: NDArray[np.int64], point: Array
) -> NDArray[np.int64]:
    """Those facades of which one of three points halfway up is seen from the point."""
    kept = np.empty(len(walls), np.int64)
    count = 0
    at, unit = np.empty(3), np.empty(3)
    for wall in walls:
        x, y, nx, ny, half = facade(table, wall)
        at[2] = (table[wall // 4, 6] + table[wall // 4, 7]) / 2
        for share in (0.0, -0.8, 0.8):
            at[0], at[1] = x - share * half * ny, y + share * half * nx
            if not hidden(table, close, point, unit, toward(point, at, unit) - 0.05):
                kept[count] = wall
                count += 1
                break
    return kept[:count]


@compiled
def _lit(table: Array, close: NDArray[np.int64], point: Array) -> NDArray[np.int64]:
    """Facades near enough to be met first by a wave that is mirrored twice."""
    kept = np.empty(4 * len(close), np.int64)
    count = 0
    for b in close:
        if np.hypot(table[b, 0] - point[0], table[b, 1] - point[1]) < _FIRST_M:
            kept[count : count + 4] = np.arange(4 * b, 4 * b + 4)
            count += 4
    return kept[:count]


@compiled
def _step(point: Array, nx: float, ny: float) -> None:
    """Off the facade, so that it does not hide its own reflection."""
    point[0] += 0.01 * nx
    point[1] += 0.01 * ny


@compiled
def _reflect(vector: Array, nx: float, ny: float) -> None:
    along = vector[0] * nx + vector[1] * ny
    vector[0] -= 2 * along * nx
    vector[1] -= 2 * along * ny


@compiled
def _both(
    m1: int, r1: float, cos1: float, m2: int, r2: float, cos2: float, frequency: float
) -> tuple[complex, complex]:
    """(right, left) after two reflections."""
    co1, cross1 = bounce(m1, r1, cos1, frequency)
    co2, cross2 = bounce(m2, r2, cos2, frequency)
    return co1 * co2 + cross1 * cross2, co1 * cross2 + cross1 * co2
