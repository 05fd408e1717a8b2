"""The decision threshold, chosen on a bound of the miss rate, not on F1.

A part is rejected at score >= threshold. With defects at hand, the threshold is the largest one
whose miss rate, bounded from above (Clopper and Pearson 1934), holds the target: that is the
fewest false alarms that the promise allows. With good parts only, nothing is known of misses;
the threshold then bounds the false rate, and says that it does.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from math import inf, isfinite
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from common.acceptance.statistics import n_for_zero_failures, upper_bound

Basis = Literal["miss-bound", "zero-miss", "false-bound", "max-good"]
Scores = NDArray[np.floating[Any]]


@dataclass(frozen=True, slots=True)
class Threshold:
    """A threshold and what is known of it.

    basis: "miss-bound": the upper bound of the miss rate holds the target. "zero-miss": there
        were too few defects for that (n_needed says how many it takes without a miss); the
        threshold lies `margin` below the lowest defect that was found at all. "false-bound":
        good parts only, the upper bound of the false rate holds the target. "max-good": too few
        good parts for that; the threshold lies `margin` above the highest good score.
    misses, n_defects, miss_high: misses at this threshold among the defects and the upper bound
        of their rate; false_alarms, n_good, false_high the same among good parts.
    confidence: of each one-sided bound.
    """

    value: float
    basis: Basis
    target: float
    confidence: float
    margin: float
    misses: int
    n_defects: int
    miss_high: float | None
    false_alarms: int
    n_good: int
    false_high: float | None
    n_needed: int

    def to_json(self) -> dict[str, Any]:
        """As a job file holds it."""
        return asdict(self)

    def sentence(self) -> str:
        """What to tell the person who teaches."""
        if self.basis == "miss-bound":
            return (
                f"{self.misses} of {self.n_defects} defects missed; at most "
                f"{self.miss_high:.2%} with {self.confidence:.0%} confidence"
            )
        if self.basis == "zero-miss":
            return (
                f"{self.misses} of {self.n_defects} defects missed; to promise at most "
                f"{self.target:.2%} takes {self.n_needed} defects without a miss, so the "
                f"threshold lies {self.margin:.3g} below the weakest defect found"
            )
        what = f"good parts only: {self.false_alarms} of {self.n_good} good rejected"
        if self.basis == "false-bound":
            return f"{what}, at most {self.false_high:.2%}; nothing is promised of misses"
        return (
            f"{what}; to promise at most {self.target:.2%} takes {self.n_needed} good samples, "
            f"so the threshold lies {self.margin:.3g} above the worst good score; nothing is "
            f"promised of misses"
        )


def _allowed(n: int, target: float, confidence: float) -> int:
    """The most failures in n whose upper bound still holds the target; -1 if not even none."""
    k = -1
    while k + 1 < n and upper_bound(k + 1, n, confidence) <= target:
        k += 1
    return k


def on_misses(
    defects: Scores, good: Scores, target: float = 0.003, confidence: float = 0.95
) -> Threshold:
    """The largest threshold whose miss bound holds `target`.

    defects: (N,) scores of true defects by a method that was not taught on them; -inf where the
        method found nothing. good: (M,) scores of good parts (or of false finds), likewise.
    """
    ranked = np.sort(np.asarray(defects, np.float64))
    if not len(ranked) or not np.isfinite(ranked[-1]):
        raise ValueError("no defect was found at any score: nothing to choose a threshold on")
    allowed = _allowed(len(ranked), target, confidence)
    basis: Basis = "miss-bound"
    margin = 0.0
    if allowed < 0 or not isfinite(ranked[allowed]):
        basis = "zero-miss"
        found = ranked[np.isfinite(ranked)]
        margin = max(_margin(found), _half_way(float(found[0]), good))
        value = float(found[0]) - margin
    else:
        value = float(ranked[allowed])
    return _told(value, basis, ranked, good, target, confidence, margin)


def on_good(good: Scores, target: float = 0.01, confidence: float = 0.95) -> Threshold:
    """With good parts only: the smallest threshold whose false-rate bound holds `target`."""
    ranked = np.sort(np.asarray(good, np.float64))[::-1]
    if not len(ranked):
        raise ValueError("no good sample: nothing to choose a threshold on")
    allowed = _allowed(len(ranked), target, confidence)
    if allowed < 0:
        margin = _margin(ranked[::-1])
        return _told(
            float(ranked[0]) + margin, "max-good", np.empty(0), good, target, confidence, margin
        )
    value = float(np.nextafter(ranked[allowed], inf))
    return _told(value, "false-bound", np.empty(0), good, target, confidence, 0.0)


def _half_way(weakest: float, good: Scores) -> float:
    """Half of what lies between the weakest defect and the highest good score; 0 where they
    overlap. Strong defects may all score alike, as far as a network's numbers go: their own
    spread then says nothing of weaker ones."""
    highest = float(np.max(good, initial=-inf))
    return (weakest - highest) / 2 if -inf < highest < weakest else 0.0


def _margin(ranked: Scores) -> float:
    """A tenth of the interquartile range, the scale on which such scores differ; never so little
    that it would vanish when added to one of them."""
    low, high = np.percentile(ranked, [25, 75])
    return max(float(high - low) / 10, float(2 * np.spacing(np.abs(ranked).max())))


def _told(
    value: float,
    basis: Basis,
    defects: Scores,
    good: Scores,
    target: float,
    confidence: float,
    margin: float,
) -> Threshold:
    misses = int((np.asarray(defects) < value).sum())
    false = int((np.asarray(good) >= value).sum())
    return Threshold(
        value=value,
        basis=basis,
        target=target,
        confidence=confidence,
        margin=margin,
        misses=misses,
        n_defects=len(defects),
        miss_high=upper_bound(misses, len(defects), confidence) if len(defects) else None,
        false_alarms=false,
        n_good=len(good),
        false_high=upper_bound(false, len(good), confidence) if len(good) else None,
        n_needed=n_for_zero_failures(target, confidence),
    )
