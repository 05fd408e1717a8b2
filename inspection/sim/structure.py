"""What printed and mounted parts have in common: fonts, and edges that are not inspected."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

KEEP_OUT_UM = 100.0  # around every structural edge
FONT = cv2.FONT_HERSHEY_DUPLEX  # what the judging family prints
TAUGHT_FONTS = (
    cv2.FONT_HERSHEY_SIMPLEX,
    cv2.FONT_HERSHEY_PLAIN,
    cv2.FONT_HERSHEY_COMPLEX,
    cv2.FONT_HERSHEY_TRIPLEX,
    cv2.FONT_HERSHEY_SCRIPT_SIMPLEX,
)


def near_edges(labels: NDArray[np.uint8], pixel_um: float) -> NDArray[np.bool_]:
    """Pixels within KEEP_OUT_UM of where the labels change."""
    size = 2 * int(np.ceil(KEEP_OUT_UM / pixel_um)) + 1
    kernel = np.ones((size, size), np.uint8)
    return np.asarray(cv2.dilate(labels, kernel) != cv2.erode(labels, kernel))
