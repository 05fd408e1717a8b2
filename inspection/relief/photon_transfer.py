"""How a camera's noise goes with its grey value, from frames taken twice."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from inspection.relief.triangulation import CalibrationError

BINS = 64


def photon_transfer(pairs: Sequence[tuple[NDArray[Any], NDArray[Any]]]) -> tuple[float, float]:
    """(a, b) of variance = a + b mean, DN, from frames taken twice (Janesick 2007).

    Half the squared difference of a pair is the variance; means of bins over the grey value are
    fitted, each weighted by its count over its squared variance.
    """
    sums = np.zeros((3, BINS))
    for one, two in pairs:
        x, y = (frames[:, ::3, ::3].astype(np.float32).ravel() for frames in (one, two))
        mean, variance = (x + y) / 2, (x - y) ** 2 / 2
        top = 255.0 if one.dtype == np.uint8 else 4095.0
        kept = mean < 0.97 * top
        bins = (mean[kept] / top * BINS).astype(np.int64)
        for row, weights in zip(sums, (None, mean[kept], variance[kept]), strict=True):
            row += np.bincount(bins, weights, minlength=BINS)
    full = sums[0] > 50
    count, mean, variance = sums[0, full], sums[1, full] / sums[0, full], sums[2, full]
    variance = variance / count
    if len(count) < 3:
        raise CalibrationError("the calibration plane shows too few grey values for its noise")
    slope, offset = np.polyfit(mean, variance, 1, w=np.sqrt(count) / np.maximum(variance, 1e-3))
    return float(max(offset, 1 / 12)), float(max(slope, 0.0))
