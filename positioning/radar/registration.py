"""How far the carrier of a spinning radar went from one turn to the next, by the images alone.

Most of what echoes stands, so the image of the ground shifts as a whole: phase correlation (Kuglin
and Hines, IEEE Conf. on Cybernetics and Society, 1975). A turn of the carrier of a few degrees
blurs the peak and hardly moves it.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

CELL_M, REACH_M = 0.25, 50.0
BLUR_CELLS = 2.0
STANDS_OUT = 0.9  # of all cells lie under what is taken for an echo

Image = NDArray[np.float32]


def ground(polar: NDArray[np.uint8], range_m: float) -> Image:
    """(N, N) echoes on the ground out to REACH_M, rows ahead and columns to the left, of an image
    (ranges, azimuths clockwise from ahead) that reaches to `range_m`."""
    bins, azimuths = polar.shape
    at = np.arange(-REACH_M, REACH_M, CELL_M) + CELL_M / 2
    ahead, left = np.meshgrid(at, at, indexing="ij")
    turn = (np.arctan2(-left, ahead) % (2 * np.pi)) / (2 * np.pi) * azimuths - 0.5
    row = np.hypot(ahead, left) / range_m * bins - 0.5
    seen = cv2.remap(polar, turn.astype(np.float32), row.astype(np.float32), cv2.INTER_LINEAR)
    echo = np.maximum(seen.astype(np.float32) - np.float32(np.quantile(seen, STANDS_OUT)), 0)
    return np.asarray(cv2.GaussianBlur(echo, (0, 0), BLUR_CELLS), np.float32)


def went_m(before: Image, after: Image) -> tuple[float, float]:
    """Metres ahead and to the left that the carrier went between two images of `ground`."""
    size = before.shape[1], before.shape[0]
    window = cv2.createHanningWindow(size, cv2.CV_32F)
    (left, ahead), _ = cv2.phaseCorrelate(before, after, window)
    return -ahead * CELL_M, -left * CELL_M
