"""A drive with GNSS, inertial sensor and wheels, from records to a Solution."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from positioning.gnss.coupled.alone import Alone, alone
from positioning.gnss.coupled.errors import CoupledError
from positioning.gnss.coupled.graph import F64, Outside, State
from positioning.gnss.coupled.inertial import Inertial
from positioning.gnss.coupled.outcome import Coupled, outcome, satellites_of
from positioning.gnss.coupled.rows import WEEK_S, Frame, frame_about, nothing, relative
from positioning.gnss.coupled.sensors import Wheels
from positioning.gnss.coupled.settings import Settings
from positioning.gnss.coupled.smooth import Estimate, Problem, smooth
from positioning.gnss.coupled.start import begin, believed, world
from positioning.gnss.observations import Observations
from positioning.gnss.orbits.broadcast import BroadcastOrbits
from positioning.gnss.solution import Quality, Solution

_STREET_M = 5.0  # what reflections may add to a place that is smoothed over a street


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


class Posed(NamedTuple):
    """A problem, where its solution begins, the frame of both, satellites (E,) that were used."""

    problem: Problem
    start: State
    frame: Frame
    satellites: NDArray[np.int16]


def solve(
    rover: Observations,
    orbits: BroadcastOrbits,
    vehicle: Vehicle,
    reference: Reference | None = None,
    *,
    settings: Settings | None = None,
    variance_m2: F64 | None = None,
) -> Coupled:
    """Positions of the antenna at all epochs, each from all measurements; see also `realtime`,
    and `hindsight`, which solves RTK as well.

    Without a reference, satellites only tell places, by single point, and the vehicle's sensors the
    motion between them. variance_m2: (N, BANDS, 2) of codes and phases, see variance.network.
    Raises CoupledError where records do not overlap.
    """
    chosen = settings or Settings()
    posed = pose(rover, orbits, vehicle, reference, chosen, variance_m2)
    problem, start = posed.problem, posed.start
    found = smooth(problem, start, believed(start, chosen), chosen)
    return told(rover, posed, found, reference.rtk if reference else None, chosen)


def pose(
    rover: Observations, orbits: BroadcastOrbits, vehicle: Vehicle, reference: Reference | None,
    settings: Settings, variance_m2: F64 | None,
) -> Posed:  # fmt: skip
    """Everything measured as a problem to solve; as `solve`."""
    wheel, push = vehicle.wheels.at(rover.week * WEEK_S + rover.tow_s)
    begun = alone(rover, orbits, "batch")
    frame = frame_about(begun.place)
    check(rover.week * WEEK_S + rover.tow_s, vehicle.record)
    if reference is None:
        rows, satellites = nothing(rover), begun.satellites
        outside = _streets(rover, begun, frame, settings)
    else:
        given = (rover, reference.base, orbits, reference.position_m, begun.place, frame, settings)
        rows = relative(*given, variance_m2)
        outside = fixes(rover, reference.rtk, frame, settings)
        satellites = satellites_of(rover, rows)
    around = world(frame, vehicle.lever_m)
    local, speed = frame.local(begun.place), begun.velocity @ frame.axes.T
    return Posed(
        Problem(rows, vehicle.record, wheel, push, outside, around),
        begin(local, speed, vehicle.lever_m), frame, satellites,
    )  # fmt: skip


def told(
    rover: Observations, posed: Posed, found: Estimate, rtk: Solution | None, settings: Settings
) -> Coupled:
    """An estimate of all epochs as what it tells; rtk: whose fixes the problem holds."""
    is_fix = np.isfinite(posed.problem.outside.place[:, 0]) & (rtk is not None)
    kept = np.where(is_fix, found.weights.outside, 0.0)
    given = (found.state, found.covariance, kept, posed.satellites, posed.frame, rtk, settings)
    return outcome(rover, posed.problem, *given)


def _streets(rover: Observations, alone: Alone, frame: Frame, settings: Settings) -> Outside:
    """Single point's places.

    Doppler and phases are left out here: in a street they are off for seconds on end (0.4 m/s in
    Berlin), far more than wheels, which they would overrule as 5 times a second they look precise.
    """
    given = (alone.place, alone.covariance, frame, _STREET_M)
    return _outside(*given, settings.correlation_s, rover)


def check(time_s: F64, record: Inertial) -> None:
    """Refuse an inertial record that is not of the epochs time_s (E,): CoupledError."""
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


def fixes(rover: Observations, rtk: Solution, frame: Frame, settings: Settings) -> Outside:
    """RTK's fixes as places; CoupledError where they are not of the rover's epochs."""
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
