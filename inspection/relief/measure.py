"""How large and how deep a find is, each with its standard uncertainty.

Depth is the extreme of a paraboloid through the find's lowest (highest) points, against a plane
through what lies around it. Its uncertainty adds what noise and the surface's own roughness do to
both fits (as much and as correlated as the surroundings show them to be), the form's own, and that
of what the sensor's blur takes off the depth of a narrow find (`lateral`). The sensor's own word
on the points of a find is not asked: it holds the blur once more.
Width and length are those at half the depth, along the find's principal axes. A groove is
shallower nearly everywhere than at its deepest point: the width that the blur is judged by is that
at half its usual depth, without the lips that narrow it behind the blur (`lips`). A flat top that
is tilted is highest at its edge, where the blur rounds it off: the extreme lies anywhere between
what is left of it and the edge.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import hypot, inf, pi, sqrt
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from inspection.relief.find import NEIGHBOURS, Candidate
from inspection.relief.form import deviation, robust, straight
from inspection.relief.lateral import UNKNOWN, Lateral
from inspection.relief.lips import narrowing

F32 = NDArray[np.float32]
F64 = NDArray[np.float64]
Mask = NDArray[np.bool_]

RING_PX = 10  # how far around a find its surroundings reach
GAP_PX = 2
RING_POINTS = 400
LUMP_PX = 5  # how far a surface's roughness is taken to be alike
FLOOR = 0.6  # of the way in from the half depth's outline, where the floor begins
CAP_PX = 4  # largest half side of the paraboloid's window
SQUARE = np.ones((3, 3), np.uint8)


@dataclass(frozen=True, slots=True, eq=False)
class Size:
    """All lengths in um. depth_um: of the extreme from the surroundings, > 0; sign: +1 over them.

    width_um, length_um: at half the depth, across and along. volume_um3: under (over) the
    surroundings. x_um, y_um: the middle, from the map's first pixel. u_*: standard uncertainties.
    angle_rad: of the long axis, from +x towards +y.
    half: window of the map and the find's mask at half the depth in it.
    unseen: share of the find's pixels that the sensor did not see. rim_um: mean of what lies just
    around it, as seen from it: a scratch's lips are > 0, a dent's rolled edge < 0. clear: depth as
    it was seen over that depth's uncertainty; a blur makes it no less certain that it is there.
    """

    x_um: float
    y_um: float
    depth_um: float
    u_depth_um: float
    width_um: float
    u_width_um: float
    length_um: float
    u_length_um: float
    volume_um3: float
    u_volume_um3: float
    angle_rad: float
    sign: int
    unseen: float
    rim_um: float
    half: tuple[tuple[slice, slice], Mask]
    clear: float = inf

    def moved(self, rows: int, columns: int, um_per_px: float) -> Size:
        """The same size in a map that this one is a window of, from (rows, columns) on."""
        (down, right), mask = self.half
        there = (
            slice(down.start + rows, down.stop + rows),
            slice(right.start + columns, right.stop + columns),
        )
        x_um, y_um = self.x_um + columns * um_per_px, self.y_um + rows * um_per_px
        return replace(self, x_um=x_um, y_um=y_um, half=(there, mask))


@dataclass(frozen=True, slots=True, eq=False)
class _Around:
    """The surroundings: a plane c0 + c1 x + c2 y (px from the window's middle)."""

    plane: F64
    covariance: F64
    noise_um: float
    inflation: float  # of a variance of a mean, by the noise's correlation


def measure(
    residual_um: F32,
    um_per_px: float,
    candidate: Candidate,
    others: Mask,
    form_um: float = 0.0,
    lateral: Lateral = UNKNOWN,
) -> Size:
    """The find's size in (H, W) `residual_um`.

    others: (H, W), True on every find: none is part of another's surroundings.
    form_um: uncertainty of the form at this place. lateral: what the sensor does sideways, at this
    height.
    """
    window = _window(candidate, residual_um.shape)
    patch = residual_um[window].astype(np.float64) * candidate.sign
    core = _core(candidate, window)
    around = _around(patch, others[window], core)
    rows, columns = np.arange(patch.shape[0])[:, None], np.arange(patch.shape[1])[None]
    x, y = np.broadcast_arrays(*_centred(rows, columns, patch.shape))
    terms = np.stack([np.ones_like(patch), x, y], -1)
    patch -= terms @ around.plane
    depth, variance, at = _extreme(patch, core, around)
    datum = terms[at] @ around.covariance @ terms[at]
    u_depth = sqrt(variance + datum + form_um**2)
    half = _half(patch, core, depth, at)
    width, length, angle, middle = _extent(half)
    slope = max(2 * depth / max(width, 1.0), 1e-6)
    u_edge = hypot(sqrt(1 / 6), 2 * u_depth / slope)
    clear = depth / max(u_depth, 1e-9)
    seen_px, is_hollow = depth / um_per_px, candidate.sign < 0
    usual = _half(patch, core, _usual(patch, half, depth), at)
    wide, long, turn, _ = _extent(usual)
    if is_hollow and _is_groove(long, usual):
        wide *= narrowing(patch, usual, wide, turn, lateral.across(turn))
    u_wide = hypot(sqrt(1 / 6 / long), 2 * u_depth / slope)  # the mean of as many cross-sections
    gain, u_gain = lateral.gain(wide, long, u_wide, seen_px, angle, is_hollow)
    depth, u_depth = gain * depth, hypot(gain * u_depth, u_gain * depth)
    volume, u_volume = _volume(patch, core, around, sqrt(datum), um_per_px)
    return Size(
        x_um=(window[1].start + middle[1]) * um_per_px,
        y_um=(window[0].start + middle[0]) * um_per_px,
        depth_um=depth,
        u_depth_um=u_depth,
        width_um=width * um_per_px,
        u_width_um=u_edge * um_per_px,
        length_um=length * um_per_px,
        u_length_um=u_edge * um_per_px,
        volume_um3=volume,
        u_volume_um3=u_volume,
        angle_rad=angle,
        sign=candidate.sign,
        unseen=float(np.mean(~np.isfinite(patch[core]))),
        rim_um=_rim(patch, core),
        half=(window, half),
        clear=clear,
    )


def _window(candidate: Candidate, shape: tuple[int, ...]) -> tuple[slice, slice]:
    x0, y0, x1, y1 = candidate.box_px
    grow = RING_PX + GAP_PX
    rows = slice(max(y0 - grow, 0), min(y1 + grow, shape[0]))
    return rows, slice(max(x0 - grow, 0), min(x1 + grow, shape[1]))


def _core(candidate: Candidate, window: tuple[slice, slice]) -> Mask:
    """The candidate's mask in its window, holes closed."""
    x0, y0, x1, y1 = candidate.box_px
    core = np.zeros([s.stop - s.start for s in window], np.uint8)
    top, left = y0 - window[0].start, x0 - window[1].start
    core[top : top + y1 - y0, left : left + x1 - x0] = candidate.mask
    return np.asarray(cv2.morphologyEx(core, cv2.MORPH_CLOSE, SQUARE) > 0)


def _centred(rows: NDArray[Any], columns: NDArray[Any], shape: tuple[int, ...]) -> tuple[F64, F64]:
    return columns - (shape[1] - 1) / 2, rows - (shape[0] - 1) / 2


def _around(patch: F64, others: Mask, core: Mask) -> _Around:
    """The robust plane through the ring, or its median where the ring is poor."""
    near = cv2.dilate((others | core).astype(np.uint8), SQUARE, iterations=GAP_PX)
    ring = (near == 0) & np.isfinite(patch)
    rows, columns = np.nonzero(ring)
    if len(rows) < 12:
        known = patch[np.isfinite(patch) & ~core]
        level = float(np.median(known)) if known.size else 0.0
        noise = deviation(known - level) if known.size else 1.0
        variance = np.diag([noise**2 / max(known.size / 9, 1), 0, 0])
        return _Around(np.array([level, 0, 0]), variance, noise, 9.0)
    pick = slice(None, None, max(1, len(rows) // RING_POINTS))
    x, y = _centred(rows[pick].astype(float), columns[pick].astype(float), patch.shape)
    design = np.stack([np.ones_like(x), x, y], 1)
    z = patch[rows[pick], columns[pick]]
    start = np.array([np.median(z), 0.0, 0.0])
    plane, covariance, noise = robust(straight(design, z), start)
    inflation = _inflation(patch - plane[0], ring, noise)
    return _Around(plane, covariance * inflation, noise, inflation)


def _inflation(flat: F64, ring: Mask, noise: float) -> float:
    """By how much a mean over neighbours varies more than one of independent points, 1 to
    LUMP_PX^2."""
    most = float(LUMP_PX**2)
    inner = cv2.erode(ring.astype(np.uint8), np.ones((LUMP_PX, LUMP_PX), np.uint8), borderValue=0)
    if np.count_nonzero(inner) < 12:
        return most
    means = cv2.blur(np.where(ring, flat, 0), (LUMP_PX, LUMP_PX))[inner > 0]
    ratio = deviation(means - np.median(means)) / noise
    return float(np.clip(most * ratio**2, 1, most))


def _extreme(patch: F64, core: Mask, around: _Around) -> tuple[float, float, tuple[int, int]]:
    """Height of the extreme, its variance, and the pixel next to it."""
    row, column = _top(patch, core)
    tall = core & (patch > patch[row, column] / 2)  # the core's skirts grow with its contrast
    half = int(np.clip(round(0.2 * sqrt(np.count_nonzero(tall))), 1, CAP_PX))
    inside = _depth_inside(tall)
    floor = inside >= FLOOR * inside.max()
    row, column = _top(patch, floor, 2 * half + 1)
    window = np.s_[max(row - half, 0) : row + half + 1, max(column - half, 0) : column + half + 1]
    nearest = np.s_[max(row - 1, 0) : row + 2, max(column - 1, 0) : column + 2]
    floor[nearest] |= core[nearest]
    there = np.isfinite(patch[window]) & floor[window]
    y, x = np.nonzero(there)
    z = patch[window][there]
    if len(z) < 5:
        level = float(z.max()) if len(z) else 0.0
        spread = float(np.ptp(z)) if len(z) > 1 else abs(level)
        return max(level, 1e-6), around.noise_um**2 + spread**2, (row, column)
    x, y = x + window[1].start - column, y + window[0].start - row
    design = _bowl(x.astype(float), y.astype(float), round_=len(z) < 12)
    found = np.asarray(np.linalg.lstsq(design, z, rcond=None)[0], np.float64)
    left = z - design @ found
    free = max(len(z) - design.shape[1], 1)
    more = max(float(left @ left) / free - around.noise_um**2, 0.0)
    best = _vertex(found, half, design[np.argmax(design @ found)])
    gain = float(best @ np.linalg.pinv(design.T @ design) @ best)
    share = min(gain * around.inflation, max(gain, 1.0))  # points alike vary no more than one
    is_compact = bool(tall.any()) and not _is_groove(_extent(tall)[1], tall)
    flat = _tilt(patch, floor) if is_compact else 0.0
    rise = flat * float(inside[row, column]) / 2  # what is hidden lies between none of it and all
    variance = around.noise_um**2 * share + more * gain + rise**2 / 3
    return max(float(best @ found) + rise, 1e-6), max(variance, 1e-12), (row, column)


def _depth_inside(tall: Mask) -> F64:
    """How far each pixel beyond half the depth lies from its outline. A bowl is fitted through the
    middle alone: through a groove's walls it is shallower than the floor."""
    inside = cv2.distanceTransform(np.pad(tall, 1).astype(np.uint8), cv2.DIST_L2, 3)
    return np.asarray(inside[1:-1, 1:-1], np.float64)


def _tilt(patch: F64, floor: Mask) -> float:
    """How steep the plane through a floor (a top) is, um/px: no more than its points' scatter gives
    (James and Stein 1961, positive part), nothing where they are few."""
    y, x = np.nonzero(floor & np.isfinite(patch))
    if len(x) < 12:
        return 0.0
    design = np.stack([np.ones(len(x)), x, y], 1)
    z = patch[y, x]
    plane, _, rank, _ = np.linalg.lstsq(design, z, rcond=None)
    if rank < 3:
        return 0.0
    left = z - design @ plane
    spread = np.linalg.inv(design.T @ design) * float(left @ left) / (len(z) - 3)
    steep, doubt = float(plane[1:] @ plane[1:]), float(np.trace(spread[1:, 1:]))
    return sqrt(steep) * max(0.0, 1 - doubt / max(steep, 1e-12))


def _top(patch: F64, core: Mask, side: int = 3) -> tuple[int, int]:
    """The pixel of the core around which, over a square, the core is highest."""
    known = np.isfinite(patch)
    there = known & core if side > 3 else known
    share = cv2.blur(there.astype(float), (side, side))
    means = cv2.blur(np.where(there, patch, 0), (side, side)) / np.maximum(share, 0.1 / side)
    means[~core | (share < 0.9 / side)] = -np.inf
    row, column = np.unravel_index(np.argmax(means), patch.shape)
    return int(row), int(column)


def _bowl(x: F64, y: F64, round_: bool) -> F64:
    """Design of a paraboloid, of a round one where there are few points."""
    bends = [x * x + y * y] if round_ else [x * x, y * y, x * y]
    return np.stack([np.ones_like(x), x, y, *bends], 1)


def _vertex(found: F64, half: int, best: F64) -> F64:
    """The design row of the paraboloid's top where it lies in the window, else `best`."""
    round_ = len(found) == 4
    xx, yy, xy = (found[3], found[3], 0.0) if round_ else found[3:6]
    bend = np.array([[2 * xx, xy], [xy, 2 * yy]])
    if not (xx < 0 and np.linalg.det(bend) > 0):
        return best
    x, y = np.linalg.solve(bend, -found[1:3])
    if max(abs(x), abs(y)) > half:
        return best
    return np.asarray(_bowl(np.array([x]), np.array([y]), round_)[0], np.float64)


def _half(patch: F64, core: Mask, depth: float, at: tuple[int, int]) -> Mask:
    """Pixels beyond half the depth that hang together with the extreme; unseen ones of the core
    count as beyond it: walls are what a sensor does not see."""
    grown = cv2.dilate(core.astype(np.uint8), SQUARE) > 0
    beyond = grown & (np.nan_to_num(patch, nan=0) > depth / 2)
    beyond |= core & ~np.isfinite(patch)
    beyond[at] = True
    _, labels = cv2.connectedComponents(beyond.astype(np.uint8))
    return np.asarray(labels == labels[at])


def _usual(patch: F64, half: Mask, depth: float) -> float:
    """The depth that most of a groove has, by its cross-sections; of anything else, its own."""
    rows, columns = np.nonzero(half)
    _, length, angle, middle = _extent(half)
    if not _is_groove(length, half):
        return depth
    along = np.cos(angle) * (columns - middle[1]) + np.sin(angle) * (rows - middle[0])
    section = np.floor(along - along.min()).astype(int)
    deepest = np.zeros(section.max() + 1)
    np.maximum.at(deepest, section, np.nan_to_num(patch[half]))
    return min(float(np.median(deepest)), depth)


def _is_groove(length: float, half: Mask) -> bool:
    return length >= 2 * sqrt(np.count_nonzero(half))


def _extent(half: Mask) -> tuple[float, float, float, tuple[float, float]]:
    """Width and length in px, angle of the long axis, and the middle (row, column)."""
    rows, columns = np.nonzero(half)
    middle = float(rows.mean()), float(columns.mean())
    points = np.stack([columns - middle[1], rows - middle[0]], 1)
    _, axes = np.linalg.eigh(points.T @ points / len(points) + np.eye(2) * 1e-9)
    along = axes[:, 1]
    length = float(np.ptp(points @ along)) + 1
    area = float(len(rows))
    filled = pi / 4 if length < 2 * sqrt(area) else 1.0  # an ellipse, else a groove
    width = min(area / (length * filled), length)
    angle = float(np.arctan2(along[1], along[0])) % pi
    return width, length, angle, middle


def _volume(
    patch: F64, core: Mask, around: _Around, u_datum: float, um_per_px: float
) -> tuple[float, float]:
    grown = cv2.dilate(core.astype(np.uint8), SQUARE) > 0
    values = patch[grown]
    known = values[np.isfinite(values)]
    count = len(values)
    mean = float(known.mean()) if known.size else 0.0
    noise = around.noise_um * sqrt(around.inflation * max(known.size, 1)) / max(known.size, 1)
    pixel = um_per_px**2 * count
    return mean * pixel, hypot(noise, u_datum) * pixel


def _rim(patch: F64, core: Mask) -> float:
    """Mean just around the core, turned so that > 0 is the side opposite to the find's."""
    inner = cv2.dilate(core.astype(np.uint8), NEIGHBOURS | 1)
    outer = cv2.dilate(inner, SQUARE, iterations=2)
    ring = patch[(outer > inner) & np.isfinite(patch)]
    return -float(ring.mean()) if ring.size else 0.0
