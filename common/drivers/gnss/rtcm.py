"""RTCM 3 multiple signal messages (MSM4 to MSM7) as epochs, through pyrtcm.

After RTCM 10403.3, 3.5.16. One message holds one system; an epoch is all messages of one time. The
messages tell the second of the week alone: the week comes from a time that is near.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from common.drivers.base import CorruptSampleError
from common.drivers.gnss.carriers import carrier_hz
from common.drivers.gnss.framing import Frame
from common.errors import MissingExtraError
from common.types.gnss import MAX_SIGNALS, SIGNAL, WEEK_S, GnssEpoch

SPEED_OF_LIGHT_MPS = 299_792_458.0
SYSTEMS = {107: "G", 108: "R", 109: "E", 110: "S", 111: "J", 112: "C"}
"""A tenth of the message's number -> RINEX letter."""
LEVELS = (4, 5, 6, 7)
KEPT = (1005, 1006, 1019, 1020, 1042, 1044, 1045, 1046)
"""Messages that ride with the next epoch: the station's place and ephemerides."""

LEAP_S = 18  # GLONASS tells time in UTC; the last leap second was in 2017
_BEIDOU_S = 14
_MOSCOW_S = 3 * 3600
_TIMES_MS = {"G": "DF004", "S": "DF004", "E": "DF248", "J": "DF428", "C": "DF427", "R": "DF034"}
_FIRST_NUMBER = {"S": 100, "J": 192}  # pseudo-random noise codes are counted from there
_MS = SPEED_OF_LIGHT_MPS * 1e-3
_INVALID = {
    "DF399": -8192.0, "DF400": -(2.0**-10), "DF405": -(2.0**-10), "DF401": -(2.0**-8),
    "DF406": -(2.0**-8), "DF404": -1.6384, "DF403": 0.0, "DF408": 0.0,
}  # fmt: skip
"""Data field -> the value that means it was not observed."""


