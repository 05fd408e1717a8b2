"""Satellites, systems and carrier bands: the numbers that stand for their names.

A satellite is one int16, 100 x system + number, so that whole files of them are one array.
Bands are three slots that every system fills, as receivers and RTKLIB group them.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

SYSTEMS = "GRECJSI"
"""RINEX letters: GPS, GLONASS, Galileo, BeiDou, QZSS, SBAS, NavIC; the index is the number."""

BANDS = 3
"""Slots: 0 is L1/E1/B1/G1, 1 is L2/E5b/B2I (B2b)/G2, 2 is L5/E5a/B2a/G3."""

SPEED_OF_LIGHT_MPS = 299_792_458.0

RINEX_BANDS = {
    "G": ("1", "2", "5"),
    "R": ("1", "2", "3"),
    "E": ("1", "7", "5"),
    "C": ("2", "7", "5"),
    "J": ("1", "2", "5"),
    "S": ("1", "", "5"),
    "I": ("", "", "5"),
}
"""RINEX 3 band digit of each slot; BeiDou B1C ("1") and B3I ("6") fill a slot that lies empty."""

FREQUENCIES_HZ = {
    "G1": 1575.42e6, "G2": 1227.60e6, "G5": 1176.45e6,
    "E1": 1575.42e6, "E5": 1176.45e6, "E7": 1207.14e6, "E8": 1191.795e6, "E6": 1278.75e6,
    "C1": 1575.42e6, "C2": 1561.098e6, "C5": 1176.45e6, "C6": 1268.52e6, "C7": 1207.14e6,
    "J1": 1575.42e6, "J2": 1227.60e6, "J5": 1176.45e6, "J6": 1278.75e6,
    "S1": 1575.42e6, "S5": 1176.45e6,
    "I5": 1176.45e6,
}  # fmt: skip
"""System letter and RINEX band digit -> carrier. GLONASS G1, G2 depend on the channel."""

GLONASS_HZ = {"1": (1602.0e6, 0.5625e6), "2": (1246.0e6, 0.4375e6)}
"""RINEX band digit -> (centre, step of a frequency channel)."""


def encode(name: str) -> int:
    """The number of "G07", "E11", "C30"; ValueError names what is not a satellite."""
    letter, digits = name[:1], name[1:].strip()
    if letter not in SYSTEMS or not letter or not digits.isdigit() or not 0 < int(digits) < 100:
        raise ValueError(f"{name!r} is no satellite; they are named like G07, E11 or C30")
    return 100 * SYSTEMS.index(letter) + int(digits)


def decode(satellite: int) -> str:
    """The RINEX name of a satellite's number: "G07"."""
    return f"{SYSTEMS[satellite // 100]}{satellite % 100:02d}"


def system(satellite: NDArray[np.int16]) -> NDArray[np.int16]:
    """Index into SYSTEMS of each satellite."""
    return satellite // np.int16(100)
