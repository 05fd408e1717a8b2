"""Which of a file's signals fills which band slot, and which columns tell of it."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from positioning.gnss.formats.rinex_header import Header
from positioning.gnss.satellite import BANDS, FREQUENCIES_HZ, GLONASS_HZ, RINEX_BANDS, SYSTEMS

KINDS = "CLDS"
CANDIDATES = 8
"""Signals that may fill one slot, the first that was observed does."""

_PRIORITY = {
    "G1": "CPYWMNSLX", "G2": "PYWCMNDLSX", "G5": "QXI",
    "R1": "CP", "R2": "CP", "R3": "QXI",
    "E1": "CXBAZ", "E7": "QXI", "E5": "QXI",
    "C2": "IQX", "C1": "PXDSLZA", "C7": "IQXPDZ", "C5": "PXD", "C6": "IQXA",
    "J1": "CXSLZ", "J2": "LXS", "J5": "QXI", "S1": "C", "S5": "IQX", "I5": "AXBC",
}  # fmt: skip
"""Tracking attributes of a band, the most widely tracked first: bases and rovers then agree."""

_FALLBACKS = {"C": ((0, "1"), (1, "6"), (2, "6"))}

_RINEX2 = {
    "G": {"C1": "1C", "P1": "1W", "P2": "2W", "C2": "2X", "C5": "5X"},
    "R": {"C1": "1C", "P1": "1P", "P2": "2P", "C2": "2C"},
    "E": {"C1": "1X", "C7": "7X", "C5": "5X"},
    "C": {"C1": "2I", "C2": "2I", "C7": "7I", "C6": "6I"},
    "J": {"C1": "1C", "C2": "2X", "C5": "5X"},
    "S": {"C1": "1C", "C5": "5I"},
    "I": {"C5": "5A"},
}
"""RINEX 2 code observations and the signal that they most likely are."""


class Columns(NamedTuple):
    """Per system, slot and candidate; what a compiled reader needs to know of a header.

    column: (S, BANDS, CANDIDATES, 4) int16, of code, phase, Doppler, C/N0; -1 is not in the file.
    signal: (S, BANDS, CANDIDATES, 2) uint8, band digit and attribute; 0 is no candidate.
    centre_hz, step_hz: (S, BANDS, CANDIDATES) float64, step a GLONASS channel.
    channel: (100,) float64, of GLONASS satellites; NaN is not known.
    """

    column: NDArray[np.int16]
    signal: NDArray[np.uint8]
    centre_hz: NDArray[np.float64]
    step_hz: NDArray[np.float64]
    channel: NDArray[np.float64]


def columns(header: Header) -> Columns:
    """Where a header's observation types go."""
    shape = (len(SYSTEMS), BANDS, CANDIDATES)
    table = Columns(
        np.full((*shape, 4), -1, dtype=np.int16),
        np.zeros((*shape, 2), dtype=np.uint8),
        np.full(shape, np.nan),
        np.zeros(shape),
        np.full(100, np.nan),
    )
    for satellite, channel in header.channels.items():
        table.channel[satellite % 100] = channel
    for s, letter in enumerate(SYSTEMS):
        codes = _codes(header, letter)
        for slot in range(BANDS):
            for k, signal in enumerate(_candidates(letter, slot, codes)[:CANDIDATES]):
                _enter(table, (s, slot, k), letter, signal, codes)
    return table


def _codes(header: Header, letter: str) -> dict[str, int]:
    """RINEX 3 observation code -> column of one system."""
    if header.version >= 3:
        listed = header.types.get(letter, [])
        if letter == "C" and header.version < 3.03:  # 3.02 named B1I band 1
            listed = [f"{c[0]}2{c[2]}" if c[1:] in ("1I", "1Q", "1X") else c for c in listed]
        return {code: i for i, code in enumerate(listed)}
    codes: dict[str, int] = {}
    listed = header.types[""]
    for told, signal in _RINEX2[letter].items():
        if told not in listed:
            continue
        codes["C" + signal] = listed.index(told)
        for kind in "LDS":
            if kind + told[1] in listed:
                codes[kind + signal] = listed.index(kind + told[1])
    return codes


def _candidates(letter: str, slot: int, codes: dict[str, int]) -> list[str]:
    bands = [RINEX_BANDS[letter][slot]]
    bands += [band for at, band in _FALLBACKS.get(letter, ()) if at == slot]
    observed = {code[1:] for code in codes if code[0] in "CL"}
    ranked = [band + a for band in bands for a in _PRIORITY.get(letter + band, "")]
    return [signal for signal in ranked if signal in observed]


def _enter(
    table: Columns, at: tuple[int, int, int], letter: str, signal: str, codes: dict[str, int]
) -> None:
    table.column[at] = [codes.get(kind + signal, -1) for kind in KINDS]
    table.signal[at] = np.frombuffer(signal.encode(), dtype=np.uint8)
    if letter == "R" and signal[0] in GLONASS_HZ:
        table.centre_hz[at], table.step_hz[at] = GLONASS_HZ[signal[0]]
    else:
        table.centre_hz[at] = FREQUENCIES_HZ.get(letter + signal[0], np.nan)
