"""A drive as one estimate: robust smoothing over epochs by graduated non-convexity.

Each epoch alone cannot tell a reflection from a displacement. Over a drive it can: Doppler and the
car's inertia tie epochs together, the street's reflections change as the car moves on, and they
only ever come late. All bounds of doubt begin wide, where the problem is nearly convex, and narrow
round by round (Yang et al. 2020).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from positioning.gnss import geodesy
from positioning.gnss.satellite import SPEED_OF_LIGHT_MPS
from positioning.gnss.single.chain import solve
from positioning.gnss.single.epochs import flight
from positioning.gnss.single.factors import (
    STATE,
    Doubts,
    Geometry,
    Process,
    assemble,
    weigh,
)
from positioning.gnss.single.measurements import Measurements, without_atmosphere
from positioning.gnss.single.settings import Settings
from positioning.jit import compiled

F64 = NDArray[np.float64]
I64 = NDArray[np.int64]

ROUNDS = 20
_WIDEST = 15.0
_SETTLING = 5
_CLOCK_SET_M = 1e4
_NO_CN0 = 35.0


@dataclass(frozen=True, slots=True, eq=False)
class Drive:
    """What the smoother gives of E epochs, about one local frame.

    origin_m: (3,) ECEF, axes: (3, 3) rows east, north, up. state: (E, n), see factors.
    covariance: (E, 6, 6) of position and velocity. weight: (M,) how far each row was believed.
    """

    origin_m: F64
    axes: F64
    state: F64
    covariance: F64
    weight: F64

    @property
    def position_m(self) -> F64:
        """(E, 3) ECEF."""
        return np.asarray(self.origin_m + self.state[:, :3] @ self.axes)

    @property
    def velocity_mps(self) -> F64:
        """(E, 3) ECEF."""
        return np.asarray(self.state[:, 3:6] @ self.axes)


def geometry(
    measurements: Measurements,
    near_m: F64,
    klobuchar: F64 | None,
    settings: Settings,
    frame: tuple[F64, F64] | None = None,
) -> tuple[Geometry, F64, F64]:
    """The rows made linear about positions (E, 3), with the origin and axes of their frame, which
    lies in the middle of the positions if none is given."""
    delay, _, elevation = without_atmosphere(measurements, near_m, klobuchar)
    origin, axes = frame or _frame(near_m.mean(axis=0))
    epoch = measurements.epoch_of_row
    at = near_m[epoch]
    apart = measurements.position_m - at
    los = (apart / np.linalg.norm(apart, axis=1)[:, None]) @ axes.T
    flown = _flights(measurements.position_m, at)
    local = ((near_m - origin) @ axes.T)[epoch]
    turning = (
        geodesy.EARTH_RATE_RADPS
        / SPEED_OF_LIGHT_MPS
        * (measurements.velocity_mps[:, 0] * at[:, 1] - measurements.velocity_mps[:, 1] * at[:, 0])
    )
    approach = np.sum((measurements.velocity_mps @ axes.T) * los, axis=1) + turning
    cn0 = np.where(np.isnan(measurements.cn0_dbhz), _NO_CN0, measurements.cn0_dbhz)
    low = elevation < settings.mask_rad
    told = np.isfinite(measurements.rate_mps)
    _, slot = np.unique(measurements.system, return_inverse=True)
    rows = Geometry(
        first=measurements.first,
        time_s=measurements.time_s,
        jump=np.zeros(len(measurements), dtype=np.bool_),
        los=los,
        slot=slot.astype(np.int64),
        range_m=measurements.range_m - flown - delay - np.sum(los * local, axis=1),
        rate_mps=np.where(told, measurements.rate_mps - approach, 0.0),
        code_sigma_m=np.where(low, np.inf, settings.code_sigma_m(cn0, measurements.code_m2)),
        rate_sigma_mps=np.where(low | ~told, np.inf, settings.rate_sigma_mps(cn0)),
    )
    return rows, origin, axes


def _frame(origin_m: F64) -> tuple[F64, F64]:
    """An origin and its axes, rows east, north, up."""
    latitude, longitude, _ = geodesy.to_geodetic(origin_m)
    return origin_m, geodesy.enu_axes(latitude, longitude)


def smooth(
    measurements: Measurements, near_m: F64, klobuchar: F64 | None, settings: Settings
) -> Drive:
    """All epochs at once, from positions (E, 3) near the truth (hundreds of metres will do)."""
    rows, origin, axes = geometry(measurements, near_m, klobuchar, settings)
    state = begin(rows, (near_m - origin) @ axes.T)
    rows.jump[1:] = clock_jumps(rows.time_s, state)
    process, doubts = process_of(settings), doubts_of(settings)
    state, *_ = anneal(rows, process, doubts, state, _WIDEST, _SETTLING, ROUNDS // 2)
    drive = Drive(origin, axes, state, np.empty(0), np.empty(0))
    jump = rows.jump
    rows, origin, axes = geometry(measurements, drive.position_m, klobuchar, settings)
    rows.jump[:] = jump
    state[:, :3] = (drive.position_m - origin) @ axes.T
    state, covariance, weight = anneal(rows, process, doubts, state, _WIDEST, 0, ROUNDS)
    return Drive(origin, axes, state, covariance[:, :6, :6], weight)


def process_of(settings: Settings) -> Process:
    """The densities as the compiled factors take them."""
    s = settings
    return Process(*s.drive_m2ps3, s.climb_mps, s.clock_m2ps, s.drift_m2ps3, s.bias_m2ps,
                   s.correlation_s)  # fmt: skip


def doubts_of(settings: Settings) -> Doubts:
    """The bounds as the compiled weights take them."""
    return Doubts(settings.late, settings.early, settings.rate)


def begin(rows: Geometry, local_m: F64) -> F64:
    """(E, n) state with these positions, still, and each epoch's median clock and drift."""
    state = np.zeros((len(local_m), STATE + int(rows.slot.max(initial=0))))
    state[:, :3] = local_m
    state[:, 6:8] = np.nan
    off = rows.range_m + np.sum(rows.los * np.repeat(local_m, np.diff(rows.first), axis=0), axis=1)
    _medians(rows.first, off, rows.code_sigma_m, state[:, 6])
    _medians(rows.first, rows.rate_mps, rows.rate_sigma_mps, state[:, 7])
    for k in (6, 7):
        state[:, k] = np.nan_to_num(held(state[:, k]))
    return state


