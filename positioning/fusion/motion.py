"""How a road user moves between two scans: constant velocity, or a coordinated turn.

State (x, y, vx, vy, omega, size) in metres, metres a second and radians a second, in a level frame
fixed to the ground; size: logarithms of half the length, half the width and the height in metres,
which stay as they are. All functions work on many states at once (Bar-Shalom, Li and Kirubarajan,
Estimation with Applications to Tracking and Navigation, 2001, chapter 11).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

SIZE = 8
LENGTH, WIDTH, HEIGHT = 5, 6, 7  # where the size begins in the state
MODELS = 2  # constant velocity, coordinated turn
ACCELERATION = (2.0, 1.0)  # of each model, m/s^2 over a second
ACROSS, DRIVES_MPS = 0.2, 3.0  # share of it across the way of what is faster than that
TURN = (0.05, 0.5)  # how fast the turn rate of each model changes, rad/s^2
GROWS = 0.01  # how fast what is known of the size is forgotten, of itself over a second
LEAVE = 0.6, 1.2  # times a second that each model gives way to the other


def switching(dt_s: float) -> Floats:
    """(2, 2) probability to go from model i to model j within `dt_s`."""
    share = -np.expm1(-dt_s * np.array(LEAVE))
    return np.array([[1 - share[0], share[0]], [share[1], 1 - share[1]]])


def transition(state: Floats, dt_s: float) -> tuple[Floats, Floats]:
    """States (..., 2, 8) of both models after `dt_s`, and their Jacobians (..., 2, 8, 8)."""
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
    lever = _lever(state)
    moved[..., 0] += lever * (moved[..., 2] - vx)
    moved[..., 1] += lever * (moved[..., 3] - vy)
    for row, other in ((0, 2), (1, 3)):
        jacobian[..., row, 2:5] += lever[..., None] * jacobian[..., other, 2:5]
        jacobian[..., row, other] -= lever


def _lever(state: Floats) -> Floats:
    """(...) seconds: half the length over the speed, of what drives."""
    speed = np.hypot(state[..., 2], state[..., 3])
    half = np.exp(np.minimum(state[..., LENGTH], 2.0))
    lever: Floats = np.where(speed > DRIVES_MPS, half / np.maximum(speed, DRIVES_MPS), 0.0)
    return lever


def process_noise(state: Floats, dt_s: float) -> Floats:
    """(..., 2, 8, 8) of states (..., 2, 8): white acceleration, less of it across the way of what
    drives, and white turn acceleration. What drives turns about its rear end, so its middle swings
    out with its way; without that a vehicle seen from behind could turn unseen."""
    velocity = state[..., 2:4]
    speed = np.linalg.norm(velocity, axis=-1)[..., None]
    way = velocity / np.maximum(speed, 1e-6)
    drives = (speed > DRIVES_MPS)[..., None]
    along = way[..., :, None] * way[..., None, :]
    across = np.where(drives, ACROSS**2, 1.0)
    shape = across * np.eye(2) + (1 - across) * along
    shape = shape * np.square(ACCELERATION)[:, None, None]
    noise = np.zeros((*state.shape, SIZE))
    noise[..., :2, :2] = shape * dt_s**3 / 3
    noise[..., :2, 2:4] = noise[..., 2:4, :2] = shape * dt_s**2 / 2
    noise[..., 2:4, 2:4] = shape * dt_s
    lever = _lever(state)[..., None, None]
    swing = lever * (shape - along * np.square(ACCELERATION)[:, None, None])
    noise[..., :2, :2] += swing * (dt_s**2 + lever * dt_s)
    noise[..., :2, 2:4] += swing * dt_s
    noise[..., 2:4, :2] += swing * dt_s
    noise[..., 4, 4] = np.square(TURN) * dt_s
    for at in (LENGTH, WIDTH, HEIGHT):
        noise[..., at, at] = GROWS**2 * dt_s
    return noise
