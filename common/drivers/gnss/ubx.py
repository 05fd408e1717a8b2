"""u-blox UBX: raw observations (RXM-RAWX) and navigation frames (RXM-SFRBX) as epochs.

Layouts after u-blox ZED-F9P interface description (UBX-18010854), 3.17. RXM-RAWX is read as one
array: a general parser takes ten milliseconds for the 44 signals of a message, this takes one
hundredth of that, and a board has five of them a second to read.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from common.drivers.base import CorruptSampleError
from common.drivers.gnss.carriers import carrier_hz
from common.drivers.gnss.framing import Frame
from common.types.gnss import MAX_SIGNALS, SIGNAL, GnssEpoch

RAWX, SFRBX = b"\x02\x15", b"\x02\x13"

SYSTEMS = {0: "G", 1: "S", 2: "E", 3: "C", 5: "J", 6: "R", 7: "I"}
"""gnssId -> RINEX letter."""

SIGNALS = {
    "G": {0: "1C", 3: "2L", 4: "2S", 6: "5I", 7: "5Q"},
    "S": {0: "1C"},
    "E": {0: "1C", 1: "1B", 3: "5I", 4: "5Q", 5: "7I", 6: "7Q", 8: "6B", 9: "6C", 10: "6A"},
    "C": {
        0: "2I",
        1: "2I",
        2: "7I",
        3: "7I",
        4: "6I",
        10: "6I",
        5: "1P",
        6: "1D",
        7: "5P",
        8: "5D",
    },
    "J": {0: "1C", 1: "1Z", 4: "2S", 5: "2L", 8: "5I", 9: "5Q", 12: "1E"},
    "R": {0: "1C", 2: "2C"},
    "I": {0: "5A"},
}
"""RINEX letter -> sigId -> RINEX signal."""

MEASUREMENT = np.dtype([
    ("code", "<f8"), ("phase", "<f8"), ("doppler", "<f4"), ("gnss", "u1"), ("sv", "u1"),
    ("signal", "u1"), ("channel", "u1"), ("lock_ms", "<u2"), ("cn0", "u1"), ("code_dev", "u1"),
    ("phase_dev", "u1"), ("doppler_dev", "u1"), ("status", "u1"), ("reserved", "u1"),
])  # fmt: skip
"""One signal of RXM-RAWX, 32 bytes."""

HEADER = np.dtype([
    ("tow", "<f8"), ("week", "<u2"), ("leap", "i1"), ("count", "u1"), ("status", "u1"),
    ("version", "u1"), ("reserved", "u1", (2,)),
])  # fmt: skip

CODE_VALID, PHASE_VALID, HALF_RESOLVED = 1, 2, 4
_UNKNOWN_SLOT = 255
_PHASE_UNKNOWN = 0x0F  # of the standard deviation
_GLONASS_OFFSET = 7


class UbxDecoder:
    """Turns UBX frames into epochs; navigation frames ride with the epoch that follows them."""

    def __init__(self) -> None:
        self._navigation: list[bytes] = []

    def decode(self, frame: Frame) -> list[GnssEpoch]:
        """The epoch of an RXM-RAWX, nothing of any other frame; CorruptSampleError."""
        if frame.protocol != "ubx":
            return []
        if frame.data[2:4] == SFRBX:
            del self._navigation[MAX_SIGNALS:]  # a receiver that sends no epochs
            self._navigation.append(frame.data)
        if frame.data[2:4] != RAWX:
            return []
        navigation, self._navigation = tuple(self._navigation), []
        return [epoch(frame.data[6:-2], navigation)]


def epoch(payload: bytes, navigation: tuple[bytes, ...] = ()) -> GnssEpoch:
    """The epoch of an RXM-RAWX payload. CorruptSampleError when it is not what it says."""
    if len(payload) < HEADER.itemsize:
        raise CorruptSampleError(f"RXM-RAWX of {len(payload)} bytes")
    head = np.frombuffer(payload, HEADER, 1)[0]
    count = int(head["count"])
    if len(payload) != HEADER.itemsize + count * MEASUREMENT.itemsize:
        raise CorruptSampleError(f"RXM-RAWX of {count} signals has {len(payload)} bytes")
    told = np.frombuffer(payload, MEASUREMENT, count, HEADER.itemsize)
    leap_known, reset = bool(head["status"] & 1), bool(head["status"] & 2)
    try:
        return GnssEpoch.make(
            int(head["week"]),
            float(head["tow"]),
            _signals(told),
            leap_s=int(head["leap"]) if leap_known else None,
            clock_reset=reset,
            navigation=navigation,
        )
    except ValueError as error:
        raise CorruptSampleError(f"RXM-RAWX: {error}") from error


def _signals(told: NDArray[Any]) -> NDArray[Any]:
    rows = np.zeros(len(told), SIGNAL)
    known = np.zeros(len(told), np.bool_)
    for k, one in enumerate(told):
        named = identify(int(one["gnss"]), int(one["sv"]), int(one["signal"]))
        if named is None:
            continue
        known[k] = True
        rows["satellite"][k], rows["signal"][k] = named
        channel = int(one["channel"]) - _GLONASS_OFFSET
        rows["frequency_hz"][k] = carrier_hz(named[0][:1], named[1][:1], channel)
    status = told["status"]
    has_code = (status & CODE_VALID != 0) & (told["code"] != 0)
    has_phase = (status & PHASE_VALID != 0) & (told["phase_dev"] & 0x0F != _PHASE_UNKNOWN)
    rows["code_m"] = np.where(has_code, told["code"], np.nan)
    rows["phase_cycles"] = np.where(has_phase, told["phase"], np.nan)
    rows["doppler_hz"] = told["doppler"]
    rows["cn0_dbhz"] = told["cn0"]
    rows["lock_s"] = told["lock_ms"] * np.float32(1e-3)
    rows["half_cycle"] = has_phase & (status & HALF_RESOLVED == 0)
    finite = np.isfinite(told["code"]) & np.isfinite(told["phase"]) & np.isfinite(told["doppler"])
    return np.asarray(rows[known & finite])


def identify(gnss: int, sv: int, signal: int) -> tuple[str, str] | None:
    """RINEX names of u-blox numbers, ("G07", "1C"); None for what is not known."""
    letter = SYSTEMS.get(gnss, "")
    code = SIGNALS.get(letter, {}).get(signal)
    number = sv - 100 if letter == "S" else sv
    if code is None or sv == _UNKNOWN_SLOT or not 0 < number < 100:
        return None
    return f"{letter}{number:02d}", code
