"""No contact: how far a moving head stays clear of a part's height map, and paths that do not.

The map is taken as columns, each a square of the grid up to its height; the head as discs one over
the other, which bounds any head of revolution from outside. Along a straight move a disc covers a
column during one interval, because a disc grown by a square is convex; as the height changes
linearly, the smallest gap lies at an end of the interval. So the clearance is exact, not sampled.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from common.errors import LingnanError
from common.types.heightmap import HeightMap

F64 = NDArray[np.float64]
Point = tuple[float, float, float]  # x, y from the middle of the map's first pixel, z [um]


@dataclass(frozen=True, slots=True)
class Disc:
    """A level of the head: its radius, and how far its underside lies over the head's tip."""

    radius_um: float
    over_tip_um: float

    def __post_init__(self) -> None:
        if not (self.radius_um > 0 and self.over_tip_um >= 0):
            raise ValueError("a disc needs a radius > 0 and must not lie under the tip")


Head = tuple[Disc, ...]

OBJECTIVE: Head = (Disc(1_500, 0), Disc(4_000, 1_200), Disc(14_000, 6_000))
"""A long-distance microscope objective: nose cone, barrel, mount."""


@dataclass(frozen=True, slots=True)
class Clearance:
    """The smallest gap of a path [um], < 0 where the head would be inside the part; the move, the
    level of the head, where the tip is then, and the part's point (x, y, z) nearest under it."""

    gap_um: float
    move: int
    disc: int
    tip: Point
    part: Point


class PathRefusedError(LingnanError):
    """A path comes nearer to the part than it may."""

    def __init__(self, nearest: Clearance, needed_um: float) -> None:
        x, y, z = nearest.tip
        px, py, pz = nearest.part
        gap_um, side = abs(nearest.gap_um), "over" if nearest.gap_um >= 0 else "under"
        super().__init__(
            f"the path is refused: on move {nearest.move + 1}, with the tip at x {x:.0f}, "
            f"y {y:.0f}, z {z:.0f} um, disc {nearest.disc + 1} of the head passes "
            f"{gap_um:.1f} um {side} the part's point x {px:.0f}, y {py:.0f}, z {pz:.0f} um; "
            f"{needed_um:.0f} um are needed: raise the path by {needed_um - nearest.gap_um:.1f} um"
        )
        self.nearest = nearest
        self.needed_um = needed_um


class UnseenError(LingnanError):
    """The map has holes, and no height was given that they stay under."""


def check(
    seen: HeightMap,
    path: Sequence[Point],
    head: Head,
    needed_um: float,
    unseen_um: float | None = None,
) -> Clearance:
    """The path's clearance; PathRefusedError where it is under `needed_um`."""
    nearest = clearance(seen, path, head, unseen_um)
    if nearest.gap_um < needed_um:
        raise PathRefusedError(nearest, needed_um)
    return nearest


def clearance(
    seen: HeightMap, path: Sequence[Point], head: Head, unseen_um: float | None = None
) -> Clearance:
    """The smallest gap over a path of straight moves; inf where the head passes beside the map.

    unseen_um: height that points which were not seen stay under. UnseenError where it is needed.
    ValueError for a path of less than two points, a number that is none, or a head without discs.
    """
    if len(path) < 2 or not head:
        raise ValueError("a path needs two points at least, a head one disc")
    if not np.isfinite([*np.ravel(path), 0.0 if unseen_um is None else unseen_um]).all():
        raise ValueError("the path's points and unseen_um must be finite")  # NaN is over nothing
    height = _filled(seen, unseen_um)
    best = Clearance(float("inf"), 0, 0, path[0], (0.0, 0.0, 0.0))
    for move, (start, end) in enumerate(pairwise(path)):
        for level, disc in enumerate(head):
            ends = np.array(start), np.array(end)
            found = _move(height, seen.um_per_px, *ends, disc, best.gap_um)
            if found is not None and found[0] < best.gap_um:
                best = Clearance(found[0], move, level, found[1], found[2])
    return best


def lowest_tip(seen: HeightMap, head: Head, unseen_um: float | None = None) -> NDArray[np.float32]:
    """(H, W) height under which the tip over the middle of a pixel would touch the part.

    The grey dilation of the part by the head (Serra 1982), a disc at a time.
    """
    import cv2

    height = _filled(seen, unseen_um).astype(np.float32)
    lowest = np.full(height.shape, -np.inf, np.float32)
    for disc in head:
        reach = int(np.ceil(disc.radius_um / seen.um_per_px + 0.5))
        reach = min(reach, max(height.shape))
        offset = np.maximum(np.abs(np.arange(-reach, reach + 1)) - 0.5, 0) * seen.um_per_px
        covered = np.hypot(offset[:, None], offset[None, :]) <= disc.radius_um
        border = float(height.min())
        grown = cv2.dilate(
            height, covered.astype(np.uint8), borderType=cv2.BORDER_CONSTANT, borderValue=border
        )
        np.maximum(lowest, grown - np.float32(disc.over_tip_um), out=lowest)
    return lowest


