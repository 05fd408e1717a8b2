"""Partial ambiguity resolution: the most precise ambiguities that can be trusted, fixed.

Decorrelate; keep the most precise ones that together succeed often enough (Teunissen et al. 1999,
"Geometry-free ambiguity success rates in case of partial fixing"; Verhagen et al. 2011); search
their two nearest integer vectors; believe the nearest if the other is worse by the ratio that
keeps the rate of wrong fixes. If not, leave out the least precise of them and ask again.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from positioning.gnss.ambiguity.acceptance import required_ratio
from positioning.gnss.ambiguity.decorrelation import (
    F64,
    checked_covariance,
    factor,
    reduce,
    workspace,
)
from positioning.gnss.ambiguity.errors import AmbiguityError
from positioning.gnss.ambiguity.search import search
from positioning.gnss.ambiguity.success import bootstrapped, first_reliable
from positioning.jit import compiled

_LEFT_OUT = 8  # each further attempt leaves out one in this many
_ATTEMPTS = 6


@dataclass(frozen=True, slots=True)
class Resolution:
    """combination @ ambiguities = integers, for m of n combinations, and how far to believe it.

    combination: (m, n) float64 holding integers; m = n says that every ambiguity is resolved.
    integers: (m,) float64 holding integers.
    upper, variance: (m, m), (m,) factors U diag(d) U' of the combinations' covariance.
    ratio: squared norm of the second nearest over the nearest; required: what was asked of it.
    norm: squared norm of the nearest, chi-square with m degrees of freedom if the model holds.
    success: bootstrapped success rate of the m.
    """

    combination: F64
    integers: F64
    upper: F64
    variance: F64
    ratio: float
    required: float
    norm: float
    success: float

    @property
    def accepted(self) -> bool:
        """Whether the integers are to be believed."""
        return len(self.integers) > 0 and self.ratio >= self.required

    def resolved(self) -> F64 | None:
        """(n,) the integer ambiguities themselves, where every one was resolved."""
        count, of = self.combination.shape
        return np.rint(np.linalg.solve(self.combination, self.integers)) if count == of else None


def resolve(
    ambiguities: F64,
    covariance: F64,
    *,
    least_success: float = 0.995,
    least_ratio: float = 1.0,
    least_count: int = 4,
) -> Resolution:
    """Resolve float ambiguities (n,), cycles, of (n, n) covariance, cycles^2.

    least_ratio: a floor under the ratio that the fixed failure rate asks for.
    least_count: fewer combinations than this (or than n) are not worth fixing.
    Raises AmbiguityError on a covariance that is none and on values that are not finite.
    """
    checked_covariance(covariance)
    if ambiguities.shape != (len(covariance),) or not np.all(np.isfinite(ambiguities)):
        raise AmbiguityError(f"{len(covariance)} finite ambiguities expected")
    found = resolve_kernel(ambiguities, covariance, least_success, least_ratio, least_count)
    return Resolution(*found)


Found = tuple[F64, F64, F64, F64, float, float, float, float]


@compiled
def _two_nearest(z: F64, upper: F64, variance: F64) -> tuple[bool, F64, F64]:
    best, costs = np.zeros((2, len(z))), np.zeros(2)
    done = search(z, upper, variance, best, costs)
    return done, best[0].copy(), costs


@compiled
def resolve_kernel(
    ambiguities: F64, covariance: F64, least_success: float, least_ratio: float, least_count: int
) -> Found:
    """`resolve` for compiled callers: the fields of Resolution; no combinations if unresolved."""
    n = len(ambiguities)
    nothing = (np.zeros((0, n)), np.zeros(0), np.zeros((0, 0)), np.zeros(0))
    upper, variance, transform = workspace(n)
    if n == 0 or not factor(covariance, upper, variance):
        return (*nothing, 0.0, 1.0, np.inf, 0.0)
    reduce(upper, variance, transform)
    whole = np.rint(ambiguities)  # kept apart: the search needs the digits after the point
    z = transform @ (ambiguities - whole)
    first = first_reliable(variance, least_success)
    ratio, required, norm = 0.0, 1.0, np.inf
    for _ in range(_ATTEMPTS):
        if n - first < min(least_count, n):
            break
        sub_upper, sub_variance = upper[first:, first:].copy(), variance[first:].copy()
        done, integers, costs = _two_nearest(z[first:].copy(), sub_upper, sub_variance)
        if done:
            success = bootstrapped(sub_variance)
            ratio, norm = min(costs[1] / max(costs[0], 1e-9), 999.9), costs[0]
            required = max(least_ratio, required_ratio(n - first, 1.0 - success))
            if ratio >= required:
                combination = transform[first:].copy()
                integers += combination @ whole
                return (
                    combination,
                    integers,
                    sub_upper,
                    sub_variance,
                    ratio,
                    required,
                    norm,
                    success,
                )
        first += 1 + (n - first) // _LEFT_OUT
    return (*nothing, ratio, required, norm, 0.0)
