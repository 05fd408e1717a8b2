"""A whole picture of a surface by its texture, in thirty bytes, for kinds that have no one place.

Uniform local binary patterns that do not heed direction (Ojala, Pietikainen and Maenpaa, PAMI 2002)
at three scales; light and contrast do not count. Square roots of shares, so that the head's squared
distance is Hellinger's.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from edge_deploy.errors import EdgeError

U8 = NDArray[np.uint8]

SCALES = 3  # each half as large as the one before
PATTERNS = 10  # 0 to 8 brighter neighbours in one run, and all others
FEATURES = SCALES * PATTERNS
LEAST_PX = 16
_AROUND = ((0, 0), (0, 1), (0, 2), (1, 2), (2, 2), (2, 1), (2, 0), (1, 0))


def describe(image: U8) -> U8:
    """(30,) bytes of a grey picture (H, W). EdgeError below 16 pixels a side."""
    if image.ndim != 2 or min(image.shape) < LEAST_PX:
        raise EdgeError(f"a texture is a grey picture from {LEAST_PX} px on, got {image.shape}")
    shares = []
    for _ in range(SCALES):
        shares.append(_patterns(image))
        half = (image.shape[1] // 2, image.shape[0] // 2)
        image = np.asarray(cv2.resize(image, half, interpolation=cv2.INTER_AREA), np.uint8)
    return np.asarray(np.rint(np.sqrt(np.concatenate(shares)) * 255), np.uint8)


def _patterns(image: U8) -> NDArray[np.float64]:
    """Share of the pixels with each pattern."""
    height, width = image.shape[0] - 2, image.shape[1] - 2
    centre = image[1:-1, 1:-1]
    brighter = np.stack([image[y : y + height, x : x + width] >= centre for y, x in _AROUND])
    changes = (brighter != np.roll(brighter, 1, 0)).sum(0)
    pattern = np.where(changes <= 2, brighter.sum(0), PATTERNS - 1)
    return np.bincount(pattern.ravel(), minlength=PATTERNS) / pattern.size
