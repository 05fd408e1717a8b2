"""RTKLIB's solution files (.pos): read in every form it writes, written in two.

Times: GPST, UTC or JST, week and second or calendar. Positions: degrees, degrees-minutes-seconds,
ECEF, or east-north-up of the baseline where the header tells the reference.
Covariances stand as RTKLIB writes them: standard deviations, and signed roots of the others.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from positioning.gnss import geodesy
from positioning.gnss.formats import source
from positioning.gnss.formats.errors import GnssFileError, Refusal
from positioning.gnss.formats.pos_write import write
from positioning.gnss.solution import Solution
from positioning.gnss.time import calendar, leap_seconds, shifted, week_second

__all__ = ["PosFile", "read", "read_file", "write"]

Array = NDArray[np.float64]
_JST_S = 9 * 3600
_NUMBERS = 15  # position, quality, satellites, six deviations, age, ratio, and the time before
_LAST_QUALITY = 7


@dataclass(frozen=True, slots=True, eq=False)
class PosFile:
    """A solution and what the file's header tells.

    span_s: GPS seconds since 1980 of the first and the last observation, None where not told.
    reference_m: (3,) ECEF of the base, None where not told. refusals: lines that were left out.
    """

    solution: Solution
    span_s: tuple[float, float] | None
    reference_m: Array | None
    refusals: tuple[Refusal, ...]


@dataclass(slots=True)
class _Form:
    """How the lines are written. positions: "geodetic", "sexagesimal", "ecef" or "baseline"."""

    scale: str = "GPST"
    positions: str = ""
    separator: str | None = None
    reference_m: Array | None = None
    span: dict[str, float] = field(default_factory=dict)


def read(path: Path) -> Solution:
    """The solved epochs of a file, in its order."""
    return read_file(path).solution


def read_file(path: Path) -> PosFile:
    """All that a file tells. GnssFileError when it holds no epoch."""
    form, rows, refusals = _Form(), [], []
    text = source.read(path).decode("utf-8", errors="replace")
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip():
            continue
        try:
            if line[0] == "%":
                _learn(form, line[1:])
            else:
                rows.append(_row(form, line))
        except (ValueError, IndexError) as error:
            refusals.append(Refusal(path, number, f"no epoch of a .pos file ({error})"))
    if not rows:
        told = f"; {refusals[0]}" if refusals else ""
        raise GnssFileError(path, f"no epoch of a .pos file in it{told}")
    span = (form.span["start"], form.span["end"]) if len(form.span) == 2 else None
    return PosFile(_solution(form, rows), span, form.reference_m, tuple(refusals))


def _learn(form: _Form, line: str) -> None:
    """What a header line tells of the lines that follow."""
    label, _, value = line.partition(":")
    label = label.strip()
    if label in ("obs start", "obs end"):
        week, second = value.partition("(week")[2].rstrip(")s ").split()
        form.span[label[4:]] = int(week) * 604_800.0 + float(second.rstrip("s"))
    elif label == "ref pos":
        form.reference_m = _place([float(word) for word in re.split(r"[\s,;]+", value.strip())])
    elif line.strip()[:4].rstrip() in ("GPST", "UTC", "JST"):
        form.scale = line.split()[0].rstrip(",;")
        form.separator = next((mark for mark in ",;" if mark in line), None)
        for word, form_name in _POSITIONS.items():
            if word in line:
                form.positions = form_name


_POSITIONS = {
    "x-ecef": "ecef", "e-baseline": "baseline", "latitude(deg)": "geodetic",
    "latitude(d'": "sexagesimal",
}  # fmt: skip


def _place(numbers: list[float]) -> Array | None:
    """ECEF of a reference position in any form, None where it is none."""
    if len(numbers) == 6:
        numbers = [_degrees(numbers[:3]), _degrees(numbers[3:5] + numbers[5:]), 0.0]
    if len(numbers) == 7:
        numbers = [_degrees(numbers[:3]), _degrees(numbers[3:6]), numbers[6]]
    if len(numbers) != 3 or not any(numbers):
        return None
    place = np.array(numbers)
    if np.linalg.norm(place) > 1e5:
        return place
    return geodesy.to_ecef(*np.array([np.deg2rad(place[0]), np.deg2rad(place[1]), place[2]]))


def _row(form: _Form, line: str) -> list[float]:
    """GPS week and second, then the file's numbers with the position in three."""
    words = line.replace(form.separator, " ").split() if form.separator else line.split()
    week, second = _time(form, words[:2])
    numbers = [float(word) for word in words[2:]]
    if form.positions == "sexagesimal":
        minus = [word.startswith("-") for word in (words[2], words[5])]
        numbers = [
            _degrees(numbers[:3], minus[0]), _degrees(numbers[3:6], minus[1]), *numbers[6:]
        ]  # fmt: skip
    if len(numbers) < _NUMBERS - 2:
        raise ValueError(f"{len(numbers) + 2} numbers of {_NUMBERS}")
    if not all(np.isfinite(numbers[:3])) or numbers[3] not in range(_LAST_QUALITY + 1):
        raise ValueError("no position and quality")
    return [week, second, *numbers]


