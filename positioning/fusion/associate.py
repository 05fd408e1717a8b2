"""Which detection belongs to which track: gate, then global nearest neighbour."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Indices = NDArray[np.int64]

FAR = 1e6


def distances(z: Floats, expected: Floats, spread: Floats, angle: int = 1) -> tuple[Floats, Floats]:
    """Innovations (T, N, d) of detections (N, d) against expectations (T, d) with covariance
    (T, N, d, d), and their cost (T, N): squared Mahalanobis distance plus log determinant."""
    innovation = z[None] - expected[:, None]
    innovation[..., angle] = (innovation[..., angle] + np.pi) % (2 * np.pi) - np.pi
    inverse = np.linalg.inv(spread)
    squared: Floats = np.einsum("tni,tnij,tnj->tn", innovation, inverse, innovation)
    return innovation, squared


def nearest(cost: Floats, allowed: NDArray[np.bool_], miss_cost: Floats) -> tuple[Indices, Indices]:
    """Pairs (track, detection) of least total cost; a track left alone costs `miss_cost` (T,).

    Each track and each detection is in one pair at most, and no pair is outside `allowed` (T, N).
    """
    from scipy.optimize import linear_sum_assignment

    tracks, found = cost.shape
    table = np.full((tracks, found + tracks), FAR)
    table[:, :found] = np.where(allowed, cost, FAR)
    table[np.arange(tracks), found + np.arange(tracks)] = miss_cost
    row, column = linear_sum_assignment(table)
    paired = (column < found) & (table[row, column] < FAR)
    return row[paired].astype(np.int64), column[paired].astype(np.int64)
