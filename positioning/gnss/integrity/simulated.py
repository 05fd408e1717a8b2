"""Simulated drives as evidence: RTK, the coupled estimate, and how wrong each was."""

from __future__ import annotations

import numpy as np

from positioning.gnss import geodesy
from positioning.gnss.coupled import hindsight, realtime
from positioning.gnss.coupled.inertial import Inertial
from positioning.gnss.coupled.outcome import Coupled
from positioning.gnss.coupled.rows import WEEK_S
from positioning.gnss.coupled.sensors import Wheels
from positioning.gnss.coupled.solve import Reference, Vehicle, solve
from positioning.gnss.integrity.assess import F64, Mode, features, kinds, sigmas
from positioning.gnss.integrity.calibrate import WRONG_M, Evidence
from positioning.gnss.observations import Observations
from positioning.gnss.orbits.broadcast import BroadcastOrbits
from positioning.gnss.rtk.epoch import NUMBERS
from positioning.gnss.rtk.errors import RtkError
from positioning.gnss.rtk.pipeline import solve as rtk_solve
from positioning.gnss.rtk.report import Integrity
from positioning.gnss.solution import Quality, Solution
from positioning.gnss.variance.network import MODEL, unseen, variances
from positioning.sim.gnss.scenario import Drive, Scenario, simulate


def vehicle_of(drive: Drive) -> Vehicle:
    """A simulated car's records."""
    week, tow = drive.scenario.start
    begin = week * WEEK_S + tow
    imu, wheel = drive.imu, drive.wheel
    return Vehicle(
        Inertial(begin + imu.time_s, imu.rate_radps, imu.force_mps2),
        Wheels(begin + wheel.time_s, wheel.speed_mps),
        np.array(drive.scenario.lever_m),
    )


def run(
    layout: str, seed: int, duration_s: float, mode: Mode = "batch"
) -> tuple[Drive, Solution, Integrity, Coupled]:
    """A drive, its RTK and its coupled estimate."""
    drive = simulate(Scenario(layout=layout, seed=seed, duration_s=duration_s))
    return (drive, *solved(drive, mode, unseen(layout)))


def solved(
    drive: Drive, mode: Mode = "batch", model: str = MODEL
) -> tuple[Solution, Integrity, Coupled]:
    """RTK and the coupled estimate of a drive. model: of the learned variances."""
    orbits, place = BroadcastOrbits(drive.navigation), drive.base_position_m
    learned = variances(drive.rover, orbits, model)
    given = (drive.rover, orbits, vehicle_of(drive), drive.base, place)
    if mode == "realtime":
        coupled, rtk, about = realtime.solve(*given, variance_m2=learned)
        return rtk, about, coupled
    try:
        coupled, rtk, about = hindsight.solve(*given, variance_m2=learned)
    except RtkError:
        return untold(drive, model)
    return rtk, about, coupled


def untold(drive: Drive, model: str = MODEL) -> tuple[Solution, Integrity, Coupled]:
    """The same of batch before RTK is told anything: RTK by itself, and one coupling."""
    orbits = BroadcastOrbits(drive.navigation)
    learned = variances(drive.rover, orbits, model)
    rtk, about = rtk_alone(drive, orbits, learned)
    reference = Reference(drive.base, drive.base_position_m, rtk)
    given = (drive.rover, orbits, vehicle_of(drive), reference)
    return rtk, about, solve(*given, variance_m2=learned)


def rtk_alone(
    drive: Drive, orbits: BroadcastOrbits, variance_m2: F64 | None, *, wide_lanes: bool = False
) -> tuple[Solution, Integrity]:
    """RTK by itself; a drive that it gives up, as one that stays under a viaduct, has no epoch
    that is solved."""
    given = (drive.rover, drive.base, orbits, drive.base_position_m)
    try:
        return rtk_solve(*given, variance_m2=variance_m2, wide_lanes=wide_lanes)
    except RtkError:
        return _nothing(drive.rover)


def _nothing(rover: Observations) -> tuple[Solution, Integrity]:
    """What RTK tells of a drive that it refuses."""
    epochs = len(rover)
    none = np.full(epochs, np.nan, np.float32)
    solution = Solution(
        week=rover.week, tow_s=rover.tow_s, position_m=np.full((epochs, 3), np.nan),
        covariance_m2=np.full((epochs, 3, 3), np.nan), quality=np.zeros(epochs, np.int8),
        satellites=np.zeros(epochs, np.int16), age_s=none, ratio=none,
    )  # fmt: skip
    return solution, Integrity(np.zeros((epochs, NUMBERS)))


def errors_m(position_m: F64, drive: Drive) -> F64:
    """(E, 3) east, north, up from the drive's truth."""
    truth = drive.truth.position_m
    latitude, longitude, _ = geodesy.to_geodetic(truth)
    axes = geodesy.enu_axes(latitude, longitude)
    return np.asarray(np.einsum("nij,nj->ni", axes, position_m - truth))


def evidence(
    drive: Drive, rtk: Solution, about: Integrity, coupled: Coupled, mode: Mode = "batch"
) -> Evidence:
    """What calibration and judgement need of it; epochs without a place are left out."""
    off = errors_m(coupled.solution.position_m, drive)
    wrong = np.linalg.norm(errors_m(rtk.position_m, drive), axis=1) > WRONG_M
    there = np.isfinite(off[:, 0])
    return Evidence(
        features(coupled, about)[there], (rtk.quality == Quality.FIX)[there], wrong[there],
        kinds(coupled.solution.quality, mode)[there],
        np.column_stack((np.hypot(off[:, 0], off[:, 1]), np.abs(off[:, 2])))[there],
        np.column_stack(sigmas(coupled.solution))[there],
    )  # fmt: skip
