"""NMEA 0183: the positions that a receiver computed itself (GGA, with RMC's date and GST's spread).

Parsed by pynmeagps. Times are UTC of one day: the date is that of the RMC or ZDA before, and a
file without either is refused.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, time, timedelta
from pathlib import Path
from typing import Any

import numpy as np

from common.errors import MissingExtraError
from positioning.gnss import geodesy
from positioning.gnss.formats.errors import GnssFileError
from positioning.gnss.formats.ubx import Told, frames
from positioning.gnss.solution import Quality, Solution
from positioning.gnss.time import leap_seconds, shifted, week_second

QUALITIES = {
    1: Quality.SINGLE, 2: Quality.DGPS, 3: Quality.SINGLE, 4: Quality.FIX, 5: Quality.FLOAT,
    6: Quality.DEAD_RECKONING,
}  # fmt: skip
"""GGA's quality -> ours; 0, 7 and 8 are no fix, by hand and simulated."""

_HALF_DAY_S = 43_200


@dataclass(frozen=True, slots=True)
class _Fix:
    at: time
    place: tuple[float, float, float]
    quality: Quality
    satellites: int
    age_s: float


def read(path: Path, told: Told | None = None) -> Solution:
    """A fix for each GGA that has one. GnssFileError where there is none, or no date."""
    told = Told() if told is None else told
    fixes: list[_Fix] = []
    spreads: dict[time, tuple[float, float, float]] = {}
    days: list[tuple[int, date, time]] = []  # from which fix on
    for frame in frames(path, told):
        if frame.protocol != "nmea":
            continue
        try:
            message = _parsed(frame.data)
            _take(message, fixes, spreads, days)
        except (ValueError, TypeError, AttributeError):
            told.refused += 1
    if not fixes:
        raise GnssFileError(path, "no GGA sentence with a fix in it")
    if not days:
        raise GnssFileError(path, "no date: RMC or ZDA sentences are needed beside GGA")
    return _solution(fixes, spreads, days)


def _parsed(data: bytes) -> Any:
    try:
        from pynmeagps import NMEAReader, exceptions
    except ImportError as error:
        raise MissingExtraError("pynmeagps", "gnss") from error
    faults = (exceptions.NMEAParseError, exceptions.NMEAMessageError, exceptions.NMEATypeError)
    try:
        return NMEAReader.parse(data)
    except faults as error:
        raise ValueError(str(error)) from error


def _take(
    message: Any,
    fixes: list[_Fix],
    spreads: dict[time, tuple[float, float, float]],
    days: list[tuple[int, date, time]],
) -> None:
    kind = getattr(message, "msgID", "")
    if kind == "GGA" and int(message.quality or 0) in QUALITIES:
        height = float(message.alt) + float(message.sep or 0)  # above the ellipsoid
        place = (float(message.lat), float(message.lon), height)
        age_s = float(message.diffAge) if message.diffAge else np.nan
        quality = QUALITIES[int(message.quality)]
        fixes.append(_Fix(_time(message.time), place, quality, int(message.numSV or 0), age_s))
    elif kind == "GST":
        spread = (float(message.stdLong), float(message.stdLat), float(message.stdAlt))
        spreads[_time(message.time)] = spread
    elif kind in ("RMC", "ZDA"):
        day = message.date if kind == "RMC" else date(message.year, message.month, message.day)
        if isinstance(day, date):
            days.append((len(fixes), day, _time(message.time)))


def _time(told: Any) -> time:
    if not isinstance(told, time):
        raise ValueError("a sentence without its time")
    return told


def _solution(
    fixes: list[_Fix],
    spreads: dict[time, tuple[float, float, float]],
    days: list[tuple[int, date, time]],
) -> Solution:
    place = np.array([fix.place for fix in fixes])
    latitude, longitude = np.deg2rad(place[:, 0]), np.deg2rad(place[:, 1])
    axes = geodesy.enu_axes(latitude, longitude)
    unknown = (np.nan, np.nan, np.nan)
    spread = np.array([spreads.get(fix.at, unknown) for fix in fixes])
    times = [_gps(fix.at, _day(k, days)) for k, fix in enumerate(fixes)]
    return Solution(
        week=np.array([week for week, _ in times], np.int32),
        tow_s=np.array([second for _, second in times]),
        position_m=geodesy.to_ecef(latitude, longitude, place[:, 2]),
        covariance_m2=np.einsum("eki,ek,ekj->eij", axes, spread**2, axes),
        quality=np.array([fix.quality for fix in fixes], np.int8),
        satellites=np.array([fix.satellites for fix in fixes], np.int16),
        age_s=np.array([fix.age_s for fix in fixes], np.float32),
        ratio=np.full(len(fixes), np.nan, np.float32),
    )


def _day(k: int, days: list[tuple[int, date, time]]) -> tuple[date, time]:
    """The date told last before fix k, or first after it."""
    told = [entry for entry in days if entry[0] <= k + 1]
    _, day, at = told[-1] if told else days[0]
    return day, at


def _gps(at: time, told: tuple[date, time]) -> tuple[int, float]:
    """GPS time of a time of day near to that of the date."""
    day, then = told
    ahead_s = _of_day(at) - _of_day(then)
    day += timedelta(days=round(-ahead_s / 86_400)) if abs(ahead_s) > _HALF_DAY_S else timedelta()
    week, second = week_second(day.year, day.month, day.day, 0, 0, 0.0)
    return shifted(week, second, _of_day(at) + leap_seconds(day.year, day.month))


def _of_day(at: time) -> float:
    return at.hour * 3600 + at.minute * 60 + at.second + at.microsecond * 1e-6
