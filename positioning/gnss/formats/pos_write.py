"""Solutions as RTKLIB's .pos files, in its columns: its tools and everybody's read them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

import common
from positioning.gnss import geodesy
from positioning.gnss.solution import Quality, Solution
from positioning.gnss.time import calendar

Array = NDArray[np.float64]
Form = Literal["geodetic", "ecef"]
Times = Literal["calendar", "week"]

_LEGEND = "Q=1:fix,2:float,3:sbas,4:dgps,5:single,6:ppp,ns=# of satellites)"
_COLUMNS = {
    "ecef": "      x-ecef(m)      y-ecef(m)      z-ecef(m)   Q  ns   sdx(m)   sdy(m)   sdz(m)"
    "  sdxy(m)  sdyz(m)  sdzx(m) age(s)  ratio",
    "geodetic": "  latitude(deg) longitude(deg)  height(m)   Q  ns   sdn(m)   sde(m)   sdu(m)"
    "  sdne(m)  sdeu(m)  sdun(m) age(s)  ratio",
}
_VELOCITIES = {
    "ecef": "    vx(m/s)    vy(m/s)    vz(m/s)      sdvx     sdvy     sdvz"
    "    sdvxy    sdvyz    sdvzx",
    "geodetic": "    vn(m/s)    ve(m/s)    vu(m/s)      sdvn     sdve     sdvu"
    "    sdvne    sdveu    sdvun",
}
_INTEGRITY = "   pwrong   hpl(m)   vpl(m)"


def write(
    path: Path,
    solution: Solution,
    *,
    form: Form = "geodetic",
    times: Times = "calendar",
    inputs: Sequence[str] = (),
    reference_m: Array | None = None,
    span: tuple[tuple[int, float], tuple[int, float]] | None = None,
    settings: Sequence[tuple[str, str]] = (),
) -> None:
    """Write the solved epochs; epochs without a position are left out, as RTKLIB does.

    inputs: names of the files it was solved from. reference_m: (3,) ECEF of the base.
    span: first and last epoch of the observations, which tell a score how many were expected.
    settings: (name, value) lines of the header. Times have milliseconds.
    Told probabilities and protection levels stand after the velocities as pwrong, hpl and vpl.
    """
    solved = np.flatnonzero(
        (solution.quality != Quality.NONE) & np.isfinite(solution.position_m).all(axis=1)
    )
    with path.open("w", encoding="utf-8") as file:
        for line in _header(solution, form, times, inputs, reference_m, span, settings):
            file.write(line + "\n")
        body = _geodetic(solution) if form == "geodetic" else _ecef(solution)
        tails = _tails(solution, form)
        for k in solved:
            when = _time(int(solution.week[k]), float(solution.tow_s[k]), times)
            file.write(f"{when}{body[k]}{tails[k]}\n")


def _header(
    solution: Solution,
    form: Form,
    times: Times,
    inputs: Sequence[str],
    reference_m: Array | None,
    span: tuple[tuple[int, float], tuple[int, float]] | None,
    settings: Sequence[tuple[str, str]],
) -> Iterator[str]:
    yield f"% program   : lingnan ver.{common.__version__}"
    for name in inputs:
        yield f"% inp file  : {name}"
    for label, at in zip(("start", "end"), span or (), strict=False):
        when = _time(*at, "calendar")[:-2]
        yield f"% obs {label:<6}: {when} GPST (week{at[0]} {at[1]:8.1f}s)"
    for name, value in settings:
        yield f"% {name:<10}: {value}"
    if reference_m is not None:
        yield f"% ref pos   : {_reference(reference_m, form)}"
    yield "%"
    system = "lat/lon/height" if form == "geodetic" else "x/y/z-ecef"
    datum = "WGS84/ellipsoidal" if form == "geodetic" else "WGS84"
    yield f"% ({system}={datum},{_LEGEND}"
    columns = _COLUMNS[form]
    if _has_velocities(solution):
        columns += _VELOCITIES[form]
    if solution.wrong_fix_probability is not None or solution.protection_level_m is not None:
        columns += _INTEGRITY
    blank = " " * (16 if times == "calendar" else 8)
    yield f"%  GPST{blank}{columns}"


def _reference(reference_m: Array, form: Form) -> str:
    if form == "ecef":
        return " ".join(f"{value:14.4f}" for value in reference_m).removeprefix(" ")
    latitude, longitude, height = geodesy.to_geodetic(reference_m)
    return f"{np.rad2deg(latitude):.9f} {np.rad2deg(longitude):14.9f} {height:10.4f}"


def _time(week: int, tow_s: float, times: Times) -> str:
    thousandths = round(tow_s * 1e3)
    if times == "week":
        return f"{week:4d} {thousandths / 1e3:10.3f}"
    weeks, thousandths = divmod(thousandths, 604_800_000)
    year, month, day, hour, minute, second = calendar(week + weeks, thousandths / 1e3)
    return f"{year:04d}/{month:02d}/{day:02d} {hour:02d}:{minute:02d}:{second:06.3f}"


def _has_velocities(solution: Solution) -> bool:
    more = (solution.velocity_mps, solution.wrong_fix_probability, solution.protection_level_m)
    return any(told is not None for told in more)


def _geodetic(solution: Solution) -> list[str]:
    latitude, longitude, height = geodesy.to_geodetic(solution.position_m)
    axes = geodesy.enu_axes(latitude, longitude)
    local = np.einsum("eik,ekl,ejl->eij", axes, solution.covariance_m2, axes)
    deviations = _deviations(local, ((1, 1), (0, 0), (2, 2), (1, 0), (0, 2), (2, 1)))
    places = zip(np.rad2deg(latitude), np.rad2deg(longitude), height, strict=True)
    heads = [f" {a:14.9f} {b:14.9f} {c:10.4f}" for a, b, c in places]
    return _lines(solution, heads, deviations)


def _ecef(solution: Solution) -> list[str]:
    pairs = ((0, 0), (1, 1), (2, 2), (0, 1), (1, 2), (2, 0))
    deviations = _deviations(solution.covariance_m2, pairs)
    heads = [f" {x:14.4f} {y:14.4f} {z:14.4f}" for x, y, z in solution.position_m]
    return _lines(solution, heads, deviations)


def _deviations(covariance: Array, pairs: Sequence[tuple[int, int]]) -> Array:
    """(E, 6), signed roots; 0 where the covariance is not told, as RTKLIB has it."""
    told = np.stack([covariance[:, i, j] for i, j in pairs], axis=1)
    return np.asarray(np.nan_to_num(np.sign(told) * np.sqrt(np.abs(told))))


def _lines(solution: Solution, heads: list[str], deviations: Array) -> list[str]:
    lines = []
    age, ratio = np.nan_to_num(solution.age_s), np.nan_to_num(solution.ratio)
    for k, head in enumerate(heads):
        roots = "".join(f" {value:8.4f}" for value in deviations[k])
        count = f" {int(solution.quality[k]):3d} {int(solution.satellites[k]):3d}"
        lines.append(f"{head}{count}{roots} {age[k]:6.2f} {min(ratio[k], 999.9):6.1f}")
    return lines


def _tails(solution: Solution, form: Form) -> list[str]:
    """Velocities, their unknown deviations, and integrity, as far as the solution tells them."""
    count = len(solution)
    if not _has_velocities(solution):
        return [""] * count
    velocity = solution.velocity_mps
    if velocity is None:
        velocity = np.full((count, 3), np.nan)
    elif form == "geodetic":
        latitude, longitude, _ = geodesy.to_geodetic(solution.position_m)
        local = np.einsum("eij,ej->ei", geodesy.enu_axes(latitude, longitude), velocity)
        velocity = local[:, [1, 0, 2]]
    blank = "  " + " ".join(f"{0.0:8.5f}" for _ in range(6))
    tails = ["".join(f" {value:10.5f}" for value in row) + blank for row in velocity]
    if solution.wrong_fix_probability is None and solution.protection_level_m is None:
        return tails
    wrong, level = solution.wrong_fix_probability, solution.protection_level_m
    wrong = np.full(count, np.nan, np.float32) if wrong is None else wrong
    level = np.full((count, 2), np.nan, np.float32) if level is None else level
    return [
        f"{tail} {wrong[k]:8.6f} {level[k, 0]:8.3f} {level[k, 1]:8.3f}"
        for k, tail in enumerate(tails)
    ]
