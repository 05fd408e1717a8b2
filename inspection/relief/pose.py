"""Where a part lies: its outline's four sides, each a robust line, and from them place and turn."""

from __future__ import annotations

from dataclasses import dataclass
from math import atan, cos, isinf, sin

import cv2
import numpy as np
from numpy.typing import NDArray

from common.errors import LingnanError
from common.types.heightmap import HeightMap
from inspection.relief.form import robust, straight
from inspection.relief.recipes import Recipe, Region

F64 = NDArray[np.float64]
U8 = NDArray[np.uint8]
Mask = NDArray[np.bool_]

MIDDLE = 0.8  # share of a side that its line is fitted to: corners chip and are rounded
FEWEST = 20  # rows or columns that a side must be seen in
ROUNDING_PX = 0.29  # deviation of a crossing that is known to a pixel
SHIFT_BITS = 4  # sub-pixel bits of the rasteriser


class NoPartError(LingnanError):
    """The map does not show the part that the recipe describes."""


@dataclass(frozen=True, slots=True)
class Pose:
    """Middle of the outline [px], turn of the part's x axis from the map's, its measured size and
    the stage's height [um]."""

    row: float
    column: float
    turn_rad: float
    width_um: float
    height_um: float
    stage_um: float

    def pixel(self, x_um: float, y_um: float, um_per_px: float) -> tuple[float, float]:
        """(row, column) of a point of the part."""
        c, s = cos(self.turn_rad), sin(self.turn_rad)
        return (
            self.row + (s * x_um + c * y_um) / um_per_px,
            self.column + (c * x_um - s * y_um) / um_per_px,
        )


def locate(seen: HeightMap, recipe: Recipe, rim_px: float = 0.0) -> Pose:
    """The part's pose; NoPartError where no outline of about its size is there.

    rim_px: how far within its walls the part ends for the sensor, see `lateral`.
    """
    if recipe.thickness_um == 0:
        row, column = (seen.height_px - 1) / 2, (seen.width_px - 1) / 2
        return Pose(row, column, 0.0, recipe.width_um, recipe.height_um, 0.0)
    pitch = seen.um_per_px
    known = seen.height_um[:: max(1, seen.height_px // 256), :: max(1, seen.width_px // 256)]
    known = known[np.isfinite(known)]
    if known.size < FEWEST:
        raise NoPartError("the sensor saw nothing")
    stage = float(np.quantile(known, 0.02))
    part = cv2.compare(seen.height_um, stage + recipe.thickness_um / 2, cv2.CMP_GT)
    part = cv2.morphologyEx(part, cv2.MORPH_OPEN, np.ones((3, 3), np.uint8))
    rows, columns = (_middle(part.any(axis), recipe) for axis in (1, 0))
    left, right = _sides(part[rows], rows.start)
    top, bottom = _sides(cv2.transpose(part)[columns], columns.start)
    slope = float(np.mean([left[1], right[1], -top[1], -bottom[1]]))  # x falls as y grows
    turn = -atan(slope)
    upright, level = (left + right) / 2, (top + bottom) / 2
    row = (level[0] + level[1] * upright[0]) / (1 - level[1] * upright[1])
    column = upright[0] + upright[1] * row
    width = (float(_apart(left, right, row)) * cos(turn) + 2 * rim_px) * pitch
    height = (float(_apart(top, bottom, column)) * cos(turn) + 2 * rim_px) * pitch
    pose = Pose(float(row), float(column), turn, width, height, stage)
    _check(pose, recipe)
    return pose


def footprint(
    pose: Pose, region: Region, um_per_px: float, shape: tuple[int, int]
) -> tuple[tuple[slice, slice], Mask]:
    """The region's window of the map and its mask in it; NoPartError where it is outside."""
    if isinf(region.width_um):
        return (slice(0, shape[0]), slice(0, shape[1])), np.ones(shape, np.bool_)
    half_x, half_y = region.width_um / 2, region.height_um / 2
    corners = [
        pose.pixel(region.x_um + i * half_x, region.y_um + j * half_y, um_per_px)
        for i, j in ((-1, -1), (1, -1), (1, 1), (-1, 1))
    ]
    rows, columns = zip(*corners, strict=True)
    window = tuple(
        slice(max(int(min(at)), 0), min(int(max(at)) + 2, n))
        for at, n in zip((rows, columns), shape, strict=True)
    )
    sides = [s.stop - s.start for s in window]
    if min(sides) < 8:
        raise NoPartError(f"region {region.name} lies outside the map")
    points = np.array([(c - window[1].start, r - window[0].start) for r, c in corners], np.float64)
    canvas = np.zeros(sides, np.uint8)
    fixed = np.rint(points * (1 << SHIFT_BITS)).astype(np.int32)
    cv2.fillConvexPoly(canvas, fixed, 1, cv2.LINE_8, SHIFT_BITS)
    return (window[0], window[1]), canvas > 0


def _middle(filled: Mask, recipe: Recipe) -> slice:
    """The middle of the stretch that the outline covers."""
    at = np.flatnonzero(filled)
    if at.size < FEWEST:
        raise NoPartError(f"no {recipe.name} stands out of the stage")
    first, last = np.quantile(at, [(1 - MIDDLE) / 2, (1 + MIDDLE) / 2])
    return slice(int(first), int(last) + 1)


def _sides(filled: U8, start: int) -> tuple[F64, F64]:
    """First and last crossing of each line of (N, M) `filled` as offset + slope * line."""
    part = filled > 0
    there = part.any(1)
    if np.count_nonzero(there) < FEWEST:
        raise NoPartError("the part's outline is too broken to be located")
    line = np.flatnonzero(there).astype(np.float64) + start
    first = part.argmax(1)[there] - 0.5
    mirrored = cv2.flip(filled, 1) > 0  # argmax is quick along memory
    last = part.shape[1] - mirrored.argmax(1)[there] - 0.5
    return _line(line, first), _line(line, last)


def _line(at: F64, crossing: F64) -> F64:
    design = np.stack([np.ones_like(at), at - at.mean()], 1)
    start = np.array([np.median(crossing), 0.0])
    found, *_ = robust(straight(design, crossing), start, ROUNDING_PX)
    return np.array([found[0] - found[1] * at.mean(), found[1]])


def _apart(one: F64, other: F64, at: float) -> float:
    return float((other[0] - one[0]) + (other[1] - one[1]) * at)


def _check(pose: Pose, recipe: Recipe) -> None:
    """Far off the recipe's size, it is another product or only a part of one."""
    for told, wanted in ((pose.width_um, recipe.width_um), (pose.height_um, recipe.height_um)):
        if not 0.8 < told / wanted < 1.25:
            raise NoPartError(
                f"the outline is {pose.width_um:.0f} x {pose.height_um:.0f} um, a {recipe.name} "
                f"is {recipe.width_um:.0f} x {recipe.height_um:.0f} um"
            )
