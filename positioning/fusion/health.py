"""Whether a sensor is there, and whether what it says fits what is expected of it.

The mean normalised innovation squared of a sound sensor is the size of its measurement (Bar-Shalom
et al. 2001, section 5.4). A sensor above that has its covariance enlarged by as much, so that it
weighs less; one that is silent for several of its periods is told as missing.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

MEMORY = 60  # detections that the average remembers
DOUBTED, LIMIT = 2.5, 5.0  # a single stray detection moves the average by little
PERIODS = 5


class Verdict(Enum):
    """Of a sensor."""

    GOOD = "good"
    DOUBTED = "doubted"
    MISSING = "missing"


@dataclass(slots=True)
class Watch:
    """One sensor. period_s: between its scans. ratio: of its innovations to what is expected."""

    period_s: float
    ratio: float = 1.0
    last_s: float = -np.inf

    def heard(self, time_s: float, nis: Floats, size: int) -> None:
        """A scan, with the normalised innovations squared of the sure tracks nearest to it."""
        self.last_s = max(self.last_s, time_s)
        for one in np.minimum(nis / size, LIMIT):
            self.ratio += (float(one) - self.ratio) / MEMORY

    def verdict(self, now_s: float) -> Verdict:
        """At a time of the tracker's clock."""
        if now_s - self.last_s > PERIODS * self.period_s:
            return Verdict.MISSING
        return Verdict.DOUBTED if self.ratio > DOUBTED else Verdict.GOOD

    @property
    def enlarged(self) -> float:
        """Factor on the sensor's covariance: 1 while its innovations are as expected."""
        return float(np.clip(self.ratio, 1.0, LIMIT))
