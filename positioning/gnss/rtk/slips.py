"""Cycle slips that no receiver told of, found between two epochs.

The change of every differenced phase, less that of its range, is a shift of the rover and one
clock, alike for all signals. Where a signal fits the others worse than noise allows it has
slipped: data snooping (Baarda 1968), the worst first, on time-differenced phase. Where there are
too few signals for that, two bands of a satellite must still change alike (geometry-free).
"""

from __future__ import annotations

import numpy as np

from positioning.gnss.rtk.arrays import F64, I64, Differences, Flags
from positioning.jit import compiled

_SPARE = 3  # signals beyond the unknowns, for a snooping that can point at one
_UNLIKE_M = 0.05  # change of the geometry-free phase that noise and ionosphere do not reach
_WALK_M = 0.001  # of what is not modelled, over sqrt(s)


@compiled
def changes(differences: Differences, now_m: F64, before_key: I64, before_m: F64) -> F64:
    """(M,) phase less range, now less before, m; NaN where there was none before."""
    order = np.argsort(before_key)
    there = np.searchsorted(before_key[order], differences.key)
    change = np.full(len(now_m), np.nan)
    for m in range(len(now_m)):
        if there[m] < len(order) and before_key[order[there[m]]] == differences.key[m]:
            change[m] = now_m[m] - before_m[order[there[m]]]
    return change


@compiled
def snoop(
    change: F64, variance: F64, directions: F64, still: bool, gate: float
) -> tuple[bool, Flags]:
    """Whether the changes could be judged, and which of them are slips (M,)."""
    unknowns = 1 if still else 4
    slipped = np.zeros(len(change), np.bool_)
    use = np.isfinite(change)
    while np.sum(use) >= unknowns + _SPARE:
        rows = np.flatnonzero(use)
        design = np.ones((len(rows), unknowns))
        for axis in range(unknowns - 1):
            design[:, axis + 1] = -directions[rows, axis]
        weight = 1.0 / variance[rows]
        weighted = design * weight.reshape(-1, 1)
        inverse = np.linalg.inv(design.T @ weighted + 1e-6 * np.eye(unknowns))
        fitted = design @ (inverse @ (weighted.T @ change[rows]))
        spread = np.sum((design @ inverse) * design, axis=1)
        left = np.maximum(variance[rows] - spread, 0.01 * variance[rows])
        size = np.abs(change[rows] - fitted) / np.sqrt(left)
        worst = np.argmax(size)
        if size[worst] < gate:
            return True, slipped
        slipped[rows[worst]] = True
        use[rows[worst]] = False
    return False, slipped


@compiled
def unlike_bands(differences: Differences, change: F64) -> Flags:
    """(M,) both bands of a satellite whose phases did not change alike."""
    slipped = np.zeros(len(change), np.bool_)
    for m in range(1, len(change)):
        for other in range(max(m - 2, 0), m):
            same = differences.satellite[m] == differences.satellite[other]
            if same and abs(change[m] - change[other]) > _UNLIKE_M:
                slipped[m] = slipped[other] = True
    return slipped


@compiled
def find_slips(
    differences: Differences,
    now_m: F64,
    directions: F64,
    before: tuple[I64, F64, float],
    still: bool,
    gate: float,
) -> Flags:
    """(M,) slips by any of the tests; `before`: keys, phases less ranges, and the time since, s."""
    before_key, before_m, elapsed_s = before
    change = changes(differences, now_m, before_key, before_m)
    variance = 2.0 * differences.phase_m2 + _WALK_M**2 * elapsed_s
    judged, slipped = snoop(change, variance, directions, still, gate)
    return slipped if judged else unlike_bands(differences, change)
