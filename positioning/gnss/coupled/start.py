"""Where an estimate begins: attitude from the course, no bias; and how far that is believed."""

from __future__ import annotations

import numpy as np

from positioning.gnss import geodesy
from positioning.gnss.coupled.graph import F64, STATE, Prior, State, World
from positioning.gnss.coupled.rows import Frame
from positioning.gnss.coupled.settings import Settings

_MOVING_MPS = 2.0


def world(frame: Frame, lever_m: F64) -> World:
    """Gravity by Somigliana's formula, and the Earth's turn, in the local frame."""
    latitude, _, height = (float(x) for x in geodesy.to_geodetic(frame.origin_m))
    square = np.sin(latitude) ** 2
    pull = 9.7803253359 * (1 + 0.00193185265241 * square) / np.sqrt(1 - 0.00669437999 * square)
    pull -= 3.086e-6 * height
    spin = geodesy.EARTH_RATE_RADPS * np.array([0.0, np.cos(latitude), np.sin(latitude)])
    return World(np.array([0.0, 0.0, -pull]), spin, np.asarray(lever_m, np.float64))


def begin(place: F64, velocity: F64, lever_m: F64) -> State:
    """From antenna places and velocities (E, 3): yaw along the course, where it stands the next."""
    epochs = len(place)
    moving = np.flatnonzero(np.hypot(velocity[:, 0], velocity[:, 1]) > _MOVING_MPS)
    yaw = np.arctan2(velocity[:, 1], velocity[:, 0])
    if len(moving):
        nearest = moving[
            np.abs(np.searchsorted(moving, np.arange(epochs)) - 0).clip(0, len(moving) - 1)
        ]
        yaw = yaw[nearest]
    attitude = np.zeros((epochs, 3, 3))
    attitude[:, 0, 0], attitude[:, 1, 1] = np.cos(yaw), np.cos(yaw)
    attitude[:, 1, 0], attitude[:, 0, 1] = np.sin(yaw), -np.sin(yaw)
    attitude[:, 2, 2] = 1.0
    body = place - attitude @ np.asarray(lever_m, np.float64)
    return State(body, velocity.copy(), attitude, np.zeros((epochs, STATE - 9)))


def believed(state: State, settings: Settings) -> Prior:
    """Biases near zero, the first epoch level: what is known before any measurement."""
    s = settings
    sigma = np.full(STATE, np.inf)
    sigma[:3], sigma[3:6] = 1e3, 30.0
    sigma[6:8], sigma[8] = s.level_rad, s.heading_rad
    sigma[9:12], sigma[12:15] = s.gyro_bias, s.force_bias
    sigma[15], sigma[16] = s.wheel_scale, s.wheel_slip
    first = State(*(part[:1].copy() for part in state))
    return Prior(first, np.diag(1 / sigma**2), np.zeros(STATE))
