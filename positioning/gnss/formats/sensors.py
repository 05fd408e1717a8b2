"""A vehicle's own sensors from CSV: the columns named in the first line, a line a sample.

Inertial: gps_tow_s, rate_{x,y,z}_radps, force_{x,y,z}_mps2, body axes forward, left, up, means over
the interval before each time. Wheels: gps_tow_s, speed_mps, forward. As `simulate` writes them.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from positioning.gnss.coupled.inertial import Inertial
from positioning.gnss.coupled.sensors import Wheels
from positioning.gnss.formats import source
from positioning.gnss.formats.errors import GnssFileError
from positioning.gnss.time import WEEK_S

F64 = NDArray[np.float64]

TIME = "gps_tow_s"
RATES = ("rate_x_radps", "rate_y_radps", "rate_z_radps")
FORCES = ("force_x_mps2", "force_y_mps2", "force_z_mps2")
SPEED = "speed_mps"


def read_inertial(path: Path, begin_s: float) -> Inertial:
    """Samples of a drive that begins at begin_s, GPS seconds since 1980. GnssFileError names what
    is wrong."""
    table = _columns(path, (TIME, *RATES, *FORCES))
    return Inertial(_times(path, table[:, 0], begin_s), table[:, 1:4].copy(), table[:, 4:].copy())


def read_wheels(path: Path, begin_s: float) -> Wheels:
    """As read_inertial, of the wheels' speed."""
    table = _columns(path, (TIME, SPEED))
    return Wheels(_times(path, table[:, 0], begin_s), table[:, 1].copy())


def _columns(path: Path, wanted: tuple[str, ...]) -> F64:
    """(T, columns) in the order that is wanted, whatever that of the file is."""
    lines = source.read(path).decode("ascii", errors="replace").splitlines()
    named = [word.strip() for word in lines[0].split(",")] if lines else []
    missing = [name for name in wanted if name not in named]
    if missing:
        raise GnssFileError(path, f"the first line names no column {', '.join(missing)}")
    use = [named.index(name) for name in wanted]
    filled = [line for line in lines[1:] if line.strip()]
    if not filled:
        raise GnssFileError(path, "it holds no sample")
    try:
        table = np.loadtxt(filled, delimiter=",", usecols=use, ndmin=2)
    except ValueError as error:
        raise GnssFileError(path, f"samples are numbers between commas: {error}") from error
    if not np.all(np.isfinite(table)):
        line = int(np.flatnonzero(~np.isfinite(table).all(axis=1))[0]) + 2
        raise GnssFileError(path, f"line {line} holds a value that is no number")
    return np.asarray(table)


def _times(path: Path, tow_s: F64, begin_s: float) -> F64:
    """GPS seconds since 1980, of the week that brings the first nearest to the drive's begin."""
    falls = np.flatnonzero(np.diff(tow_s) <= 0)
    over = np.concatenate(([0.0], np.cumsum(np.diff(tow_s) < -WEEK_S / 2) * WEEK_S))
    week = np.rint((begin_s - tow_s[0]) / WEEK_S) * WEEK_S
    times = week + tow_s + over
    if np.any(np.diff(times) <= 0):
        raise GnssFileError(path, f"its times do not rise after line {int(falls[0]) + 2}")
    return np.asarray(times)