class RtcmDecoder:
    """Turns RTCM frames into epochs.

    near: (week, second) of GPS time within half a week of the first epoch.
    """

    def __init__(self, near: tuple[int, float], leap_s: int = LEAP_S) -> None:
        self._near = near
        self._leap_s = leap_s
        self._rows: list[NDArray[Any]] = []
        self._tow_s = 0.0
        self._kept: list[bytes] = []
        self._channels: dict[str, int] = {}

    def decode(self, frame: Frame) -> list[GnssEpoch]:
        """The epochs that this frame completes, mostly none. CorruptSampleError."""
        if frame.protocol != "rtcm" or len(frame.data) < 8:
            return []
        number = frame.data[3] << 4 | frame.data[4] >> 4
        if number in KEPT:
            del self._kept[MAX_SIGNALS:]  # a station that sends no epochs
            self._kept.append(frame.data)
            self._learn_channel(number, frame.data)
        letter = SYSTEMS.get(number // 10)
        if letter is None or number % 10 not in LEVELS:
            return []
        message = parse(frame.data)
        tow_s = self._second(message, letter)
        done = []
        if self._rows and tow_s != self._tow_s:
            done.append(self._finish())
        self._tow_s = tow_s
        self._rows.append(_signals(message, letter, self._channels))
        if not int(message.DF393):
            done.append(self._finish())
        return done

    def _finish(self) -> GnssEpoch:
        rows, self._rows = np.concatenate(self._rows), []
        kept, self._kept = tuple(self._kept), []
        week = self._near[0] + round((self._near[1] - self._tow_s) / WEEK_S)
        self._near = (week, self._tow_s)
        try:
            return GnssEpoch.make(week, self._tow_s, rows, leap_s=self._leap_s, navigation=kept)
        except ValueError as error:
            raise CorruptSampleError(f"RTCM: {error}") from error

    def _second(self, message: Any, letter: str) -> float:
        """Second of the GPS week."""
        told = float(getattr(message, _TIMES_MS[letter])) * 1e-3
        if letter == "R":
            day = int(message.DF416)
            of_week = self._near[1] if day > 6 else day * 86_400.0
            told += of_week // 86_400 * 86_400 - _MOSCOW_S + self._leap_s
        elif letter == "C":
            told += _BEIDOU_S
        return round(told % WEEK_S, 3)

    def _learn_channel(self, number: int, data: bytes) -> None:
        if number == 1020:
            message = parse(data)
            self._channels[f"R{int(message.DF038):02d}"] = int(message.DF040) - 7


def parse(data: bytes) -> Any:
    """pyrtcm's message. CorruptSampleError when it cannot be; MissingExtraError without pyrtcm."""
    try:
        from pyrtcm import RTCMReader
    except ImportError as error:
        raise MissingExtraError("pyrtcm", "gnss") from error
    try:
        return RTCMReader.parse(data)
    except Exception as error:  # a message that is shorter than its fields fails in many ways
        raise CorruptSampleError(f"RTCM message: {error!r}") from error


def _signals(message: Any, letter: str, channels: dict[str, int]) -> NDArray[Any]:
    rows = np.zeros(min(int(message.NCell), MAX_SIGNALS), SIGNAL)
    satellites = {_told(message, "PRN", k): k for k in range(1, int(message.NSat) + 1)}
    try:
        for k in range(len(rows)):
            prn, signal = _told(message, "CELLPRN", k + 1), _told(message, "CELLSIG", k + 1)
            name = f"{letter}{int(prn) % 1000 - _start(letter, int(prn)):02d}"
            at = satellites[prn]
            channel = _channel(message, at, channels.get(name))
            carrier = carrier_hz(letter, signal[:1], channel if letter == "R" else None)
            rows[k] = (name.encode(), signal.encode(), *_observed(message, at, k + 1, carrier))
    except (AttributeError, KeyError, ValueError, TypeError) as error:
        raise CorruptSampleError(f"RTCM {message.identity}: {error!r}") from error
    return np.asarray(rows[(rows["signal"] != b"") & np.isfinite(rows["cn0_dbhz"])])


def _start(letter: str, prn: int) -> int:
    first = _FIRST_NUMBER.get(letter, 0)
    return first if prn > first else 0


def _channel(message: Any, satellite: int, known: int | None) -> int | None:
    told = getattr(message, f"DF419_{satellite:02d}", None)
    return known if told is None or int(told) > 13 else int(told) - 7


def _observed(message: Any, satellite: int, cell: int, carrier_hz: float) -> tuple[Any, ...]:
    """Code, phase, Doppler, C/N0, lock, half cycle and carrier of one cell."""
    whole_ms = float(_told(message, "DF397", satellite))
    rough_ms = math.nan if whole_ms > 254 else whole_ms + _number(message, "DF398", satellite)
    code_ms = _number(message, "DF405", cell, "DF400")
    phase_ms = _number(message, "DF406", cell, "DF401")
    rate_mps = _number(message, "DF399", satellite) + _number(message, "DF404", cell)
    wavelength = SPEED_OF_LIGHT_MPS / carrier_hz
    return (
        (rough_ms + code_ms) * _MS,
        (rough_ms + phase_ms) * _MS / wavelength,
        -rate_mps / wavelength,
        _number(message, "DF408", cell, "DF403"),
        _lock_s(message, cell),
        bool(int(_told(message, "DF420", cell))),
        carrier_hz,
    )


def _told(message: Any, field: str, index: int) -> Any:
    return getattr(message, f"{field}_{index:02d}")


def _number(message: Any, field: str, index: int, other: str = "") -> float:
    """A field's value, or that of the coarser one; NaN when it was not observed or is not there."""
    for name in (field, other):
        value = getattr(message, f"{name}_{index:02d}", None)
        if value is not None:
            return math.nan if float(value) == _INVALID.get(name) else float(value)
    return math.nan


def _lock_s(message: Any, cell: int) -> float:
    """The least time of lock that the indicator stands for (DF407, else DF402)."""
    fine = getattr(message, f"DF407_{cell:02d}", None)
    if fine is None:
        coarse = int(_told(message, "DF402", cell))
        return 0.0 if coarse == 0 else 2.0 ** (coarse + 4) * 1e-3
    step = max((int(fine) - 32) // 32, 0)
    lowest = 64 + 32 * (step - 1)
    least_ms = int(fine) if step == 0 else (1 << (step + 5)) + ((int(fine) - lowest) << step)
    return least_ms * 1e-3
