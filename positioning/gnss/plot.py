"""Pictures of a solution: map, error against time, distribution of errors, sky (matplotlib)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from common.errors import LingnanError, MissingExtraError
from positioning.gnss import geodesy
from positioning.gnss.formats.truth import Truth
from positioning.gnss.observations import Observations
from positioning.gnss.orbits.states import Orbits
from positioning.gnss.satellite import SPEED_OF_LIGHT_MPS, decode
from positioning.gnss.score import Errors
from positioning.gnss.solution import Quality, Solution
from positioning.labels import beside

SUFFIXES = (".png", ".svg", ".pdf")
_DPI = 130
_QUALITIES = {
    Quality.FIX: ("fix", "#1a7f37"), Quality.FLOAT: ("float", "#d4880c"),
    Quality.DGPS: ("DGPS", "#0969da"), Quality.SINGLE: ("single", "#cf222e"),
    Quality.SBAS: ("SBAS", "#8250df"), Quality.PPP: ("PPP", "#1b7c83"),
    Quality.DEAD_RECKONING: ("dead reckoning", "#6e7781"),
}  # fmt: skip
_DOT_POINTS, _NAME_POINTS = 1.5, (17.0, 7.0)
_TRAVEL_S = 0.075  # of the signal, to a degree of elevation


def new(columns: int = 1, rows: int = 1, *, polar: bool = False, **more: Any) -> tuple[Any, Any]:
    """A figure without a window, and its axes. MissingExtraError without matplotlib."""
    try:
        from matplotlib.figure import Figure
    except ImportError as error:
        raise MissingExtraError("matplotlib", "report") from error
    size = (7.0, 7.0 if polar else 4.2 + 1.6 * (rows - 1))
    figure = Figure(figsize=size, layout="constrained")
    projection = {"projection": "polar"} if polar else None
    return figure, figure.subplots(rows, columns, subplot_kw=projection, **more)


def save(figure: Any, out: Path) -> None:
    """Write a .png, .svg or .pdf."""
    if out.suffix.lower() not in SUFFIXES:
        raise LingnanError(f"{out}: a picture ends in {', '.join(SUFFIXES)}")
    try:
        figure.savefig(out, dpi=_DPI)
    except OSError as error:
        raise LingnanError(f"{out}: {error.strerror or error}") from error


def route(solution: Solution, truth: Truth | None = None) -> Any:
    """East and north in m about the middle of the truth, or of the solution."""
    origin = np.median(solution.position_m if truth is None else truth.position_m, axis=0)
    figure, axes = new()
    if truth is not None:
        true = geodesy.to_enu(truth.position_m, origin)
        style = {"marker": "+", "markersize": 16} if truth.is_static else {"linewidth": 1.2}
        axes.plot(true[:, 0], true[:, 1], color="black", label="truth", zorder=1, **style)
    local = geodesy.to_enu(solution.position_m, origin)
    for kind, (name, colour) in _QUALITIES.items():
        here = solution.quality == kind
        if here.any():
            told = f"{name} ({here.sum()})"
            axes.plot(*local[here, :2].T, ".", markersize=3, color=colour, label=told, zorder=2)
    axes.set_aspect("equal", adjustable="datalim")
    axes.set(xlabel="east (m)", ylabel="north (m)")
    axes.ticklabel_format(useOffset=False)
    axes.grid(alpha=0.3)
    axes.legend(loc="best", fontsize="small")
    return figure


def error_against_time(found: Errors) -> Any:
    """East, north and up of the error; grey where an expected epoch has no solution."""
    figure, axes = new(rows=3, sharex=True)
    time_s = found.time_s - found.time_s[0]
    missing = found.quality == Quality.NONE
    for k, (axis, name) in enumerate(zip(axes, ("east", "north", "up"), strict=True)):
        for kind, (told, colour) in _QUALITIES.items():
            here = found.quality == kind
            if here.any():
                axis.plot(time_s[here], found.enu_m[here, k], ".", markersize=3, color=colour,
                          label=told)  # fmt: skip
        if missing.any():
            axis.vlines(time_s[missing], 0, 1, color="#d0d7de", linewidth=0.8, zorder=0,
                        transform=axis.get_xaxis_transform(), label="none")  # fmt: skip
        axis.set_ylabel(f"{name} (m)")
        axis.grid(alpha=0.3)
    axes[0].legend(loc="upper right", fontsize="small", ncols=4)
    axes[-1].set_xlabel(f"seconds since the first of {len(time_s)} expected epochs")
    return figure


def distribution(found: Errors) -> Any:
    """Share of the expected epochs whose error is at most so large; it ends at the availability."""
    figure, axes = new()
    count = len(found.time_s)
    parts = {
        "horizontal": np.hypot(found.enu_m[:, 0], found.enu_m[:, 1]),
        "vertical": np.abs(found.enu_m[:, 2]),
    }
    for name, error in parts.items():
        known = np.sort(error[np.isfinite(error)])
        axes.step(np.maximum(known, 1e-4), np.arange(1, len(known) + 1) / count, where="post",
                  label=name)  # fmt: skip
    for percent in (0.5, 0.68, 0.95):
        axes.axhline(percent, color="#d0d7de", linewidth=0.8, zorder=0)
        axes.annotate(f"{percent:.0%}", (1.0, percent), xycoords=("axes fraction", "data"),
                      fontsize="x-small", ha="right", va="bottom", color="#57606a")  # fmt: skip
    axes.set(xscale="log", ylim=(0, 1.02), xlabel="error (m)",
             ylabel=f"share of {count} expected epochs")  # fmt: skip
    axes.grid(alpha=0.3, which="both")
    axes.legend(loc="upper left")
    return figure


def sky(observations: Observations, orbits: Orbits, receiver_m: NDArray[np.float64]) -> Any:
    """Tracks of the satellites above the receiver, coloured by C/N0 on the first band."""
    figure, axes = new(polar=True)
    azimuth, elevation = directions(observations, orbits, receiver_m)
    cn0 = observations.cn0_dbhz[:, 0]
    up = np.isfinite(elevation) & (elevation > 0) & np.isfinite(cn0)
    if not up.any():
        raise LingnanError("no satellite above the horizon: do the navigation messages fit?")
    radius = 90 - np.rad2deg(elevation)
    dots = axes.scatter(azimuth[up], radius[up], c=cn0[up], s=5, cmap="viridis", vmin=20, vmax=52)
    axes.set_theta_zero_location("N")
    axes.set_theta_direction(-1)
    axes.set_rlim(0, 90)
    axes.set_rgrids([0, 30, 60], ["90°", "60°", "30°"], fontsize="x-small")
    axes.set_xticks(np.deg2rad([0, 90, 180, 270]), ["N", "E", "S", "W"])
    figure.colorbar(dots, ax=axes, shrink=0.7, label="C/N0 (dB-Hz)")
    names, turned = np.unique(observations.satellite[up][::-1], return_index=True)
    last = np.flatnonzero(up)[::-1][turned]
    figure.draw_without_rendering()  # lays out: only then it is known where the dots are
    points = 72 / figure.dpi * axes.transData.transform(np.stack((azimuth, radius), axis=1)[last])
    corners = beside(points, np.full(len(points), _DOT_POINTS), _NAME_POINTS)
    for name, at, offset in zip(names.tolist(), last, corners - points, strict=True):
        axes.annotate(decode(name), (azimuth[at], radius[at]), fontsize="x-small", xytext=offset,
                      textcoords="offset points", va="bottom")  # fmt: skip
    return figure


def directions(
    observations: Observations, orbits: Orbits, receiver_m: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Azimuth and elevation (rad) of each row's satellite; NaN without an ephemeris."""
    code_m = observations.code_m[:, 0]
    epoch = observations.epoch_of_row
    travel_s = np.where(np.isfinite(code_m), code_m / SPEED_OF_LIGHT_MPS, _TRAVEL_S)
    sent_s = observations.tow_s[epoch] - travel_s
    states = orbits.states(observations.satellite, observations.week[epoch], sent_s)
    return geodesy.azimuth_elevation(states.position_m, receiver_m)
