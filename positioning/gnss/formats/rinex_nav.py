"""RINEX 2, 3 and 4 navigation files: GPS, Galileo, BeiDou, QZSS, GLONASS."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from positioning.gnss.formats import rinex_header, source
from positioning.gnss.formats.errors import GnssFileError, Refusal
from positioning.gnss.formats.rinex_header import Header
from positioning.gnss.formats.rinex_write import write_navigation as write
from positioning.gnss.navigation import GLONASS, KEPLER, Message, NavigationMessages, merged
from positioning.gnss.satellite import encode
from positioning.gnss.time import (
    BEIDOU_WEEKS,
    LATEST_LEAP_S,
    calendar,
    leap_seconds,
    shifted,
    week_second,
)

__all__ = ["read", "write"]

_LINES = {"G": 8, "E": 8, "C": 8, "J": 8, "R": 4, "I": 8, "S": 4}
_READ4 = {"LNAV", "INAV", "FNAV", "D1", "D2", "D1D2", "FDMA"}
_ORBIT = (
    "issue", "crs", "delta_n", "m0", "cuc", "eccentricity", "cus", "sqrt_a",
    "toe_s", "cic", "omega0", "cis", "i0", "crc", "omega", "omega_dot",
    "idot", "source", "toe_week", "flag", "accuracy_m", "health", "delay0_s", "delay1_s",
    "sent_s", "fit",
)  # fmt: skip
"""Order of the broadcast orbit's numbers in a file, after the line of the clock."""

_ROOTS = {"G": (5000, 5300), "E": (5200, 5600), "C": (5000, 6700), "J": (6300, 6700)}
"""Bounds of the root of the semi-major axis: concatenated files have satellites mistaken."""

_GEOSTATIONARY = (1, 2, 3, 4, 5, 59, 60, 61, 62, 63)
_LIMIT_MESSAGES = 1_000_000


def read(paths: Path | Sequence[Path], refusals: list[Refusal] | None = None) -> NavigationMessages:
    """The messages of one or several files, each once; broken ones are appended to `refusals`.

    SBAS, NavIC and the CNAV kinds of RINEX 4 are passed over. Raises GnssFileError for a file that
    is no RINEX navigation file.
    """
    listed = [paths] if isinstance(paths, str | Path) else list(paths)
    told: list[Refusal] = [] if refusals is None else refusals
    return merged([_read(Path(path), told) for path in listed])


def _read(path: Path, refusals: list[Refusal]) -> NavigationMessages:
    data = source.read(path)
    header = rinex_header.read(path, data)
    if header.kind not in "NGH":
        raise GnssFileError(path, f"RINEX of kind {header.kind!r}, not navigation messages")
    lines = data[header.body :].decode("ascii", errors="replace").splitlines()
    if len(lines) > 8 * _LIMIT_MESSAGES:
        raise GnssFileError(path, f"more than {_LIMIT_MESSAGES} messages")
    ionosphere = _ionosphere(header)
    kepler, glonass = [], []
    for at, kind, block in _blocks(header, lines):
        try:
            if kind == "ION":
                ionosphere.update(_ionosphere4(block))
            elif block[0][0] == "R":
                glonass.append(_glonass(block))
            elif block[0][0] in "GECJ":
                kepler.append(_kepler(block, kind))
            elif block[0][0] not in _LINES:
                raise ValueError("no satellite")
        except (ValueError, IndexError) as error:
            refusals.append(Refusal(path, header.lines + at + 1, f"broken message ({error})"))
    return NavigationMessages(
        np.array(kepler, dtype=KEPLER),
        np.array(glonass, dtype=GLONASS),
        ionosphere,
        _leap(header, kepler, glonass),
    )


def _blocks(header: Header, lines: list[str]) -> Iterator[tuple[int, str, list[str]]]:
    """(line, kind, lines) of each message, in the columns of RINEX 3."""
    if header.version >= 4:
        yield from _blocks4(lines)
        return
    if header.version < 3:
        letter = "R" if header.kind == "G" else "G"
        lines = [_in_columns3(line, letter) for line in lines]
    at = 0
    while at < len(lines):
        stop = at + 1
        most = at + _LINES.get(lines[at][:1], 1)
        while stop < min(most, len(lines)) and lines[stop][:4].strip() == "":
            stop += 1
        if lines[at].strip():
            yield at, "", lines[at:stop]
        at = stop


def _in_columns3(line: str, letter: str) -> str:
    """A RINEX 2 line in the columns of RINEX 3; as it is where it cannot be one."""
    if line[:3].strip() == "":
        return " " + line
    try:
        year, second = int(line[3:5]), float(line[17:22])
    except ValueError:
        return line
    year += 1900 if year >= 80 else 2000
    return f"{letter}{int(line[:2]):02d} {year}{line[5:17]}{second:3.0f}{line[22:]}"


def _blocks4(lines: list[str]) -> Iterator[tuple[int, str, list[str]]]:
    marks = [i for i, line in enumerate(lines) if line.startswith(">")] + [len(lines)]
    for begin, end in pairwise(marks):
        words = lines[begin].split()
        if len(words) < 4:
            yield begin, "", ["?"]
        elif words[1] == "EPH" and words[3] in _READ4:
            yield begin + 1, words[3], lines[begin + 1 : end]
        elif words[1] == "ION" and words[3] in ("LNAV", "D1D2", "IFNV"):
            yield begin, "ION", lines[begin:end]


