"""What a sensor would measure of a state, linearised over what is not known of it.

A radar hears a reflection from one of the two sides that face it; a camera sees the outline. Both
are functions of points of the body, so one Jacobian serves. The way that a body points along is
that of its velocity: of a new body it is hardly known, and its sides lie any way about its middle.
There a derivative misleads, so over the way the measurement is linearised statistically, by three
sigma points (Saerkkae and Svensson, Bayesian Filtering and Smoothing, 2023, chapter 9).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from positioning.fusion.body import CORNERS, MEDIAN, STANDS_MPS, ahead, points, size_m
from positioning.fusion.motion import HEIGHT, SIZE
from positioning.fusion.scan import OUTLINE, Pose

Floats = NDArray[np.float64]

LASTS = 8.0  # scans that a reflection stays in its place, and that say no more than one
ANGLES = {3: [1], 4: [1, 2]}  # which of a measurement's numbers are angles
ANY_WAY_RAD = np.pi / 2 / np.sqrt(3)  # spread of a box's way where nothing is known of it
STEP_RAD = 1e-3
_THROWS = np.array([0.0, 1.0, -1.0]) * np.sqrt(3)  # sigma points of a normal, in its deviations
_WEIGHT = np.array([2 / 3, 1 / 6, 1 / 6])


def wrap(angle: Floats) -> Floats:
    """Into -pi..pi."""
    wrapped: Floats = (angle + np.pi) % (2 * np.pi) - np.pi
    return wrapped


def observe(state: Floats, spread: Floats, pose: Pose, size: int) -> tuple[Floats, Floats, Floats]:
    """Expected measurement (..., size) of states (..., 8) with covariance (..., 8, 8), its Jacobian
    (..., size, 8), and the covariance (..., size, size) for not knowing which point of the body
    reflects, or which of its sides are the outline's."""
    way = ahead(state, pose.yaw_rad)
    left = np.stack([-way[..., 1], way[..., 0]], axis=-1)
    sigma, by_velocity = _unsure_way(state, spread, way, left)
    throw = np.maximum(sigma, STEP_RAD) if size == OUTLINE else STEP_RAD
    angle = _THROWS.reshape(-1, *[1] * sigma.ndim) * throw
    ways = np.cos(angle)[..., None] * way + np.sin(angle)[..., None] * left
    seen = _outline if size == OUTLINE else _reflection
    z, rows, blur = seen(np.broadcast_to(state, (3, *state.shape)), ways, pose)
    off = z - z[0]
    off[..., ANGLES[size]] = wrap(off[..., ANGLES[size]])
    mean, jacobian = np.tensordot(_WEIGHT, off, 1), np.tensordot(_WEIGHT, rows, 1)
    slope = (off[1] - off[2]) / (angle[1] - angle[2])[..., None]
    jacobian[..., 2:4] += slope[..., :, None] * by_velocity[..., None, :]
    off -= mean
    every = np.tensordot(_WEIGHT, blur + off[..., :, None] * off[..., None, :], 1)
    told = np.where(by_velocity.any(-1), throw, 0.0)[..., None] * slope
    return z[0] + mean, jacobian, every - told[..., :, None] * told[..., None, :]


def _unsure_way(state: Floats, spread: Floats, way: Floats, left: Floats) -> tuple[Floats, Floats]:
    """Standard deviation (...) of the way, and its derivative (..., 2) by the velocity."""
    speed = np.hypot(state[..., 2], state[..., 3])
    along, across = (
        np.einsum("...i,...ij,...j->...", axis, spread[..., 2:4, 2:4], axis) for axis in (way, left)
    )
    plain = np.sqrt(across / np.maximum(speed**2 + along, STANDS_MPS**2))
    sigma = np.minimum(plain, ANY_WAY_RAD)
    moves, share = speed > STANDS_MPS, sigma / np.maximum(plain, 1e-9)
    turn = np.where(moves, share / np.maximum(speed, STANDS_MPS), 0.0)
    return sigma, turn[..., None] * left


def outline(state: Floats, pose: Pose) -> tuple[Floats, Floats]:
    """Bearings (..., 2) of the left and right edge."""
    z, _, _ = _outline(state, ahead(state, pose.yaw_rad), pose)
    return z[..., 1], z[..., 2]


def _reflection(state: Floats, way: Floats, pose: Pose) -> tuple[Floats, Floats, Floats]:
    """Range, azimuth, range rate of the middle of what faces the radar."""
    share, spread = _facing(state, way, pose)
    at, jacobian = points(state, way, share)
    to = at - [pose.x_m, pose.y_m]
    r, unit, azimuth, turn = _polar(to, pose)
    w = state[..., 2:4] - [pose.vx_mps, pose.vy_mps]
    rate = (w * unit).sum(-1)
    z = np.stack([r, azimuth, rate], axis=-1)
    slope = (w - rate[..., None] * unit) / r[..., None]
    rows = np.stack([unit, turn, slope], axis=-2) @ jacobian
    rows[..., 2, 2:4] += unit
    blur = np.zeros((*r.shape, 3, 3))
    polar = np.stack([unit, turn], axis=-2)
    blur[..., :2, :2] = polar @ spread @ polar.swapaxes(-1, -2)
    return z, rows, blur


