"""GPS time as week and second of week, and what other scales differ by."""

from __future__ import annotations

from datetime import date

WEEK_S = 604_800
BEIDOU_WEEKS = 1356
"""Week 0 of BeiDou time in GPS weeks."""
BEIDOU_S = 14
"""Seconds that BeiDou time is behind GPS time."""

_EPOCH_DAY = date(1980, 1, 6).toordinal()

_LEAPS = (
    (2017, 1, 18), (2015, 7, 17), (2012, 7, 16), (2009, 1, 15), (2006, 1, 14), (1999, 1, 13),
    (1997, 7, 12), (1996, 1, 11), (1994, 7, 10), (1993, 7, 9), (1992, 7, 8), (1991, 1, 7),
    (1990, 1, 6), (1988, 1, 5), (1985, 7, 4), (1983, 7, 3), (1982, 7, 2), (1981, 7, 1),
)  # fmt: skip
"""From year and month on, GPS time is ahead of UTC by so many seconds (IERS Bulletin C)."""
LATEST_LEAP_S = _LEAPS[0][2]


def week_second(
    year: int, month: int, day: int, hour: int, minute: int, second: float
) -> tuple[int, float]:
    """GPS week and second of week of a calendar time in GPS time; ValueError if there is none."""
    if not (0 <= hour < 24 and 0 <= minute < 60 and 0 <= second < 61):
        raise ValueError(f"no time of day: {hour}:{minute}:{second}")
    days = date(year, month, day).toordinal() - _EPOCH_DAY
    week, weekday = divmod(days, 7)
    return week, weekday * 86_400 + hour * 3600 + minute * 60 + second


def shifted(week: int, tow_s: float, by_s: float) -> tuple[int, float]:
    """The time `by_s` later, with the second of week from 0 to 604,800."""
    weeks, second = divmod(tow_s + by_s, WEEK_S)
    return week + int(weeks), second


def leap_seconds(year: int, month: int) -> int:
    """GPS time less UTC in that month."""
    for from_year, from_month, leap in _LEAPS:
        if (year, month) >= (from_year, from_month):
            return leap
    return 0


def calendar(week: int, tow_s: float) -> tuple[int, int, int, int, int, float]:
    """Year, month, day, hour, minute, second of a GPS time."""
    days, second = divmod(tow_s, 86_400)
    day = date.fromordinal(_EPOCH_DAY + 7 * week + int(days))
    hour, second = divmod(second, 3600)
    minute, second = divmod(second, 60)
    return day.year, day.month, day.day, int(hour), int(minute), second
