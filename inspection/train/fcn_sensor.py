"""The lens and the sensor that training takes its crops with; not the camera driver's."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from inspection.sim.scene import EXPOSURE_US, FULL_WELL_E

F32 = NDArray[np.float32]


def sensed(radiance: F32, rng: np.random.Generator) -> F32:
    """Electrons/us as whole DN / 255, through a lens and a sensor drawn anew."""
    sigma_x, sigma_y = rng.uniform(0.4, 0.95) * rng.uniform(0.9, 1.1, 2)
    blurred = cv2.GaussianBlur(np.ascontiguousarray(radiance), (0, 0), sigma_x, sigmaY=sigma_y)
    return np.asarray(exposed(blurred, rng) / np.float32(255), np.float32)


def exposed(radiance: F32, rng: np.random.Generator) -> F32:
    """What falls onto the sensor, in electrons/us, as whole DN of 0 to 255."""
    electrons = np.minimum(radiance * (EXPOSURE_US * rng.uniform(0.85, 1.15)), FULL_WELL_E)
    read_noise, unity = rng.uniform(2, 15), rng.uniform(0.7, 1.5)
    spread = np.sqrt(electrons * unity + read_noise**2)
    electrons = electrons + spread * rng.standard_normal(electrons.shape, dtype=np.float32)
    dn = electrons * (255 / FULL_WELL_E) + rng.uniform(0, 5)
    return np.asarray(np.clip(np.rint(dn), 0, 255), np.float32)
