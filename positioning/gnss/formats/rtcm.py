"""RTCM 3 files: observations (MSM4 to MSM7), ephemerides, and the station's place."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from common.drivers.base import CorruptSampleError
from common.drivers.gnss.framing import Frame
from common.drivers.gnss.rtcm import RtcmDecoder, parse
from common.types.gnss import GnssEpoch
from positioning.gnss.formats import rtcm_navigation
from positioning.gnss.formats.epochs import observations
from positioning.gnss.formats.errors import GnssFileError
from positioning.gnss.formats.ubx import Told, frames
from positioning.gnss.navigation import GLONASS, KEPLER, NavigationMessages, merged
from positioning.gnss.observations import Observations
from positioning.gnss.time import BEIDOU_WEEKS, LATEST_LEAP_S, week_second

STATIONS = (1005, 1006)
EPHEMERIDES = (1019, 1042, 1044, 1045, 1046)
_GLONASS_EPHEMERIS = 1020
_MALFORMED = (CorruptSampleError, ValueError, AttributeError, TypeError, KeyError, OverflowError)


def read(path: Path, week: int | None = None, told: Told | None = None) -> Observations:
    """All epochs; the station's place is the approximate position. GnssFileError where none is.

    week: the GPS week of the first epoch, which observations do not tell; without it the
    ephemerides in the file tell it.
    """
    found = epochs(path, week, told)
    kept = [frame for epoch in found for frame in epoch.navigation]
    try:
        return observations(found, station_m(kept))
    except ValueError as error:
        raise GnssFileError(path, f"{error}: are MSM4 to MSM7 among its messages?") from error


def read_navigation(
    path: Path, week: int | None = None, told: Told | None = None
) -> NavigationMessages:
    """The ephemerides of a file, each once."""
    told = Told() if told is None else told
    listed = frames(path, told)
    week = _week(path, listed) if week is None else week
    return navigation(
        [frame.data for frame in listed if frame.protocol == "rtcm"], (week, 0.0), told
    )


def epochs(path: Path, week: int | None = None, told: Told | None = None) -> list[GnssEpoch]:
    """Every epoch of a file, with the ephemerides that came before it."""
    told = Told() if told is None else told
    listed = frames(path, told)
    week = _week(path, listed) if week is None else week
    decoder: RtcmDecoder | None = None
    found: list[GnssEpoch] = []
    for frame in listed:
        decoder = decoder or RtcmDecoder((week, _first_second(listed)))
        try:
            found += decoder.decode(frame)
        except CorruptSampleError:
            told.refused += 1
    return found


def navigation(
    listed: Sequence[bytes], near: tuple[int, float], told: Told | None = None
) -> NavigationMessages:
    """The ephemerides in RTCM frames; near: a GPS time in the same week (GLONASS: day)."""
    told = Told() if told is None else told
    kepler, glonass = [], []
    for data in listed:
        number = _number(data)
        try:
            if number in EPHEMERIDES:
                kepler.append(_row(rtcm_navigation.kepler(parse(data), near[0]), KEPLER))
            elif number == _GLONASS_EPHEMERIS:
                glonass.append(_row(rtcm_navigation.glonass(parse(data), near), GLONASS))
        except _MALFORMED:
            told.refused += 1
    records = np.array(kepler, dtype=KEPLER), np.array(glonass, dtype=GLONASS)
    return merged([NavigationMessages(*records, {}, LATEST_LEAP_S)])


def station_m(listed: Sequence[bytes]) -> NDArray[np.float64] | None:
    """(3,) ECEF that the first 1005 or 1006 tells; None without one that is on the Earth."""
    for data in listed:
        if _number(data) in STATIONS:
            try:
                message = parse(data)
                place = np.array([float(message.DF025), float(message.DF026), float(message.DF027)])
            except _MALFORMED:
                continue
            if 6.3e6 < np.linalg.norm(place) < 6.5e6:
                return place
    return None


def _row(record: dict[str, Any], kind: np.dtype[Any]) -> tuple[Any, ...]:
    return tuple(record.get(name, 0.0) for name in kind.names or ())


def _number(data: bytes) -> int:
    return data[3] << 4 | data[4] >> 4 if len(data) >= 8 else 0


def _first_second(listed: list[Frame]) -> float:
    """Second of the week of the first observations of GPS or Galileo, the middle of it without."""
    for frame in listed:
        if frame.protocol == "rtcm" and _number(frame.data) // 10 in (107, 109):
            bits = int.from_bytes(frame.data[3:11], "big")
            return float(bits >> 64 - 54 & (1 << 30) - 1) * 1e-3
    return 302_400.0


def _week(path: Path, listed: list[Frame]) -> int:
    """The GPS week that the first ephemeris tells; GnssFileError when there is none."""
    for frame in listed:
        if frame.protocol != "rtcm" or _number(frame.data) not in (1019, 1042, 1045, 1046):
            continue
        try:
            message = parse(frame.data)
        except CorruptSampleError:
            continue
        if message.identity == "1042":
            return int(message.DF489) + BEIDOU_WEEKS
        if message.identity == "1019":
            return _last_past(int(message.DF076))
        return int(message.DF289) + 1024
    raise GnssFileError(
        path, "tells no GPS week (no 1019, 1042, 1045 or 1046): give it with --week"
    )


def _last_past(week10: int) -> int:
    """The last week of that number modulo 1024 that has begun."""
    today = datetime.now(UTC)
    now, _ = week_second(today.year, today.month, today.day, 0, 0, 0.0)
    return now - (now - week10) % 1024
