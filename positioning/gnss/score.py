"""How good a solution is against the truth, always counted over the epochs that were expected.

An epoch without a solution is not left out: it is not available, and to the percentiles its error
is infinite. So a solver cannot better its figures by keeping silent where it is hard.
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from common.errors import LingnanError
from positioning.gnss import geodesy
from positioning.gnss.formats.truth import Truth, seconds
from positioning.gnss.solution import Quality, Solution

Array = NDArray[np.float64]

WRONG_FIX_M = 0.5
TOLERANCE_S = 0.05
SHARES_M = (0.1, 0.15, 0.5)
PERCENTS = (50, 68, 95)
_APART_S = 1.0
_MOST_EPOCHS = 4_000_000  # nine days at 5 Hz: bounds what a file may ask for


@dataclass(frozen=True, slots=True)
class Spread:
    """Of one kind of error, m. Percentiles are over expected epochs, inf where epochs are missing.

    rms: over the available epochs alone, for a missing one has none.
    """

    p50_m: float
    p68_m: float
    p95_m: float
    rms_m: float


@dataclass(frozen=True, slots=True)
class Score:
    """Counts, rates and errors; rates are of the expected epochs unless they say otherwise.

    wrong_fix_rate: of the fixes, those more than WRONG_FIX_M from the truth in three dimensions;
    None without a fix. within: horizontal shares of expected epochs by limit in m.
    fixed_horizontal_p95_m, fixed_within_150_mm: over the fixed epochs alone, None without a fix.
    duplicates: second solutions of one time, left out. unsorted: times that step back.
    unexpected: solutions at no expected time.
    """

    expected: int
    available: int
    fixed: int
    wrong_fixes: int
    availability: float
    fix_rate: float
    wrong_fix_rate: float | None
    horizontal: Spread
    vertical: Spread
    three_d: Spread
    within: dict[str, float]
    fixed_horizontal_p95_m: float | None
    fixed_within_150_mm: float | None
    interval_s: float | None
    duplicates: int
    unsorted: int
    unexpected: int

    def to_json(self) -> dict[str, Any]:
        """Plain values; an infinite error is None."""
        return {name: _plain(value) for name, value in asdict(self).items()}


@dataclass(frozen=True, slots=True, eq=False)
class Errors:
    """Of each expected epoch: time_s (N,), enu_m (N, 3) NaN where missing, quality (N,) int8."""

    time_s: Array
    enu_m: Array
    quality: NDArray[np.int8]
    interval_s: float | None
    duplicates: int
    unsorted: int
    unexpected: int


def score(
    solution: Solution,
    truth: Truth,
    interval_s: float | None = None,
    *,
    span_s: tuple[float, float] | None = None,
    tolerance_s: float = TOLERANCE_S,
) -> Score:
    """Judge a solution; see `errors` for what is expected. LingnanError names what is lacking."""
    return summary(errors(solution, truth, interval_s, span_s=span_s, tolerance_s=tolerance_s))


def errors(
    solution: Solution,
    truth: Truth,
    interval_s: float | None = None,
    *,
    span_s: tuple[float, float] | None = None,
    tolerance_s: float = TOLERANCE_S,
) -> Errors:
    """Align by GPS time.

    Expected are the truth's own epochs, or with `interval_s` every multiple of it within the
    truth. Where the receiver stood still: every `interval_s` (without one, the commonest of the
    solution) within `span_s`, the observations' first and last time; without it, the solution's.
    A solution belongs to the expected time it is nearest to, within `tolerance_s`, and is compared
    with the truth at its own time.
    """
    time_s, position_m, quality, duplicates, unsorted = _ordered(solution)
    expected, interval_s = _expected(truth, time_s, interval_s, span_s)
    _check_overlap(time_s, expected)
    if interval_s is not None:
        tolerance_s = min(tolerance_s, 0.49 * interval_s)
    nearest, distance = _nearest(time_s, expected)
    here = np.flatnonzero(distance <= tolerance_s)
    best = here[np.lexsort((distance[here], nearest[here]))]
    best = best[np.unique(nearest[best], return_index=True)[1]]
    slot = nearest[best]
    enu = np.full((len(expected), 3), np.nan)
    enu[slot] = _local(position_m[best], truth.at(time_s[best]))
    qualities = np.zeros(len(expected), np.int8)
    qualities[slot] = quality[best]
    missing = (qualities == Quality.NONE) | ~np.isfinite(enu).all(axis=1)
    enu[missing], qualities[missing] = np.nan, Quality.NONE
    unexpected = len(time_s) - len(best)
    return Errors(expected, enu, qualities, interval_s, duplicates, unsorted, unexpected)


def _check_overlap(time_s: Array, expected_s: Array) -> None:
    """Refuse times (N,) that are all before or after the expected (M,): most likely of another
    time system, week or drive, which a score of nothing available would hide."""
    if not len(time_s) or not len(expected_s):
        return
    apart = max(expected_s[0] - time_s[-1], time_s[0] - expected_s[-1])
    if apart > _APART_S:
        side = "before" if time_s[-1] < expected_s[0] else "after"
        raise LingnanError(
            f"the solution and the truth share no time: the solution is {apart:.0f} s {side} what "
            "is expected; are both of one drive, and both in GPS time?"
        )


def summary(found: Errors) -> Score:
    """The figures of aligned errors."""
    count = len(found.time_s)
    is_there = found.quality != Quality.NONE
    is_fixed = found.quality == Quality.FIX
    horizontal = np.hypot(found.enu_m[:, 0], found.enu_m[:, 1])
    full = np.linalg.norm(found.enu_m, axis=1)
    wrong = int((full[is_fixed] > WRONG_FIX_M).sum())
    fixed = int(is_fixed.sum())
    near = horizontal[is_fixed]
    return Score(
        expected=count,
        available=int(is_there.sum()),
        fixed=fixed,
        wrong_fixes=wrong,
        availability=float(is_there.mean()),
        fix_rate=fixed / count,
        wrong_fix_rate=wrong / fixed if fixed else None,
        horizontal=_spread(horizontal),
        vertical=_spread(np.abs(found.enu_m[:, 2])),
        three_d=_spread(full),
        within={f"{limit:g}": float((horizontal <= limit).sum() / count) for limit in SHARES_M},
        fixed_horizontal_p95_m=percentile(near, 95) if fixed else None,
        fixed_within_150_mm=float((near <= 0.15).mean()) if fixed else None,
        interval_s=found.interval_s,
        duplicates=found.duplicates,
        unsorted=found.unsorted,
        unexpected=found.unexpected,
    )


def percentile(error_m: Array, percent: float) -> float:
    """The least error that `percent` of the epochs do not exceed; NaN counts as infinite."""
    ordered = np.sort(np.where(np.isnan(error_m), np.inf, error_m))
    return float(ordered[max(math.ceil(percent / 100 * len(ordered)) - 1, 0)])


def _spread(error_m: Array) -> Spread:
    known = error_m[np.isfinite(error_m)]
    rms = float(np.sqrt(np.mean(known**2))) if len(known) else math.inf
    p50, p68, p95 = (percentile(error_m, percent) for percent in PERCENTS)
    return Spread(p50, p68, p95, rms)


def _ordered(solution: Solution) -> tuple[Array, Array, NDArray[np.int8], int, int]:
    """Solved epochs by rising time, the first of each; how many were double and out of order."""
    time_s = seconds(solution.week, solution.tow_s)
    solved = np.isfinite(solution.position_m).all(axis=1) & (solution.quality != Quality.NONE)
    solved &= np.isfinite(time_s)
    time_s = time_s[solved]
    unsorted = int((np.diff(time_s) < 0).sum())
    kept, first = np.unique(np.round(time_s, 4), return_index=True)
    position, quality = solution.position_m[solved][first], solution.quality[solved][first]
    return time_s[first], position, quality, len(time_s) - len(kept), unsorted


def _expected(
    truth: Truth, solved_s: Array, interval_s: float | None, span_s: tuple[float, float] | None
) -> tuple[Array, float | None]:
    """Times at which a solution is expected, and their interval if there is one."""
    if interval_s is not None and not interval_s > 0:
        raise LingnanError(f"--interval must be more than 0 s, got {interval_s:g}")
    if not truth.is_static:
        if interval_s is None:
            return truth.time_s, None
        return _multiples(truth.time_s[0], truth.time_s[-1], interval_s), interval_s
    if interval_s is None:
        if len(solved_s) < 2:
            raise LingnanError("too few epochs to tell their interval: give --interval")
        steps, often = np.unique(np.round(np.diff(solved_s), 3), return_counts=True)
        interval_s = float(steps[np.argmax(often)])
    first, last = span_s or (solved_s[0], solved_s[-1]) if len(solved_s) else span_s or (0.0, -1.0)
    if last < first:
        raise LingnanError("no epoch is expected: neither observations nor solutions tell a time")
    steps_count = round((last - first) / interval_s)
    if steps_count > _MOST_EPOCHS:
        raise LingnanError(f"{steps_count} epochs are expected, over {_MOST_EPOCHS}")
    return first + np.arange(steps_count + 1) * interval_s, interval_s


def _multiples(first: float, last: float, interval_s: float) -> Array:
    """Multiples of the interval from first to last."""
    low, high = math.ceil(first / interval_s - 1e-6), math.floor(last / interval_s + 1e-6)
    if high - low > _MOST_EPOCHS:
        raise LingnanError(f"{high - low} epochs are expected, over {_MOST_EPOCHS}")
    if high < low:
        raise LingnanError(f"no multiple of {interval_s:g} s lies within the truth")
    return np.arange(low, high + 1, dtype=np.float64) * interval_s


def _nearest(time_s: Array, expected: Array) -> tuple[NDArray[np.int64], Array]:
    """Which expected time each time is nearest to, and how far from it."""
    after = np.clip(np.searchsorted(expected, time_s), 1, max(len(expected) - 1, 1))
    before = after - 1
    after = np.minimum(after, len(expected) - 1)
    is_before = np.abs(time_s - expected[before]) <= np.abs(time_s - expected[after])
    nearest = np.where(is_before, before, after)
    return nearest, np.abs(time_s - expected[nearest])


def _local(position_m: Array, truth_m: Array) -> Array:
    """(N, 3) east, north, up of the errors, each about its own truth."""
    latitude, longitude, _ = geodesy.to_geodetic(truth_m)
    axes = geodesy.enu_axes(latitude, longitude)
    return np.asarray(np.einsum("nij,nj->ni", axes, position_m - truth_m))


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _plain(part) for name, part in value.items()}
    return None if isinstance(value, float) and not math.isfinite(value) else value
