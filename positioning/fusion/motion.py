"""How a road user moves between two scans: constant velocity, or a coordinated turn.

State (x, y, vx, vy, omega) in metres, metres a second and radians a second, in a level frame fixed
to the ground. All functions work on many states at once (Bar-Shalom, Li and Kirubarajan,
Estimation with Applications to Tracking and Navigation, 2001, chapter 11).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

SIZE = 5
MODELS = 2  # constant velocity, coordinated turn
ACCELERATION = (2.0, 1.0)  # of each model, m/s^2 over a second
TURN = (0.05, 0.5)  # how fast the turn rate of each model changes, rad/s^2
LEAVE = 0.6, 1.2  # times a second that each model gives way to the other


def switching(dt_s: float) -> Floats:
    """(2, 2) probability to go from model i to model j within `dt_s`."""
    share = -np.expm1(-dt_s * np.array(LEAVE))
    return np.array([[1 - share[0], share[0]], [share[1], 1 - share[1]]])


def transition(state: Floats, dt_s: float) -> tuple[Floats, Floats]:
    """States (..., 2, 5) of both models after `dt_s`, and their Jacobians (..., 2, 5, 5)."""
    moved, jacobian = state.copy(), np.zeros((*state.shape, SIZE))
    jacobian[...] = np.eye(SIZE)
    _straight(state[..., 0, :], moved[..., 0, :], jacobian[..., 0, :, :], dt_s)
    _turning(state[..., 1, :], moved[..., 1, :], jacobian[..., 1, :, :], dt_s)
    return moved, jacobian


def _straight(state: Floats, moved: Floats, jacobian: Floats, dt: float) -> None:
    moved[..., :2] = state[..., :2] + dt * state[..., 2:4]
    moved[..., 4] = 0.0
    jacobian[..., 0, 2] = jacobian[..., 1, 3] = dt
    jacobian[..., 4, 4] = 0.0


def _turning(state: Floats, moved: Floats, jacobian: Floats, dt: float) -> None:
    """Second order in the turn rate: exact enough below a radian a step, and smooth at zero."""
    vx, vy, omega = state[..., 2], state[..., 3], state[..., 4]
    angle = omega * dt
    along, across = dt * (1 - angle**2 / 6), dt * (angle / 2)
    cos, sin = np.cos(angle), np.sin(angle)
    moved[..., 0] += along * vx - across * vy
    moved[..., 1] += across * vx + along * vy
    moved[..., 2], moved[..., 3] = cos * vx - sin * vy, sin * vx + cos * vy
    jacobian[..., 0, 2], jacobian[..., 0, 3] = along, -across
    jacobian[..., 1, 2], jacobian[..., 1, 3] = across, along
    jacobian[..., 2, 2], jacobian[..., 2, 3] = cos, -sin
    jacobian[..., 3, 2], jacobian[..., 3, 3] = sin, cos
    bend = -dt * dt * angle / 3
    jacobian[..., 0, 4] = bend * vx - dt * dt / 2 * vy
    jacobian[..., 1, 4] = dt * dt / 2 * vx + bend * vy
    jacobian[..., 2, 4] = -dt * moved[..., 3]
    jacobian[..., 3, 4] = dt * moved[..., 2]


def process_noise(dt_s: float) -> Floats:
    """(2, 5, 5) of each model: white acceleration and white turn acceleration."""
    noise = np.zeros((MODELS, SIZE, SIZE))
    for model in range(MODELS):
        q = ACCELERATION[model] ** 2
        for axis in (0, 1):
            noise[model, axis, axis] = q * dt_s**3 / 3
            noise[model, axis, axis + 2] = noise[model, axis + 2, axis] = q * dt_s**2 / 2
            noise[model, axis + 2, axis + 2] = q * dt_s
        noise[model, 4, 4] = TURN[model] ** 2 * dt_s
    return noise
