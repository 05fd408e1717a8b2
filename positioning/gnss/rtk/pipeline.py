"""RTK: where a rover is beside a base, to the millimetre once the integers are known.

Single differences of rover and base take the satellites' clocks and most of the atmosphere away;
a receiver clock for each group of signals (updates.py) takes the receivers'; a Kalman filter
holds the position and the ambiguities; LAMBDA finds their integers; an epoch whose integers are
believed is a FIX. `Rtk.step` is one epoch in real time, `solve` is whole files.
"""

from __future__ import annotations

import numpy as np

from positioning.gnss.observations import Observations
from positioning.gnss.orbits.states import Orbits
from positioning.gnss.rtk.arrays import F64, Receiver, State, begin
from positioning.gnss.rtk.checks import (
    check_ages,
    check_places,
    check_stands,
    checked_position,
    missing_orbits,
    own_position,
)
from positioning.gnss.rtk.difference import difference
from positioning.gnss.rtk.epoch import FIXED, NUMBERS, SATELLITES, UNSOLVED
from positioning.gnss.rtk.epoch import advance as one_epoch
from positioning.gnss.rtk.errors import RtkError
from positioning.gnss.rtk.prepare import WEEK_S, base_receiver, receiver, times
from positioning.gnss.rtk.report import Epoch, Integrity, gather
from positioning.gnss.rtk.tuning import Mode, Tuning
from positioning.gnss.rtk.wide import wide_place
from positioning.gnss.solution import Quality, Solution

SYSTEMS = "GRECJ"
_ASKED = 20  # epochs of a base that may be asked where it is
_SAME_EPOCH_S = 0.05  # receivers steer their clocks to the nominal epoch better than this
Told = tuple[F64, F64]
"""(3,) ECEF where other sensors expect the rover, and its covariance (3, 3); NaN for nowhere."""

NOWHERE: Told = (np.full(3, np.nan), np.full((3, 3), np.nan))
_QUALITY = {FIXED: Quality.FIX, UNSOLVED: Quality.NONE}


class Rtk:
    """The filter in real time: feed it epochs by `step`.

    base_position_m: (3,) ECEF. systems: letters of those to use. baseline_km: the longest
    expected, which says how much the atmosphere may differ between the two. wide_lanes: tell an
    epoch that is not fixed by its wide lanes where these are believed; it stays a FLOAT.
    """

    def __init__(
        self,
        orbits: Orbits,
        base_position_m: F64,
        mode: Mode = Mode.KINEMATIC,
        *,
        tuning: Tuning | None = None,
        systems: str = SYSTEMS,
        baseline_km: float = 0.0,
        wide_lanes: bool = False,
    ) -> None:
        self._orbits, self._systems = orbits, systems
        self._base_position = checked_position(base_position_m)
        self._tuning = tuning or Tuning()
        self._baseline_km, self._wide_lanes = baseline_km, wide_lanes
        self._still = Mode(mode) is Mode.STATIC
        self._state: State = begin()
        self._base: tuple[Receiver, tuple[int, int, int], float] | None = None

    def step(
        self, rover: Observations, base: Observations, variance_m2: F64 | None = None
    ) -> Epoch:
        """Solve one rover epoch; `base` holds the base's epochs since the last step, or none.

        variance_m2: (N, BANDS, 2) of the rover's codes and phases, NaN or None for the model's.
        """
        if len(rover) != 1:
            raise RtkError(f"a step takes one epoch of the rover, got {len(rover)}")
        if len(base):
            rows = base_receiver(base, self._orbits, self._systems, self._base_position)
            last = (int(base.first[-2]), int(base.first[-1]), 0)
            self._base = rows, last, float(times(base)[-1])
        prepared = receiver(rover, self._orbits, self._systems, variance_m2)
        span = (0, len(rover.satellite))
        return self.advance(prepared, span, (int(rover.week[0]), float(rover.tow_s[0])))

    def use_base(self, base: Receiver, rows: tuple[int, int, int], time_s: float) -> None:
        """What the base observed last: rows of a prepared receiver, and since which it may slip."""
        self._base = base, rows, time_s

    def advance(
        self,
        rover: Receiver,
        span: tuple[int, int],
        at: tuple[int, float],
        told: Told = NOWHERE,
    ) -> Epoch:
        """Solve the epoch at (week, tow_s) from rows `span` of a prepared rover."""
        week, tow_s = at
        time_s = week * WEEK_S + tow_s
        age_s = time_s - self._base[2] if self._base else np.inf
        if self._base is None or abs(age_s) > self._tuning.oldest_base_s:
            return _unsolved(week, tow_s, age_s)
        base, rows, base_time_s = self._base
        pairs = difference(rover, *span, base, *rows, self._baseline_km, self._tuning)
        self._base = base, (rows[0], rows[1], rows[1]), base_time_s  # a slip counts once
        how, position, covariance, numbers, self._state = one_epoch(
            self._state, pairs, self._base_position, time_s, self._baseline_km, self._still,
            told, self._tuning,
        )  # fmt: skip
        quality = _QUALITY.get(how, Quality.FLOAT)
        if self._wide_lanes and quality == Quality.FLOAT:
            position, covariance = wide_place(self._state, pairs) or (position, covariance)
        count = int(numbers[SATELLITES])
        return Epoch(week, tow_s, position, covariance, quality, count, age_s, numbers)


