"""From normals to a map of curvature, which shows a pit or a bump as one spot.

Mean curvature is half the divergence of the normal's part in the image plane: no height is
integrated, so a tilt of the whole part and the slow errors of the lights do not show.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

F32 = NDArray[np.float32]


def mean_curvature(normals: F32, pixel_um: float, sigma_px: float = 1.0) -> F32:
    """(H, W) in 1/mm from unit normals (H, W, 3): 1 / radius on a dome, negative in a hollow.

    sigma_px: deviation of the Gaussian the normals are smoothed with first; 0 for none.
    """
    if normals.ndim != 3 or normals.shape[2] != 3:
        raise ValueError(f"normals are (height, width, 3), got {normals.shape}")
    if not pixel_um > 0 or sigma_px < 0:
        raise ValueError("pixel_um must be > 0 and sigma_px >= 0")
    plane = np.ascontiguousarray(normals[..., :2], np.float32)
    if sigma_px > 0:
        plane = cv2.GaussianBlur(plane, (0, 0), sigma_px, borderType=cv2.BORDER_REPLICATE)
    along_x = np.gradient(plane[..., 0], axis=1)
    along_y = np.gradient(plane[..., 1], axis=0)
    return np.asarray((along_x + along_y) * (500 / pixel_um), np.float32)