def _filled(seen: HeightMap, unseen_um: float | None) -> F64:
    height = seen.height_um.astype(np.float64)
    holes = np.isnan(height)
    if holes.any():
        if unseen_um is None:
            raise UnseenError(
                f"{holes.mean():.1%} of the height map was not seen; say which height it stays "
                "under (unseen_um), else no path over it can be cleared"
            )
        height[holes] = unseen_um
    return height


def _move(
    height: F64, um_per_px: float, start: F64, end: F64, disc: Disc, least_um: float
) -> tuple[float, Point, Point] | None:
    """Smallest gap of one disc on one move, the tip and the part's point there.

    None too where it cannot be under `least_um`, since the disc stays over the tallest column.
    """
    reach = disc.radius_um + um_per_px / 2
    low, high = np.minimum(start, end)[:2] - reach, np.maximum(start, end)[:2] + reach
    first = np.maximum(np.ceil(low / um_per_px), 0).astype(int)
    last = np.minimum(np.floor(high / um_per_px), np.array(height.shape[::-1]) - 1).astype(int)
    if (last < first).any():
        return None
    columns, rows = (np.arange(a, b + 1) for a, b in zip(first, last, strict=True))
    under = height[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    if min(start[2], end[2]) + disc.over_tip_um - under.max() >= least_um:
        return None
    x = (columns * um_per_px)[None, :] - start[0]
    y = (rows * um_per_px)[:, None] - start[1]
    enter, leave = _covered(x, y, end - start, um_per_px / 2, disc.radius_um)
    met = enter <= leave
    if not met.any():
        return None
    climb = end[2] - start[2]
    at = np.where(met, enter if climb >= 0 else leave, 0.0)
    gap = np.where(met, start[2] + at * climb + disc.over_tip_um - under, np.inf)
    r, c = (int(v) for v in np.unravel_index(np.argmin(gap), gap.shape))
    tip = start + at[r, c] * (end - start)
    part = (columns[c] * um_per_px, rows[r] * um_per_px, float(under[r, c]))
    return float(gap[r, c]), (float(tip[0]), float(tip[1]), float(tip[2])), part


def _covered(x: F64, y: F64, way: F64, half: float, radius: float) -> tuple[F64, F64]:
    """When the disc's middle, moving from the origin by `way` while t goes 0 to 1, is within
    `radius` of the square of half side `half` about (x, y): first and last t, empty where
    first > last.

    A square grown by a disc is two rectangles and four discs; it is convex, so the union of their
    intervals is one.
    """
    pieces = [
        _box(x, y, way, half + radius, half),
        _box(x, y, way, half, half + radius),
        *(_disc(x + i * half, y + j * half, way, radius) for i in (-1, 1) for j in (-1, 1)),
    ]
    enter = np.minimum.reduce([np.where(a <= b, a, np.inf) for a, b in pieces])
    leave = np.maximum.reduce([np.where(a <= b, b, -np.inf) for a, b in pieces])
    return np.maximum(enter, 0.0), np.minimum(leave, 1.0)


def _box(x: F64, y: F64, way: F64, half_x: float, half_y: float) -> tuple[F64, F64]:
    """When the point is inside a box; the whole line's interval."""
    enter_x, leave_x = _slab(x, way[0], half_x)
    enter_y, leave_y = _slab(y, way[1], half_y)
    return np.maximum(enter_x, enter_y), np.minimum(leave_x, leave_y)


def _slab(at: F64, speed: float, half: float) -> tuple[F64, F64]:
    if speed == 0:
        inside = np.abs(at) <= half
        return np.where(inside, -np.inf, np.inf), np.where(inside, np.inf, -np.inf)
    one, other = (at - half) / speed, (at + half) / speed
    return np.minimum(one, other), np.maximum(one, other)


def _disc(x: F64, y: F64, way: F64, radius: float) -> tuple[F64, F64]:
    """When the point is within `radius` of (x, y)."""
    a = float(way[0] ** 2 + way[1] ** 2)
    apart = x * x + y * y - radius**2
    if a == 0:
        inside = apart <= 0
        return np.where(inside, -np.inf, np.inf), np.where(inside, np.inf, -np.inf)
    b = x * way[0] + y * way[1]
    root = b * b - a * apart
    half = np.sqrt(np.maximum(root, 0)) / a
    return np.where(root >= 0, b / a - half, np.inf), np.where(root >= 0, b / a + half, -np.inf)


def raster(width_um: float, height_um: float, step_um: float, tip_um: float) -> tuple[Point, ...]:
    """A meander over a field at one height: along x, `step_um` between the lines."""
    lines = np.arange(0.0, height_um + step_um / 2, step_um)
    path: list[Point] = []
    for i, y in enumerate(lines):
        ends = (0.0, width_um) if i % 2 == 0 else (width_um, 0.0)
        path.extend((x, float(y), tip_um) for x in ends)
    return tuple(path)
