"""A region's own pixels and its size, with the standard uncertainty of each length.

The background under a region is the mean of what surrounds it (normalised convolution, Knutsson
and Westin 1993). A pixel belongs to the region by how far its contrast exceeds half the highest
contrast nearby: half height is where the edge of a blurred shape lies, and a local height follows
a scratch that fades. Membership is soft between a quarter and three quarters of the height, so
that areas are not counted in whole pixels.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import log, pi, sqrt

import cv2
import numpy as np
from numpy.typing import NDArray

from inspection.regions.candidates import MARGIN_PX, Candidate, Patch, patch

F32 = NDArray[np.float32]
U8 = NDArray[np.uint8]

FAINT = 3.0  # standard deviations of the surroundings under which contrast is none
NEARBY_PX = 9  # window of the local height
NARROW_PX = 17  # half width of a region up to which a median sees over it
LONG_PX = 40  # cells' extent from which a region may lie in pieces
PEAK_PX = 8.0  # how far from its cell's middle the map's peak may lie
GAP_PX = 4  # between a region's cells and what counts as its surroundings
SMALL = 0.15  # share of the strongest piece's contrast under which a piece is none of the region
BUSY = 2.0  # structure from which on a region is not followed off its cells
MANY = 600  # pixels that suffice for the noise
LEAST_DN = 0.6  # noise of whole grey levels and of a sensor's read-out, at the least
_TINY = np.ones((3, 3), np.uint8)
_NEARBY = np.ones((NEARBY_PX, NEARBY_PX), np.uint8)
_BAR = sqrt(12.0)  # length of a uniform bar over its standard deviation


@dataclass(frozen=True, slots=True)
class Length:
    """A length in pixels with its standard uncertainty."""

    px: float
    u_px: float


@dataclass(frozen=True, slots=True, eq=False)
class Outline:
    """What belongs to a region, on a crop of the frame that begins at pixel (x0, y0).

    contrast: (h, w) grey levels over the background. member: (h, w) 0 to 1, holes not filled.
    filled: (h, w) 0 or 1, holes filled. background, noise: grey levels; mean and standard
    deviation of the surroundings. busy: log of how far the surroundings' outer twentieth lies
    beyond that noise: 0.7 on plain ground, over 2 among printed or built structure. height: mean
    contrast of the pixels that belong to it; 0 where none does.
    """

    contrast: F32
    member: F32
    filled: U8
    background: float
    noise: float
    x0: int
    y0: int
    busy: float
    height: float


@dataclass(frozen=True, slots=True)
class Extent:
    """length: along the principal axis. width: mean across it, area over length. diameter: of
    the circle of the same area. edge_px: from a quarter to three quarters of the height.
    area_px: holes filled. spread_px: extent across the axis, from the second moment."""

    length: Length
    width: Length
    diameter: Length
    edge_px: float
    area_px: float
    spread_px: float


def outline(frame: U8, candidate: Candidate) -> Outline:
    """The candidate's own pixels in a frame (H, W); one that outgrows its cells is cut out anew."""
    cut = patch(frame, candidate)
    found = _outline(cut)
    if found.busy < BUSY and _outgrown(found, cut):
        found = _outline(_wider(frame, cut, found))
    return found


def measure(found: Outline) -> Extent:
    """Lengths of an outline."""
    near = cv2.dilate(found.filled, _TINY).astype(np.float32)
    soft = np.maximum(found.member, _core(found)) * near
    area = max(cv2.sumElems(soft)[0], 0.25)
    major, minor = _axes(soft)
    length = max(_BAR * sqrt(major), 2 * sqrt(area / pi) * 0.886)  # a square's edge at the least
    width, diameter = area / length, 2 * sqrt(area / pi)
    perimeter = max(2 * (length + width), 4.0)
    edge = 4 * _overlap(found.member, 1 - found.member) / perimeter + 0.5
    per_edge = _edge_uncertainty(found, edge)
    many = sqrt(perimeter)
    return Extent(
        Length(length, sqrt(2) * per_edge / sqrt(max(width, 1.0))),
        Length(width, 2 * per_edge / sqrt(max(length, 1.0)) + _level(found, edge)),
        Length(diameter, 2 * per_edge / many + _level(found, edge)),
        edge,
        area,
        _BAR * sqrt(minor),
    )


