"""What lips take off the seen width of a groove.

A sensor's blur lays the lips that a tool throws up over the groove's flanks, and the groove looks
narrower than it does without them: as if it were deeper behind the blur than it is. The mean
cross-section is taken apart into a U, blurred as the sensor blurs, and two equal lips.
"""

from __future__ import annotations

from math import sqrt

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import least_squares
from scipy.special import ndtr

F64 = NDArray[np.float64]
Mask = NDArray[np.bool_]

BAND = 1.5  # seen widths to either side that the cross-section is taken over
MIDDLE = 0.8  # share of the length, its ends left out
FEWEST = 30  # points on it
WIDEST = 1.25  # of a width without lips over that with them
BESIDE = (1.15, 2.0)  # half widths off the middle that lips lie
FINE_PX = 0.02


def narrowing(patch: F64, half: Mask, width_px: float, angle_rad: float, blur_px2: float) -> float:
    """Width at half the depth without lips over that with them, at least 1.

    patch: (H, W) heights turned so that the groove is > 0, its surroundings 0. half: (H, W) the
    groove beyond half its depth. blur_px2: variance of the sensor's blur. 1 where the
    cross-section cannot be told.
    """
    offset, depth = _section(patch, half, width_px, angle_rad)
    if len(offset) < FEWEST:
        return 1.0
    s = sqrt(blur_px2)

    def misfit(p: F64) -> F64:
        return np.asarray(_hollow(offset, p, s) - _lips(offset, p) - depth, np.float64)

    top, start = float(np.quantile(depth, 0.95)), 0.7 * width_px
    low = [0.0, 0.2 * start, 0.0, BESIDE[0], s]
    high = [4 * top, 2 * start, top, BESIDE[1], s + 0.5 * width_px]
    first = [top, start, 0.1 * top, float(np.mean(BESIDE)), 1.1 * s]
    found = least_squares(misfit, first, bounds=(low, high)).x
    at = np.arange(-BAND * width_px, BAND * width_px, FINE_PX)
    hollow = _hollow(at, found, s)
    alone, seen = _wide(hollow), _wide(hollow - _lips(at, found))
    return float(np.clip(alone / max(seen, FINE_PX), 1.0, WIDEST))


def _section(patch: F64, half: Mask, width_px: float, angle_rad: float) -> tuple[F64, F64]:
    """Distance from the groove's bent middle line, and depth, of the points near it."""
    rows, columns = np.nonzero(half)
    middle = rows.mean(), columns.mean()
    y, x = np.indices(patch.shape, np.float64)
    c, s = np.cos(angle_rad), np.sin(angle_rad)
    along = c * (x - middle[1]) + s * (y - middle[0])
    across = c * (y - middle[0]) - s * (x - middle[1])
    bend = np.polyfit(along[half], across[half], 2)
    reach = MIDDLE * float(np.abs(along[half]).max())
    offset = across - np.polyval(bend, along)
    near = (np.abs(along) < reach) & (np.abs(offset) < BAND * width_px) & np.isfinite(patch)
    return offset[near], patch[near]


def _hollow(at: F64, p: F64, s: float) -> F64:
    """A parabola of depth p[0] and half width p[1], blurred by a Gaussian of deviation s."""
    depth, a = p[0], p[1]
    right, left = (a - at) / s, (a + at) / s
    bell = [np.exp(-0.5 * z * z) / sqrt(2 * np.pi) for z in (right, left)]
    inside = ndtr(right) - ndtr(-left)
    edges = (a + at) * bell[0] + (a - at) * bell[1]
    return np.asarray(depth * (inside * (1 - (at**2 + s**2) / a**2) + s / a**2 * edges), np.float64)


def _lips(at: F64, p: F64) -> F64:
    """Two ridges p[2] high, of deviation p[4], p[3] times the groove's half width off its middle:
    what was cut out lies beside the cut."""
    ridges = [np.exp(-0.5 * ((at + side * p[3] * p[1]) / p[4]) ** 2) for side in (-1, 1)]
    return np.asarray(p[2] * (ridges[0] + ridges[1]), np.float64)


def _wide(section: F64) -> float:
    return float(np.count_nonzero(section > section.max() / 2)) * FINE_PX
