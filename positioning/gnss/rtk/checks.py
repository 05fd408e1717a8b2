"""What is refused before a file is solved: said with what is wrong and how to mend it."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from positioning.gnss.observations import Observations
from positioning.gnss.orbits.states import Orbits
from positioning.gnss.rtk.arrays import F64, Receiver
from positioning.gnss.rtk.coarse import coarse_position
from positioning.gnss.rtk.difference import difference
from positioning.gnss.rtk.errors import RtkError
from positioning.gnss.rtk.prepare import transmitted
from positioning.gnss.rtk.tuning import Tuning
from positioning.gnss.satellite import decode

_EARTH_M = (6.2e6, 8.0e6)  # from the centre: ground, and as high as anything with a base flies
_MOVES_M = 100.0  # no standing antenna's codes do, even under reflections
_FAR_M = 300.0  # a code position is this wrong at the very worst


def checked_position(position_m: F64) -> F64:
    """(3,) float64; RtkError where it is no place on Earth in ECEF metres."""
    position = np.asarray(position_m, np.float64)
    if position.shape != (3,) or not np.all(np.isfinite(position)):
        raise RtkError(f"the base position is three finite ECEF coordinates, got {position_m}")
    radius = float(np.linalg.norm(position))
    if not _EARTH_M[0] < radius < _EARTH_M[1]:
        told = f"{radius / 1e3:.1f} km from the Earth's centre"
        raise RtkError(f"the base position is {told}: ECEF coordinates in metres are expected")
    return position


def check_ages(age_s: F64, oldest_s: float) -> None:
    """Refuse files that share no time; age_s (E,) of the base's latest at each rover epoch."""
    if not np.any(np.abs(age_s) <= oldest_s):
        apart = age_s[np.argmin(np.abs(age_s))] if len(age_s) else np.nan
        side = "after the base ends" if apart > 0 else "before the base begins"
        raise RtkError(
            f"rover and base have no common epochs: the rover observes {abs(apart):.0f} s {side}"
        )


def missing_orbits(observations: Observations, orbits: Orbits, systems: str) -> list[str]:
    """Names of the satellites observed in the wanted systems without any usable orbit."""
    _, clock_m = transmitted(observations, orbits)
    known = np.unique(observations.satellite[np.isfinite(clock_m)])
    unknown = np.setdiff1d(observations.satellite, known)
    return [name for name in (decode(int(s)) for s in unknown) if name[0] in systems]


def own_position(
    receiver: Receiver, first: NDArray[np.int64], start_m: F64, tuning: Tuning
) -> F64 | None:
    """(3,) position of one receiver by its codes alone, good to tens of metres, or None.

    By the same codes as the difference to a base, which is here an ideal one in the sky's zenith.
    """
    nothing = np.zeros_like(receiver.code_m)
    ideal = receiver._replace(
        code_m=nothing, phase_m=nothing, elevation_rad=np.full(len(nothing), np.pi / 2)
    )
    for low, high in pairwise(first):
        rows = (int(low), int(high))
        pairs = difference(receiver, *rows, ideal, *rows, int(high), 0.0, tuning)
        good, position, _, _ = coarse_position(pairs, start_m)
        if good:
            return position
    return None


def check_stands(first_m: F64 | None, last_m: F64 | None) -> None:
    """Refuse a base whose codes put it (3,) elsewhere at the end than at the start."""
    if first_m is None or last_m is None:
        return
    moved_m = float(np.linalg.norm(last_m - first_m))
    if moved_m > _MOVES_M:
        raise RtkError(
            f"the base moves: its codes put it {moved_m:.0f} m from where it began; a base stands, "
            "so perhaps base and rover are swapped"
        )


def check_places(base_m: F64 | None, rover_m: F64 | None, position_m: F64) -> None:
    """Refuse a base whose own codes put it elsewhere than (3,) it is said to be."""
    if base_m is None:
        return
    off_m = float(np.linalg.norm(base_m - position_m))
    if off_m <= _FAR_M:
        return
    told = f"the base's observations were made {off_m / 1e3:.1f} km from the base position"
    if rover_m is not None and np.linalg.norm(rover_m - position_m) <= _FAR_M:
        raise RtkError(f"{told}, and the rover's at it: base and rover are swapped")
    raise RtkError(f"{told}: it is not that station's, or not ECEF in metres")
