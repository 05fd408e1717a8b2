"""GPS LNAV subframes (IS-GPS-200N, 20.3.3) as records of ephemerides."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from positioning.gnss.formats.bits import Bits
from positioning.gnss.navigation import Message
from positioning.gnss.time import WEEK_S

WORDS = 10
_IONOSPHERE_PAGE = 56  # the number that page 18 of subframe 4 is sent with


class LnavCollector:
    """Collects one satellite's subframes until three of one issue make an ephemeris."""

    def __init__(self, satellite: int) -> None:
        self._satellite = satellite
        self._parts: dict[int, dict[str, float]] = {}
        self.ionosphere: dict[str, NDArray[np.float64]] = {}

    def add(self, words: tuple[int, ...], near_week: int) -> dict[str, Any] | None:
        """A subframe of ten 30-bit words; the ephemeris that it completes.

        near_week: a GPS week within 511 of the right one. ValueError for what is no subframe.
        """
        if len(words) < WORDS:
            raise ValueError(f"a subframe has {WORDS} words, got {len(words)}")
        data = b"".join((word >> 6 & 0xFFFFFF).to_bytes(3, "big") for word in words[:WORDS])
        head = Bits(data, 24)
        sent_s = head.unsigned(17) * 6.0 - 6.0
        head.skip(2)
        number = head.unsigned(3)
        if number in _SUBFRAMES:
            self._parts[number] = _SUBFRAMES[number](Bits(data, 48)) | {"sent_s": sent_s % WEEK_S}
        elif number == 4:
            self._fourth(Bits(data, 48))
        return self._ephemeris(near_week) if number in _SUBFRAMES else None

    def _ephemeris(self, near_week: int) -> dict[str, Any] | None:
        if len(self._parts) < len(_SUBFRAMES):
            return None
        clock, second, third = (self._parts[k] for k in (1, 2, 3))
        if not second["issue"] == third["issue"] == int(clock["delay1_s"]) & 0xFF:
            return None
        record = {**third, **second, **clock, "satellite": self._satellite}
        week = int(record.pop("week10"))
        week += 1024 * round((near_week - week) / 1024)
        off = round((record["toe_s"] - record["sent_s"]) / WEEK_S)  # toe is near to sending
        record["toe_week"] = week - off
        record["toc_week"] = week - round((record["toc_s"] - record["sent_s"]) / WEEK_S)
        record["message"] = int(Message.LNAV)
        return record

    def _fourth(self, bits: Bits) -> None:
        bits.skip(2)
        if bits.unsigned(6) != _IONOSPHERE_PAGE:
            return
        alpha = [bits.scaled(8, power) for power in (-30, -27, -24, -24)]
        beta = [bits.scaled(8, power) for power in (11, 14, 16, 16)]
        self.ionosphere = {"GPSA": np.array(alpha), "GPSB": np.array(beta)}


def _first(bits: Bits) -> dict[str, float]:
    found: dict[str, float] = {"week10": bits.unsigned(10), "source": bits.unsigned(2)}
    found["accuracy_m"] = accuracy_m(bits.unsigned(4))
    found["health"] = bits.unsigned(6)
    issue = bits.unsigned(2) << 8
    found["flag"] = bits.unsigned(1)
    bits.skip(87)
    found["delay0_s"] = bits.scaled(8, -31)
    found["delay1_s"] = issue | bits.unsigned(8)
    found["toc_s"] = bits.unsigned(16) * 16.0
    found["clock_drift_rate"] = bits.scaled(8, -55)
    found["clock_drift"] = bits.scaled(16, -43)
    found["clock_bias_s"] = bits.scaled(22, -31)
    return found


def _second(bits: Bits) -> dict[str, float]:
    found: dict[str, float] = {"issue": bits.unsigned(8), "crs": bits.scaled(16, -5)}
    found["delta_n"] = bits.angle(16, -43)
    found["m0"] = bits.angle(32, -31)
    found["cuc"] = bits.scaled(16, -29)
    found["eccentricity"] = math.ldexp(bits.unsigned(32), -33)
    found["cus"] = bits.scaled(16, -29)
    found["sqrt_a"] = math.ldexp(bits.unsigned(32), -19)
    found["toe_s"] = bits.unsigned(16) * 16.0
    found["fit"] = 6.0 if bits.unsigned(1) else 4.0
    return found


def _third(bits: Bits) -> dict[str, float]:
    found: dict[str, float] = {"cic": bits.scaled(16, -29), "omega0": bits.angle(32, -31)}
    found["cis"] = bits.scaled(16, -29)
    found["i0"] = bits.angle(32, -31)
    found["crc"] = bits.scaled(16, -5)
    found["omega"] = bits.angle(32, -31)
    found["omega_dot"] = bits.angle(24, -43)
    found["issue"] = bits.unsigned(8)
    found["idot"] = bits.angle(14, -43)
    return found


_SUBFRAMES = {1: _first, 2: _second, 3: _third}


def accuracy_m(index: int) -> float:
    """User range accuracy of its index (20.3.3.3.1.3)."""
    return float(round(2 ** (1 + index / 2), 1) if index <= 6 else 2.0 ** (index - 2))
