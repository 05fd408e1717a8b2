"""Galileo I/NAV words (OS SIS ICD 2.1, 4.3) as records of ephemerides."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from common.drivers.gnss.framing import crc24q
from positioning.gnss.formats.bits import Bits
from positioning.gnss.navigation import Message
from positioning.gnss.time import WEEK_S

WORDS = 8
_GST_WEEKS = 1024  # Galileo's week 0 is GPS week 1024
_E1_SOURCE = 513  # RINEX: I/NAV of E1-B, its clock for E5b and E1


class InavCollector:
    """Collects one satellite's words 1 to 5 until four of one issue make an ephemeris."""

    def __init__(self, satellite: int) -> None:
        self._satellite = satellite
        self._words: dict[int, dict[str, float]] = {}
        self.ionosphere: dict[str, NDArray[np.float64]] = {}

    def add(self, words: tuple[int, ...], near_week: int) -> dict[str, Any] | None:
        """Eight 32-bit words, an even and an odd page part; the ephemeris that they complete.

        near_week: a GPS week within 2047 of the right one. ValueError for what is no page.
        """
        data = page(words)
        if data is None:
            return None
        bits = Bits(data)
        number = bits.unsigned(6)
        if number == 5:
            self._words[5] = _fifth(bits)
            self.ionosphere = {
                "GAL": np.array([self._words[5].pop(f"ai{k}") for k in range(3)] + [0])
            }
        elif number in _WORDS:
            self._words[number] = _WORDS[number](bits)
        return self._ephemeris(near_week) if 1 <= number <= 5 else None

    def _ephemeris(self, near_week: int) -> dict[str, Any] | None:
        if len(self._words) < 5:
            return None
        issues = {self._words[k]["issue"] for k in (1, 2, 3, 4)}
        if len(issues) > 1:
            return None
        record: dict[str, Any] = {}
        for number in (1, 2, 3, 4, 5):
            record |= self._words[number]
        week = int(record.pop("week12")) + _GST_WEEKS
        week += 4096 * round((near_week - week) / 4096)
        for time in ("toe", "toc"):
            off = round((record[f"{time}_s"] - record["sent_s"]) / WEEK_S)
            record[f"{time}_week"] = week - off
        return record | {
            "satellite": self._satellite,
            "message": int(Message.INAV),
            "source": float(_E1_SOURCE),
        }


def page(words: tuple[int, ...]) -> bytes | None:
    """The 16 bytes of a nominal page's word; None for an alert page. ValueError if it is broken."""
    if len(words) < WORDS:
        raise ValueError(f"a page has {WORDS} words, got {len(words)}")
    data = b"".join(word.to_bytes(4, "big") for word in words[:WORDS])
    even, odd = Bits(data), Bits(data, 128)
    if (even.unsigned(1), odd.unsigned(1)) != (0, 1):
        raise ValueError("not an even and an odd part of a page")
    if even.unsigned(1) or odd.unsigned(1):
        return None
    _check(data)
    return (even.unsigned(112) << 16 | odd.unsigned(16)).to_bytes(16, "big")


def _check(data: bytes) -> None:
    """The checksum over 114 bits of the even and 82 of the odd part, 4 zero bits before them."""
    even, odd = Bits(data).unsigned(114), Bits(data, 128)
    covered = (even << 82 | odd.unsigned(82)).to_bytes(25, "big")
    if crc24q(covered) != odd.unsigned(24):
        raise ValueError("the page's checksum is wrong")


def _first(bits: Bits) -> dict[str, float]:
    found: dict[str, float] = {"issue": bits.unsigned(10), "toe_s": bits.unsigned(14) * 60.0}
    found["m0"] = bits.angle(32, -31)
    found["eccentricity"] = math.ldexp(bits.unsigned(32), -33)
    found["sqrt_a"] = math.ldexp(bits.unsigned(32), -19)
    return found


def _second(bits: Bits) -> dict[str, float]:
    found: dict[str, float] = {"issue": bits.unsigned(10), "omega0": bits.angle(32, -31)}
    found["i0"] = bits.angle(32, -31)
    found["omega"] = bits.angle(32, -31)
    found["idot"] = bits.angle(14, -43)
    return found


def _third(bits: Bits) -> dict[str, float]:
    found: dict[str, float] = {"issue": bits.unsigned(10), "omega_dot": bits.angle(24, -43)}
    found["delta_n"] = bits.angle(16, -43)
    found["cuc"] = bits.scaled(16, -29)
    found["cus"] = bits.scaled(16, -29)
    found["crc"] = bits.scaled(16, -5)
    found["crs"] = bits.scaled(16, -5)
    found["accuracy_m"] = accuracy_m(bits.unsigned(8))
    return found


def _fourth(bits: Bits) -> dict[str, float]:
    found: dict[str, float] = {"issue": bits.unsigned(10)}
    bits.skip(6)
    found["cic"] = bits.scaled(16, -29)
    found["cis"] = bits.scaled(16, -29)
    found["toc_s"] = bits.unsigned(14) * 60.0
    found["clock_bias_s"] = bits.scaled(31, -34)
    found["clock_drift"] = bits.scaled(21, -46)
    found["clock_drift_rate"] = bits.scaled(6, -59)
    return found


def _fifth(bits: Bits) -> dict[str, float]:
    found: dict[str, float] = {"ai0": math.ldexp(bits.unsigned(11), -2)}
    found["ai1"] = bits.scaled(11, -8)
    found["ai2"] = bits.scaled(14, -15)
    bits.skip(5)
    found["delay0_s"] = bits.scaled(10, -32)
    found["delay1_s"] = bits.scaled(10, -32)
    e5b, e1 = bits.unsigned(2), bits.unsigned(2)
    e5b_data, e1_data = bits.unsigned(1), bits.unsigned(1)
    found["health"] = float(e1_data | e1 << 1 | e5b_data << 6 | e5b << 7)
    found["week12"] = bits.unsigned(12)
    found["sent_s"] = float(bits.unsigned(20))
    return found


_WORDS = {1: _first, 2: _second, 3: _third, 4: _fourth}


def accuracy_m(index: int) -> float:
    """Signal-in-space accuracy of its index (5.1.12); -1 where no prediction is made."""
    for first, step, base in ((100, 0.16, 2.0), (75, 0.04, 1.0), (50, 0.02, 0.5), (0, 0.01, 0.0)):
        if first <= index <= 125:
            return round(base + (index - first) * step, 2)
    return -1.0
