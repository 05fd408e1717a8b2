"""A telecentric camera over a height field: diffraction, defocus by height, and the sensor."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from common.drivers.camera.config import SensorModel
from common.drivers.camera.sensor import expose

F32 = NDArray[np.float32]

BARE = SensorModel(blur_sigma_px=0.0)  # the lens is here, not in the sensor's chain


@dataclass(frozen=True, slots=True)
class Lens:
    """na: numerical aperture on the object's side. wavelength_um: of the light."""

    na: float = 0.03
    wavelength_um: float = 0.525

    def sigma_px(self, away_um: NDArray[np.float32] | float, um_per_px: float) -> F32:
        """Gaussian width of the image of a point `away_um` from focus.

        Airy disc: 0.21 lambda / NA (the Gaussian of equal curvature). Defocus: a disc of radius
        NA |dz| has a standard deviation of half of it. Pixel: a box. Their variances add.
        """
        airy = 0.21 * self.wavelength_um / self.na
        defocus = 0.5 * self.na * np.asarray(away_um, np.float32)
        sigma = np.sqrt(airy**2 + defocus**2 + um_per_px**2 / 12) / um_per_px
        return np.asarray(sigma, np.float32)


LENS = Lens()


def blurred(image: F32, sigma_px: F32, ratio: float = 1.2) -> F32:
    """The image under a blur that differs from pixel to pixel.

    A few Gaussians, each `ratio` as wide as the one before, and between two of them linear in the
    variance. Gathers light, where a lens scatters it: good where the blur changes slowly.
    """
    low, high = float(sigma_px.min()), float(sigma_px.max())
    count = max(int(np.ceil(np.log(high / low) / np.log(ratio))), 0)
    if count == 0:
        return _gauss(image, low)
    widths = low * (high / low) ** (np.arange(count + 1) / count)
    out = np.zeros_like(image)
    variance = sigma_px**2
    edges = widths**2
    for i, width in enumerate(widths):
        left = edges[i - 1] if i else edges[0] - 1
        right = edges[i + 1] if i < count else edges[-1] + 1
        rising = (variance - left) / (edges[i] - left)
        falling = (right - variance) / (right - edges[i])
        weight = np.clip(np.minimum(rising, falling), 0, 1)
        out += weight.astype(np.float32) * _gauss(image, float(width))
    return out


def _gauss(image: F32, sigma_px: float) -> F32:
    size = 2 * int(np.ceil(4 * sigma_px)) + 1
    return np.asarray(
        cv2.GaussianBlur(image, (size, size), sigma_px, borderType=cv2.BORDER_REPLICATE)
    )


def frame(electrons: F32, sensor: SensorModel, rng: np.random.Generator) -> NDArray[np.uint8]:
    """(H, W) uint8 of the mean electrons of an exposure: noise, full well and quantisation."""
    return np.asarray(expose(electrons, 1.0, 0.0, sensor, rng), np.uint8)
