"""A made sky: circular-like orbits, and what a receiver below them would observe exactly."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from positioning.gnss import geodesy
from positioning.gnss.navigation import GLONASS, KEPLER, Message, NavigationMessages
from positioning.gnss.observations import Observations
from positioning.gnss.orbits.broadcast import BroadcastOrbits
from positioning.gnss.satellite import BANDS, SPEED_OF_LIGHT_MPS

WEEK, TOW_S = 2300, 345_600.0
L1_HZ = 1575.42e6


def messages() -> NavigationMessages:
    """24 GPS and 24 Galileo satellites in six and three planes, with clocks and group delays."""
    kepler = np.zeros(48, dtype=KEPLER)
    for k in range(48):
        galileo = k >= 24
        planes = 3 if galileo else 6
        record = kepler[k]
        record["satellite"] = 200 + k - 23 if galileo else k + 1
        record["message"] = Message.INAV if galileo else Message.LNAV
        record["source"] = 517.0 if galileo else 1.0
        record["toc_week"] = record["toe_week"] = WEEK
        record["toc_s"] = record["toe_s"] = TOW_S
        record["sqrt_a"] = 5440.6 if galileo else 5153.7
        record["eccentricity"] = 0.005
        record["i0"], record["omega0"] = 0.97, 2 * np.pi * (k % planes) / planes
        record["m0"] = 2 * np.pi * (k // planes) / (24 // planes) + 0.3 * (k % planes)
        record["clock_bias_s"], record["clock_drift"] = 1e-5 * (k - 20), 1e-11 * (k % 5)
        record["delay0_s"] = record["delay1_s"] = 1e-9 * (k % 7)
        record["issue"], record["accuracy_m"] = 10.0 + k, 2.0
        record["crs"], record["cus"], record["cic"] = 20.0, 1e-6, 1e-7
    return NavigationMessages(kepler, np.zeros(0, dtype=GLONASS))


def observe(
    told: NavigationMessages,
    position_m: NDArray[np.float64],
    velocity_mps: NDArray[np.float64],
    clock_m: NDArray[np.float64],
    step_s: float,
) -> Observations:
    """Exact codes and Doppler of a vacuum above 10 degrees at epochs `step_s` apart.

    The turn of the Earth is done by turning the satellite, not by Sagnac's formula.
    """
    orbits = BroadcastOrbits(told)
    satellite = np.sort(told.kepler["satellite"]).astype(np.int16)
    counts, rows = [], []
    for e in range(len(position_m)):
        tow = TOW_S + e * step_s - clock_m[e] / SPEED_OF_LIGHT_MPS  # its clock is ahead by so much
        code, rate, seen = _epoch(orbits, satellite, tow, position_m[e], velocity_mps[e])
        code, rate = code + clock_m[e], rate + np.gradient(clock_m, step_s)[e]
        rows.append((satellite[seen], code[seen], -rate[seen] * L1_HZ / SPEED_OF_LIGHT_MPS))
        counts.append(int(seen.sum()))
    told_rows = [np.concatenate(column) for column in zip(*rows, strict=True)]
    return _packed(counts, step_s, *told_rows)


def _epoch(
    orbits: BroadcastOrbits,
    satellite: NDArray[np.int16],
    tow_s: float,
    receiver_m: NDArray[np.float64],
    receiver_mps: NDArray[np.float64],
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.bool_]]:
    """Codes without receiver clock, their rates, and which satellites are up."""
    week = np.full(len(satellite), WEEK, np.int32)
    flown = np.full(len(satellite), 0.075)
    for _ in range(5):
        states = orbits.states(satellite, week, tow_s - flown)
        at, moving = _turned(states.position_m, flown), _turned(states.velocity_mps, flown)
        flown = np.linalg.norm(at - receiver_m, axis=1) / SPEED_OF_LIGHT_MPS
    away = (at - receiver_m) / np.linalg.norm(at - receiver_m, axis=1)[:, None]
    delay = orbits.group_delay_s(satellite, week, tow_s - flown, np.full(len(satellite), L1_HZ))
    code = SPEED_OF_LIGHT_MPS * (flown - states.clock_s + delay)
    rate = np.sum((moving - receiver_mps) * away, axis=1)
    rate -= SPEED_OF_LIGHT_MPS * states.clock_rate
    _, elevation = geodesy.azimuth_elevation(at, receiver_m)
    return code, rate, elevation > np.radians(10)


def _turned(vectors: NDArray[np.float64], flown_s: NDArray[np.float64]) -> NDArray[np.float64]:
    angle = geodesy.EARTH_RATE_RADPS * flown_s
    s, c = np.sin(angle), np.cos(angle)
    x, y, z = vectors.T
    return np.stack([c * x + s * y, c * y - s * x, z], axis=1)


def _packed(
    counts: list[int],
    step_s: float,
    satellite: NDArray[np.int16],
    code: NDArray[np.float64],
    doppler: NDArray[np.float64],
) -> Observations:
    rows = len(satellite)
    nothing = np.full((rows, BANDS), np.nan)
    signal = np.zeros((rows, BANDS), dtype="S2")
    signal[:, 0] = b"1C"

    def first_band(values: NDArray[np.float64] | float) -> NDArray[np.float64]:
        filled = nothing.copy()
        filled[:, 0] = values
        return filled

    return Observations(
        week=np.full(len(counts), WEEK, np.int32),
        tow_s=TOW_S + step_s * np.arange(len(counts)),
        first=np.concatenate(([0], np.cumsum(counts))).astype(np.int64),
        satellite=satellite,
        code_m=first_band(code),
        phase_cycles=first_band(code * L1_HZ / SPEED_OF_LIGHT_MPS),
        doppler_hz=first_band(doppler).astype(np.float32),
        cn0_dbhz=first_band(45.0).astype(np.float32),
        slip=np.zeros((rows, BANDS), np.bool_),
        half_cycle=np.zeros((rows, BANDS), np.bool_),
        signal=signal,
        frequency_hz=first_band(L1_HZ),
    )
