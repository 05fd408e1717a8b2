"""Where satellites alone put the car: what a coupled estimate begins from."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from positioning.gnss.coupled.graph import F64
from positioning.gnss.coupled.rows import WEEK_S
from positioning.gnss.observations import Observations
from positioning.gnss.orbits.broadcast import BroadcastOrbits
from positioning.gnss.single.smooth import held
from positioning.gnss.single.solve import Mode
from positioning.gnss.single.solve import solve as single

_ROLLING_MPS = 2.0
_SETTLED = 25  # epochs after that, by which the course is known


class Alone(NamedTuple):
    """Places and velocities (E, 3) ECEF by satellites alone, held where there are none; the
    places' covariances (E, 3, 3), NaN there, and how many satellites (E,) were used."""

    place: F64
    velocity: F64
    covariance: F64
    satellites: NDArray[np.int16]

    def since(self, epoch: int) -> Alone:
        """The epochs from one on."""
        return Alone(
            self.place[epoch:], self.velocity[epoch:], self.covariance[epoch:],
            self.satellites[epoch:],
        )  # fmt: skip


def until_settled(rover: Observations, orbits: BroadcastOrbits, wheel: F64, told: Alone) -> Alone:
    """As `told`, epoch by epoch, with velocities until the car has moved off, each from before."""
    rolling = np.flatnonzero(wheel > _ROLLING_MPS)
    until = int(rolling[0]) + _SETTLED if len(rolling) else len(rover)
    count = min(until, len(rover))
    first = alone(rover.epochs(0, count), orbits, "realtime")
    return Alone(
        np.concatenate((first.place, told.place[count:])),
        np.concatenate((first.velocity, told.velocity[count:])),
        np.concatenate((first.covariance, told.covariance[count:])),
        np.concatenate((first.satellites, told.satellites[count:])),
    )


def alone(rover: Observations, orbits: BroadcastOrbits, mode: Mode) -> Alone:
    """Single point of all epochs; NoPositionError where there is none."""
    found = single(rover, orbits, mode=mode)
    at = np.searchsorted(
        rover.week * WEEK_S + rover.tow_s, found.week * WEEK_S + found.tow_s - 1e-6
    )
    near, moving = np.full((len(rover), 3), np.nan), np.zeros((len(rover), 3))
    spread, used = np.full((len(rover), 3, 3), np.nan), np.zeros(len(rover), np.int16)
    used[at] = found.satellites
    near[at], spread[at] = found.position_m, found.covariance_m2
    if found.velocity_mps is not None:
        moving[at] = np.nan_to_num(found.velocity_mps)
    return Alone(held(near), moving, spread, used)
