"""Rotations as compiled code needs them: skew matrix, exponential, logarithm, right Jacobian."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from positioning.jit import compiled

F64 = NDArray[np.float64]

_SMALL = 1e-8


@compiled
def skew(v: F64) -> F64:
    """(3, 3) matrix of the cross product with v (3,)."""
    return np.array([[0.0, -v[2], v[1]], [v[2], 0.0, -v[0]], [-v[1], v[0], 0.0]])


@compiled
def exponential(v: F64) -> F64:
    """(3, 3) rotation by the vector v (3,), rad (Rodrigues)."""
    angle = np.sqrt(v[0] ** 2 + v[1] ** 2 + v[2] ** 2)
    k = skew(v)
    if angle < _SMALL:
        return np.eye(3) + k
    turn: F64 = np.eye(3) + np.sin(angle) / angle * k + (1 - np.cos(angle)) / angle**2 * (k @ k)
    return turn


@compiled
def logarithm(r: F64) -> F64:
    """(3,) vector of a rotation (3, 3) by less than pi."""
    axis = 0.5 * np.array([r[2, 1] - r[1, 2], r[0, 2] - r[2, 0], r[1, 0] - r[0, 1]])
    sine = np.sqrt(axis[0] ** 2 + axis[1] ** 2 + axis[2] ** 2)
    angle = np.arctan2(sine, 0.5 * (r[0, 0] + r[1, 1] + r[2, 2] - 1))
    vector: F64 = axis if sine < _SMALL else axis * (angle / sine)
    return vector


@compiled
def right_jacobian(v: F64) -> F64:
    """(3, 3): exponential(v + d) = exponential(v) exponential(right_jacobian(v) d)."""
    angle = np.sqrt(v[0] ** 2 + v[1] ** 2 + v[2] ** 2)
    k = skew(v)
    if angle < 1e-5:
        return np.eye(3) - 0.5 * k
    first = (1 - np.cos(angle)) / angle**2
    bent: F64 = np.eye(3) - first * k + (angle - np.sin(angle)) / angle**3 * (k @ k)
    return bent
