"""comma2k19 (Schafer et al. 2018): tracks of a car's own radar, as they went over its bus.

A segment's folder holds processed_log/CAN/<name>/{t,value}, each a numpy array: radar with columns
distance ahead and to the left in metres, relative speed in m/s, two that are empty, the track's
address and whether it is new; speed in m/s. Beside processed_log lies global_pose with
frame_{times,positions,velocities}, 20 times a second, in the earth's frame (ECEF), made by the
publishers from satellites, inertial sensors and video.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from common.errors import LingnanError

MAX_BYTES = 256 * 2**20

Floats = NDArray[np.float64]


class Comma2k19Error(LingnanError):
    """A segment is not one, or is damaged; the message names the file."""


@dataclass(frozen=True, slots=True, eq=False)
class RadarTracks:
    """N reports. time_s (N,), of the car's log; ahead_m, left_m, relative_mps (N,), relative speed
    positive where the distance grows; address (N,) int64; is_new (N,) bool."""

    time_s: Floats
    ahead_m: Floats
    left_m: Floats
    relative_mps: Floats
    address: NDArray[np.int64]
    is_new: NDArray[np.bool_]


def radar(segment: Path) -> RadarTracks:
    """The radar's reports of a segment. Comma2k19Error names the file that is wrong."""
    time, value = _pair(segment, "radar", 7)
    known = np.isfinite(value[:, [0, 1, 2, 5]]).all(axis=1)
    time, value = time[known], value[known]
    return RadarTracks(
        time,
        value[:, 0],
        value[:, 1],
        value[:, 2],
        value[:, 5].astype(np.int64),
        value[:, 6] == 1,
    )


def speed(segment: Path) -> tuple[Floats, Floats]:
    """(times_s, speed_mps) of the car."""
    time, value = _pair(segment, "speed", 1)
    return time, value[:, 0]


def pose(segment: Path) -> tuple[Floats, Floats, Floats]:
    """(times_s (N,), position_m (N, 3), velocity_mps (N, 3)) of the car, ECEF."""
    folder = segment / "global_pose"
    time, place, velocity = (
        _array(folder / f"frame_{name}") for name in ("times", "positions", "velocities")
    )
    if time.ndim != 1 or place.shape != (len(time), 3) or velocity.shape != place.shape:
        shapes = f"{time.shape} times, {place.shape} positions, {velocity.shape} velocities"
        raise Comma2k19Error(f"{folder}: {shapes}")
    if not (len(time) and np.isfinite(time).all() and np.isfinite(place).all()):
        raise Comma2k19Error(f"{folder}: no pose, or one that is not finite")
    return time, place, velocity


def _pair(segment: Path, name: str, columns: int) -> tuple[Floats, Floats]:
    folder = segment / "processed_log" / "CAN" / name
    time, value = _array(folder / "t"), _array(folder / "value")
    value = value.reshape(len(value), -1)
    if time.ndim != 1 or value.shape != (len(time), columns):
        raise Comma2k19Error(f"{folder}: {time.shape} times, values of {value.shape}")
    return time, value


def _array(path: Path) -> Floats:
    try:
        if path.stat().st_size > MAX_BYTES:
            raise Comma2k19Error(f"{path}: over {MAX_BYTES} bytes")
        return np.asarray(np.load(path, allow_pickle=False), np.float64)
    except (OSError, ValueError, EOFError) as error:
        raise Comma2k19Error(f"{path}: {error}") from error
