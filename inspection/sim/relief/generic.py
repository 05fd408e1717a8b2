"""A sensor of no particular make: what every areal sensor does to a surface, in few numbers.

It blurs laterally, adds white and correlated noise, loses steep walls and throws outliers. It
teaches the classifier and stands in where no modelled sensor is at hand; it shares no code and no
error model with the simulated fringe, laser-line and focus sensors.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from common.types.heightmap import HeightMap

F32 = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Generic:
    """blur_px: lateral resolution. white_um, correlated_um: noise; length_px: its correlation.
    steep: slope beyond which points drop out half the time. outliers: share of spikes."""

    blur_px: float = 0.5
    white_um: float = 0.4
    correlated_um: float = 0.5
    length_px: float = 3.0
    steep: float = 2.0
    outliers: float = 2e-4


GENERIC = Generic(0.6, 0.5, 0.6, 4.0, 1.6, 2e-4)
"""Blur 0.6 px, noise 0.5 um white and 0.6 um correlated; other strengths than any the classifier
learned from."""


def seen(
    height_um: F32, um_per_px: float, rng: np.random.Generator, sensor: Generic | None = None
) -> HeightMap:
    """(H, W) true heights as the sensor reports them."""
    sensor = sensor or Generic()
    blurred = cv2.GaussianBlur(height_um, (0, 0), sensor.blur_px)
    noise = sensor.white_um * rng.standard_normal(height_um.shape, dtype=np.float32)
    slow = rng.standard_normal(height_um.shape, dtype=np.float32)
    slow = cv2.GaussianBlur(slow, (0, 0), sensor.length_px)
    noise += slow * (sensor.correlated_um / max(float(slow.std()), 1e-9))
    slope = _slope(height_um, um_per_px)
    measured = blurred + noise * (1 + 0.5 * np.minimum(slope, 2))
    spikes = rng.random(height_um.shape, dtype=np.float32) < sensor.outliers
    measured[spikes] += rng.normal(0, 15, int(spikes.sum())).astype(np.float32)
    lost = 1 / (1 + np.exp(-8 * (slope / sensor.steep - 1)))
    measured[rng.random(height_um.shape, dtype=np.float32) < lost] = np.nan
    sigma = np.hypot(sensor.white_um, sensor.correlated_um) * (1 + 0.5 * np.minimum(slope, 2))
    sigma = np.where(np.isfinite(measured), sigma, np.nan).astype(np.float32)
    return HeightMap(np.ascontiguousarray(measured, np.float32), um_per_px, sigma)


def _slope(height_um: F32, um_per_px: float) -> F32:
    """Magnitude of the gradient over the sensor's own neighbourhood."""
    across = cv2.Sobel(height_um, cv2.CV_32F, 1, 0, ksize=3, scale=1 / (8 * um_per_px))
    down = cv2.Sobel(height_um, cv2.CV_32F, 0, 1, ksize=3, scale=1 / (8 * um_per_px))
    return np.asarray(cv2.magnitude(across, down))
