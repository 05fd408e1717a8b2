"""What a u-blox receiver says of itself: its positions (NAV-PVT) and its time to first fix."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from positioning.gnss import geodesy
from positioning.gnss.formats.errors import GnssFileError
from positioning.gnss.formats.ubx import Told, frames
from positioning.gnss.solution import Quality, Solution
from positioning.gnss.time import leap_seconds, shifted, week_second

_PVT, _STATUS = b"\x01\x07", b"\x01\x03"
_FULLY_RESOLVED = 0x07  # date, time and second are known
_FIX_OK = 0x01
_FIXES = (1, 2, 3, 4)  # dead reckoning, 2-D, 3-D, both together

PVT = np.dtype([
    ("itow_ms", "<u4"), ("year", "<u2"), ("month", "u1"), ("day", "u1"), ("hour", "u1"),
    ("minute", "u1"), ("second", "u1"), ("valid", "u1"), ("time_acc_ns", "<u4"), ("nano", "<i4"),
    ("fix", "u1"), ("flags", "u1"), ("flags2", "u1"), ("satellites", "u1"), ("lon", "<i4"),
    ("lat", "<i4"), ("height_mm", "<i4"), ("sea_mm", "<i4"), ("h_acc_mm", "<u4"),
    ("v_acc_mm", "<u4"), ("velocity_mmps", "<i4", (3,)),
])  # fmt: skip
"""The first 60 bytes of NAV-PVT; velocity is north, east, down."""

STATUS = np.dtype([
    ("itow_ms", "<u4"), ("fix", "u1"), ("flags", "u1"), ("fix_status", "u1"), ("flags2", "u1"),
    ("ttff_ms", "<u4"), ("since_start_ms", "<u4"),
])  # fmt: skip
"""NAV-STATUS; ttff_ms is 0 until there was a fix."""


def read(path: Path, told: Told | None = None) -> Solution:
    """The receiver's own positions. GnssFileError where there is none."""
    rows = _rows(path, _PVT, PVT, told)
    valid = rows["valid"] & _FULLY_RESOLVED == _FULLY_RESOLVED
    good = (rows["flags"] & _FIX_OK != 0) & np.isin(rows["fix"], _FIXES) & valid
    if not good.any():
        raise GnssFileError(path, f"no NAV-PVT with a fix among {len(rows)}")
    return _solution(rows[good])


def statuses(path: Path, told: Told | None = None) -> NDArray[Any]:
    """(N,) of STATUS, in the file's order: when the receiver had its first fix."""
    return _rows(path, _STATUS, STATUS, told)


def _rows(path: Path, kind: bytes, layout: np.dtype[Any], told: Told | None) -> NDArray[Any]:
    told = Told() if told is None else told
    found = [frame.data[6:-2] for frame in frames(path, told) if frame.data[2:4] == kind]
    whole = [data[: layout.itemsize] for data in found if len(data) >= layout.itemsize]
    told.refused += len(found) - len(whole)
    return np.frombuffer(b"".join(whole), layout)


def _solution(rows: NDArray[Any]) -> Solution:
    latitude, longitude = np.deg2rad(rows["lat"] * 1e-7), np.deg2rad(rows["lon"] * 1e-7)
    axes = geodesy.enu_axes(latitude, longitude)
    across = rows["h_acc_mm"] * 1e-3 / np.sqrt(2)
    spread = np.stack([across, across, rows["v_acc_mm"] * 1e-3], axis=1)
    north, east, down = (rows["velocity_mmps"] * 1e-3).T
    local = np.stack([east, north, -down], axis=1)
    times = [_gps(row) for row in rows]
    carrier = rows["flags"] >> 6
    quality = np.where(rows["flags"] & 2, Quality.DGPS, Quality.SINGLE)
    quality = np.where(rows["fix"] == 1, Quality.DEAD_RECKONING, quality)
    quality = np.where(carrier == 1, Quality.FLOAT, quality)
    quality = np.where(carrier == 2, Quality.FIX, quality)
    nothing = np.full(len(rows), np.nan, np.float32)
    return Solution(
        week=np.array([week for week, _ in times], np.int32),
        tow_s=np.array([second for _, second in times]),
        position_m=geodesy.to_ecef(latitude, longitude, rows["height_mm"] * 1e-3),
        covariance_m2=np.einsum("eki,ek,ekj->eij", axes, spread**2, axes),
        quality=quality.astype(np.int8),
        satellites=rows["satellites"].astype(np.int16),
        age_s=nothing,
        ratio=nothing,
        velocity_mps=np.einsum("eij,ei->ej", axes, local),
    )


def _gps(row: Any) -> tuple[int, float]:
    """GPS time: the week of the date, the second of iTOW with its fraction."""
    year, month, day = int(row["year"]), int(row["month"]), int(row["day"])
    clock = (int(row["hour"]), int(row["minute"]), min(int(row["second"]), 59))
    week, second = shifted(*week_second(year, month, day, *clock), leap_seconds(year, month))
    exact = int(row["itow_ms"]) * 1e-3
    return week + round((second - exact) / 604_800), exact