def _degrees(parts: list[float], minus: bool = False) -> float:
    degrees = abs(parts[0]) + parts[1] / 60 + parts[2] / 3600
    return -degrees if minus or parts[0] < 0 else degrees


def _time(form: _Form, words: list[str]) -> tuple[int, float]:
    if "/" in words[0]:
        year, month, day = (int(word) for word in words[0].split("/"))
        hour, minute, second = words[1].split(":")
        week, tow_s = week_second(year, month, day, int(hour), int(minute), float(second))
    else:
        week, tow_s = int(words[0]), float(words[1])
    if not (0 < week < 10_000 and 0 <= tow_s <= 604_800):
        raise ValueError(f"no GPS time: {' '.join(words)}")
    if form.scale == "GPST":
        return week, tow_s
    year, month, *_ = calendar(week, tow_s)
    ahead = leap_seconds(year, month) - (_JST_S if form.scale == "JST" else 0)
    return shifted(week, tow_s, ahead)


def _solution(form: _Form, rows: list[list[float]]) -> Solution:
    width = max(len(row) for row in rows)
    table = np.full((len(rows), max(width, _NUMBERS + 12)), np.nan)
    for k, row in enumerate(rows):
        table[k, : len(row)] = row
    axes, position = _positions(form, table[:, 2:5])
    told = np.any(table[:, 7:10] != 0, axis=1)
    covariance = _turned(_covariance(form, table[:, 7:13]), axes)
    covariance[~told] = np.nan
    velocity = None
    if width >= _NUMBERS + 3:
        velocity = _velocities(form, table[:, 15:18], axes)
    extras = table[:, 24:27] if width >= 27 else None
    return Solution(
        week=table[:, 0].astype(np.int32),
        tow_s=table[:, 1].copy(),
        position_m=position,
        covariance_m2=covariance,
        quality=table[:, 5].astype(np.int8),
        satellites=np.clip(np.nan_to_num(table[:, 6]), 0, 9999).astype(np.int16),
        age_s=table[:, 13].astype(np.float32),
        ratio=table[:, 14].astype(np.float32),
        velocity_mps=velocity,
        wrong_fix_probability=None if extras is None else extras[:, 0].astype(np.float32),
        protection_level_m=None if extras is None else extras[:, 1:].astype(np.float32),
    )


def _positions(form: _Form, told: Array) -> tuple[Array | None, Array]:
    """((E, 3, 3) east-north-up axes or None for ECEF, (E, 3) ECEF)."""
    kind = form.positions or ("ecef" if np.abs(told).max() > 1e5 else "geodetic")
    if kind == "ecef":
        return None, told.copy()
    if kind == "baseline":
        if form.reference_m is None:
            raise ValueError("a file of baselines must tell its ref pos")
        latitude, longitude, _ = geodesy.to_geodetic(form.reference_m)
        axes = np.broadcast_to(geodesy.enu_axes(latitude, longitude), (len(told), 3, 3))
        return axes, form.reference_m + np.einsum("eij,ei->ej", axes, told)
    latitude, longitude = np.deg2rad(told[:, 0]), np.deg2rad(told[:, 1])
    axes = geodesy.enu_axes(latitude, longitude)
    return axes, geodesy.to_ecef(latitude, longitude, told[:, 2])


def _covariance(form: _Form, told: Array) -> Array:
    """(E, 3, 3) in the order of axes x y z or east north up."""
    variances, crossed = told[:, :3] ** 2, np.sign(told[:, 3:]) * told[:, 3:] ** 2
    order = [1, 0, 2] if form.positions in ("geodetic", "sexagesimal", "") else [0, 1, 2]
    pairs = [(0, 1), (1, 2), (2, 0)]
    matrix = np.zeros((len(told), 3, 3))
    for k in range(3):
        matrix[:, order[k], order[k]] = variances[:, k]
        i, j = (order[n] for n in pairs[k])
        matrix[:, i, j] = matrix[:, j, i] = crossed[:, k]
    return matrix


def _turned(local: Array, axes: Array | None) -> Array:
    """Covariances from the local axes to ECEF."""
    if axes is None:
        return local
    return np.asarray(np.einsum("eki,ekl,elj->eij", axes, local, axes))


def _velocities(form: _Form, told: Array, axes: Array | None) -> Array:
    if axes is None:
        return told.copy()
    order = [0, 1, 2] if form.positions == "baseline" else [1, 0, 2]  # north comes first
    return np.asarray(np.einsum("eij,ei->ej", axes, told[:, order]))
