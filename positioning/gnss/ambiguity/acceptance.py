"""Is the nearest integer vector to be believed? The ratio test with a fixed failure rate.

The second nearest must be farther by a ratio that keeps the chance of a wrong fix at FAILURE,
whatever the model's strength: a strong model needs hardly any, a weak one much (Verhagen and
Teunissen 2013, GPS Solutions 17, 535). The ratio depends on the number of ambiguities and on how
often least squares fails; `simulated_ratio` finds it, RATIOS holds what it found.
"""

from __future__ import annotations

import numpy as np

from positioning.gnss.ambiguity.decorrelation import F64
from positioning.gnss.ambiguity.search import search
from positioning.gnss.ambiguity.success import bootstrapped
from positioning.jit import compiled

FAILURE = 0.001
"""Accepted chance that a fix is wrong."""

COUNTS = np.array([4.0, 8.0, 16.0])
FAILURES = np.array([0.001, 0.005, 0.02, 0.05, 0.1, 0.2])
RATIOS = np.array(
    [
        [1.07, 1.66, 2.87, 5.16, 8.27, 11.2],
        [1.00, 1.49, 1.63, 2.08, 2.62, 4.06],
        [1.00, 1.00, 1.00, 1.25, 1.42, 1.66],
    ]
)
"""(counts, failures) ratio to ask for, the larger of two skies of single-epoch double differences
on one and on two frequencies, 40,000 simulated float vectors each. FAILURES are bootstrapped ones;
more than 16 ambiguities ask for less, and get 16's."""


@compiled
def required_ratio(count: int, failure: float) -> float:
    """Ratio to ask of `count` ambiguities whose bootstrapped failure rate is `failure`.

    Between the nodes linear in log count and log failure; beyond them as at the last.
    """
    if failure <= FAILURE:
        return 1.0
    row, across = _place(np.log(COUNTS), np.log(max(count, 1)))
    column, along = _place(np.log(FAILURES), np.log(failure))
    low = RATIOS[row, column] * (1 - along) + RATIOS[row, column + 1] * along
    high = RATIOS[row + 1, column] * (1 - along) + RATIOS[row + 1, column + 1] * along
    return float(low * (1 - across) + high * across)


@compiled
def _place(nodes: F64, value: float) -> tuple[int, float]:
    """The interval of rising nodes, and how far into it, 0 to 1."""
    at = min(max(int(np.searchsorted(nodes, value)) - 1, 0), len(nodes) - 2)
    return at, min(max((value - nodes[at]) / (nodes[at + 1] - nodes[at]), 0.0), 1.0)


@compiled
def _ratios_and_rights(upper: F64, variance: F64, normal: F64) -> tuple[F64, F64]:
    """(S,) ratio, and 1 where the nearest is right, of float errors U sqrt(d) normal (S, n)."""
    samples, n = normal.shape
    ratio, right = np.ones(samples), np.zeros(samples)
    best, costs = np.zeros((2, n)), np.zeros(2)
    for s in range(samples):
        if search(upper @ (np.sqrt(variance) * normal[s]), upper, variance, best, costs):
            ratio[s] = costs[1] / max(costs[0], 1e-12)
            right[s] = 1.0 if np.all(best[0] == 0.0) else 0.0
    return ratio, right


def simulated_ratio(
    upper: F64, variance: F64, samples: int, rng: np.random.Generator
) -> tuple[float, float]:
    """Ratio that lets FAILURE of all samples be wrong and accepted; the failure rate without it.

    upper (n, n), variance (n,): a decorrelated covariance, see decorrelation.
    """
    normal = rng.standard_normal((samples, len(variance)))
    ratio, right = _ratios_and_rights(upper, variance, normal)
    wrong = np.sort(ratio[right == 0.0])[::-1]
    allowed = int(FAILURE * samples)
    return float(wrong[allowed]) if len(wrong) > allowed else 1.0, len(wrong) / samples


def with_failure(upper: F64, variance: F64, failure: float) -> F64:
    """The variances scaled, by one factor, to a bootstrapped failure rate."""
    low, high = 1e-6, 1e6
    for _ in range(80):
        middle = np.sqrt(low * high)
        low, high = (
            (middle, high) if 1 - bootstrapped(variance * middle) < failure else (low, middle)
        )
    return variance * low
