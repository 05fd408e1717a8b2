"""Single point from observations and orbits: epoch by epoch, in real time, or over the drive."""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import NDArray

from common.errors import LingnanError
from positioning.gnss.observations import Observations
from positioning.gnss.orbits.broadcast import BroadcastOrbits
from positioning.gnss.single import epochs
from positioning.gnss.single.lag import Follower
from positioning.gnss.single.measurements import Measurements, prepare, without_atmosphere
from positioning.gnss.single.settings import Settings
from positioning.gnss.single.smooth import held, smooth
from positioning.gnss.solution import Quality, Solution

F64 = NDArray[np.float64]

Mode = Literal["epoch", "realtime", "batch"]

_BELIEVED = 0.25


class NoPositionError(LingnanError):
    """Not one epoch can be solved; the message says what is missing."""


def solve(
    observations: Observations,
    orbits: BroadcastOrbits,
    *,
    mode: Mode = "batch",
    settings: Settings | None = None,
    variance_m2: F64 | None = None,
) -> Solution:
    """Positions of all epochs that can be had.

    epoch: every epoch by itself. realtime: each epoch from it and those before. batch: from all.
    batch and realtime also tell of epochs with too few satellites (DEAD_RECKONING with none), but
    not before the first or after the last that has enough. variance_m2: (N, BANDS, 2) as of
    variance.network, whose codes weigh instead of the settings'. Raises NoPositionError.
    """
    chosen = settings or Settings()
    of_code = None if variance_m2 is None else variance_m2[:, 0, 0]
    rows = prepare(observations, orbits, orbits.messages.glonass_channels(), of_code)
    klobuchar = orbits.messages.klobuchar()
    position, covariance, used = alone(rows, klobuchar, chosen)
    told = np.flatnonzero(np.isfinite(position[:, 0]))
    if len(told) == 0:
        raise NoPositionError(_missing(observations, rows))
    if mode == "epoch":
        return _solution(rows, position, covariance, used, None)
    begin, end = int(told[0]), int(told[-1]) + 1
    rows, near = rows.epochs(begin, end), held(position)[begin:end]
    if mode == "realtime":
        position, velocity, covariance, weight = _followed(rows, klobuchar, chosen)
    else:
        drive = smooth(rows, near, klobuchar, chosen)
        position, velocity, weight = drive.position_m, drive.velocity_mps, drive.weight
        covariance = drive.axes.T @ drive.covariance[:, :3, :3] @ drive.axes
    used = np.add.reduceat(np.append(weight > _BELIEVED, 0), rows.first[:-1])
    used[np.diff(rows.first) == 0] = 0
    return _solution(rows, position, covariance, used.astype(np.int16), velocity)


def _followed(
    rows: Measurements, klobuchar: F64 | None, settings: Settings
) -> tuple[F64, F64, F64, F64]:
    """Positions, velocities (E, 3), covariances (E, 3, 3), and the rows' weights (M,)."""
    follower, nowhere = Follower(settings), np.full(3, np.nan)
    told = [follower.step(rows.epochs(e, e + 1), klobuchar) for e in range(len(rows))]
    return (
        np.array([nowhere if one is None else one.position_m for one in told]),
        np.array([nowhere if one is None else one.velocity_mps for one in told]),
        np.array([np.full((3, 3), np.nan) if one is None else one.covariance_m2 for one in told]),
        np.concatenate([
            np.zeros(rows.first[e + 1] - rows.first[e]) if one is None else one.weight
            for e, one in enumerate(told)
        ]),
    )  # fmt: skip


def alone(
    rows: Measurements, klobuchar: F64 | None, settings: Settings
) -> tuple[F64, F64, NDArray[np.int16]]:
    """Places (E, 3), covariances, satellites used, of each epoch by itself; NaN where none is.

    First without an atmosphere, to find the place.
    """
    sigma = settings.code_sigma_m(np.nan_to_num(rows.cn0_dbhz, nan=35.0), rows.code_m2)
    given = (settings.late, settings.early)
    rough, _, _ = epochs.fix(rows, np.zeros_like(sigma), sigma, *given)
    told = np.isfinite(rough[:, 0])
    if not told.any():
        return rough, np.full((len(rows), 3, 3), np.nan), np.zeros(len(rows), np.int16)
    place = np.median(rough[told], axis=0)
    delay, _, elevation = without_atmosphere(rows, held(rough), klobuchar)
    sigma = np.where(elevation < settings.mask_rad, np.inf, sigma)
    return epochs.fix(rows, delay, sigma, *given, near_m=place)


def _missing(observations: Observations, rows: Measurements) -> str:
    codes = int(np.isfinite(observations.code_m[:, 0]).sum())
    most = int(np.diff(rows.first).max(initial=0))
    if codes and not len(rows.satellite):
        return "no navigation message fits the satellites and times of the observations"
    return f"no epoch has satellites enough for a position: {codes} codes, {most} at once at most"


def _solution(
    rows: Measurements,
    position: F64,
    covariance: F64,
    used: NDArray[np.int16],
    velocity: F64 | None,
) -> Solution:
    count = len(rows)
    lone = np.isfinite(position[:, 0])
    quality = np.where(lone, Quality.SINGLE, Quality.NONE)
    if velocity is not None:
        quality = np.where(np.diff(rows.first) == 0, Quality.DEAD_RECKONING, quality)
    return Solution(
        week=rows.week,
        tow_s=rows.tow_s,
        position_m=position,
        covariance_m2=covariance,
        quality=quality.astype(np.int8),
        satellites=used,
        age_s=np.full(count, np.nan, np.float32),
        ratio=np.full(count, np.nan, np.float32),
        velocity_mps=velocity,
    )