class Files:
    """A rover's epochs, one after the other, each by the base's latest.

    variance_m2: (N, BANDS, 2) of the rover's codes and phases, NaN or None for the model's.
    wide_lanes: see Rtk. Raises RtkError where nothing can come of the files: no common epochs, no
    common satellite with orbits, a base that is not where it is said to be.
    """

    def __init__(
        self,
        rover: Observations,
        base: Observations,
        orbits: Orbits,
        base_position_m: F64,
        mode: Mode = Mode.KINEMATIC,
        *,
        tuning: Tuning | None = None,
        systems: str = SYSTEMS,
        variance_m2: F64 | None = None,
        wide_lanes: bool = False,
    ) -> None:
        position, tuned = checked_position(base_position_m), tuning or Tuning()
        times_s, base_times_s = times(rover), times(base)
        latest = np.searchsorted(base_times_s, times_s + _SAME_EPOCH_S, side="right") - 1
        check_ages(times_s - base_times_s[np.maximum(latest, 0)], tuned.oldest_base_s)
        rows = receiver(rover, orbits, systems, variance_m2)
        apart_km = _checked_baseline_km((rover, base), rows, orbits, position, systems, tuned)
        self._filter = Rtk(orbits, position, mode, tuning=tuned, systems=systems,
                           baseline_km=apart_km, wide_lanes=wide_lanes)  # fmt: skip
        self._rover, self._rows = rover, rows
        self._base, self._base_rows = base, base_receiver(base, orbits, systems, position)
        self._latest, self._base_times_s = latest, base_times_s
        self._fed, self._since = -1, 0

    def epoch(self, e: int, told: Told = NOWHERE) -> Epoch:
        """Solve epoch e; they are asked for in order."""
        b, base, rover = int(self._latest[e]), self._base, self._rover
        if b >= 0 and b != self._fed:
            low, high = int(base.first[b]), int(base.first[b + 1])
            told_s = float(self._base_times_s[b])
            self._filter.use_base(self._base_rows, (low, high, self._since), told_s)
            self._fed, self._since = b, high
        span = (int(rover.first[e]), int(rover.first[e + 1]))
        return self._filter.advance(
            self._rows, span, (int(rover.week[e]), float(rover.tow_s[e])), told
        )


def solve(
    rover: Observations,
    base: Observations,
    orbits: Orbits,
    base_position_m: F64,
    mode: Mode = Mode.KINEMATIC,
    *,
    tuning: Tuning | None = None,
    systems: str = SYSTEMS,
    variance_m2: F64 | None = None,
    wide_lanes: bool = False,
) -> tuple[Solution, Integrity]:
    """All epochs of `Files`."""
    files = Files(
        rover, base, orbits, base_position_m, mode, tuning=tuning, systems=systems,
        variance_m2=variance_m2, wide_lanes=wide_lanes,
    )  # fmt: skip
    return gather([files.epoch(e) for e in range(len(rover))])


def _checked_baseline_km(
    observed: tuple[Observations, Observations],
    rover_rows: Receiver,
    orbits: Orbits,
    position: F64,
    systems: str,
    tuning: Tuning,
) -> float:
    """How far the rover is at first, by codes; RtkError where the base is not where it should."""
    rover, base = observed
    few = base.epochs(0, min(len(base), _ASKED))
    base_m = own_position(receiver(few, orbits, systems), few.first, position, tuning)
    late = base.epochs(max(len(base) - _ASKED, 0), len(base))
    late_m = own_position(receiver(late, orbits, systems), late.first, position, tuning)
    rover_m = own_position(rover_rows, rover.first, position, tuning)
    check_places(base_m, rover_m, position)
    check_stands(base_m, late_m)
    if rover_m is None:
        raise RtkError(
            "no epoch of the rover has enough satellites with orbits: "
            f"without any are {', '.join(missing_orbits(rover, orbits, systems)) or 'none'}"
        )
    return float(np.linalg.norm(rover_m - position)) / 1e3


def _unsolved(week: int, tow_s: float, age_s: float) -> Epoch:
    nowhere = np.full(3, np.nan), np.full((3, 3), np.nan)
    return Epoch(week, tow_s, *nowhere, Quality.NONE, 0, age_s, np.zeros(NUMBERS))
