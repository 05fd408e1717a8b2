"""Bounds for what was counted or timed.

A report's `low` and `high` are one-sided 95 % bounds each (`rate_bounds`): a verdict looks at one
side only, and 0 of 1,000 then bounds the rate at 0.30 %. `clopper_pearson` is the two-sided
interval of the literature. scipy is imported where it is used, to keep start-up quick.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike

CONFIDENCE = 0.95


def _check(k: int, n: int, confidence: float) -> None:
    if not 0 <= k <= n or n < 1:
        raise ValueError(f"k={k} of n={n} is no count of trials")
    if not 0 < confidence < 1:
        raise ValueError(f"confidence must lie between 0 and 1, got {confidence}")


def upper_bound(k: int, n: int, confidence: float = CONFIDENCE) -> float:
    """One-sided upper Clopper-Pearson bound of a rate after k events in n trials."""
    from scipy.special import betaincinv

    _check(k, n, confidence)
    return 1.0 if k == n else float(betaincinv(k + 1, n - k, confidence))


def lower_bound(k: int, n: int, confidence: float = CONFIDENCE) -> float:
    """One-sided lower Clopper-Pearson bound of a rate after k events in n trials."""
    from scipy.special import betaincinv

    _check(k, n, confidence)
    return 0.0 if k == 0 else float(betaincinv(k, n - k + 1, 1 - confidence))


def rate_bounds(k: int, n: int, confidence: float = CONFIDENCE) -> tuple[float, float]:
    """Lower and upper bound of a rate, each one-sided at `confidence`."""
    return lower_bound(k, n, confidence), upper_bound(k, n, confidence)


def clopper_pearson(k: int, n: int, confidence: float = CONFIDENCE) -> tuple[float, float]:
    """Two-sided exact interval (Clopper and Pearson 1934, Biometrika 26:404)."""
    return rate_bounds(k, n, (1 + confidence) / 2)


def poisson_bounds(k: int, confidence: float = CONFIDENCE) -> tuple[float, float]:
    """Lower and upper bound, each one-sided at `confidence`, of the mean of a Poisson count k.

    Garwood (1936, Biometrika 28, 437); divide by the time or area watched for a rate.
    """
    from scipy.special import gammaincinv

    if k < 0 or not 0 < confidence < 1:
        raise ValueError(f"a count k >= 0 and a confidence between 0 and 1, got {k}, {confidence}")
    low = float(gammaincinv(k, 1 - confidence)) if k else 0.0
    return low, float(gammaincinv(k + 1, confidence))


def rule_of_three(n: int) -> float:
    """Approximate 95 % upper bound after no event in n trials, 3/n; `upper_bound` is exact."""
    _check(0, n, CONFIDENCE)
    return min(1.0, 3 / n)


def n_for_zero_failures(bound: float, confidence: float = CONFIDENCE) -> int:
    """Fewest trials without a failure that put the upper bound at or under `bound`."""
    if not 0 < bound < 1:
        raise ValueError(f"bound must lie between 0 and 1, got {bound}")
    n = max(1, math.ceil(math.log(1 - confidence) / math.log1p(-bound)))
    return n if upper_bound(0, n, confidence) <= bound else n + 1


def n_for_failures(k: int, bound: float, confidence: float = CONFIDENCE) -> int:
    """Fewest trials with k failures that put the upper bound at or under `bound`."""
    low, high = k, n_for_zero_failures(bound, confidence) * (k + 1)
    while upper_bound(k, high, confidence) > bound:
        high *= 2
    while high - low > 1:  # upper_bound falls as n grows
        middle = (low + high) // 2
        if upper_bound(k, middle, confidence) <= bound:
            high = middle
        else:
            low = middle
    return high


def quantile_bounds(
    samples: ArrayLike, q: float, confidence: float = CONFIDENCE
) -> tuple[float, float]:
    """One-sided bounds each of the q-quantile, from order statistics; free of distribution.

    The number of samples under the true quantile is binomial(n, q) (David and Nagaraja, Order
    Statistics, 7.1). Where n is too small for a bound, the extreme sample stands in and the side
    has less than the confidence asked for: p99 needs 299 samples for an upper bound.
    """
    from scipy.stats import binom

    ordered = np.sort(np.asarray(samples, np.float64).ravel())
    n = len(ordered)
    if n == 0 or not 0 < q < 1:
        raise ValueError(f"the {q}-quantile of {n} samples is undefined")
    upper = int(binom.ppf(confidence, n, q))
    lower = int(binom.ppf(1 - confidence, n, q)) - 1
    return float(ordered[max(lower, 0)]), float(ordered[min(upper, n - 1)])