def _edge_uncertainty(found: Outline, edge_px: float) -> float:
    """Of the place of an edge in one row of pixels: its noise over its slope, and the pixel."""
    height = max(found.height, found.noise)
    return sqrt((found.noise * edge_px / height) ** 2 + 1 / 12)


def _level(found: Outline, edge_px: float) -> float:
    """What an error of the height does to a diameter: it moves the half level on both edges."""
    return edge_px * found.noise / max(found.height, found.noise)


def _overlap(a: F32, b: F32) -> float:
    return float(np.dot(a.ravel(), b.ravel()))


def _core(found: Outline) -> F32:
    """1 within the filled outline, where holes and weak middles count in full."""
    eroded = cv2.erode(found.filled, _TINY, borderType=cv2.BORDER_CONSTANT, borderValue=0)
    return np.asarray(eroded, np.float32)


def _axes(weight: F32) -> tuple[float, float]:
    """Second moments along the principal axes; a pixel's own extent is in them."""
    m = cv2.moments(weight)
    total = max(m["m00"], 1e-9)
    xx, yy, xy = m["mu20"] / total + 1 / 12, m["mu02"] / total + 1 / 12, m["mu11"] / total
    middle, apart = (xx + yy) / 2, sqrt(((xx - yy) / 2) ** 2 + xy**2)
    return middle + apart, max(middle - apart, 1 / 12)


