"""What a sensor would measure of a state, with its derivatives.

A radar hears a reflection from one of the two sides that face it; a camera sees the outline. Both
are functions of points of the body, so one Jacobian serves.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from positioning.fusion.body import CORNERS, MEDIAN, ahead, points, size_m
from positioning.fusion.motion import HEIGHT, SIZE
from positioning.fusion.scan import OUTLINE, Pose

Floats = NDArray[np.float64]

LASTS = 8.0  # scans that a reflection stays in its place, and that say no more than one


def wrap(angle: Floats) -> Floats:
    """Into -pi..pi."""
    wrapped: Floats = (angle + np.pi) % (2 * np.pi) - np.pi
    return wrapped


def observe(state: Floats, pose: Pose, size: int) -> tuple[Floats, Floats, Floats]:
    """Expected measurement (..., size) of states (..., 8), its Jacobian (..., size, 8), and the
    covariance (..., size, size) for not knowing which point of the body reflects."""
    return _outline(state, pose) if size == OUTLINE else _reflection(state, pose)


def outline(state: Floats, pose: Pose) -> tuple[Floats, Floats]:
    """Bearings (..., 2) of the left and right edge."""
    z, _, _ = _outline(state, pose)
    return z[..., 1], z[..., 2]


def _reflection(state: Floats, pose: Pose) -> tuple[Floats, Floats, Floats]:
    """Range, azimuth, range rate of the middle of what faces the radar."""
    way = ahead(state, pose.yaw_rad)
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


def _outline(state: Floats, pose: Pose) -> tuple[Floats, Floats, Floats]:
    """Depth of the nearest corner, bearings of the left and right edge, log(height / depth)."""
    way = ahead(state, pose.yaw_rad)
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
    z = np.stack([nearest, _picked(azimuth, left), _picked(azimuth, right), tall], axis=-1)
    rows = np.zeros((*way.shape[:-1], OUTLINE, SIZE))
    rows[..., 0, :] = forward @ _picked(jacobian, near)
    for row, edge in ((1, left), (2, right)):
        slope = _picked(turn, edge)[..., None, :] @ _picked(jacobian, edge)
        rows[..., row, :] = slope[..., 0, :]
    rows[..., 3, :] = -rows[..., 0, :] / nearest[..., None]
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
