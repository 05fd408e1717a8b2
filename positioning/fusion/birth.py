"""Tracks of detections that belong to none, and the size that goes with a kind once it is known."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from positioning.fusion.body import COVARIANCE, MEDIAN, UNKNOWN
from positioning.fusion.imm import Mixture, update
from positioning.fusion.motion import HEIGHT, LENGTH, MODELS, SIZE
from positioning.fusion.observe import observe, place, wrap
from positioning.fusion.scan import NOTHING, OUTLINE, REFLECTION, Scan, near_side

Floats = NDArray[np.float64]
Indices = NDArray[np.int64]

_SIZES = slice(LENGTH, HEIGHT + 1)
_READS_SIZE = np.eye(SIZE)[_SIZES]


def born(scan: Scan, left: Indices, speed_mps: float) -> Mixture:
    """Of the detections `left` (N,). speed_mps: standard deviation of what is not measured of the
    velocity. What is not known of the length is not known of the middle either."""
    distance, azimuth, depth2, side2 = (row[left] for row in near_side(scan))
    kind, pose, n = scan.label[left], scan.pose, len(left)
    middle, unit = place(distance, azimuth, pose, kind)
    across = np.stack([-unit[:, 1], unit[:, 0]], axis=1)
    along2 = unit[:, :, None] * unit[:, None, :]
    across2 = across[:, :, None] * across[:, None, :]
    half = np.exp(MEDIAN[kind])
    mean, spread = np.zeros((n, SIZE)), np.zeros((n, SIZE, SIZE))
    mean[:, :2], mean[:, _SIZES] = middle, MEDIAN[kind]
    side = distance**2 * side2 + half[:, 1] ** 2 / 3
    spread[:, :2, :2] = (depth2 + 0.2)[:, None, None] * along2 + side[:, None, None] * across2
    speed2 = radial2 = np.full(n, speed_mps**2)
    if scan.z.shape[1] == REFLECTION:
        own = unit @ np.array([pose.vx_mps, pose.vy_mps])
        mean[:, 2:4] = (scan.z[left, 2] + own)[:, None] * unit
        radial2 = scan.covariance[left, 2, 2]
    spread[:, 2:4, 2:4] = radial2[:, None, None] * along2 + speed2[:, None, None] * across2
    spread[:, 4, 4] = 0.3**2
    spread[:, _SIZES, _SIZES] = COVARIANCE[kind]
    follows = np.tile(np.eye(SIZE), (n, 1, 1))
    follows[:, :2, LENGTH] = half[:, :1] * unit
    spread = follows @ spread @ follows.swapaxes(-1, -2)
    new = Mixture(
        np.repeat(mean[:, None], MODELS, 1),
        np.repeat(spread[:, None], MODELS, 1),
        np.tile([0.8, 0.2], (n, 1)),
    )
    return _outlined(new, scan, left) if scan.z.shape[1] == OUTLINE else new


def _outlined(new: Mixture, scan: Scan, left: Indices) -> Mixture:
    """With the size that the outline tells; the depth has been used, and without it the height."""
    noise = scan.covariance[left].copy()
    blind = noise[:, 0, 0] >= NOTHING
    noise[:, 0, 0] = NOTHING
    noise[blind, 3, 3] = NOTHING
    expected, jacobian, blur = observe(new.mean, scan.pose, OUTLINE)
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
