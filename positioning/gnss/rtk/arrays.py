"""What the compiled parts of RTK hand to each other: named tuples of arrays."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from positioning.gnss.satellite import SYSTEMS

F64 = NDArray[np.float64]
I64 = NDArray[np.int64]
Flags = NDArray[np.bool_]

GLONASS = SYSTEMS.index("R")
CORE = 3  # states before the satellites': the position


class Receiver(NamedTuple):
    """One receiver's observations, rows N as in Observations, with the satellites' part known.

    satellite: (N,) int16. tracking: (N, BANDS) int64, a number for each signal, 0 for none.
    satellite_m, clock_m: (N, 3), (N,) position at transmission and clock in m, NaN if unknown.
    code_m, phase_m: (N, BANDS) m; of a base less range, satellite clock and troposphere.
    wavelength_m: (N, BANDS). cn0_dbhz: (N, BANDS) float32. slip, half: (N, BANDS) bool.
    elevation_rad: (N,) of a base; NaN of a rover, whose position is yet to be found.
    variance_m2: (N, BANDS, 2) of code and phase, NaN where the model is to tell.
    """

    satellite: NDArray[np.int16]
    tracking: I64
    satellite_m: F64
    clock_m: F64
    code_m: F64
    phase_m: F64
    wavelength_m: F64
    cn0_dbhz: NDArray[np.float32]
    slip: Flags
    half: Flags
    elevation_rad: F64
    variance_m2: F64


class Differences(NamedTuple):
    """M signals that both receivers observed, rover less base; NaN is not observed.

    key: (M,) which satellite, band and pair of signals; group: (M,) the same without satellite:
    what shares a receiver clock and an integer datum.
    code_m, phase_m: (M,) range to the rover, its clock and the ambiguity are left in them.
    """

    key: I64
    group: I64
    satellite: I64
    wavelength_m: F64
    code_m: F64
    phase_m: F64
    code_m2: F64
    phase_m2: F64
    elevation_rad: F64
    satellite_m: F64
    slip: Flags
    half: Flags


class State(NamedTuple):
    """What the filter knows after an epoch.

    position_m: (3,) ECEF; x: (n,) corrections to it, then the satellites' states; p: (n, n).
    key: (n,) what each state is; seen_s: (n,) when it was last observed; locked: (n,) epochs
    observed without a slip; refused: (n,) epochs in a row that its innovation failed.
    before_key, before_m: (M,) single-differenced phases of the epoch before less their ranges.
    resolved: (n,) the same ambiguities as they were at the last fix, NaN if they were not there.
    streak: fixes in a row that agreed with each other, less those that did not.
    time_s: of the last epoch, continuous over weeks; NaN before the first.
    """

    position_m: F64
    x: F64
    p: F64
    key: I64
    seen_s: F64
    locked: I64
    refused: I64
    half: Flags
    before_key: I64
    before_m: F64
    resolved: F64
    streak: int
    time_s: float


def begin() -> State:
    """A filter that knows nothing."""
    none, no_keys = np.zeros(0), np.zeros(0, np.int64)
    core = np.arange(-CORE, 0, dtype=np.int64)
    return State(
        np.full(3, np.nan), np.zeros(CORE), np.zeros((CORE, CORE)), core, np.zeros(CORE),
        np.zeros(CORE, np.int64), np.zeros(CORE, np.int64), np.zeros(CORE, np.bool_),
        no_keys, none, np.full(CORE, np.nan), 0, np.nan,
    )  # fmt: skip
