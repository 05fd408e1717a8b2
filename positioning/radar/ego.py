"""The radar's own velocity out of what stands: v_r = -(vx cos + vy sin) for all of it.

Kellner et al. 2013, "Instantaneous ego-motion estimation using Doppler radar", IEEE ITSC: the
set of detections that agree on one velocity, then least squares over it. The set is the one seen in
the most directions, not the largest: a near truck gives many detections, but out of few directions.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
TRIALS = 200
SECTOR_RAD = 0.1
LEAST = 5  # sectors in which detections must agree


def directions(azimuth_rad: Floats, elevation_rad: Floats) -> Floats:
    """(N, 2) the level part of the unit vectors towards detections."""
    level = np.cos(elevation_rad)
    return np.stack([level * np.cos(azimuth_rad), level * np.sin(azimuth_rad)], axis=1)


def over_ground(radial_mps: Floats, toward: Floats, ego_mps: Floats) -> Floats:
    """(N,) range rates with the radar's own motion taken out: zero for what stands."""
    rate: Floats = radial_mps + toward @ ego_mps
    return rate


def estimate(radial_mps: Floats, toward: Floats, tolerance_mps: float) -> Floats | None:
    """(2,) the radar's velocity, or None where too few detections agree on one."""
    count = len(radial_mps)
    if count < LEAST:
        return None
    rng = np.random.default_rng(count)
    pairs = rng.integers(0, count, (TRIALS, 2))
    matrix = -toward[pairs]
    solid = np.abs(np.linalg.det(matrix)) > 0.1
    if not solid.any():
        return None
    guesses = np.linalg.solve(matrix[solid], radial_mps[pairs[solid]][..., None])[..., 0]
    agree = np.abs(radial_mps + guesses @ toward.T) < tolerance_mps
    sector = np.floor(np.arctan2(toward[:, 1], toward[:, 0]) / SECTOR_RAD)
    spread = (agree.astype(np.float64) @ (sector[:, None] == np.unique(sector)) > 0).sum(axis=1)
    best = agree[np.argmax(spread + agree.mean(axis=1))]
    if spread.max() < LEAST:
        return None
    solution: Floats = np.linalg.lstsq(-toward[best], radial_mps[best], rcond=None)[0]
    return solution
