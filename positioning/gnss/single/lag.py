"""The smoother in real time: a window of the last epochs, of which the newest is told."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from positioning.gnss import geodesy
from positioning.gnss.single.epochs import fix
from positioning.gnss.single.factors import STATE, Geometry
from positioning.gnss.single.measurements import Measurements, without_atmosphere
from positioning.gnss.single.settings import Settings
from positioning.gnss.single.smooth import (
    anneal,
    begin,
    clock_jumps,
    doubts_of,
    geometry,
    process_of,
)
from positioning.gnss.time import WEEK_S

F64 = NDArray[np.float64]

WINDOW_S = 30.0
MOST_EPOCHS = 150
ROUNDS = 8
_WIDEST = 10.0


@dataclass(frozen=True, slots=True, eq=False)
class Followed:
    """One epoch: position (3,) m, velocity (3,) m/s, covariances (3, 3) of both, ECEF, and the
    weight of each of its ranges (M,)."""

    position_m: F64
    velocity_mps: F64
    covariance_m2: F64
    velocity_covariance: F64
    weight: F64


class Follower:
    """Fed one epoch after the other, it tells each from that epoch and those before."""

    def __init__(self, settings: Settings | None = None) -> None:
        self._settings = settings or Settings()
        self._frame: tuple[F64, F64] | None = None
        self._near = np.full(3, np.nan)
        self._systems: list[int] = []
        self._rows: list[Geometry] = []
        self._times: list[float] = []
        self._state = np.zeros((0, STATE))
        self._begun = np.zeros(STATE)

    def step(self, rows: Measurements, klobuchar: F64 | None) -> Followed | None:
        """The place at an epoch; `add`, then `tell`."""
        return self.tell() if self.add(rows, klobuchar) else None

    def add(self, rows: Measurements, klobuchar: F64 | None) -> bool:
        """Take rows of one epoch into the window; False before the first fix.

        ValueError where the epoch is not after the one before.
        """
        time_s = float(rows.week[0]) * WEEK_S + float(rows.tow_s[0])
        if self._times and time_s <= self._times[-1]:
            raise ValueError(f"the epoch at {rows.tow_s[0]} s is not after the one before")
        alone = self._alone(rows, klobuchar)
        if np.isfinite(alone[0]):
            self._near = alone
        if not np.isfinite(self._near[0]):
            return False
        self._append(rows, time_s, klobuchar)
        return True

    def tell(self) -> Followed:
        """The place at the epoch that was added last."""
        window = _joined(self._rows, self._times)
        settings = self._settings
        state, spread, weight = anneal(
            window, process_of(settings), doubts_of(settings), self._state, _WIDEST, 0, ROUNDS
        )
        self._state = state
        origin, axes = self._frame or (np.zeros(3), np.eye(3))
        return Followed(
            origin + state[-1, :3] @ axes,
            state[-1, 3:6] @ axes,
            axes.T @ spread[-1, :3, :3] @ axes,
            axes.T @ spread[-1, 3:6, 3:6] @ axes,
            weight[len(weight) - len(self._rows[-1].range_m) :],
        )

    def _alone(self, rows: Measurements, klobuchar: F64 | None) -> F64:
        """The epoch by itself; NaN where it cannot be had."""
        given = (self._settings.late, self._settings.early)
        sigma = self._settings.code_sigma_m(np.nan_to_num(rows.cn0_dbhz, nan=35.0), rows.code_m2)
        near = self._near[None]
        if not np.isfinite(near[0, 0]):
            near, _, _ = fix(rows, np.zeros_like(sigma), sigma, *given)
            if not np.isfinite(near[0, 0]):
                return np.asarray(near[0])
        delay, _, elevation = without_atmosphere(rows, near, klobuchar)
        sigma = np.where(elevation < self._settings.mask_rad, np.inf, sigma)
        return np.asarray(fix(rows, delay, sigma, *given, near_m=near[0])[0][0])

    def _append(self, rows: Measurements, time_s: float, klobuchar: F64 | None) -> None:
        """The epoch at the window's end, and what is too old off its beginning."""
        near = self._near[None]
        if self._frame is None:
            latitude, longitude, _ = geodesy.to_geodetic(self._near)
            self._frame = self._near, geodesy.enu_axes(latitude, longitude)
        origin, axes = self._frame
        linear, _, _ = geometry(rows, near, klobuchar, self._settings, self._frame)
        self._systems += [s for s in np.unique(rows.system).tolist() if s not in self._systems]
        slot = np.array([self._systems.index(s) for s in rows.system.tolist()], np.int64)
        linear = linear._replace(slot=slot)
        started = self._started(linear, (near - origin) @ axes.T)
        if self._times:
            pair = np.stack([self._begun, started[:STATE]])
            linear.jump[0] = clock_jumps(np.array([self._times[-1], time_s]), pair)[0]
        self._begun = started[:STATE]
        self._rows.append(linear)
        self._times.append(time_s)
        wider = len(started) - self._state.shape[1]
        self._state = np.vstack([np.pad(self._state, ((0, 0), (0, wider))), started])
        kept = max(
            len(self._times) - MOST_EPOCHS, int(np.searchsorted(self._times, time_s - WINDOW_S)), 0
        )
        self._rows, self._times = self._rows[kept:], self._times[kept:]
        self._state = self._state[kept:]

    def _started(self, linear: Geometry, local_m: F64) -> F64:
        """(n,) the epoch's state to begin with; its clock is the last one's where no row tells."""
        state = np.zeros(STATE - 1 + max(len(self._systems), 1))
        found = begin(linear, local_m)[0]
        state[:STATE] = found[:STATE]
        if not np.isfinite(linear.code_sigma_m).any():
            state[6:STATE] = self._begun[6:]
        return state


def _joined(rows: list[Geometry], times: list[float]) -> Geometry:
    """Epochs of one row list each as one chain, its times from the first."""
    counts = [len(one.range_m) for one in rows]
    names = ("los", "slot", "range_m", "rate_mps", "code_sigma_m", "rate_sigma_mps")
    return Geometry(
        first=np.concatenate(([0], np.cumsum(counts))).astype(np.int64),
        time_s=np.array(times) - times[0],
        jump=np.array([one.jump[0] for one in rows], np.bool_),
        **{name: np.concatenate([getattr(one, name) for one in rows]) for name in names},
    )
