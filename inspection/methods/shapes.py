"""Random shapes of synthetic defects: blobs, cracks, areas. All are (H, W) covers, 0 to 1."""

from __future__ import annotations

from math import pi

import cv2
import numpy as np
from numpy.typing import NDArray

F32 = NDArray[np.float32]
Rng = np.random.Generator
Shape = tuple[int, ...]

_STEP_PX = 4.0  # length of a crack's straight pieces
_SUBPIXEL = 4  # bits, for cv2.line


def noise(shape: Shape, scale_px: float, rng: Rng) -> F32:
    """Smooth noise of about unit variance whose grains are about `scale_px` wide."""
    height, width = shape
    size = (max(2, int(height / scale_px) + 2), max(2, int(width / scale_px) + 2))
    coarse = rng.standard_normal(size).astype(np.float32)
    return np.asarray(cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC))


def blob(
    shape: Shape,
    centre: tuple[float, float],
    radius_px: float,
    rng: Rng,
    aspect: float = 1.0,
    angle_rad: float = 0.0,
    rough: float = 0.5,
) -> F32:
    """An ellipse with an uneven rim. aspect: the first axis over the second."""
    dx = np.arange(shape[1], dtype=np.float32) - centre[0]
    dy = np.arange(shape[0], dtype=np.float32)[:, None] - centre[1]
    u = (dx * np.cos(angle_rad) + dy * np.sin(angle_rad)) / aspect
    v = -dx * np.sin(angle_rad) + dy * np.cos(angle_rad)
    away = np.hypot(u, v) / radius_px + 0.3 * rough * noise(shape, max(2, radius_px * 0.8), rng)
    return np.asarray(np.clip((1 - away) * radius_px / 1.5 + 0.5, 0, 1), np.float32)


def border_point(shape: Shape, rng: Rng, at_corner: bool) -> tuple[tuple[float, float], float]:
    """A point x, y on the image's border and the direction inwards, in radians."""
    height, width = shape
    along = float(rng.integers(2)) if at_corner else rng.random()
    sides = [
        ((along * width, 0.0), pi / 2),
        ((along * width, float(height)), -pi / 2),
        ((0.0, along * height), 0.0),
        ((float(width), along * height), pi),
    ]
    return sides[rng.integers(4)]


def line(shape: Shape, rng: Rng) -> F32:
    """A crack or scratch: a random walk of direction, of changing width, often from the border."""
    height, width = shape
    if rng.random() < 0.4:
        start, angle = border_point(shape, rng, at_corner=False)
        angle += rng.normal() * 0.4
    else:
        start, angle = (rng.random() * width, rng.random() * height), rng.uniform(0, 2 * pi)
    pieces = max(3, int(rng.uniform(0.05, 0.5) * max(shape) / _STEP_PX))
    angles = angle + np.cumsum(rng.normal(0, 0.15, pieces)) + rng.normal(0, 0.25, pieces)
    moves = np.stack([np.cos(angles), np.sin(angles)], 1) * _STEP_PX
    points = np.vstack([start, start + np.cumsum(moves, 0)])
    wide = rng.uniform(0.8, 3)
    widths = wide * np.clip(1 + 0.13 * np.cumsum(rng.normal(0, 0.3, pieces)), 0.4, 1.8)
    drawn = np.zeros(shape, np.float32)
    fixed = np.rint(points * (1 << _SUBPIXEL)).astype(int).tolist()
    for a, b, thick in zip(fixed[:-1], fixed[1:], widths, strict=True):
        cv2.line(drawn, a, b, 1.0, max(1, round(float(thick))), cv2.LINE_AA, _SUBPIXEL)
    return np.asarray(np.clip(cv2.GaussianBlur(drawn, (0, 0), 0.6), 0, 1), np.float32)


def area(shape: Shape, rng: Rng) -> F32:
    """A large part of the image: islands, everything beyond a wavy line, or a large blob."""
    height, width = shape
    short = min(shape)
    which = rng.random()
    if which < 0.35:
        hills = noise(shape, rng.uniform(0.25, 0.7) * short, rng)
        where = hills > np.quantile(hills, rng.uniform(0.7, 0.95))
    elif which < 0.65:
        angle = rng.uniform(0, 2 * pi) if rng.random() < 0.4 else rng.integers(4) * pi / 2
        y, x = np.mgrid[:height, :width]
        slope = np.cos(angle) * (x / width - 0.5) + np.sin(angle) * (y / height - 0.5)
        slope = slope + 0.03 * noise(shape, short * 0.4, rng)
        where = slope > np.quantile(slope, rng.uniform(0.6, 0.93))
    else:
        centre = (rng.random() * width, rng.random() * height)
        radius, angle = rng.uniform(0.1, 0.35) * short, rng.uniform(0, pi)
        return blob(shape, centre, radius, rng, rng.uniform(1, 2.2), angle, rough=0.6)
    soft = cv2.GaussianBlur(where.astype(np.float32), (0, 0), rng.uniform(0.7, 4))
    return np.asarray(soft, np.float32)
