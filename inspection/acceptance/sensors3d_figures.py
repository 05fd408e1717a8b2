"""What the rows of the three-dimensional sensors show: maps, errors, and the closed forms."""

from __future__ import annotations

from collections.abc import Sequence
from math import cos, radians, sin, sqrt
from typing import TYPE_CHECKING

import cv2
import numpy as np
from numpy.typing import NDArray

from common.acceptance.figures import Figure, Picture, Plot, ReferenceLine, Series

if TYPE_CHECKING:
    from inspection.acceptance.sensors3d import Judged

__all__ = ["Figure", "closed_forms", "reliability", "shown"]

TILE_PX = 240
GAP_PX = 6
EDGE_PX = 8  # beside a step that its height is not taken from
BINS = 12


def shown(found: Sequence[Judged]) -> tuple[Figure, ...]:
    """Maps of the tallest part of each kind, and error against slope and against reflectance."""
    return (maps(found), *(_against(found, what) for what in ("slope", "reflectance")))


def maps(found: Sequence[Judged]) -> Picture:
    """A row a kind, its tallest part: truth, measured, error."""
    tall: dict[str, Judged] = {}
    for one in found:
        tallest = tall.setdefault(one.gauge.kind, one)
        if np.ptp(one.gauge.target.height_um) > np.ptp(tallest.gauge.target.height_um):
            tall[one.gauge.kind] = one
    limit = max(float(np.quantile(np.abs(one.errors), 0.99)) for one in tall.values())
    rows = [np.hstack(_tiles(one, limit)) for one in tall.values()]
    canvas = cv2.imencode(".jpg", np.vstack(rows), [cv2.IMWRITE_JPEG_QUALITY, 85])[1]
    kinds = ", ".join(tall)
    caption = (
        f"Truth, measured, error; from above: {kinds}. Heights each over its own range, errors "
        f"from {-limit:.1f} um (blue) to {limit:.1f} um (red); not seen: black"
    )
    return Picture(canvas.tobytes(), caption)


def _tiles(one: Judged, limit: float) -> list[NDArray[np.uint8]]:
    truth, seen = one.gauge.target.height_um, one.seen.height_um
    low, high = float(truth.min()) - limit, float(truth.max()) + limit
    return [
        _coloured(truth, low, high),
        _coloured(seen, low, high),
        _coloured(one.error_um, -limit, limit),
    ]


def _coloured(values: NDArray[np.float32], low: float, high: float) -> NDArray[np.uint8]:
    level = np.nan_to_num(np.clip((values - low) / (high - low), 0, 1) * 255).astype(np.uint8)
    picture = cv2.applyColorMap(level, cv2.COLORMAP_TURBO)
    picture[~np.isfinite(values)] = 0
    large = cv2.resize(picture, (TILE_PX, TILE_PX), interpolation=cv2.INTER_AREA)
    edge = (0, GAP_PX, 0, GAP_PX)
    return np.asarray(
        cv2.copyMakeBorder(large, *edge, cv2.BORDER_CONSTANT, value=(255, 255, 255)), np.uint8
    )


def _against(found: Sequence[Judged], what: str) -> Plot:
    """Error and told uncertainty, rms, in bins of equal count of a property of the points."""
    values = np.concatenate([_property(one, what)[one.seen.valid] for one in found])
    errors = np.concatenate([one.errors for one in found])
    told = np.concatenate([one.seen.sigma_um[one.seen.valid] for one in found])  # type: ignore[index]
    edges = np.unique(np.quantile(values, np.linspace(0, 1, BINS + 1)))
    which = np.clip(np.searchsorted(edges, values, side="right") - 1, 0, len(edges) - 2)
    n = np.maximum(np.bincount(which), 1)
    x = np.bincount(which, values) / n
    curves = tuple(
        Series(name, x, np.sqrt(np.bincount(which, v**2) / n), kind="line")
        for name, v in (("error", errors), ("uncertainty told", told.astype(np.float64)))
    )
    label = {"slope": "slope of the surface", "reflectance": "albedo + coat at normal incidence"}
    return Plot(f"Height error against {what}", label[what], "rms [um]", curves)


def _property(one: Judged, what: str) -> NDArray[np.float32]:
    if what == "slope":
        return np.hypot(*one.gauge.target.slopes)
    albedo, f0, _ = one.gauge.target.maps
    return albedo + f0


def reliability(ratios: Sequence[NDArray[np.float64]]) -> Plot:
    """Share of errors within k uncertainties, against what a normal error would give."""
    from scipy.special import erf

    k = np.linspace(0.25, 3.5, 14)
    normal = erf(k / sqrt(2))
    every = np.abs(np.concatenate(list(ratios)))
    shares = [float(np.mean(every <= one)) for one in k]
    parts = np.array([[np.mean(np.abs(part) <= one) for part in ratios] for one in k])
    measured = Series(
        f"measured, {len(ratios)} parts (band: parts)", k, shares, parts.min(1), parts.max(1)
    )
    lines = (ReferenceLine("95 %", 0.95), ReferenceLine("2", 2.0, "x"))
    curves = (measured, Series("normal", k, normal))
    label = "standard uncertainties"
    return Plot("Errors within k told uncertainties", label, "share", curves, lines=lines)


def closed_forms(found: Sequence[Judged]) -> dict[str, NDArray[np.float64]]:
    """By "heights of steps" and "heights of caps": what was measured less what is, um."""
    steps = [_step_um(one) - one.gauge.size_um for one in found if one.gauge.kind == "step"]
    caps = [_sag_off_um(one) for one in found if one.gauge.kind == "sphere"]
    named = {"heights of steps": steps, "sags of spheres": caps}
    return {name: np.array(off) for name, off in named.items() if off}


def _step_um(one: Judged) -> float:
    """Mean of the high side less mean of the low side, away from the edge."""
    rows, columns = one.seen.height_um.shape
    turn = radians(one.gauge.turn_deg)
    y, x = np.mgrid[:rows, :columns]
    across = (x - (columns - 1) / 2) * cos(turn) + (y - (rows - 1) / 2) * sin(turn)
    height = one.seen.height_um
    high, low = (np.nanmean(height[side > EDGE_PX]) for side in (across, -across))
    return float(high - low)


def _sag_off_um(one: Judged) -> float:
    """Error of a sphere's radius by least squares in z, as the sag over the cap that it makes."""
    from scipy.optimize import least_squares

    from inspection.sim.relief.target import grid_um

    height, truth = one.seen.height_um, one.gauge.target.height_um
    x, y = grid_um((height.shape[0], height.shape[1]), one.seen.um_per_px)
    cap = one.seen.valid & (truth > truth.min() + 2.0)
    x, y = (np.broadcast_to(v, height.shape)[cap].astype(np.float64) for v in (x, y))
    z, sag = height[cap].astype(np.float64), float(np.ptp(truth))

    def left(p: NDArray[np.float64]) -> NDArray[np.float64]:
        inside = np.maximum(1e6 * p[3] ** 2 - (x - p[0]) ** 2 - (y - p[1]) ** 2, 1.0)
        return np.asarray(p[2] + np.sqrt(inside) - 1e3 * p[3] - z, np.float64)

    start = np.array([0.0, 0.0, float(z.max()), 1e-3 * one.gauge.size_um])
    radius_um = 1e3 * float(least_squares(left, start, x_scale="jac").x[3])
    return sag * (1 - radius_um / one.gauge.size_um)
