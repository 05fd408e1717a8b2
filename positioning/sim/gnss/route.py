"""Where a car goes in a city and how fast: lanes, turns, stops at crossings."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import BSpline

from positioning.sim.gnss.city import Array, City, Streets

Node = NDArray[np.int64]

STEP_M = 2.0
"""Between control points of the path: a cubic B-spline of them has a steady curvature."""

_RIGHT_M, _LEFT_M = 6.0, 9.0  # radius of a turn at the lane's middle
_ACCELERATION = 1.6  # m/s^2, along
_LATERAL = 2.0  # m/s^2, in turns
_GRID_M = 0.25
_TURNS = ((0.55, 0), (0.25, 1), (0.2, -1))  # chance, quarter turns to the left
_FAVOUR = 3.0  # how much likelier a turn into, or along, a favoured street is
_WAYS = np.array([[1, 0], [0, 1], [-1, 0], [0, -1]])


def path(city: City, length_m: float, rng: np.random.Generator) -> tuple[BSpline, Array]:
    """The lane's middle as a spline of the way gone, at least so long, and where crossings are
    entered (K,) in m of it."""
    lane, crossings = _lane(city.streets, length_m, rng)
    steps = np.hypot(*np.diff(lane, axis=0).T)
    gone = np.append(0.0, np.cumsum(steps))
    at = np.arange(0.0, gone[-1], STEP_M)
    control = np.column_stack([np.interp(at, gone, axis) for axis in lane.T])
    control = city.streets.turned(control)
    knots = STEP_M * np.arange(-2.0, len(control) + 2)  # uniform: control point i is felt at i
    return BSpline(knots, control, 3, extrapolate=False), gone[crossings]


def way(
    spline: BSpline, crossings_m: Array, limit_mps: float, times_s: Array, rng: np.random.Generator
) -> Array:
    """(T,) way gone in m at times from 0: accelerating, slowing for turns, waiting at crossings."""
    first, last = spline.t[3] + 20.0, spline.t[-4] - 1.0
    at = np.arange(first, last, _GRID_M)
    slope, bend = spline(at, 1), spline(at, 2)
    speed = np.hypot(*slope.T)
    curvature = np.abs(slope[:, 0] * bend[:, 1] - slope[:, 1] * bend[:, 0]) / speed**3
    most = np.minimum(limit_mps * rng.uniform(0.8, 1.05), np.sqrt(_LATERAL / (curvature + 1e-6)))
    stops, waits = _stops(crossings_m, at, rng)
    most[stops] = 0.0
    pace = _reachable(most)
    seconds = 2 * _GRID_M * speed[1:] / np.maximum(pace[1:] + pace[:-1], 0.05)
    seconds[stops[:-1] if stops[-1] >= len(seconds) else stops] += waits[: len(seconds)]
    clock = np.append(0.0, np.cumsum(seconds))
    if clock[-1] < times_s[-1]:
        raise ValueError(f"the path lasts {clock[-1]:.0f} s, {times_s[-1]:.0f} s are asked for")
    fine = np.arange(times_s[0] - 3.0, times_s[-1] + 3.0, 0.05)
    gone = np.interp(fine, clock, at)
    for _ in range(3):  # three box filters of 0.65 s: a jerk that a driver could make
        gone = np.convolve(np.pad(gone, 6, mode="edge"), np.full(13, 1 / 13), mode="valid")
    return np.asarray(np.interp(times_s, fine, gone))


def _stops(crossings_m: Array, at: Array, rng: np.random.Generator) -> tuple[Node, Array]:
    """Indices into `at` where the car stands, and for how long in s."""
    line = crossings_m - 18.0  # before the crossing's middle
    line = line[(line > at[0] + 60) & (line < at[-1])]
    kept = np.concatenate(([at[0]], line[rng.random(len(line)) < 0.35]))
    return np.searchsorted(at, kept), rng.uniform(4.0, 22.0, len(kept))


def _reachable(most: Array) -> Array:
    """The highest speeds under `most` that bounded acceleration allows, both ways."""
    squared = most**2
    gain = 2 * _ACCELERATION * _GRID_M
    for values in (squared, squared[::-1]):
        # min over i <= j of squared[i] + gain (j - i) is a running minimum of a sheared array
        shear = gain * np.arange(len(values))
        values[:] = np.minimum.accumulate(values - shear) + shear
    return np.sqrt(squared)


def _lane(streets: Streets, length_m: float, rng: np.random.Generator) -> tuple[Array, Node]:
    """(P, 2) points along lanes of the straight grid, and which of them begin a crossing."""
    node = np.array([len(streets.east_m) // 2, len(streets.north_m) // 2]) + rng.integers(-1, 2, 2)
    heading = int(rng.integers(4))
    if streets.favoured:
        node[0], heading = rng.choice(streets.favoured), 1 + 2 * int(rng.integers(2))
    points: list[Array] = [_corner(streets, node, heading, heading)]
    crossings: list[int] = []
    gone = 0.0
    while gone < length_m:
        ahead = node + _WAYS[heading]
        turn = _choose(streets, ahead, heading, rng)
        following = (heading + turn) % 4
        corner = _corner(streets, ahead, heading, following)
        crossings.append(len(points))
        points += _arc(corner, heading, following)
        gone += float(np.abs(_place(streets, ahead) - _place(streets, node)).sum())
        node, heading = ahead, following
    return np.array(points), np.array(crossings)


def _place(streets: Streets, node: Node) -> Array:
    return np.array([streets.east_m[node[0]], streets.north_m[node[1]]])


def _choose(streets: Streets, node: Node, heading: int, rng: np.random.Generator) -> int:
    """Quarter turns at a crossing such that the next one is still in the grid."""
    chances, turns = np.array(_TURNS).T
    following = (heading + turns.astype(int)) % 4
    after = node + _WAYS[following]
    inside = np.all((after >= 0) & (after < (len(streets.east_m), len(streets.north_m))), axis=1)
    is_favoured = (following % 2 == 1) & (node[0] in streets.favoured)
    chances = chances * inside * np.where(is_favoured, _FAVOUR, 1.0)
    return int(rng.choice(turns, p=chances / chances.sum()))


def _corner(streets: Streets, node: Node, heading: int, following: int) -> Array:
    """Where the lane that comes in meets the one that goes out."""
    right = [np.array([way[1], -way[0]]) for way in (_WAYS[heading], _WAYS[following])]
    sides = right[0] if heading == following else right[0] + right[1]
    return np.asarray(_place(streets, node) + streets.lane_m * sides)


def _arc(corner: Array, heading: int, following: int) -> list[Array]:
    """Points of the turn about a corner; the corner alone when going straight on."""
    if heading == following:
        return [corner]
    into, out = _WAYS[heading].astype(float), _WAYS[following].astype(float)
    radius = _RIGHT_M if (following - heading) % 4 == 3 else _LEFT_M
    middle = corner - radius * into + radius * out
    angle = np.linspace(0, np.pi / 2, 9)[:, None]
    return list(middle - radius * out * np.cos(angle) + radius * into * np.sin(angle))
