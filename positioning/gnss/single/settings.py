"""What single point assumes of receiver, street and vehicle."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Settings:
    """Round figures of the literature, not fitted to any recording.

    code_floor_m2, code_slope_m2hz: variance of a pseudorange, floor + slope 10^(-C/N0 / 10), for
    lightly degraded signals (Kuusniemi 2005). rate_floor_m2ps2, rate_slope_m2ps2hz: the same of a
    range rate. late, early: sigmas from where on a pseudorange is doubted that is longer or shorter
    than expected: a reflection only ever comes late, so that little else makes one short. rate:
    the same of a range rate, either way. correlation_s: for so long reflections last, so that
    epochs closer than this tell of one thing. drive_m2ps3: spectral density of the vehicle's
    acceleration, horizontal and vertical. climb_mps: usual vertical speed on a road. clock_m2ps,
    drift_m2ps3: spectral densities of a TCXO's phase and frequency. bias_m2ps: of the clocks
    between systems. mask_rad: lowest elevation.
    """

    code_floor_m2: float = 10.0
    code_slope_m2hz: float = 150.0**2
    rate_floor_m2ps2: float = 0.05**2
    rate_slope_m2ps2hz: float = 20.0
    late: float = 2.0
    early: float = 6.0
    rate: float = 2.0
    correlation_s: float = 5.0
    drive_m2ps3: tuple[float, float] = (4.0, 0.1)
    climb_mps: float = 0.2
    clock_m2ps: float = 0.01
    drift_m2ps3: float = 0.05
    bias_m2ps: float = 1e-4
    mask_rad: float = np.radians(5.0)

    def code_sigma_m(
        self, cn0_dbhz: NDArray[np.float64], told_m2: NDArray[np.float64] | None = None
    ) -> NDArray[np.float64]:
        """Standard deviation of pseudoranges of these C/N0, or, over the same floor, as told (M,)
        where that is not NaN."""
        street = self.code_slope_m2hz * 10 ** (-cn0_dbhz / 10)
        if told_m2 is not None:
            street = np.where(np.isnan(told_m2), street, told_m2)
        return np.sqrt(self.code_floor_m2 + street)

    def rate_sigma_mps(self, cn0_dbhz: NDArray[np.float64]) -> NDArray[np.float64]:
        """Standard deviation of range rates of these C/N0."""
        power = 10 ** (-cn0_dbhz / 10)
        return np.sqrt(self.rate_floor_m2ps2 + self.rate_slope_m2ps2hz * power)
