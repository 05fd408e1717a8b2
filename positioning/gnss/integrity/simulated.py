"""Simulated drives as evidence: RTK, the coupled estimate, and how wrong each was."""

from __future__ import annotations

from typing import Literal

import numpy as np

from positioning.gnss import geodesy
from positioning.gnss.coupled import realtime
from positioning.gnss.coupled.inertial import Inertial
from positioning.gnss.coupled.outcome import Coupled
from positioning.gnss.coupled.rows import WEEK_S
from positioning.gnss.coupled.sensors import Wheels
from positioning.gnss.coupled.solve import Reference, Vehicle, solve
from positioning.gnss.integrity.assess import F64, features, sigmas
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

Mode = Literal["realtime", "batch"]


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
    learned, vehicle = variances(drive.rover, orbits, model), vehicle_of(drive)
    if mode == "realtime":
        given = (drive.rover, orbits, vehicle, drive.base, place)
        coupled, rtk, about = realtime.solve(*given, variance_m2=learned)
        return rtk, about, coupled
    try:
        rtk, about = rtk_solve(drive.rover, drive.base, orbits, place, variance_m2=learned)
    except RtkError:  # e.g. the drive begins under a viaduct: all epochs count as not solved
        rtk, about = _nothing(drive.rover)
    reference = Reference(drive.base, place, rtk)
    return rtk, about, solve(drive.rover, orbits, vehicle, reference, variance_m2=learned)


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


def evidence(drive: Drive, rtk: Solution, about: Integrity, coupled: Coupled) -> Evidence:
    """What calibration and judgement need of it."""
    off = errors_m(coupled.solution.position_m, drive)
    wrong = np.linalg.norm(errors_m(rtk.position_m, drive), axis=1) > WRONG_M
    return Evidence(
        features(coupled, about), rtk.quality == Quality.FIX, wrong,
        coupled.solution.quality == Quality.FIX,
        np.column_stack((np.hypot(off[:, 0], off[:, 1]), np.abs(off[:, 2]))),
        np.column_stack(sigmas(coupled.solution)),
    )  # fmt: skip
