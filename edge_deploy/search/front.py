"""Pareto fronts of error and cost, both the less the better."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

F64 = NDArray[np.float64]


def front(points: F64) -> NDArray[np.int64]:
    """Indices of the points (N, 2) that no other is better than in both, by rising first value."""
    kept: list[int] = []
    lowest = np.inf
    for at in np.lexsort((points[:, 1], points[:, 0])).tolist():
        if points[at, 1] < lowest:
            kept.append(at)
            lowest = points[at, 1]
    return np.array(kept, np.int64)


def hypervolume(points: F64, reference: Sequence[float]) -> float:
    """Area between the front of points (N, 2) and `reference`, which bounds both values."""
    worst = np.asarray(reference, np.float64)
    within = points[(points < worst).all(1)]
    if not len(within):
        return 0.0
    steps = within[front(within)]
    ends = np.append(steps[1:, 0], worst[0])
    return float(((ends - steps[:, 0]) * (worst[1] - steps[:, 1])).sum())
