"""How likely integer bootstrapping, and so at least integer least squares, is to be right.

P = prod(2 Phi(1 / (2 sigma_k)) - 1) over the conditional standard deviations of the decorrelated
ambiguities: exact for bootstrapping, a tight lower bound for least squares (Teunissen 1998,
J. Geodesy 72, 606; 1999, J. Geodesy 73, 587). Right only as far as the covariance is.
"""

from __future__ import annotations

from math import erf, sqrt

from positioning.gnss.ambiguity.decorrelation import F64
from positioning.jit import compiled


@compiled
def success_of_one(variance: float) -> float:
    """Chance that rounding an ambiguity of this variance, cycles^2, is right."""
    return float(erf(1.0 / sqrt(8.0 * variance)))


@compiled
def bootstrapped(variance: F64) -> float:
    """Chance that bootstrapping all ambiguities of these conditional variances is right."""
    chance = 1.0
    for k in range(len(variance)):
        chance *= success_of_one(variance[k])
    return chance


@compiled
def first_reliable(variance: F64, least: float) -> int:
    """Smallest k such that ambiguities k and later together succeed with at least `least`."""
    chance = 1.0
    for k in range(len(variance) - 1, -1, -1):
        chance *= success_of_one(variance[k])
        if chance < least:
            return k + 1
    return 0
