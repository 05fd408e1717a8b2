"""Tracks of detections that belong to none, and the size that goes with a kind once it is known."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from positioning.fusion.body import COVARIANCE, MEDIAN, UNKNOWN, VEHICLE
from positioning.fusion.imm import Mixture, update
from positioning.fusion.motion import HEIGHT, LENGTH, MODELS, SIZE
from positioning.fusion.observe import observe, place, wrap
from positioning.fusion.scan import NOTHING, OUTLINE, REFLECTION, Pose, Scan, near_side

Floats = NDArray[np.float64]
Indices = NDArray[np.int64]

_SIZES = slice(LENGTH, HEIGHT + 1)
ASIDE_MPS = 3.0  # across the road, of what drives along it
_READS_SIZE = np.eye(SIZE)[_SIZES]


def born(scan: Scan, left: Indices, speed_mps: float) -> Mixture:
    """Of the detections `left` (N,). speed_mps: standard deviation of what is not measured of the
    velocity. What is not known of the length is not known of the middle either. Under the first
    model what may be a vehicle drives along the road, under the second any way."""
    distance, azimuth, depth2, side2 = (row[left] for row in near_side(scan))
    kind, pose, n = scan.label[left], scan.pose, len(left)
    middle, unit = place(distance, azimuth, pose, kind)
    across = np.stack([-unit[:, 1], unit[:, 0]], axis=1)
    along2 = unit[:, :, None] * unit[:, None, :]
    across2 = across[:, :, None] * across[:, None, :]
    half = np.exp(MEDIAN[kind])
    mean, spread = np.zeros((n, MODELS, SIZE)), np.zeros((n, MODELS, SIZE, SIZE))
    mean[..., :2], mean[..., _SIZES] = middle[:, None], MEDIAN[kind][:, None]
    side = distance**2 * side2 + half[:, 1] ** 2 / 3
    near = (depth2 + 0.2)[:, None, None] * along2 + side[:, None, None] * across2
    spread[..., :2, :2] = near[:, None]
    spread[..., 2:4, 2:4] = _ways(kind, pose, speed_mps)
    if scan.z.shape[1] == REFLECTION:
        rate = scan.z[left, 2] + unit @ np.array([pose.vx_mps, pose.vy_mps])
        _hear(mean, spread, unit[:, None], rate[:, None], scan.covariance[left, 2, 2][:, None])
    spread[..., 4, 4] = 0.3**2
    spread[..., _SIZES, _SIZES] = COVARIANCE[kind][:, None]
    follows = np.tile(np.eye(SIZE), (n, 1, 1, 1))
    follows[..., :2, LENGTH] = (half[:, :1] * unit)[:, None]
    spread = follows @ spread @ follows.swapaxes(-1, -2)
    new = Mixture(mean, spread, np.tile([0.8, 0.2], (n, 1)))
    return _outlined(new, scan, left) if scan.z.shape[1] == OUTLINE else new


def _ways(kind: Indices, pose: Pose, speed_mps: float) -> Floats:
    """(N, 2, 2, 2) covariance of the velocity under both models; the carrier points along the
    road."""
    ahead = np.array([np.cos(pose.yaw_rad), np.sin(pose.yaw_rad)])
    along = ASIDE_MPS**2 * np.eye(2) + (speed_mps**2 - ASIDE_MPS**2) * np.outer(ahead, ahead)
    ways = np.tile(speed_mps**2 * np.eye(2), (len(kind), MODELS, 1, 1))
    ways[(kind == VEHICLE) | (kind == UNKNOWN), 0] = along
    return ways


def _hear(mean: Floats, spread: Floats, unit: Floats, rate_mps: Floats, variance: Floats) -> None:
    """Velocities of zero mean after their parts along `unit` were measured."""
    speed = spread[..., 2:4, 2:4]
    pushed = (speed @ unit[..., None])[..., 0]
    gain = pushed / ((pushed * unit).sum(-1) + variance)[..., None]
    mean[..., 2:4] = gain * rate_mps[..., None]
    spread[..., 2:4, 2:4] = speed - gain[..., :, None] * pushed[..., None, :]


def _outlined(new: Mixture, scan: Scan, left: Indices) -> Mixture:
    """With the size that the outline tells; the depth has been used, and without it the height."""
    noise = scan.covariance[left].copy()
    blind = noise[:, 0, 0] >= NOTHING
    noise[:, 0, 0] = NOTHING
    noise[blind, 3, 3] = NOTHING
    expected, jacobian, blur = observe(new.mean, new.covariance, scan.pose, OUTLINE)
    innovation = scan.z[left][:, None] - expected
    innovation[..., 1:3] = wrap(innovation[..., 1:3])
    return update(new, innovation, jacobian, noise[:, None] + blur).mixture


def of_kind(mixture: Mixture, before: Indices, kind: Indices) -> Mixture:
    """Tracks whose kind has become another: the usual size of the new kind is taken as a
    measurement, and one of the old kind is given up first."""
    mistaken = (before != UNKNOWN)[:, None, None, None]
    covariance = mixture.covariance.copy()
    covariance[..., _SIZES, _SIZES] += np.where(mistaken, 4 * COVARIANCE[UNKNOWN], 0.0)
    wide = Mixture(mixture.mean, covariance, mixture.weight)
    innovation = MEDIAN[kind][:, None] - mixture.mean[..., _SIZES]
    jacobian = np.broadcast_to(_READS_SIZE, (*innovation.shape, SIZE))
    noise = np.broadcast_to(COVARIANCE[kind][:, None], (*innovation.shape, 3))
    return update(wide, innovation, jacobian, noise).mixture
