"""Observations, navigation messages and solutions of a file of whatever known format."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from common.drivers.gnss.framing import Framer
from positioning.gnss.formats import nav_pvt, nmea, pos, rinex_nav, rinex_obs, rtcm, source, ubx
from positioning.gnss.formats.errors import GnssFileError, Refusal
from positioning.gnss.navigation import NavigationMessages, merged
from positioning.gnss.observations import Observations
from positioning.gnss.solution import Solution

Kind = Literal["rinex", "pos", "ubx", "rtcm", "nmea"]

_LOOK_BYTES = 1 << 18
_RINEX_LABEL = b"RINEX VERSION / TYPE"


def kind_of(path: Path) -> Kind:
    """By the contents. GnssFileError for what is nothing of these."""
    data = source.read(path)
    if _RINEX_LABEL in data[:100]:
        return "rinex"
    if data[:2] in (b"#a", b"#c", b"#d") and data[2:3] in b"PV":
        raise GnssFileError(
            path,
            "SP3: precise orbits are the truth of `simulate --sp3`; broadcast ones are taken",
        )
    if path.suffix.lower() == ".pos" or data[:1] == b"%":
        return "pos"
    found: dict[Kind, int] = {"ubx": 0, "rtcm": 0, "nmea": 0}
    for frame in Framer().feed(data[:_LOOK_BYTES]):
        found[frame.protocol] += len(frame.data)
    best = max(found, key=lambda kind: found[kind])
    if not found[best]:
        raise GnssFileError(path, "neither RINEX, RTKLIB's .pos, UBX, RTCM 3 nor NMEA")
    return best


def read_observations(
    path: Path, week: int | None = None, refusals: list[Refusal] | None = None
) -> Observations:
    """Of RINEX, UBX or RTCM 3; week: of RTCM, which may not tell it."""
    kind = kind_of(path)
    if kind == "rinex":
        return rinex_obs.read(path, refusals)
    if kind not in ("ubx", "rtcm"):
        raise GnssFileError(path, f"a file of {kind} holds no observations")
    told = ubx.Told()
    found = ubx.read(path, told) if kind == "ubx" else rtcm.read(path, week, told)
    _tell(path, told, refusals)
    return found


def read_navigation(
    paths: Sequence[Path], week: int | None = None, refusals: list[Refusal] | None = None
) -> NavigationMessages:
    """Of any number of RINEX, UBX and RTCM 3 files, each message once."""
    if not paths:
        raise GnssFileError(Path("--nav"), "no navigation file is given")
    parts = []
    for path in paths:
        kind, told = kind_of(path), ubx.Told()
        if kind == "rinex":
            parts.append(rinex_nav.read(path, refusals))
        elif kind == "ubx":
            parts.append(ubx.read_navigation(path, told))
        elif kind == "rtcm":
            parts.append(rtcm.read_navigation(path, week, told))
        else:
            raise GnssFileError(path, f"a file of {kind} holds no navigation messages")
        _tell(path, told, refusals)
    return merged(parts)


def read_solution(path: Path) -> tuple[Solution, tuple[float, float] | None, list[str]]:
    """Of .pos, NMEA or UBX (NAV-PVT): (solution, span of observations if told, what was left out).

    span: GPS seconds since 1980 of the first and last observation.
    """
    kind, told = kind_of(path), ubx.Told()
    if kind == "pos":
        found = pos.read_file(path)
        return found.solution, found.span_s, [str(refusal) for refusal in found.refusals]
    if kind not in ("nmea", "ubx"):
        raise GnssFileError(path, f"a file of {kind} holds no positions; solve it first")
    solution = nmea.read(path, told) if kind == "nmea" else nav_pvt.read(path, told)
    listed: list[Refusal] = []
    _tell(path, told, listed)
    return solution, None, [str(refusal) for refusal in listed]


def _tell(path: Path, told: ubx.Told, refusals: list[Refusal] | None) -> None:
    """One refusal for all frames that were left out; a binary file has no lines."""
    left_out = told.counts.corrupt + told.refused
    if refusals is not None and left_out:
        what = f"{told.counts.corrupt} frames with a wrong checksum and {told.refused} broken"
        refusals.append(Refusal(path, 0, f"{what} left out"))
