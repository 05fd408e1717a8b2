"""Which detection belongs to which track: gate, then global nearest neighbour."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from positioning.fusion.observe import wrap

Floats = NDArray[np.float64]
Indices = NDArray[np.int64]

FAR = 1e6
WIDE = 4.0
SPREADS, SHARES = np.array([1.0, WIDE**2]), np.array([0.9, 0.1])


@dataclass(frozen=True, slots=True, eq=False)
class Distances:
    """Between T tracks and N detections. innovation (T, N, d). squared (T, N): Mahalanobis distance
    under the likelier of two spreads of the detection, plain: under the usual one; cost: -2 log
    likelihood without its constant; wide (T, N): factor on the detection's covariance."""

    innovation: Floats
    squared: Floats
    plain: Floats
    cost: Floats
    wide: Floats


def distances(
    z: Floats, expected: Floats, spread: Floats, covariance: Floats, angles: list[int]
) -> Distances:
    """Of detections (N, d) with covariance (N, d, d) from expectations (T, d) with covariance
    (T, d, d). angles: which of the d are angles. Errors have heavy tails: a detection is as good as
    it says, or one in ten times WIDE as bad."""
    innovation = z[None] - expected[:, None]
    innovation[..., angles] = wrap(innovation[..., angles])
    total = spread[:, None, None] + SPREADS[:, None, None] * covariance[:, None]
    inverse = np.linalg.inv(total)
    squared = np.einsum("tni,tnkij,tnj->tnk", innovation, inverse, innovation)
    cost = squared + np.linalg.slogdet(total)[1] - 2 * np.log(SHARES)
    best = cost.argmin(-1)[..., None]
    return Distances(
        innovation,
        np.take_along_axis(squared, best, -1)[..., 0],
        squared[..., 0],
        np.take_along_axis(cost, best, -1)[..., 0],
        SPREADS[best[..., 0]],
    )


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
