"""Miss rate and false rate of decisions, each with its one-sided 95 % bounds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import ArrayLike

from common.acceptance.statistics import CONFIDENCE, rate_bounds


@dataclass(frozen=True, slots=True)
class Rate:
    """`events` of `n` trials. low, high: Clopper-Pearson bounds, each one-sided."""

    events: int
    n: int
    low: float
    high: float

    @classmethod
    def of(cls, events: int, n: int, confidence: float = CONFIDENCE) -> Self:
        """ValueError where `n` is 0: there is then no rate to speak of."""
        return cls(events, n, *rate_bounds(events, n, confidence))

    @property
    def value(self) -> float:
        return self.events / self.n


@dataclass(frozen=True, slots=True)
class Rates:
    """miss: defective parts let through; false: good parts rejected; None where there were none."""

    miss: Rate | None
    false: Rate | None


def rates(is_defect: ArrayLike, is_rejected: ArrayLike, confidence: float = CONFIDENCE) -> Rates:
    """From the truth and the decision of each part, (N,) bool each."""
    truth, decision = np.asarray(is_defect, np.bool_), np.asarray(is_rejected, np.bool_)
    if truth.ndim != 1 or truth.shape != decision.shape:
        raise ValueError(f"is_defect {truth.shape}, is_rejected {decision.shape} must both be (N,)")
    return Rates(_rate(~decision[truth], confidence), _rate(decision[~truth], confidence))


def _rate(events: ArrayLike, confidence: float) -> Rate | None:
    hit = np.asarray(events, np.bool_)
    return Rate.of(int(hit.sum()), len(hit), confidence) if len(hit) else None
