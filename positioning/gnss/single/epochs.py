"""Each epoch by itself: iterated, weighted, robust least squares on the pseudoranges."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from positioning.gnss.geodesy import EARTH_RATE_RADPS
from positioning.gnss.satellite import SPEED_OF_LIGHT_MPS
from positioning.gnss.single.measurements import Measurements
from positioning.jit import compiled

F64 = NDArray[np.float64]
I64 = NDArray[np.int64]

_ROUNDS = 15
_CHECKED = 7  # rounds: the first, one between and the last, for it costs more than a step
_CLOCKS = 7
_FAR_M = 1e7
_ANNEAL = 1.5


def fix(
    measurements: Measurements,
    delay_m: F64,
    sigma_m: F64,
    late: float,
    early: float,
    near_m: F64 | None = None,
) -> tuple[F64, F64, NDArray[np.int16]]:
    """Positions (E, 3), their covariances (E, 3, 3) and the satellites used (E,).

    delay_m, sigma_m: (M,), of the atmosphere, and of each pseudorange; inf leaves it out. late,
    early: sigmas from where on a row is doubted. near_m: (3,) a place to begin at, else the centre
    of the Earth. NaN and 0 where an epoch has fewer rows than unknowns or does not settle.
    """
    epochs = len(measurements)
    position = np.full((epochs, 3), np.nan)
    covariance = np.full((epochs, 3, 3), np.nan)
    used = np.zeros(epochs, dtype=np.int16)
    begin = np.zeros(3) if near_m is None else near_m
    _fix(measurements.first, measurements.position_m, measurements.system,
         measurements.range_m - delay_m, sigma_m, late, early, begin,
         position, covariance, used)  # fmt: skip
    return position, covariance, used


@compiled
def flight(satellite_m: F64, receiver_m: F64) -> float:
    """Distance in m that the signal flew, the Earth's turn in flight included (Sagnac)."""
    apart = satellite_m - receiver_m
    turned = satellite_m[0] * receiver_m[1] - satellite_m[1] * receiver_m[0]
    return float(np.sqrt(np.dot(apart, apart)) + EARTH_RATE_RADPS / SPEED_OF_LIGHT_MPS * turned)


@compiled
def _fix(
    first: I64,
    satellite_m: F64,
    system: I64,
    range_m: F64,
    sigma_m: F64,
    late: float,
    early: float,
    begin: F64,
    position: F64,
    covariance: F64,
    used: NDArray[np.int16],
) -> None:
    near = begin.copy()
    for e in range(len(first) - 1):
        rows = np.flatnonzero(np.isfinite(sigma_m[first[e] : first[e + 1]])) + first[e]
        clock = np.full(_CLOCKS, -1, np.int64)
        clocks = 0
        for n in rows:
            if clock[system[n]] < 0:
                clock[system[n]] = 3 + clocks
                clocks += 1
        if len(rows) < 3 + clocks:
            continue
        settled = _settle(
            rows, satellite_m, clock[system[rows]], range_m, sigma_m, late, early, near, 3 + clocks
        )
        if np.isfinite(settled[0, 0]):
            position[e] = settled[0]
            covariance[e] = settled[1:]
            used[e] = len(rows)
            near = position[e].copy()


@compiled
def _settle(
    rows: I64,
    satellite_m: F64,
    clock: I64,
    range_m: F64,
    sigma_m: F64,
    late: float,
    early: float,
    near: F64,
    unknowns: int,
) -> F64:
    """(4, 3) position and covariance of one epoch; NaN if it does not settle."""
    result = np.full((4, 3), np.nan)
    state = np.zeros(unknowns)
    state[:3] = near
    off, weight = np.empty(len(rows)), np.ones(len(rows))
    design = np.zeros((len(rows), unknowns))
    for turn in range(_ROUNDS):
        for k in range(len(rows)):
            n = rows[k]
            apart = satellite_m[n] - state[:3]
            design[k] = 0.0
            design[k, :3] = -apart / np.sqrt(np.dot(apart, apart))
            design[k, clock[k]] = 1.0
            off[k] = range_m[n] - flight(satellite_m[n], state[:3]) - state[clock[k]]
        if turn > 4:
            widened = max(1.0, _ANNEAL ** (10 - turn))
            for k in range(len(rows)):
                u = off[k] / sigma_m[rows[k]] / widened
                u /= late if u > 0 else early
                weight[k] = 1 / (1 + u * u) ** 2 if u > 0 else 1 / (1 + u * u)
        weighted = design.T * (weight / sigma_m[rows] ** 2)
        normal = weighted @ design
        if turn % _CHECKED == 0 and np.linalg.cond(normal) > 1e12:
            return result
        step = np.linalg.solve(normal, weighted @ off)
        state += step
    far = abs(np.sqrt(np.dot(state[:3], state[:3])) - 6.371e6) > _FAR_M
    if not far and np.isfinite(state[0]) and np.abs(step[:3]).max() < 10.0:
        result[0] = state[:3]
        result[1:] = np.linalg.inv(normal)[:3, :3]
    return result
