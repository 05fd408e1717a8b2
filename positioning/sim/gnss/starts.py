"""Cold starts within a simulated drive: what the antenna gets from each moment on."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from positioning.gnss.coldstart.ttff import View
from positioning.gnss.satellite import SYSTEMS
from positioning.sim.gnss.scenario import Drive

_WEEK_S = 604_800.0


def views(drive: Drive, starts_s: Sequence[float], length_s: float) -> Iterator[View]:
    """A view for each start, s from the drive's beginning; GLONASS is left out.

    C/N0 is that of the first band (L1, E1, B1), NaN where the receiver of the drive had lost the
    signal: a satellite that is behind a building is none that could be found.
    """
    rover = drive.rover
    satellites = np.array(
        [s for s in np.unique(rover.satellite) if SYSTEMS[s // 100] in "GEC"], np.int16
    )
    kept = np.isin(rover.satellite, satellites)
    column = np.searchsorted(satellites, rover.satellite[kept])
    epoch = rover.epoch_of_row[kept]
    cn0 = np.full((len(rover), len(satellites)), np.nan)
    cn0[epoch, column] = rover.cn0_dbhz[kept, 0]
    azimuth, elevation = drive.truth.azimuth_rad[kept], drive.truth.elevation_rad[kept]
    flat = np.cos(elevation)
    toward = np.column_stack((flat * np.sin(azimuth), flat * np.cos(azimuth), np.sin(elevation)))
    line = np.zeros((len(satellites), 3))
    np.add.at(line, column, toward)
    line /= np.linalg.norm(line, axis=1, keepdims=True)
    step_s = 1.0 / drive.scenario.rover.rate_hz
    for start_s in starts_s:
        first = round(start_s / step_s)
        span = cn0[first : first + round(length_s / step_s)]
        power_up_s = float(rover.week[first] * _WEEK_S + rover.tow_s[first])
        yield View(satellites, span, line, power_up_s, step_s)
