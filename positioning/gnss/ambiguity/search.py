"""The integer vectors nearest to a float one, in the metric of its covariance.

Depth first from the most precise ambiguity, nearest integers first (Schnorr and Euchner 1994),
in an ellipsoid that shrinks to the worst kept candidate as soon as there are as many as were
asked for (Chang, Yang and Zhou 2005, J. Geodesy 79, 552).
"""

from __future__ import annotations

import numpy as np

from positioning.gnss.ambiguity.decorrelation import F64
from positioning.jit import compiled, reordered

MOST_STEPS = 200_000  # of one search: a float solution that needs more is not worth fixing


@reordered
def _conditional(z: F64, gap: F64, row: F64, k: int) -> float:
    """Float ambiguity k given the integers chosen after it; gap = integer - conditional float."""
    value = float(z[k])
    for i in range(k + 1, len(z)):
        value += row[i] * gap[i]
    return float(value)


@compiled
def _keep(best: F64, costs: F64, found: int, integers: F64, cost: float) -> int:
    """Insert a candidate by its cost into the sorted ones; how many there are now."""
    count = len(costs)
    at = min(found, count - 1)
    while at > 0 and costs[at - 1] > cost:
        costs[at] = costs[at - 1]
        best[at] = best[at - 1]
        at -= 1
    costs[at] = cost
    best[at] = integers
    return min(found + 1, count)


@compiled
def search(z: F64, upper: F64, variance: F64, best: F64, costs: F64) -> bool:
    """Fill `best` (m, n) and `costs` (m,), squared norms rising, with the m nearest to z (n,).

    False where MOST_STEPS did not exhaust the ellipsoid; best and costs are then of no use.
    """
    n, count = len(z), len(costs)
    integers, gap, step = np.zeros(n), np.zeros(n), np.zeros(n)
    centre, above = np.zeros(n), np.zeros(n)
    costs[:] = np.inf
    found, k, radius, descend = 0, n - 1, np.inf, True
    for _ in range(MOST_STEPS):
        if descend:
            centre[k] = _conditional(z, gap, upper[k], k)
            integers[k] = np.rint(centre[k])
            step[k] = 1.0 if centre[k] >= integers[k] else -1.0
        gap[k] = integers[k] - centre[k]
        cost = above[k] + gap[k] ** 2 / variance[k]
        descend = False
        if cost < radius:
            if k > 0:
                k -= 1
                above[k] = cost
                descend = True
                continue
            found = _keep(best, costs, found, integers, cost)
            if found == count:
                radius = costs[count - 1]
        else:
            if k == n - 1:
                return found == count
            k += 1
        integers[k] += step[k]
        step[k] = -step[k] - (1.0 if step[k] > 0 else -1.0)
    return False


def nearest(z: F64, upper: F64, variance: F64, count: int) -> tuple[F64, F64] | None:
    """The `count` nearest integer vectors (count, n) and their squared norms, or None: too many."""
    best, costs = np.zeros((count, len(z))), np.zeros(count)
    if not search(z, upper, variance, best, costs):
        return None
    return best, costs
