"""Features of a region that a person can read."""

from __future__ import annotations

from math import hypot, log, sqrt

import cv2
import numpy as np
from numpy.typing import NDArray

from inspection.models.fcn import STRIDE
from inspection.regions.candidates import Candidate
from inspection.regions.measure import Extent, Outline

F64 = NDArray[np.float64]

FEATURES = (
    "log_diameter_px",  # of the outline
    "log_length_over_width",
    "log_width_px",
    "log_spread_over_width",  # 0 for a straight bar: bent, branched and round ones are higher
    "brightness",  # -1 all darker than its host, 1 all brighter
    "log_contrast_over_noise",
    "contrast_over_host",
    "log_edge_px",  # how wide its edge is
    "hollow",  # share of the filled outline that looks like the host
    "log_texture",  # deviation within it over that of its host
    "busy",  # structure of the host, see `Outline`
    "log_cells_px",  # what the network marked: diameter
    "log_cells_length_over_width",
    "log_outline_over_cells",  # areas
)
_TINY = np.ones((3, 3), np.uint8)
CALM_DN = 8.0  # a host darker than this counts as if it were this bright


def describe(candidate: Candidate, found: Outline, extent: Extent) -> F64:
    """(D,) features as FEATURES names them; all finite."""
    width = max(extent.width.px, 0.5)
    inside = found.contrast[cv2.erode(found.filled, _TINY).view(bool)]
    if inside.size < 4:
        inside = found.contrast[found.filled.view(bool)]
    mean, level, deviation = _moments(inside)
    height = found.height
    cells, ratio = _of_cells(candidate.cells)
    return np.array(
        [
            log(extent.diameter.px),
            log(max(extent.length.px / width, 1.0)),
            log(width),
            log(max(extent.spread_px / width, 0.2)),
            mean / max(level, 1e-6),
            log(max(height / found.noise, 0.5)),
            min(height / max(found.background, CALM_DN), 4.0),
            log(extent.edge_px),
            1.0 - min(cv2.sumElems(found.member)[0] / extent.area_px, 1.0),
            log(max(deviation / found.noise, 0.1)) if inside.size else 0.0,
            found.busy,
            log(cells),
            log(ratio),
            log(extent.area_px / cells**2),
        ]
    )


def _moments(values: NDArray[np.float32]) -> tuple[float, float, float]:
    """Mean, mean magnitude and standard deviation; zeros of nothing."""
    if not values.size:
        return 0.0, 0.0, 0.0
    wide = values.astype(np.float64)
    mean = float(wide.sum()) / wide.size
    level = float(np.abs(wide).sum()) / wide.size
    wide -= mean
    return mean, level, sqrt(float(wide @ wide) / wide.size)


def _of_cells(cells: NDArray[np.bool_]) -> tuple[float, float]:
    """Root of the marked area in pixels, and length over width by second moments."""
    m = cv2.moments(np.ascontiguousarray(cells).view(np.uint8), binaryImage=True)
    n = m["m00"]
    if n == 1:
        return float(STRIDE), 1.0
    xx, yy, xy = m["mu20"] / n + 1 / 12, m["mu02"] / n + 1 / 12, m["mu11"] / n
    middle, apart = (xx + yy) / 2, hypot((xx - yy) / 2, xy)
    return STRIDE * sqrt(n), sqrt((middle + apart) / max(middle - apart, 1 / 24))
