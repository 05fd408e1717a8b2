"""The header of a RINEX file: version, kind, and the records that observations need."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from positioning.gnss.formats.errors import GnssFileError
from positioning.gnss.satellite import encode
from positioning.gnss.time import leap_seconds

LIMIT_LINES = 2000
_AS_GPS, _OTHERS = ("GPS", "GAL", "QZS", "IRN"), ("GLO", "UTC", "BDT")
_END = b"END OF HEADER"


@dataclass(slots=True)
class Header:
    """version; kind: "O" or "N"; system: the file's letter ("M" is mixed); body: offset in bytes.

    types: system letter -> observation codes in column order; RINEX 2 has one list under "".
    channels: GLONASS satellite number -> frequency channel. scales: (letter, code) -> divisor.
    ahead_s: what to add to the file's times for GPS time. records: label -> contents, the rest.
    """

    version: float
    kind: str
    system: str
    lines: int
    body: int
    types: dict[str, list[str]] = field(default_factory=dict)
    channels: dict[int, int] = field(default_factory=dict)
    scales: dict[tuple[str, str], float] = field(default_factory=dict)
    approx_position_m: NDArray[np.float64] | None = None
    ahead_s: float = 0.0
    records: dict[str, list[str]] = field(default_factory=dict)


def read(path: Path, data: bytes) -> Header:
    """Parse the header; GnssFileError where the file is not RINEX or the header has no end."""
    if data[60:80].rstrip(b"\r\n ") != b"RINEX VERSION / TYPE":
        raise GnssFileError(path, "not a RINEX file: its first line names no version and type")
    end = data.find(_END, 0, 81 * LIMIT_LINES)
    if end < 0:
        raise GnssFileError(path, "the RINEX header has no END OF HEADER")
    body = data.find(b"\n", end) + 1 or len(data)
    lines = data[:body].decode("ascii", errors="replace").splitlines()
    header = _version(path, lines[0])
    header.lines, header.body = len(lines), body
    for line in lines[1:]:
        header.records.setdefault(line[60:].strip(), []).append(line[:60].ljust(60))
    try:
        _interpret(header)
    except ValueError as error:
        raise GnssFileError(path, f"RINEX header: {error}") from error
    return header


def _version(path: Path, line: str) -> Header:
    try:
        version = float(line[:9])
    except ValueError as error:
        raise GnssFileError(path, f"no RINEX version: {line[:9]!r}") from error
    if not 2 <= version < 5:
        raise GnssFileError(path, f"RINEX {version:g} is not read; 2, 3 and 4 are")
    system = line[40:41].strip() or "G"
    return Header(version, line[20:21].upper(), system, 0, 0)


def _interpret(header: Header) -> None:
    records = header.records
    if header.version < 3:
        header.types[""] = _types2(records.get("# / TYPES OF OBSERV", []))
    else:
        header.types = _types3(records.get("SYS / # / OBS TYPES", []))
    for text in records.get("APPROX POSITION XYZ", []):
        position = np.array([float(word) for word in text.split()[:3]])
        header.approx_position_m = position if position.shape == (3,) and position.any() else None
    _channels(header)
    _scales(header)
    header.ahead_s = _ahead(header)


def _types2(texts: list[str]) -> list[str]:
    found = [word for text in texts for word in text[6:].split()]
    return found[: int(texts[0][:6])] if texts else []


def _types3(texts: list[str]) -> dict[str, list[str]]:
    types: dict[str, list[str]] = {}
    letter = ""
    for text in texts:
        letter = text[0] if text[0] != " " else letter
        types.setdefault(letter, []).extend(text[6:].split())
    return types


def _channels(header: Header) -> None:
    for text in header.records.get("GLONASS SLOT / FRQ #", []):
        for at in range(4, 60, 7):
            if text[at] == "R":
                header.channels[encode(text[at : at + 3])] = int(text[at + 3 : at + 7])


def _scales(header: Header) -> None:
    letter, factor, left = "", 1.0, 0
    for text in header.records.get("SYS / SCALE FACTOR", []):
        if text[0] != " ":
            letter, factor = text[0], float(text[2:6])
            left = int(text[8:10].strip() or 0)
        codes = text[10:].split() if left else header.types.get(letter, [])
        header.scales.update({(letter, code): factor for code in codes})


def _ahead(header: Header) -> float:
    """Seconds from the file's time scale to GPS time (BeiDou: 14, UTC of GLONASS: leaps)."""
    first = header.records.get("TIME OF FIRST OBS", [""])[0]
    alone = {"R": "GLO", "C": "BDT"}.get(header.system, "GPS")
    scale = first[48:51].strip() or alone
    if scale in _AS_GPS:
        return 0.0
    if scale not in _OTHERS:
        known = ", ".join((*_AS_GPS, *_OTHERS))
        raise ValueError(f"the time system {scale!r} is not known; {known} are")
    if scale == "BDT":
        return 14.0
    told = header.records.get("LEAP SECONDS")
    if told and told[0][:6].strip():
        return float(told[0][:6])
    return float(leap_seconds(int(first[:6]), int(first[6:12]))) if first.strip() else 0.0
