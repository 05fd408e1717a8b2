"""Observations as the filter takes them: satellites placed, phases in metres, signals numbered."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from positioning.gnss.observations import Observations
from positioning.gnss.orbits.states import Orbits
from positioning.gnss.rtk.arrays import F64, I64, Receiver
from positioning.gnss.rtk.difference import base_residuals
from positioning.gnss.satellite import BANDS, SPEED_OF_LIGHT_MPS, SYSTEMS

WEEK_S = 604_800.0


def receiver(
    observations: Observations, orbits: Orbits, systems: str, variance_m2: F64 | None = None
) -> Receiver:
    """A rover's rows; those of systems that are not wanted get no satellite and go unused."""
    place, clock_m = transmitted(observations, orbits)
    wanted = np.array([letter in systems for letter in SYSTEMS])
    clock_m[~wanted[observations.satellite // 100]] = np.nan
    wavelength = SPEED_OF_LIGHT_MPS / observations.frequency_hz
    rows = len(observations.satellite)
    return Receiver(
        satellite=observations.satellite,
        tracking=tracking(observations.signal),
        satellite_m=place,
        clock_m=clock_m,
        code_m=observations.code_m,
        phase_m=observations.phase_cycles * wavelength,
        wavelength_m=wavelength,
        cn0_dbhz=observations.cn0_dbhz,
        slip=observations.slip,
        half=observations.half_cycle,
        elevation_rad=np.full(rows, np.nan),
        variance_m2=np.full((rows, BANDS, 2), np.nan) if variance_m2 is None else variance_m2,
    )


def base_receiver(
    observations: Observations, orbits: Orbits, systems: str, position_m: F64
) -> Receiver:
    """A base's rows, their codes and phases less what its known position (3,) explains."""
    base = receiver(observations, orbits, systems)
    base = base._replace(code_m=base.code_m.copy())
    base_residuals(base, position_m)
    return base


def transmitted(observations: Observations, orbits: Orbits) -> tuple[F64, F64]:
    """(N, 3) where each row's satellite was at transmission and (N,) its clock in m.

    NaN where the orbits know nothing, the satellite is not healthy, or no code was observed.
    """
    epoch = observations.epoch_of_row
    flight_s = first_finite(observations.code_m) / SPEED_OF_LIGHT_MPS
    told_s = observations.tow_s[epoch] - flight_s
    states = orbits.states(observations.satellite, observations.week[epoch], told_s)
    # told_s is by the satellite's clock, up to 1 ms from GPS time: carry the satellite back by it
    place = states.position_m - states.velocity_mps * states.clock_s[:, None]
    clock_m = SPEED_OF_LIGHT_MPS * states.clock_s * (1 - states.clock_rate)
    clock_m[~states.healthy] = np.nan
    return place, clock_m


def tracking(signal: NDArray[np.bytes_]) -> I64:
    """(N, BANDS) a number below 2048 for each signal name like b"1C"; 0 for none."""
    letters = np.ascontiguousarray(signal).view(np.uint8).reshape(*signal.shape, 2)
    digits, attributes = letters[..., 0].astype(np.int64), letters[..., 1].astype(np.int64)
    return np.where(digits > 0, (digits % 16) * 128 + attributes % 128, 0)


def times(observations: Observations) -> F64:
    """(E,) GPS time of each epoch in s, continuous over weeks."""
    return observations.week * WEEK_S + observations.tow_s


def first_finite(values: F64) -> F64:
    """(N,) the first finite value of each row (N, k), NaN if there is none."""
    out = values[:, 0].copy()
    for band in range(1, values.shape[1]):
        missing = np.isnan(out)
        out[missing] = values[missing, band]
    return out