def _numbers(block: list[str]) -> list[float]:
    """The 19-column numbers of a message after its epoch, blank ones 0."""
    texts = [block[0][at : at + 19] for at in range(23, 80, 19)]
    texts += [line[at : at + 19] for line in block[1:] for at in range(4, 80, 19)]
    return [_number(text) for text in texts]


def _number(text: str) -> float:
    text = text.strip()
    if not text:
        return 0.0
    value = float(text.replace("D", "E").replace("d", "e"))
    if not np.isfinite(value):
        raise ValueError(f"{text} is no number")
    return value


def _epoch(text: str) -> tuple[int, float]:
    year, month, day, hour, minute = (int(word) for word in text.split()[:5])
    return week_second(year, month, day, hour, minute, float(text.split()[5]))


def _split(block: list[str]) -> tuple[int, tuple[int, float], list[float]]:
    """Satellite, epoch and numbers of a message."""
    satellite = encode(block[0][:3])
    if len(block) < _LINES[block[0][0]]:
        raise ValueError(f"{block[0][:3]} has {len(block)} lines of {_LINES[block[0][0]]}")
    return satellite, _epoch(block[0][4:23]), _numbers(block)


def _kepler(block: list[str], kind: str) -> tuple[float, ...]:
    satellite, (week, second), values = _split(block)
    record = dict.fromkeys(KEPLER.names or (), 0.0)
    record |= {"satellite": satellite, "toc_week": week, "toc_s": second}
    record |= {"clock_bias_s": values[0], "clock_drift": values[1], "clock_drift_rate": values[2]}
    record |= dict(zip(_ORBIT, values[3:], strict=False))
    letter = block[0][0]
    if letter == "C":
        record["toe_week"] += BEIDOU_WEEKS
        # In BeiDou files the epoch is BeiDou time, and GPS weeks are counted from BeiDou's zero.
    record["message"] = _kind(letter, satellite % 100, kind, int(record["source"]))
    least, most = _ROOTS[letter]
    if not (least < record["sqrt_a"] < most and 0 <= record["eccentricity"] < 0.5):
        raise ValueError(f"{block[0][:3]}: no orbit (root of the axis {record['sqrt_a']:g})")
    record["toe_week"] = _nearest_week(record, week, second)
    return tuple(record[name] for name in KEPLER.names or ())


def _nearest_week(record: dict[str, float], week: int, second: float) -> int:
    """The week that puts toe next to toc: some writers count weeks modulo 1024, or of sending."""
    return week + round((second - record["toe_s"]) / 604_800)


def _kind(letter: str, number: int, told: str, source_bits: int) -> int:
    if letter == "E":
        is_fnav = told == "FNAV" or (not told and source_bits & 0b10 and not source_bits & 0b101)
        return Message.FNAV if is_fnav else Message.INAV
    if letter == "C":
        return Message.D2 if number in _GEOSTATIONARY else Message.D1
    return Message.LNAV


def _glonass(block: list[str]) -> tuple[Any, ...]:
    satellite, (week, second), v = _split(block)
    year, month, *_ = calendar(week, second)
    told_s = second
    week, second = shifted(week, second, leap_seconds(year, month))
    position, velocity, acceleration = (
        [1e3 * v[3 + k + 4 * i] for i in range(3)] for k in range(3)
    )
    if told_s % 900:
        raise ValueError(f"{block[0][:3]}: the time of ephemeris is no quarter of an hour")
    if not 2e7 < np.linalg.norm(position) < 3e7:
        raise ValueError(f"{block[0][:3]}: {np.linalg.norm(position) / 1e3:.0f} km is no orbit")
    channel = int(v[10]) - 256 if v[10] > 128 else int(v[10])
    state = (position, velocity, acceleration, v[6], v[14])
    return (satellite, channel, week, second, v[0], v[1], v[2], *state)


def _ionosphere(header: Header) -> dict[str, NDArray[np.float64]]:
    told: dict[str, NDArray[np.float64]] = {}
    for label, name in (("ION ALPHA", "GPSA"), ("ION BETA", "GPSB")):
        for text in header.records.get(label, []):
            told[name] = np.array([_number(text[2 + 12 * k : 14 + 12 * k]) for k in range(4)])
    for text in header.records.get("IONOSPHERIC CORR", []):
        values = [_number(text[5 + 12 * k : 17 + 12 * k]) for k in range(4)]
        told.setdefault(text[:4].strip(), np.array(values))
    return told


def _ionosphere4(block: list[str]) -> dict[str, NDArray[np.float64]]:
    name = {"G": "GPS", "C": "BDS", "J": "QZS", "E": "GAL"}.get(block[0].split()[2][0])
    if name is None:
        return {}
    values = [_number(block[1][at : at + 19]) for at in range(23, 80, 19)]
    for line in block[2:]:
        values += [_number(line[at : at + 19]) for at in range(4, 80, 19)]
    if name == "GAL":
        return {"GAL": np.array([*values[:3], 0.0])}
    return {name + "A": np.array(values[:4]), name + "B": np.array(values[4:8])}


def _leap(header: Header, kepler: list[tuple[float, ...]], glonass: list[tuple[Any, ...]]) -> int:
    told = header.records.get("LEAP SECONDS", [""])[0][:6].strip()
    if told.isdigit() and header.system != "C":  # BeiDou files count them from 2006
        return int(told)
    weeks = [int(r[2]) for r in kepler] + [int(r[2]) for r in glonass]
    if not weeks:
        return LATEST_LEAP_S
    year, month, *_ = calendar(min(weeks), 0.0)
    return leap_seconds(year, month)
