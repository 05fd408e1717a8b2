"""SP3 files (a, c, d): positions and clocks of satellites at regular times."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from positioning.gnss.formats import source
from positioning.gnss.formats.errors import GnssFileError, Refusal
from positioning.gnss.satellite import encode
from positioning.gnss.time import leap_seconds, shifted, week_second

_NO_CLOCK = 999_999.0


@dataclass(frozen=True, slots=True, eq=False)
class PreciseEphemeris:
    """Satellites S at times E, NaN where not told.

    week, tow_s: (E,) GPS time. satellite: (S,) int16, rising. position_m: (E, S, 3), ECEF.
    clock_s: (E, S), without the periodic relativistic term, as SP3 has it.
    """

    week: NDArray[np.int32]
    tow_s: NDArray[np.float64]
    satellite: NDArray[np.int16]
    position_m: NDArray[np.float64]
    clock_s: NDArray[np.float64]


def read(path: Path, refusals: list[Refusal] | None = None) -> PreciseEphemeris:
    """All epochs of a file; broken lines are appended to `refusals`.

    Raises GnssFileError for what is no SP3 file or holds no epoch.
    """
    path = Path(path)
    lines = source.read(path).decode("ascii", errors="replace").splitlines()
    if not lines or lines[0][:1] != "#" or lines[0][1:2] not in "abcd" or lines[0][2:3] not in "PV":
        raise GnssFileError(path, "not an SP3 file: its first line does not begin with #")
    told: list[Refusal] = [] if refusals is None else refusals
    times, rows = _records(path, lines, told)
    if not times:
        raise GnssFileError(path, "no epoch in it")
    satellite = np.unique(np.array([row[1] for row in rows], dtype=np.int16))
    grid = np.full((len(times), len(satellite), 4), np.nan)
    for epoch, number, values in rows:
        grid[epoch, np.searchsorted(satellite, number)] = values
    week, tow_s = np.array(times).T
    return PreciseEphemeris(
        week.astype(np.int32), tow_s, satellite, grid[..., :3], np.ascontiguousarray(grid[..., 3])
    )


def _records(
    path: Path, lines: list[str], refusals: list[Refusal]
) -> tuple[list[tuple[int, float]], list[tuple[int, int, list[float]]]]:
    scale = next((line[9:12] for line in lines if line.startswith("%c")), "GPS")
    times: list[tuple[int, float]] = []
    rows: list[tuple[int, int, list[float]]] = []
    known = False
    for at, line in enumerate(lines):
        try:
            if line.startswith("* "):
                known = False
                times.append(_time(line, scale))
                known = True
            elif line.startswith("P") and times:
                if not known:
                    raise ValueError("its epoch was not read")
                rows.append((len(times) - 1, _satellite(line), _values(line)))
        except ValueError as error:
            refusals.append(Refusal(path, at + 1, f"broken SP3 record ({error})"))
    return times, rows


def _satellite(line: str) -> int:
    return encode("G" + line[2:4] if line[1] == " " else line[1:4])


def _time(line: str, scale: str) -> tuple[int, float]:
    year, month, day, hour, minute = (int(word) for word in line[2:19].split())
    week, second = week_second(year, month, day, hour, minute, float(line[19:31]))
    if scale == "UTC" or scale == "GLO":
        return shifted(week, second, leap_seconds(year, month))
    return shifted(week, second, 14.0) if scale == "BDT" else (week, second)


def _values(line: str) -> list[float]:
    x, y, z, clock = (float(line[at : at + 14]) for at in range(4, 60, 14))
    if x == y == z == 0:
        x = y = z = np.nan
    return [1e3 * x, 1e3 * y, 1e3 * z, np.nan if abs(clock) >= _NO_CLOCK else 1e-6 * clock]
