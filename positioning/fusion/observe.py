"""What a sensor would measure of a state: the near side of a body of its kind."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from positioning.fusion.motion import SIZE
from positioning.fusion.scan import Pose

Floats = NDArray[np.float64]

HALF_M = np.array([[2.3, 0.95], [0.9, 0.3], [0.25, 0.25], [1.3, 0.8]])  # of KINDS and UNKNOWN
SPREAD = np.array([0.35, 0.3, 0.3, 0.7])  # of the near side, over its distance from the middle


def wrap(angle: Floats) -> Floats:
    """Into -pi..pi."""
    wrapped: Floats = (angle + np.pi) % (2 * np.pi) - np.pi
    return wrapped


def reach(state: Floats, pose: Pose, kind: NDArray[np.int64]) -> Floats:
    """(...) metres from the middle of each body to its side that faces the sensor.

    The body is a box along its velocity; one that stands still is taken to be seen end on.
    """
    line = np.arctan2(state[..., 1] - pose.y_m, state[..., 0] - pose.x_m)
    speed = np.hypot(state[..., 2], state[..., 3])
    heading = np.where(speed > 0.7, np.arctan2(state[..., 3], state[..., 2]), line)
    cos, sin = np.abs(np.cos(heading - line)), np.abs(np.sin(heading - line))
    length, width = HALF_M[kind, 0], HALF_M[kind, 1]
    near: Floats = np.minimum(length / np.maximum(cos, 1e-3), width / np.maximum(sin, 1e-3))
    return near


def observe(
    state: Floats, pose: Pose, kind: NDArray[np.int64], size: int
) -> tuple[Floats, Floats, Floats]:
    """Expected (range, azimuth, range rate)[:size] of states (..., 5), its Jacobian
    (..., size, 5), and the variance of the range for not knowing the body's size."""
    dx, dy = state[..., 0] - pose.x_m, state[..., 1] - pose.y_m
    wx, wy = state[..., 2] - pose.vx_mps, state[..., 3] - pose.vy_mps
    r = np.maximum(np.hypot(dx, dy), 0.5)
    rate = (dx * wx + dy * wy) / r
    near = reach(state, pose, kind)
    z = np.stack([r - near, wrap(np.arctan2(dy, dx) - pose.yaw_rad), rate], axis=-1)
    jacobian = np.zeros((*state.shape[:-1], 3, SIZE))
    jacobian[..., 0, 0], jacobian[..., 0, 1] = dx / r, dy / r
    jacobian[..., 1, 0], jacobian[..., 1, 1] = -dy / r**2, dx / r**2
    jacobian[..., 2, 0], jacobian[..., 2, 1] = (wx - rate * dx / r) / r, (wy - rate * dy / r) / r
    jacobian[..., 2, 2], jacobian[..., 2, 3] = dx / r, dy / r
    return z[..., :size], jacobian[..., :size, :], (SPREAD[kind] * near) ** 2


def place(z: Floats, pose: Pose, kind: NDArray[np.int64]) -> tuple[Floats, Floats]:
    """Positions (N, 2) of the middles of new bodies, and unit vectors (N, 2) towards them."""
    line = pose.yaw_rad + z[:, 1]
    unit = np.stack([np.cos(line), np.sin(line)], axis=1)
    middle = np.array([pose.x_m, pose.y_m]) + (z[:, 0] + HALF_M[kind, 0])[:, None] * unit
    return middle, unit
