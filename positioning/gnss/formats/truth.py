"""Where the receiver truly was: the formats in which data sets tell it."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from math import isfinite
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from positioning.gnss import geodesy
from positioning.gnss.formats import pos, rinex_header, source
from positioning.gnss.formats.errors import GnssFileError
from positioning.gnss.time import WEEK_S, week_second

Array = NDArray[np.float64]
Time = tuple[int, float]

_POSE = "global_pose"
_LARGEST_ARRAY_BYTES = 1 << 28
_EARTH_M = (6.2e6, 7.0e6)
_EDGE_S = 0.01
_MOST_WEEKS = 10_000


@dataclass(frozen=True, slots=True, eq=False)
class Truth:
    """time_s: (E,) GPS seconds since 1980, rising; empty where the receiver stood still.

    position_m: (E, 3) ECEF, or (1, 3) of the place where it stood.
    """

    time_s: Array
    position_m: Array

    @property
    def is_static(self) -> bool:
        """Whether it is one place at all times."""
        return len(self.time_s) == 0

    def at(self, time_s: Array, gap_s: float = 2.5) -> Array:
        """(N, 3) on the straight line between the neighbours; NaN outside and in longer gaps.

        Receivers steer their clocks to some ms: so little outside is on the line still.
        """
        if self.is_static:
            return np.broadcast_to(self.position_m[0], (len(time_s), 3))
        known = self.time_s
        after = np.clip(np.searchsorted(known, time_s), 1, len(known) - 1)
        span = known[after] - known[after - 1]
        share = ((time_s - known[after - 1]) / span)[:, None]
        place = self.position_m[after - 1] * (1 - share) + self.position_m[after] * share
        outside = (time_s < known[0] - _EDGE_S) | (time_s > known[-1] + _EDGE_S) | (span > gap_s)
        on_point = np.isin(time_s, known)
        place[outside & ~on_point] = np.nan
        return place


def read(path: Path, start: Time | None = None) -> Truth:
    """The truth of a file or folder, whatever of the known formats it is.

    A .pos file; lines "point3 t x y z ..." with seconds from `start`; CSV, with or without a line
    of names, of week, second and latitude, longitude, height in degrees and m, or ECEF; three
    numbers of a place that did not move; a comma2k19 segment with global_pose/. GnssFileError
    names what is wrong.
    """
    if path.is_dir():
        return _comma(path)
    text = source.read(path).decode("utf-8", errors="replace")
    first = next((line for line in text.splitlines() if line.strip()), "")
    if first.startswith("%") or path.suffix == ".pos":
        return _checked(path, *_of_pos(path))
    reader: Callable[..., Truth] = _points if first.startswith("point3") else _table
    try:
        return reader(path, text, start)
    except (ValueError, IndexError) as error:
        raise GnssFileError(path, f"not a truth that is known: {error!s:.100}") from error


def start_of(told: str) -> Time:
    """A time from "week:second", or the first epoch of a RINEX observation file."""
    week, colon, second = told.partition(":")
    if colon and week.isdigit():
        try:
            if not isfinite(begun_s := float(second)):
                raise ValueError(f"{second} is no time")
            return int(week), begun_s
        except ValueError as error:
            raise GnssFileError(Path(told), "a start is WEEK:SECOND, e.g. 1900:126641.7") from error
    path = Path(told)
    header = rinex_header.read(path, source.read(path))
    lines = header.records.get("TIME OF FIRST OBS", [])
    if not lines:
        raise GnssFileError(path, "the header has no TIME OF FIRST OBS")
    try:
        *date, second = lines[0].split()[:6]
        year, month, day, hour, minute = (int(word) for word in date)
        begun = week_second(year, month, day, hour, minute, float(second))
    except ValueError as error:
        raise GnssFileError(path, f"its TIME OF FIRST OBS is no time: {error}") from error
    return begun[0], begun[1] + header.ahead_s


def _of_pos(path: Path) -> tuple[Array, Array]:
    solution = pos.read(path)
    return seconds(solution.week, solution.tow_s), solution.position_m


def seconds(week: NDArray[np.int32], tow_s: Array) -> Array:
    """GPS seconds since 1980; good to a microsecond."""
    return week.astype(np.float64) * WEEK_S + tow_s


def _points(path: Path, text: str, start: Time | None) -> Truth:
    if start is None:
        raise GnssFileError(
            path,
            "its times count from the start of the drive: give --start WEEK:SECOND or the RINEX "
            "file of its observations",
        )
    rows = [line.split()[1:5] for line in text.splitlines() if line.startswith("point3")]
    table = np.array(rows, np.float64)
    return _checked(path, start[0] * WEEK_S + start[1] + table[:, 0], table[:, 1:])


def _table(path: Path, text: str, start: Time | None) -> Truth:
    lines = [line for line in text.splitlines() if line.strip() and line[0] not in "#%"]
    if lines and lines[0][0].isalpha():
        lines = lines[1:]  # the columns' names
    words = ([word for word in re.split(r"[\s,;]+", line.strip()) if word] for line in lines)
    rows = [[float(word) for word in row[:5]] for row in words]
    if len(rows) == 1 and len(rows[0]) == 3:
        return Truth(np.zeros(0), _ecef(path, np.array(rows)))
    table = np.array(rows)
    if table.ndim != 2 or table.shape[1] != 5:
        raise ValueError("neither three numbers of a place nor week, second and three numbers")
    week, second = table[:, 0], table[:, 1]
    if np.any(week % 1) or np.any((week < 0) | (week >= _MOST_WEEKS)):
        raise ValueError("the first column is no GPS week")
    return _checked(path, week * WEEK_S + second, _ecef(path, table[:, 2:]))


def _ecef(path: Path, places: Array) -> Array:
    """(N, 3) ECEF from ECEF or from degrees and m."""
    if np.linalg.norm(places, axis=1).min() < 1e5:
        places = geodesy.to_ecef(np.deg2rad(places[:, 0]), np.deg2rad(places[:, 1]), places[:, 2])
    _on_earth(path, places)
    return places


def _on_earth(path: Path, places: Array) -> None:
    radius = np.linalg.norm(places, axis=1)
    if not np.all((radius > _EARTH_M[0]) & (radius < _EARTH_M[1])):
        raise GnssFileError(path, "holds a place that is not on the Earth (ECEF in m is meant)")


def _checked(path: Path, time_s: Array, position_m: Array) -> Truth:
    """In rising order, each time once."""
    if not (np.isfinite(time_s).all() and np.isfinite(position_m).all()):
        raise GnssFileError(path, "holds times or places that are no numbers")
    if len(time_s) < 2:
        raise GnssFileError(path, "holds fewer than two epochs")
    _on_earth(path, position_m)
    kept, order = np.unique(time_s, return_index=True)
    return Truth(kept, position_m[order])


def _comma(folder: Path) -> Truth:
    pose = folder if folder.name == _POSE else folder / _POSE
    times, places = (_array(pose / name) for name in ("frame_gps_times", "frame_positions"))
    if times.ndim != 2 or times.shape[1] != 2 or places.shape != (len(times), 3):
        raise GnssFileError(pose, f"arrays of {times.shape} and {places.shape}, not (E, 2), (E, 3)")
    return _checked(pose, times[:, 0] * WEEK_S + times[:, 1], places)


def _array(path: Path) -> Array:
    try:
        if path.stat().st_size > _LARGEST_ARRAY_BYTES:
            raise GnssFileError(path, f"larger than {_LARGEST_ARRAY_BYTES >> 20} MiB")
        with path.open("rb") as stream:
            return np.asarray(np.load(stream, allow_pickle=False), np.float64)
    except OSError as error:
        raise GnssFileError(path, error.strerror or str(error)) from error
    except (ValueError, EOFError, TypeError) as error:
        raise GnssFileError(path, f"not a plain array ({error})") from error