def _facing(state: Floats, way: Floats, pose: Pose) -> tuple[Floats, Floats]:
    """Mean place (..., 2) of the reflection in shares of the half sizes, and its covariance
    (..., 2, 2) in the world: anywhere on one of the two sides that face the sensor, which shine
    with the square of the width that they show."""
    half = size_m(state)[..., :2]
    axes = np.stack([way, np.stack([-way[..., 1], way[..., 0]], axis=-1)], axis=-2)
    to = state[..., :2] - [pose.x_m, pose.y_m]
    line = to / np.maximum(np.linalg.norm(to, axis=-1), 0.5)[..., None]
    cosine = (axes * line[..., None, :]).sum(-1)  # of the line of sight to length and width
    shown = (half[..., ::-1] * np.abs(cosine)) ** 2 + 1e-9
    share = shown / shown.sum(-1, keepdims=True)  # of the end, of the flank
    mean = -np.sign(cosine) * share
    # in body axes: evenly along the side, and between the two sides
    outer = half[..., :, None] * half[..., None, :]
    signs = np.sign(cosine)[..., :, None] * np.sign(cosine)[..., None, :]
    between = share[..., 0] * share[..., 1]
    spread = np.empty_like(outer)
    spread[..., 0, 0] = (share[..., 1] / 3 + between) * outer[..., 0, 0]
    spread[..., 1, 1] = (share[..., 0] / 3 + between) * outer[..., 1, 1]
    spread[..., 0, 1] = spread[..., 1, 0] = -between * (signs * outer)[..., 0, 1]
    return mean, axes.swapaxes(-1, -2) @ spread @ axes


def _outline(state: Floats, way: Floats, pose: Pose) -> tuple[Floats, Floats, Floats]:
    """Inverse depth of the nearest corner, bearings of both edges, log(height / depth)."""
    corner, jacobian = points(
        state[..., None, :], way[..., None, :], np.broadcast_to(CORNERS, (*way.shape[:-1], 4, 2))
    )
    to = corner - [pose.x_m, pose.y_m]
    forward = np.array([np.cos(pose.yaw_rad), np.sin(pose.yaw_rad)])
    depth = np.maximum(to @ forward, 0.5)
    _, _, azimuth, turn = _polar(to, pose)
    side = wrap(azimuth - azimuth[..., :1])
    near, left, right = depth.argmin(-1), side.argmax(-1), side.argmin(-1)
    nearest = _picked(depth, near)
    tall = state[..., HEIGHT] - np.log(nearest)
    z = np.stack([1 / nearest, _picked(azimuth, left), _picked(azimuth, right), tall], axis=-1)
    rows = np.zeros((*way.shape[:-1], OUTLINE, SIZE))
    farther = forward @ _picked(jacobian, near)
    rows[..., 0, :] = -farther / nearest[..., None] ** 2
    for row, edge in ((1, left), (2, right)):
        slope = _picked(turn, edge)[..., None, :] @ _picked(jacobian, edge)
        rows[..., row, :] = slope[..., 0, :]
    rows[..., 3, :] = -farther / nearest[..., None]
    rows[..., 3, HEIGHT] += 1.0
    return z, rows, np.zeros((*way.shape[:-1], OUTLINE, OUTLINE))


def _polar(to: Floats, pose: Pose) -> tuple[Floats, Floats, Floats, Floats]:
    """Range, unit vectors, azimuth in the sensor's axes, and the azimuth's derivative."""
    r = np.maximum(np.linalg.norm(to, axis=-1), 0.5)
    unit = to / r[..., None]
    turn = np.stack([-unit[..., 1], unit[..., 0]], axis=-1) / r[..., None]
    return r, unit, wrap(np.arctan2(to[..., 1], to[..., 0]) - pose.yaw_rad), turn


def _picked(values: Floats, at: NDArray[np.intp]) -> Floats:
    """values (..., 4, ...) at one of the four."""
    index = at.reshape(*at.shape, *(1,) * (values.ndim - at.ndim))
    found: Floats = np.take_along_axis(values, index, axis=at.ndim).squeeze(at.ndim)
    return found


def place(
    distance_m: Floats, azimuth_rad: Floats, pose: Pose, kind: NDArray[np.int64]
) -> tuple[Floats, Floats]:
    """Positions (N, 2) of the middles of new bodies, seen end on, and unit vectors towards them."""
    line = pose.yaw_rad + azimuth_rad
    unit = np.stack([np.cos(line), np.sin(line)], axis=1)
    middle = distance_m + np.exp(MEDIAN[kind, 0])
    return np.array([pose.x_m, pose.y_m]) + middle[:, None] * unit, unit
