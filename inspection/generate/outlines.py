"""Random outlines of defects that fit a given circle: discs, patches, cracks, scratches, broken
edges. All are drawn into (H, W) covers, 0 to 1, with edges smooth to a quarter of a pixel."""

from __future__ import annotations

from collections.abc import Callable
from math import pi

import cv2
import numpy as np
from numpy.typing import NDArray

F32 = NDArray[np.float32]
F64 = NDArray[np.float64]
Rng = np.random.Generator
Polygon = NDArray[np.float64]  # (N, 2) x, y

COVERED = 0.25  # a pixel is defective from this share on, as on the simulated station
RIM_PX = 0.75  # by which a mask from that share on is wider than its outline
_FINE = 4  # subpixels a pixel and direction
_BITS = 4  # of a coordinate's fraction, for cv2.fillPoly
_ROUND = np.linspace(0, 2 * pi, 8, endpoint=False)
_JOINT = np.stack([np.cos(_ROUND), np.sin(_ROUND)], 1)


def cover(
    outline: str,
    shape: tuple[int, int],
    at: tuple[float, float],
    size_px: float,
    angle_rad: float,
    rng: Rng,
) -> F32:
    """An outline of `OUTLINES` on (H, W) pixels: the smallest circle around it has its middle
    `at` (x, y) and the diameter `size_px`; its long axis points along `angle_rad`.

    What lies beyond the picture is cut off. An "edge" lies to the right of its axis and reaches a
    little to the left of it, where the picture is meant to end.
    """
    pieces = OUTLINES[outline](size_px - RIM_PX, rng)
    return _filled(shape, [piece @ _turn(angle_rad) + at for piece in pieces])


def _turn(angle_rad: float) -> F64:
    """Rows of points times this are turned from x towards y."""
    c, s = np.cos(angle_rad), np.sin(angle_rad)
    return np.array([[c, s], [-s, c]])


def _filled(shape: tuple[int, int], pieces: list[Polygon]) -> F32:
    canvas = np.zeros((shape[0] * _FINE, shape[1] * _FINE), np.uint8)
    for piece in pieces:
        corners = np.rint(((piece + 0.5) * _FINE - 0.5) * (1 << _BITS)).astype(np.int32)
        cv2.fillPoly(canvas, [corners], 255, cv2.LINE_8, _BITS)
    small = cv2.resize(canvas, (shape[1], shape[0]), interpolation=cv2.INTER_AREA)
    return np.asarray(small / np.float32(255), np.float32)


def _disc(size_px: float, rng: Rng) -> list[Polygon]:
    """A pit: nearly round, at most half as long again as wide."""
    return [_fitted(_wavy(rng.uniform(1, 1.5), 0.06, rng), size_px)]


def _patch(size_px: float, rng: Rng) -> list[Polygon]:
    """A stain or a worked area: an uneven rim, up to 2.2 times as long as wide."""
    return [_fitted(_wavy(rng.uniform(1, 2.2), 0.14, rng), size_px)]


def _wavy(aspect: float, rough: float, rng: Rng) -> Polygon:
    """Radius by angle as a short Fourier series."""
    angle = np.linspace(0, 2 * pi, 96, endpoint=False)
    order = np.arange(2, 9)[:, None]
    size = rough * rng.standard_normal(order.shape) / np.sqrt(order - 1)
    radius = 1 + (size * np.cos(order * angle + rng.uniform(0, 2 * pi, order.shape))).sum(0)
    radius = np.clip(radius, 0.4, 1.6)
    return np.stack([aspect * radius * np.cos(angle), radius * np.sin(angle)], 1)


def _crack(size_px: float, rng: Rng) -> list[Polygon]:
    """A walk whose direction wanders and jumps, widest in the middle."""
    count = int(np.clip(size_px / 4, 6, 60))
    bends = np.cumsum(rng.normal(0, 0.9 / np.sqrt(count), count)) + rng.normal(0, 0.25, count)
    steps = np.stack([np.cos(bends), np.sin(bends)], 1)
    widest = float(np.clip(size_px * rng.uniform(0.02, 0.06), 1.5, 8))
    swell = 1 + 0.13 * np.cumsum(rng.normal(0, 0.4, count + 1))
    return _stroke(np.vstack([[0, 0], np.cumsum(steps, 0)]), widest * swell, widest, size_px)


def _scratch(size_px: float, rng: Rng) -> list[Polygon]:
    """Nearly straight, slightly bent, of even width."""
    along = np.linspace(-1, 1, 12)
    path = np.stack([along, rng.uniform(-0.06, 0.06) * along**2], 1)
    width = float(np.clip(size_px * rng.uniform(0.02, 0.06), 1.5, 6))
    return _stroke(path, np.full(len(path), width), width, size_px)


def _stroke(path: Polygon, widths: F64, widest: float, size_px: float) -> list[Polygon]:
    """Quadrangles along the path and discs at its joints; its ends lie along x."""
    ends = path[-1] - path[0]
    path = _fitted(path @ _turn(-np.arctan2(ends[1], ends[0])), size_px - widest)
    half = np.clip(widths, 0.6 * widest, 1.3 * widest) / 2
    half[[0, -1]] = np.minimum(half[[0, -1]], widest / 2)
    aside = np.diff(path, axis=0)[:, ::-1] * (-1, 1)
    aside = aside / np.maximum(np.linalg.norm(aside, axis=1, keepdims=True), 1e-9)
    discs = [p + h * _JOINT for p, h in zip(path, half, strict=True)]
    quads = [
        np.stack([a + g * n, b + h * n, b - h * n, a - g * n])
        for a, b, g, h, n in zip(path[:-1], path[1:], half[:-1], half[1:], aside, strict=True)
    ]
    return [*discs, *quads]


def _edge(size_px: float, rng: Rng) -> list[Polygon]:
    """A chip off an edge: from (-size / 2, 0) to (size / 2, 0) and inwards (y > 0), jagged."""
    angle = np.linspace(0, pi, 24)
    depth = rng.uniform(0.35, 0.95)
    jag = 1 - np.sin(angle) * np.abs(rng.normal(0, 0.12, angle.shape))
    rim = np.stack([np.cos(angle), depth * np.sin(angle) ** 1.5], 1) * jag[:, None]
    outside = np.array([[-1.0, -0.5], [1.0, -0.5]])
    return [np.vstack([rim, outside]) * (size_px + RIM_PX) / 2]  # its tips cover no pixel


def _fitted(points: Polygon, size_px: float) -> Polygon:
    """Moved and scaled so that the smallest circle around them is that of `size_px` about 0."""
    (x, y), radius = cv2.minEnclosingCircle(points.astype(np.float32))
    return np.asarray((points - (x, y)) * (size_px / 2 / max(radius, 1e-9)), np.float64)


OUTLINES: dict[str, Callable[[float, Rng], list[Polygon]]] = {
    "disc": _disc,
    "patch": _patch,
    "crack": _crack,
    "scratch": _scratch,
    "edge": _edge,
}