def _outline(cut: Patch) -> Outline:
    pixels = cut.pixels.astype(np.float32)
    reach = np.ones((2 * GAP_PX + 1,) * 2, np.uint8)
    around = cv2.dilate(cut.inside, reach) == 0
    if not around.any():
        around = cut.inside == 0
    if not around.any():
        around = np.ones_like(around)
    base = _background(cut, pixels, around)
    contrast = pixels - base
    rest = np.flatnonzero(around)
    noise, outer = _spread(contrast.ravel()[rest[:: max(len(rest) // MANY, 1)]])
    strength = np.abs(contrast)
    height = np.maximum(cv2.dilate(strength * cut.inside, _NEARBY), np.float32(2 * FAINT * noise))
    member = _soft(strength, height)
    own, filled = _pieces(member, strength, cut)
    member *= cv2.dilate(own, _TINY)
    return Outline(
        contrast,
        member,
        filled,
        cv2.mean(base, around.view(np.uint8))[0],
        noise,
        cut.x0,
        cut.y0,
        log(max(outer / noise, 1.0)),
        cv2.mean(strength, (member > 0.5).view(np.uint8))[0],
    )


def _soft(strength: F32, height: F32) -> F32:
    """0 up to a quarter of the height, 1 from three quarters on."""
    member: F32 = cv2.divide(strength, height, scale=2.0)
    member -= np.float32(0.5)
    np.maximum(member, np.float32(0), out=member)
    return np.minimum(member, np.float32(1), out=member)


def _spread(rest: F32) -> tuple[float, float]:
    """Standard deviation by the median, and the 95 % quantile, of how far grey levels lie from
    their median."""
    ranked = np.sort(rest)
    away = np.sort(np.abs(ranked - ranked[len(ranked) // 2]))
    noise = max(1.4826 * float(away[len(away) // 2]), LEAST_DN)
    return noise, float(away[int(0.95 * len(away))])


def _background(cut: Patch, pixels: F32, around: NDArray[np.bool_]) -> F32:
    """(h, w) grey levels that would be there without the region.

    A median over more than twice the area of a narrow region, which keeps straight borders of the
    host; for a wide one, or one at the frame's edge, the mean of the surroundings, under a window
    that reaches them.
    """
    x, y, across, down = cv2.boundingRect(cut.inside)
    own = cut.inside[y : y + down, x : x + across]
    framed = cv2.copyMakeBorder(own, 1, 1, 1, 1, cv2.BORDER_CONSTANT)
    depth = int(cv2.distanceTransform(framed, cv2.DIST_L2, 3).max())
    height, width = pixels.shape
    is_within = x > 0 and y > 0 and x + across < width and y + down < height
    if depth <= NARROW_PX and is_within:
        return np.asarray(cv2.medianBlur(cut.pixels, 2 * (depth + GAP_PX) + 1), np.float32)
    weight, mean = around.astype(np.float32), float(pixels[around].mean())
    side, border = 2 * (depth + GAP_PX + MARGIN_PX // 2) + 1, cv2.BORDER_CONSTANT
    total = cv2.blur(weight * (pixels - mean), (side, side), borderType=border)
    share = cv2.blur(weight, (side, side), borderType=border)
    return np.asarray(mean + total / np.maximum(share, 1e-4), np.float32)


def _pieces(member: F32, strength: F32, cut: Patch) -> tuple[U8, U8]:
    """The connected pieces of the region: as they are, and with holes filled.

    The first is the one with the most contrast about the map's peak; others belong to it where
    the region is long and they are no specks beside it.
    """
    hit = (member >= 0.5).view(np.uint8)
    n, labels = cv2.connectedComponents(hit, connectivity=8)
    if n > 2:
        kept = _kept(n, labels, strength, cut)
        own = np.take(kept, labels)
    else:
        own = hit
    closed = cv2.morphologyEx(own, cv2.MORPH_CLOSE, _TINY)
    shapes, _ = cv2.findContours(closed, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    filled = np.zeros_like(own)
    cv2.drawContours(filled, shapes, -1, 1, cv2.FILLED)
    return own, filled


def _kept(n: int, labels: NDArray[np.int32], strength: F32, cut: Patch) -> U8:
    """(n,) 1 for the labels of the region's pieces; 0, no piece, is none."""
    at = np.flatnonzero(labels)
    at = at[cut.inside.ravel()[at] > 0]
    label, on = labels.ravel()[at], strength.ravel()[at]
    y, x = np.divmod(at, labels.shape[1])
    apart = (x - cut.peak[0]) ** 2 + (y - cut.peak[1]) ** 2
    about = np.bincount(label, on * np.exp(apart / (-2 * PEAK_PX**2)), n)
    about[0] = -1
    first = int(about.argmax())
    kept = np.zeros(n, np.uint8)
    kept[first] = 1
    if max(_sides(cut.inside)) >= LONG_PX:
        weight = np.bincount(label, on, n)
        kept[weight > SMALL * weight[first]] = 1
        kept[0] = 0
    return kept


def _sides(inside: U8) -> tuple[int, int]:
    return int(inside.any(0).sum()), int(inside.any(1).sum())


def _outgrown(found: Outline, cut: Patch) -> bool:
    """More than a tenth of it lies off its cells."""
    return float((found.filled > cut.inside).sum()) > 0.1 * float(found.filled.sum())


def _wider(frame: U8, cut: Patch, found: Outline) -> Patch:
    """The crop again, with what was found counted to the region and a margin around it."""
    own = found.filled | cut.inside
    rows, columns = np.flatnonzero(own.any(1)), np.flatnonzero(own.any(0))
    top, bottom = int(rows[0]) + cut.y0, int(rows[-1]) + cut.y0 + 1
    left, right = int(columns[0]) + cut.x0, int(columns[-1]) + cut.x0 + 1
    reach = MARGIN_PX + max(bottom - top, right - left) // 4
    y0, x0 = max(top - reach, 0), max(left - reach, 0)
    pixels = np.ascontiguousarray(frame[y0 : bottom + reach, x0 : right + reach])
    inside = np.zeros(pixels.shape, np.uint8)
    down, across = cut.y0 - y0, cut.x0 - x0
    inside[down + rows[0] : down + rows[-1] + 1, across + columns[0] : across + columns[-1] + 1] = (
        own[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    )
    grown = cv2.dilate(inside, np.ones((2 * GAP_PX + 1,) * 2, np.uint8))
    peak = (cut.peak[0] + across, cut.peak[1] + down)
    return Patch(pixels, np.asarray(grown, np.uint8), x0, y0, peak)
