"""Real height maps in makers' formats, cut into parts for a sensor to look at.

From the examples of SurfaceTopography (MIT), which also reads them: optical profilers' maps of
real surfaces. FILES are those that cover a millimetre or so, at their true scale.
"""

from __future__ import annotations

import warnings
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from common.errors import LingnanError, MissingExtraError

F32 = NDArray[np.float32]

DATA = "surface_height"
FILES = ("plu-1.plu", "sur-2.sur", "metropro-1.dat", "frt-1.frt")
MOST_HOLES = 0.02  # share of a part that the profiler did not see, and that is filled here
UNITS_UM = {"m": 1e6, "mm": 1e3, "um": 1.0, "µm": 1.0, "μm": 1.0, "nm": 1e-3, "pm": 1e-6}


class TopographyError(LingnanError):
    """A file that holds no height map that can be used."""


def read(path: Path) -> tuple[F32, float, float]:
    """(H, W) heights in um, NaN where not measured, and the pitch along x and along y in um."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # it warns of what it can do without
            from SurfaceTopography import open_topography
    except ImportError as error:
        raise MissingExtraError("SurfaceTopography", "surfaces") from error
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with open_topography(str(path)) as reader:
                found = reader.topography()
                heights = np.ma.filled(found.heights().astype(np.float64), np.nan)
                scale = UNITS_UM[found.unit]
                sides = [
                    s * scale / n for s, n in zip(found.physical_sizes, heights.shape, strict=True)
                ]
    except Exception as error:  # a reader of a maker's format may raise anything
        raise TopographyError(f"{path.name}: no height map could be read: {error!r}") from error
    um = np.ascontiguousarray(heights.T * scale, np.float32)  # its first axis is x
    return um, float(sides[0]), float(sides[1])


def parts(path: Path, um_per_px: float, side_px: int) -> list[F32]:
    """Square pieces of a map side by side on the sensor's grid, each with its mean plane at 0."""
    heights, pitch_x, pitch_y = read(path)
    rows, columns = heights.shape
    size = (int(columns * pitch_x / um_per_px), int(rows * pitch_y / um_per_px))
    how = cv2.INTER_AREA if size[0] < columns else cv2.INTER_CUBIC
    fine = cv2.resize(_filled(heights), size, interpolation=how)
    holes = cv2.resize(np.isnan(heights).astype(np.float32), size, interpolation=cv2.INTER_LINEAR)
    found = []
    for y in range(0, size[1] - side_px + 1, side_px):
        for x in range(0, size[0] - side_px + 1, side_px):
            here = (slice(y, y + side_px), slice(x, x + side_px))
            if float(holes[here].mean()) <= MOST_HOLES:
                found.append(_levelled(fine[here]))
    return found


def _filled(heights: F32) -> F32:
    """Holes by normalised convolution over widening windows."""
    out, there = heights.copy(), np.isfinite(heights)
    if not there.any():
        raise TopographyError("the map has no measured point")
    width = 3.0
    while not there.all():
        weight = cv2.GaussianBlur(there.astype(np.float32), (0, 0), width)
        sums = cv2.GaussianBlur(np.where(there, out, 0).astype(np.float32), (0, 0), width)
        new = ~there & (weight > 0.05)
        out[new] = (sums / np.maximum(weight, 1e-6))[new]
        there |= new
        width *= 1.5
    return out


def _levelled(heights: NDArray[np.floating]) -> F32:
    y, x = np.mgrid[: heights.shape[0], : heights.shape[1]]
    terms = np.stack([np.ones(heights.size), x.ravel(), y.ravel()], axis=1)
    weights = np.linalg.lstsq(terms, heights.ravel().astype(np.float64), rcond=None)[0]
    return np.asarray(heights - (terms @ weights).reshape(heights.shape), np.float32)
