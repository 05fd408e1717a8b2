"""A drive with GNSS, inertial sensor and wheels, from records to a Solution."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from positioning.gnss.coupled.errors import CoupledError
from positioning.gnss.coupled.graph import F64, Outside, State, World, antennas, swing
from positioning.gnss.coupled.inertial import Inertial
from positioning.gnss.coupled.lag import follow
from positioning.gnss.coupled.rows import WEEK_S, Frame, Rows, frame_about, nothing, relative
from positioning.gnss.coupled.sensors import Wheels
from positioning.gnss.coupled.settings import Settings
from positioning.gnss.coupled.smooth import Problem, smooth, steps_of
from positioning.gnss.coupled.start import begin, believed, world
from positioning.gnss.observations import Observations
from positioning.gnss.orbits.broadcast import BroadcastOrbits
from positioning.gnss.single.smooth import held
from positioning.gnss.single.solve import solve as single
from positioning.gnss.solution import Quality, Solution

Mode = Literal["realtime", "batch"]

_BELIEVED = 0.5
_LEAST_ROWS = 4
_STREET_M = 5.0  # what reflections may add to a place that is smoothed over a street
_ROLLING_MPS = 2.0
_SETTLED = 25  # epochs after that, by which the course is known


@dataclass(frozen=True, slots=True, eq=False)
class Vehicle:
    """Its sensors. lever_m: (3,) of the antenna from the inertial sensor at the rear axle, body
    axes forward, left, up. Times of the records are GPS seconds since 1980."""

    record: Inertial
    wheels: Wheels
    lever_m: F64


@dataclass(frozen=True, slots=True, eq=False)
class Reference:
    """A base: what it observed, where it stands (3,) ECEF, and what RTK makes of the two."""

    base: Observations
    position_m: F64
    rtk: Solution


@dataclass(frozen=True, slots=True, eq=False)
class Coupled:
    """solution: of every epoch. attitude: (E, 3, 3) body to ECEF. believed: (E,) how far the fix of
    RTK fits the rest, 0 to 1. apart_m: (E,) horizontal, between RTK's place and this one."""

    solution: Solution
    attitude: F64
    believed: F64
    apart_m: F64


def solve(
    rover: Observations,
    orbits: BroadcastOrbits,
    vehicle: Vehicle,
    reference: Reference | None = None,
    *,
    mode: Mode = "batch",
    settings: Settings | None = None,
    variance_m2: F64 | None = None,
) -> Coupled:
    """Positions of the antenna at all epochs.

    batch: each from all measurements; realtime: from those up to it. Without a reference,
    satellites only tell places, by single point, and the vehicle's sensors the motion between them.
    variance_m2: (N, BANDS, 2) of codes and phases, see variance.network, for batch: in real time
    they make the estimate too sure of itself before its first fix. Raises CoupledError
    where records do not overlap, and in real time without a reference.
    """
    if reference is None and mode == "realtime":
        raise CoupledError(
            "in real time the coupled estimate needs a base: in streets it is not reliably better "
            "than single point without one; give a reference, choose batch, or use single point"
        )
    chosen = settings or Settings()
    wheel, push = vehicle.wheels.at(rover.week * WEEK_S + rover.tow_s)
    alone = _alone(rover, orbits, mode, wheel)
    frame = frame_about(alone.place)
    _check(rover.week * WEEK_S + rover.tow_s, vehicle.record)
    local, speed = frame.local(alone.place), alone.velocity @ frame.axes.T
    around = world(frame, vehicle.lever_m)
    if reference is None:
        rows = nothing(rover)
        outside = _streets(rover, alone, frame, chosen)
        satellites = alone.satellites
    else:
        given = (rover, reference.base, orbits, reference.position_m, alone.place, frame, chosen)
        rows = relative(*given, variance_m2)
        outside = _fixes(rover, reference, frame, chosen)
        satellites = _satellites(rover, rows)
    problem = Problem(rows, vehicle.record, wheel, push, outside, around)
    if mode == "batch":
        start = begin(local, speed, vehicle.lever_m)
        found = smooth(problem, start, believed(start, chosen), chosen)
        state, covariance, kept = found.state, found.covariance, found.weights.outside
    else:
        if reference is not None:
            told = frame.local(reference.rtk.position_m)
            local = np.where(np.isfinite(told), told, local)
        followed = follow(problem, local, speed, vehicle.lever_m, chosen)
        state, covariance, kept = followed.state, followed.covariance, followed.outside
    is_fix = np.isfinite(outside.place[:, 0]) & (reference is not None)
    kept = np.where(is_fix, kept, 0.0)
    return _told(rover, problem, state, covariance, kept, satellites, frame, reference, chosen)


