"""The coupled estimate in real time: RTK and the window of epochs help each other.

Each epoch RTK is told where the inertial sensor and the wheels expect the antenna, once a fix was
believed: so it starts over neither after an outage nor under reflections. What it fixes enters the
window, which expects the next epoch.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Protocol

import numpy as np

from positioning.gnss.coupled.alone import alone, until_settled
from positioning.gnss.coupled.graph import F64, Outside
from positioning.gnss.coupled.lag import Expected, follow
from positioning.gnss.coupled.outcome import Coupled, outcome, satellites_of
from positioning.gnss.coupled.rows import WEEK_S, Frame, frame_about, relative
from positioning.gnss.coupled.settings import Settings
from positioning.gnss.coupled.smooth import Problem
from positioning.gnss.coupled.solve import Vehicle, check
from positioning.gnss.coupled.start import world
from positioning.gnss.observations import Observations
from positioning.gnss.orbits.broadcast import BroadcastOrbits
from positioning.gnss.rtk.pipeline import NOWHERE, Files, Told
from positioning.gnss.rtk.report import Epoch, Integrity, gather
from positioning.gnss.solution import Quality, Solution

_LASTING = 4.0  # times the learned variances: reflections last, and a window takes them for new


class Relative(Protocol):
    """RTK epoch by epoch."""

    def epoch(self, e: int, told: Told = NOWHERE) -> Epoch:
        """Solve epoch e; told: where other sensors expect the rover."""


def solve(
    rover: Observations,
    orbits: BroadcastOrbits,
    vehicle: Vehicle,
    base: Observations,
    base_position_m: F64,
    *,
    settings: Settings | None = None,
    variance_m2: F64 | None = None,
    rtk: Relative | None = None,
) -> tuple[Coupled, Solution, Integrity]:
    """Positions of the antenna, each from the measurements up to it, and what RTK told.

    Epochs before the first with satellites enough for a place have none. variance_m2: (N, BANDS, 2)
    of codes and phases, see variance.network. rtk: other than that of the files. Raises RtkError
    and CoupledError as pipeline.Files and solve.solve do.
    """
    chosen = settings or Settings()
    check(rover.week * WEEK_S + rover.tow_s, vehicle.record)
    engine = rtk or Files(rover, base, orbits, base_position_m, variance_m2=variance_m2)
    by_epoch = alone(rover, orbits, "epoch")
    begun = int(np.argmax(np.isfinite(by_epoch.covariance[:, 0, 0])))
    epochs = [engine.epoch(e) for e in range(begun)]
    some = rover.epochs(begun, len(rover))
    wheel, push = vehicle.wheels.at(some.week * WEEK_S + some.tow_s)
    near = until_settled(some, orbits, wheel, by_epoch.since(begun))
    frame = frame_about(near.place)
    if variance_m2 is not None:
        variance_m2 = _LASTING * variance_m2[rover.first[begun] :]
    rows = relative(
        some, base, orbits, base_position_m, near.place, frame, chosen, variance_m2
    )  # fmt: skip
    outside, local = _nothing_yet(some, chosen), frame.local(near.place)
    problem = Problem(rows, vehicle.record, wheel, push, outside, world(frame, vehicle.lever_m))

    def ask(e: int, expected: Expected | None) -> None:
        epochs.append(engine.epoch(begun + e, _ecef(frame, expected)))
        _enter(epochs[-1], e, local, outside, frame, chosen.fix_floor_m)

    speed = near.velocity @ frame.axes.T
    found = follow(problem, local, speed, vehicle.lever_m, chosen, ask)
    fixes = gather(epochs[begun:])[0]
    kept = np.where(np.isfinite(outside.place[:, 0]), found.outside, 0.0)
    told = (found.state, found.covariance, kept, satellites_of(some, rows), frame, fixes, chosen)
    return _since(begun, rover, outcome(some, problem, *told)), *gather(epochs)


def _nothing_yet(rover: Observations, settings: Settings) -> Outside:
    epochs = len(rover)
    gap = float(np.median(np.diff(rover.tow_s))) if epochs > 1 else 1.0
    share = np.full(epochs, min(1.0, gap / settings.fix_correlation_s))
    return Outside(np.full((epochs, 3), np.nan), np.zeros((epochs, 3, 3)), share)


def _ecef(frame: Frame, expected: Expected | None) -> Told:
    if expected is None:
        return NOWHERE
    place, spread = expected
    return frame.ecef(place), np.ascontiguousarray(frame.axes.T @ spread @ frame.axes)


def _enter(
    told: Epoch, e: int, near: F64, outside: Outside, frame: Frame, floor_m: float
) -> None:  # fmt: skip
    """Write what RTK told of epoch e into near (E, 3), and a fix into outside."""
    if not np.isfinite(told.position_m[0]):
        return
    near[e] = frame.local(told.position_m)
    if told.quality == Quality.FIX:
        spread = frame.axes @ told.covariance_m2 @ frame.axes.T
        outside.place[e] = near[e]
        outside.information[e] = np.linalg.inv(spread + np.eye(3) * floor_m**2)


def _since(begun: int, rover: Observations, coupled: Coupled) -> Coupled:
    """The estimate with the epochs before it had any place."""
    one, three = np.full(begun, np.nan, np.float32), np.full((begun, 3), np.nan)
    nowhere, told = np.full((begun, 3, 3), np.nan), coupled.solution
    assert told.velocity_mps is not None
    solution = replace(
        told, week=rover.week, tow_s=rover.tow_s,
        position_m=np.concatenate((three, told.position_m)),
        covariance_m2=np.concatenate((nowhere, told.covariance_m2)),
        quality=np.concatenate((np.full(begun, Quality.NONE, np.int8), told.quality)),
        satellites=np.concatenate((np.zeros(begun, np.int16), told.satellites)),
        age_s=np.concatenate((one, told.age_s)), ratio=np.concatenate((one, told.ratio)),
        velocity_mps=np.concatenate((three, told.velocity_mps)),
    )  # fmt: skip
    return Coupled(
        solution, np.concatenate((nowhere, coupled.attitude)),
        np.concatenate((np.zeros(begun), coupled.believed)),
        np.concatenate((np.full(begun, np.nan), coupled.apart_m)),
    )  # fmt: skip
