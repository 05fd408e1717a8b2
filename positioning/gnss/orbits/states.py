"""Satellites at a time: what every source of orbits gives."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

F64 = NDArray[np.float64]
I64 = NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class SatelliteStates:
    """N satellites, each at its own time, NaN where there is no ephemeris.

    position_m, velocity_mps: (N, 3), ECEF of that very time (no turn of the Earth in flight).
    clock_s, clock_rate: (N,), ahead of GPS time (GLONASS: of its own), with the relativistic term,
    without group delay. variance_m2: (N,), of the range that the source promises. healthy: (N,).
    """

    position_m: F64
    velocity_mps: F64
    clock_s: F64
    clock_rate: F64
    variance_m2: F64
    healthy: NDArray[np.bool_]


class Orbits(Protocol):
    """A source of orbits and clocks."""

    def states(
        self, satellite: NDArray[np.int16], week: NDArray[np.int32], tow_s: F64
    ) -> SatelliteStates:
        """States of satellites (N,) at GPS times of transmission (N,)."""
        ...
