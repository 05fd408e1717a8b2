"""Distances between a set of tracks and the truth: GOSPA and OSPA.

Rahmathullah, Garcia-Fernandez and Svensson, FUSION 2017; Schuhmacher, Vo and Vo, IEEE Trans.
Signal Processing 56:3447, 2008.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Gospa:
    """value: in metres. localisation, missed, false: the parts of value^p. pairs (K, 2): index of
    truth and track."""

    value: float
    localisation: float
    missed: float
    false: float
    pairs: NDArray[np.int64]


def gospa(truth: Floats, tracks: Floats, cutoff_m: float = 4.0, power: float = 2.0) -> Gospa:
    """With alpha = 2, of positions (N, D) and (M, D): a miss or a false track costs c^p / 2."""
    from scipy.optimize import linear_sum_assignment

    n, m = len(truth), len(tracks)
    apart = np.linalg.norm(truth[:, None] - tracks[None], axis=-1).reshape(n, m)
    cost = np.minimum(apart, cutoff_m) ** power
    row, column = linear_sum_assignment(cost)
    near = apart[row, column] < cutoff_m
    pairs = np.stack([row[near], column[near]], axis=1).astype(np.int64)
    local = float(cost[row[near], column[near]].sum())
    alone = cutoff_m**power / 2
    missed, false = alone * (n - len(pairs)), alone * (m - len(pairs))
    return Gospa((local + missed + false) ** (1 / power), local, missed, false, pairs)


def ospa(truth: Floats, tracks: Floats, cutoff_m: float = 4.0, power: float = 2.0) -> float:
    """Metres a track; 0 for two empty sets, the cutoff where one of them is empty."""
    from scipy.optimize import linear_sum_assignment

    n, m = len(truth), len(tracks)
    if not n or not m:
        return 0.0 if n == m else cutoff_m
    apart = np.linalg.norm(truth[:, None] - tracks[None], axis=-1)
    cost = np.minimum(apart, cutoff_m) ** power
    row, column = linear_sum_assignment(cost)
    total = cost[row, column].sum() + cutoff_m**power * abs(n - m)
    return float((total / max(n, m)) ** (1 / power))
