"""Whether a file's times are of the scale that its header tells: codes fit the orbits of no other.

Satellites move four kilometres a second. With times 14 or 18 seconds off, as BeiDou's and UTC's are
from GPS time, ranges to them are wrong by kilometres, each by its own, and no position and clock
explain them. Not told, such a file gives positions kilometres away, or beside a base none that can
be fixed.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from positioning.gnss.formats.errors import GnssFileError
from positioning.gnss.geodesy import EARTH_RATE_RADPS
from positioning.gnss.observations import Observations
from positioning.gnss.orbits.states import Orbits
from positioning.gnss.rtk.prepare import first_finite, transmitted
from positioning.gnss.satellite import SPEED_OF_LIGHT_MPS
from positioning.gnss.time import BEIDOU_S, calendar, leap_seconds

F64 = NDArray[np.float64]

_ASKED = 3  # epochs, from the first to the last
_SPARE = 2  # satellites more than a position and the clocks need
_WRONG_M, _TIMES = 300.0, 10.0  # no reflection is as wrong; how much better another scale must fit
_ROUNDS = 8


def check_scale(path: Path, observations: Observations, orbits: Orbits) -> None:
    """GnssFileError where the codes fit the orbits at times of another scale, and not as told.

    Nothing is said where satellites are too few, or no scale fits: that is not the times' fault.
    """
    some = _some(observations)
    told_m = misfit_m(some, orbits)
    if not told_m > _WRONG_M:
        return
    leap_s = leap_seconds(*calendar(int(some.week[0]), float(some.tow_s[0]))[:2])
    offsets = [s for one in (leap_s, BEIDOU_S, leap_s - BEIDOU_S) for s in (one, -one)]
    found = {s: misfit_m(replace(some, tow_s=some.tow_s + s), orbits) for s in offsets}
    best = min(found, key=lambda s: np.nan_to_num(found[s], nan=np.inf))
    if found[best] * _TIMES < told_m:
        way = "later" if best > 0 else "earlier"
        raise GnssFileError(
            path,
            f"mixed time systems: its codes miss the orbits by {told_m / 1e3:.1f} km at the times "
            f"that it tells, and by {found[best]:.0f} m {abs(best)} s {way}; the time system in "
            "its header is not that of its epochs",
        )


def misfit_m(observations: Observations, orbits: Orbits) -> float:
    """Error of unit weight of the codes against the orbits, each epoch with a position and clocks
    of its own; the median over epochs, NaN where none has the satellites."""
    place_m, clock_m = transmitted(observations, orbits)
    code_m = first_finite(observations.code_m)
    system = observations.satellite // 100
    misfits = []
    for low, high in zip(observations.first[:-1], observations.first[1:], strict=True):
        rows = np.arange(low, high)
        rows = rows[np.isfinite(clock_m[rows]) & np.isfinite(code_m[rows])]
        misfits.append(_misfit_m(place_m[rows], code_m[rows] + clock_m[rows], system[rows]))
    known = [one for one in misfits if np.isfinite(one)]
    return float(np.median(known)) if known else float("nan")


def _misfit_m(place_m: F64, range_m: F64, system: NDArray[np.int16]) -> float:
    """Of one epoch, by Gauss-Newton from the Earth's centre."""
    clocks = (system[:, None] == np.unique(system)).astype(np.float64)
    spare = len(system) - 3 - clocks.shape[1]
    if spare < _SPARE:
        return float("nan")
    state, left = np.zeros(3 + clocks.shape[1]), range_m
    for _ in range(_ROUNDS):
        away = state[:3] - place_m
        distance = np.linalg.norm(away, axis=1)
        turned = place_m[:, 0] * state[1] - place_m[:, 1] * state[0]
        model = distance + EARTH_RATE_RADPS / SPEED_OF_LIGHT_MPS * turned + clocks @ state[3:]
        left = range_m - model
        design = np.column_stack((away / distance[:, None], clocks))
        step, *_ = np.linalg.lstsq(design, left, rcond=None)
        state += step
    return float(np.sqrt((left**2).sum() / spare))


def _some(observations: Observations) -> Observations:
    """A few epochs with the most satellites of each part of the file."""
    count = np.diff(observations.first)
    parts = np.array_split(np.arange(len(observations)), min(_ASKED, len(observations)))
    chosen = [int(part[np.argmax(count[part])]) for part in parts]
    keep = np.isin(observations.epoch_of_row, chosen)
    kept = observations.where(keep)
    first = np.concatenate((kept.first[chosen], kept.first[-1:]))
    return replace(kept, week=kept.week[chosen], tow_s=kept.tow_s[chosen], first=first)