class _Alone(NamedTuple):
    """Places and velocities (E, 3) ECEF by satellites alone, held where there are none; the
    places' covariances (E, 3, 3), NaN there, and how many satellites (E,) were used."""

    place: F64
    velocity: F64
    covariance: F64
    satellites: NDArray[np.int16]


def _alone(
    rover: Observations,
    orbits: BroadcastOrbits,
    mode: Mode,
    wheel: F64,
) -> _Alone:
    """In real time beside a base, velocities are only needed until the car has moved off."""
    if mode == "batch":
        return _single(rover, orbits, mode)
    told = _single(rover, orbits, "epoch")
    rolling = np.flatnonzero(wheel > _ROLLING_MPS)
    until = int(rolling[0]) + _SETTLED if len(rolling) else len(rover)
    count = min(until, len(rover))
    first = _single(rover.epochs(0, count), orbits, mode)
    return _Alone(
        np.concatenate((first.place, told.place[count:])),
        np.concatenate((first.velocity, told.velocity[count:])),
        np.concatenate((first.covariance, told.covariance[count:])),
        np.concatenate((first.satellites, told.satellites[count:])),
    )


def _single(
    rover: Observations, orbits: BroadcastOrbits, mode: Literal["epoch", "realtime", "batch"]
) -> _Alone:
    alone = single(rover, orbits, mode=mode)
    at = np.searchsorted(
        rover.week * WEEK_S + rover.tow_s, alone.week * WEEK_S + alone.tow_s - 1e-6
    )
    near, moving = np.full((len(rover), 3), np.nan), np.zeros((len(rover), 3))
    spread, used = np.full((len(rover), 3, 3), np.nan), np.zeros(len(rover), np.int16)
    used[at] = alone.satellites
    near[at], spread[at] = alone.position_m, alone.covariance_m2
    if alone.velocity_mps is not None:
        moving[at] = np.nan_to_num(alone.velocity_mps)
    return _Alone(held(near), moving, spread, used)


def _streets(rover: Observations, alone: _Alone, frame: Frame, settings: Settings) -> Outside:
    """Single point's places.

    Doppler and phases are left out here: in a street they are off for seconds on end (0.4 m/s in
    Berlin), far more than wheels, which they would overrule as 5 times a second they look precise.
    """
    given = (alone.place, alone.covariance, frame, _STREET_M)
    return _outside(*given, settings.correlation_s, rover)


def _check(time_s: F64, record: Inertial) -> None:
    for name, values in zip(record._fields, record, strict=True):
        if not np.all(np.isfinite(values)):
            raise CoupledError(f"the inertial record's {name} holds values that are no numbers")
    if np.any(np.diff(record.time_s) <= 0):
        raise CoupledError("the inertial record's times do not rise: sort it, each time once")
    if not len(record.time_s) or record.time_s[0] > time_s[-1] or record.time_s[-1] < time_s[0]:
        raise CoupledError(
            "the inertial record and the observations share no time: records count GPS seconds "
            f"since 1980, the observations are from {time_s[0]:.1f} to {time_s[-1]:.1f}"
        )


