"""What a coupled estimate tells: places of the antenna, their covariances, how each came about."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from positioning.gnss.coupled.graph import F64, State, World, antennas, swing
from positioning.gnss.coupled.rows import Frame, Rows
from positioning.gnss.coupled.settings import Settings
from positioning.gnss.coupled.smooth import Problem, steps_of
from positioning.gnss.observations import Observations
from positioning.gnss.solution import Quality, Solution

_BELIEVED = 0.5
_LEAST_ROWS = 4


@dataclass(frozen=True, slots=True, eq=False)
class Coupled:
    """solution: of every epoch. attitude: (E, 3, 3) body to ECEF. believed: (E,) how far the fix of
    RTK fits the rest, 0 to 1. apart_m: (E,) horizontal, between RTK's place and this one."""

    solution: Solution
    attitude: F64
    believed: F64
    apart_m: F64


def outcome(
    rover: Observations, problem: Problem, state: State, covariance: F64, kept: F64,
    satellites: NDArray[np.int16], frame: Frame, rtk: Solution | None, settings: Settings,
) -> Coupled:  # fmt: skip
    """States of all epochs as a solution; kept: (E,) how far RTK's fixes were believed."""
    place, velocity = antennas(state, problem.world)
    swing(state, steps_of(problem, state, settings), velocity, problem.world)
    spread = antenna_covariance(state, covariance, problem.world)
    alone = Quality.SINGLE if rtk is None else Quality.FLOAT
    quality = np.where(satellites >= _LEAST_ROWS, alone, Quality.DEAD_RECKONING)
    quality[kept > _BELIEVED] = Quality.FIX
    nothing = np.full(len(rover), np.nan, np.float32)
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


def antenna_covariance(state: State, covariance: F64, around: World) -> F64:
    """(E, 3, 3) of the antenna's place, the attitude's part taken in."""
    x, y, z = around.lever
    across = np.array([[0, -z, y], [z, 0, -x], [-y, x, 0]])
    jacobian = np.zeros((len(covariance), 3, covariance.shape[1]))
    jacobian[:, :, :3] = np.eye(3)
    jacobian[:, :, 6:9] = -state.attitude @ across
    return np.asarray(jacobian @ covariance @ jacobian.swapaxes(1, 2))


def satellites_of(rover: Observations, rows: Rows) -> NDArray[np.int16]:
    """(E,) how many had usable codes or phases."""
    usable = np.isfinite(rows.phase_sigma)
    row = np.unique(rows.source[usable, 0])
    return np.bincount(rover.epoch_of_row[row], minlength=len(rover)).astype(np.int16)