def held(values: F64) -> F64:
    """Rows (E, ...) with NaN taken from the last row that has a value, else from the first."""
    told = np.isfinite(values.reshape(len(values), -1)[:, 0])
    last = np.maximum.accumulate(np.where(told, np.arange(len(values)), -1))
    first = int(np.argmax(told))
    return np.asarray(values[np.where(last < 0, first, last)])


def clock_jumps(time_s: F64, state: F64) -> NDArray[np.bool_]:
    """(E - 1,) whether the receiver set its clock between an epoch and the next."""
    drifted = np.diff(state[:, 6]) - (state[1:, 7] + state[:-1, 7]) / 2 * np.diff(time_s)
    return np.asarray(np.abs(drifted) > _CLOCK_SET_M)


@compiled
def anneal(
    rows: Geometry,
    process: Process,
    doubts: Doubts,
    state: F64,
    widest: float,
    settling: int,
    rounds: int,
) -> tuple[F64, F64, F64]:
    """Gauss and Newton's rounds with bounds from `widest` down to 1, after `settling` at widest.

    Returns the state (E, n), its covariances (E, n, n) and the weights (M,) of the ranges.
    """
    state = state.copy()
    code, rate = np.empty(len(rows.range_m)), np.empty(len(rows.range_m))
    covariance = np.empty((0, 0, 0))
    last = settling + rounds - 1
    narrowing = max(1, (3 * rounds) // 4)
    for turn in range(settling + rounds):
        progress = min(1.0, max(0.0, (turn - settling) / narrowing))
        weigh(rows, state, doubts, widest ** (1 - progress), code, rate)
        diagonal, upper, right = assemble(rows, process, state, code, rate)
        step, covariance = solve(diagonal, upper, right, turn == last)
        state += step
    return state, covariance, code


@compiled
def _flights(satellite_m: F64, receiver_m: F64) -> F64:
    flown = np.empty(len(satellite_m))
    for n in range(len(flown)):
        flown[n] = flight(satellite_m[n], receiver_m[n])
    return flown


@compiled
def _medians(first: I64, values: F64, sigma: F64, out: F64) -> None:
    for e in range(len(out)):
        here = values[first[e] : first[e + 1]][np.isfinite(sigma[first[e] : first[e + 1]])]
        if len(here):
            out[e] = np.median(here)