def _fixes(rover: Observations, reference: Reference, frame: Frame, settings: Settings) -> Outside:
    """RTK's fixes as places."""
    rtk = reference.rtk
    if len(rtk) != len(rover) or np.any(np.abs(rtk.tow_s - rover.tow_s) > 1e-3):
        raise CoupledError("the RTK solution is not of the rover's epochs")
    spread = rtk.covariance_m2.copy()
    spread[rtk.quality != Quality.FIX] = np.nan
    given = (settings.fix_floor_m, settings.fix_correlation_s, rover)
    return _outside(rtk.position_m, spread, frame, *given)


def _outside(
    place_m: F64, covariance_m2: F64, frame: Frame, floor_m: float, correlation_s: float,
    rover: Observations,
) -> Outside:  # fmt: skip
    """Places (E, 3) with covariances, NaN for none; each counts by the time since the last."""
    epochs = len(rover)
    told = Outside(np.full((epochs, 3), np.nan), np.zeros((epochs, 3, 3)), np.zeros(epochs))
    here = np.isfinite(covariance_m2[:, 0, 0]) & np.isfinite(place_m[:, 0])
    spread = frame.axes @ covariance_m2[here] @ frame.axes.T
    told.place[here] = frame.local(place_m[here])
    told.information[here] = np.linalg.inv(spread + np.eye(3) * floor_m**2)
    gap = np.median(np.diff(rover.tow_s)) if epochs > 1 else 1.0
    told.share[:] = min(1.0, float(gap) / correlation_s)
    return told


def _told(
    rover: Observations, problem: Problem, state: State, covariance: F64, kept: F64,
    satellites: NDArray[np.int16], frame: Frame, reference: Reference | None, settings: Settings,
) -> Coupled:  # fmt: skip
    place, velocity = antennas(state, problem.world)
    swing(state, steps_of(problem, state, settings), velocity, problem.world)
    spread = _antenna_covariance(state, covariance, problem.world)
    alone = Quality.SINGLE if reference is None else Quality.FLOAT
    quality = np.where(satellites >= _LEAST_ROWS, alone, Quality.DEAD_RECKONING)
    quality[kept > _BELIEVED] = Quality.FIX
    nothing = np.full(len(rover), np.nan, np.float32)
    rtk = reference.rtk if reference else None
    apart = np.full(len(rover), np.nan)
    if rtk is not None:
        apart = np.linalg.norm((frame.local(rtk.position_m) - place)[:, :2], axis=1)
    solution = Solution(
        week=rover.week, tow_s=rover.tow_s, position_m=frame.ecef(place),
        covariance_m2=frame.axes.T @ spread @ frame.axes, quality=quality.astype(np.int8),
        satellites=satellites, age_s=rtk.age_s if rtk else nothing,
        ratio=rtk.ratio if rtk else nothing, velocity_mps=velocity @ frame.axes,
    )  # fmt: skip
    return Coupled(solution, frame.axes.T @ state.attitude, kept, apart)


def _antenna_covariance(state: State, covariance: F64, around: World) -> F64:
    """(E, 3, 3) of the antenna's place, the attitude's part taken in."""
    x, y, z = around.lever
    across = np.array([[0, -z, y], [z, 0, -x], [-y, x, 0]])
    jacobian = np.zeros((len(covariance), 3, covariance.shape[1]))
    jacobian[:, :, :3] = np.eye(3)
    jacobian[:, :, 6:9] = -state.attitude @ across
    return np.asarray(jacobian @ covariance @ jacobian.swapaxes(1, 2))


def _satellites(rover: Observations, rows: Rows) -> NDArray[np.int16]:
    """(E,) how many had usable codes or phases."""
    usable = np.isfinite(rows.phase_sigma)
    row = np.unique(rows.source[usable, 0])
    return np.bincount(rover.epoch_of_row[row], minlength=len(rover)).astype(np.int16)
