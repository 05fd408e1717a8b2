"""One epoch's result, and what is known about its fix."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from positioning.gnss.rtk.arrays import F64
from positioning.gnss.rtk.epoch import NUMBERS
from positioning.gnss.solution import Quality, Solution


@dataclass(frozen=True, slots=True)
class Integrity:
    """What is known about one epoch's fix; arrays (E,) over a file, for who learns to doubt it.

    numbers: (E, NUMBERS) float64, columns as the properties below.
    """

    numbers: F64

    @property
    def ratio(self) -> F64:
        """Squared norm of the second nearest integers over the nearest."""
        return self.numbers[:, 0]

    @property
    def success_rate(self) -> F64:
        """Bootstrapped, of the combinations that were fixed."""
        return self.numbers[:, 1]

    @property
    def fixed(self) -> F64:
        """How many combinations of ambiguities were fixed."""
        return self.numbers[:, 2]

    @property
    def ambiguities(self) -> F64:
        """How many double-differenced ambiguities there were to fix."""
        return self.numbers[:, 3]

    @property
    def phase_rms_m(self) -> F64:
        """Of the phases under the epoch's solution."""
        return self.numbers[:, 4]

    @property
    def phase_misfit(self) -> F64:
        """The same as chi-square per degree of freedom."""
        return self.numbers[:, 5]

    @property
    def codes_used(self) -> F64:
        """Codes that passed their innovation test."""
        return self.numbers[:, 6]

    @property
    def phases_used(self) -> F64:
        """Phases that passed theirs."""
        return self.numbers[:, 7]

    @property
    def phases_refused(self) -> F64:
        """Phases that did not."""
        return self.numbers[:, 8]

    @property
    def slips_found(self) -> F64:
        """Slips that the receivers had not told of."""
        return self.numbers[:, 9]

    @property
    def code_scale(self) -> F64:
        """Error of the codes over the model's."""
        return self.numbers[:, 10]

    @property
    def satellites(self) -> F64:
        """Satellites whose phases were used."""
        return self.numbers[:, 11]

    @property
    def ambiguity_misfit(self) -> F64:
        """Chi-square per degree of freedom of the float ambiguities under their integers."""
        return self.numbers[:, 12]

    @property
    def streak(self) -> F64:
        """Fixes in a row that agreed with each other, less those that did not; 10 at most."""
        return self.numbers[:, 13]

    @property
    def held(self) -> F64:
        """1 where the integers are those of an earlier fix."""
        return self.numbers[:, 14]


@dataclass(frozen=True, slots=True)
class Epoch:
    """One solved epoch: ECEF position (3,) m, its covariance (3, 3), and how it came about."""

    week: int
    tow_s: float
    position_m: F64
    covariance_m2: F64
    quality: Quality
    satellites: int
    age_s: float
    numbers: F64


def gather(epochs: Sequence[Epoch]) -> tuple[Solution, Integrity]:
    """Epochs as arrays."""
    solution = Solution(
        week=np.array([e.week for e in epochs], np.int32),
        tow_s=np.array([e.tow_s for e in epochs], np.float64),
        position_m=np.array([e.position_m for e in epochs]).reshape(-1, 3),
        covariance_m2=np.array([e.covariance_m2 for e in epochs]).reshape(-1, 3, 3),
        quality=np.array([e.quality for e in epochs], np.int8),
        satellites=np.array([e.satellites for e in epochs], np.int16),
        age_s=np.array([e.age_s for e in epochs], np.float32),
        ratio=np.array([e.numbers[0] for e in epochs], np.float32),
    )
    return solution, Integrity(np.array([e.numbers for e in epochs]).reshape(-1, NUMBERS))
