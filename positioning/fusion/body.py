"""A road user as a box along its way: how large bodies of a kind are, and where its points lie.

The size is part of the state as the logarithms of half the length, half the width and the height,
for it is what separates the side that a sensor sees from the middle that is asked for. A lorry is
long, wide and high at once, so what a camera sees of the height tells of the length (extended
object tracking: Granstroem, Baum and Reuter, J. Advances in Information Fusion 12:139, 2017).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from positioning.fusion.motion import HEIGHT, LENGTH, SIZE, WIDTH

Floats = NDArray[np.float64]

VEHICLE, UNKNOWN = 0, 3
STANDS_MPS = 1.5  # below it the way does not tell the heading
TOUCH = 0.6  # share of the half sizes within which two middles are those of one body
CORNERS = np.array([(1, 1), (-1, 1), (-1, -1), (1, -1)], np.float64)

# half length m, half width m, height m of KINDS and UNKNOWN: medians, and spreads of logarithms.
# Vehicles from the small car to the lorry of 12 m (Directive 96/53/EC), one spread over all.
MEDIAN = np.log([[2.5, 0.95, 1.8], [0.9, 0.3, 1.72], [0.25, 0.25, 1.7], [1.3, 0.7, 1.7]])
_SPREAD = np.array([[0.33, 0.16, 0.4], [0.1, 0.2, 0.07], [0.2, 0.2, 0.08], [0.8, 0.5, 0.3]])
_ALIKE = np.array([0.85, 0.3, 0.3, 0.7])  # correlation of the three


def _prior() -> Floats:
    alike = _ALIKE[:, None, None] * np.ones((3, 3)) + (1 - _ALIKE)[:, None, None] * np.eye(3)
    covariance: Floats = _SPREAD[:, :, None] * alike * _SPREAD[:, None, :]
    return covariance


COVARIANCE = _prior()


def size_m(state: Floats) -> Floats:
    """(..., 3) half length, half width and height of states (..., 8)."""
    half: Floats = np.exp(state[..., LENGTH : HEIGHT + 1])
    return half


def ahead(state: Floats, yaw_rad: float) -> Floats:
    """(..., 2) unit vectors along the way; what stands is taken to stand along the road, which is
    how the carrier points."""
    speed = np.hypot(state[..., 2], state[..., 3])[..., None]
    road = np.array([np.cos(yaw_rad), np.sin(yaw_rad)])
    way: Floats = np.where(
        speed > STANDS_MPS, state[..., 2:4] / np.maximum(speed, STANDS_MPS), road
    )
    return way


def points(state: Floats, way: Floats, share: Floats) -> tuple[Floats, Floats]:
    """Points of bodies at `share` (..., 2) of half their length and width from the middle: places
    (..., 2) and Jacobians (..., 2, 8) with the way held."""
    half = size_m(state)
    left = np.stack([-way[..., 1], way[..., 0]], axis=-1)
    ahead_m = (share[..., 0] * half[..., 0])[..., None]
    left_m = (share[..., 1] * half[..., 1])[..., None]
    place = state[..., :2] + ahead_m * way + left_m * left
    jacobian = np.zeros((*place.shape, SIZE))
    jacobian[..., 0, 0] = jacobian[..., 1, 1] = 1.0
    jacobian[..., LENGTH], jacobian[..., WIDTH] = ahead_m * way, left_m * left
    return place, jacobian


def overlap(state: Floats, yaw_rad: float) -> NDArray[np.bool_]:
    """(N, N) pairs of states (N, 8) whose boxes lie in each other by more than they could."""
    way, half = ahead(state, yaw_rad), size_m(state)
    to = state[None, :, :2] - state[:, None, :2]
    along = np.abs((to * way[:, None]).sum(-1))
    across = np.abs(to[..., 1] * way[:, None, 0] - to[..., 0] * way[:, None, 1])
    room = TOUCH * (half[:, None, :2] + half[None, :, :2])
    inside: NDArray[np.bool_] = (along < room[..., 0]) & (across < room[..., 1])
    return inside
