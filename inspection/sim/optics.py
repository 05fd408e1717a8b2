"""What lies out of focus, and what moves while the strobe burns.

Defocus of a telecentric lens: a point dz off the plane of focus is a disk of radius NA dz, which
over a pixel is a Gaussian of half that deviation. Motion: the belt carries the part along the
columns' axis (+y) while the light is on, and the encoder fires up to half a step off its mark.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

F32 = NDArray[np.float32]

NUMERICAL_APERTURE = 0.03
SHARP_PX = 0.15  # a blur below this deviation is none
LEVELS = 2


def defocus(image: F32, height_um: F32, pixel_um: float, aperture: float) -> F32:
    """(H, W) seen by a lens that is focused on the middle of the height's range.

    Blurred copies at even steps of variance are mixed pixel by pixel.
    """
    middle = (float(height_um.min()) + float(height_um.max())) / 2
    worst = aperture * (float(height_um.max()) - middle) / pixel_um / 2
    if worst < SHARP_PX:
        return image
    place = ((height_um - middle) * (aperture / pixel_um / 2 / worst)) ** 2 * LEVELS
    copies = [image] + [
        cv2.GaussianBlur(image, (0, 0), worst * (n / LEVELS) ** 0.5) for n in range(1, LEVELS + 1)
    ]
    seen = copies[0] * np.clip(1 - place, 0, 1)
    for n in range(1, LEVELS + 1):
        seen += copies[n] * np.clip(1 - np.abs(place - n), 0, 1)
    return np.asarray(seen, np.float32)


@dataclass(frozen=True, slots=True)
class Motion:
    """A belt. speed_mm_s: along +y. encoder_um: one step of the encoder that fires the strobe."""

    speed_mm_s: float = 0.0
    encoder_um: float = 0.0

    def __post_init__(self) -> None:
        if not (self.speed_mm_s >= 0 and self.encoder_um >= 0):
            raise ValueError(f"speed and encoder step are >= 0, got {self}")

    def smear_px(self, strobe_us: float, pixel_um: float) -> float:
        """How far the part moves while the strobe burns."""
        return self.speed_mm_s * strobe_us * 1e-3 / pixel_um

    def blur(self, image: F32, strobe_us: float, pixel_um: float, rng: np.random.Generator) -> F32:
        """(H, W) smeared evenly about where it lies when the strobe is half-way, and shifted by
        what the encoder is off."""
        smear = self.smear_px(strobe_us, pixel_um)
        off = float(rng.uniform(-0.5, 0.5)) * self.encoder_um / pixel_um
        if smear == 0 and off == 0:
            return image
        kernel = box(off - smear / 2, off + smear / 2)
        edge = cv2.BORDER_REPLICATE
        moved = cv2.filter2D(image, cv2.CV_32F, kernel[::-1, None], borderType=edge)
        return np.asarray(moved, np.float32)


STILL = Motion()


def box(low: float, high: float) -> F32:
    """Odd kernel, centred on 0, of an even smear from `low` to `high` pixels over an image that is
    linear between its pixels; a shift where both are the same."""
    reach = int(np.ceil(max(abs(low), abs(high)))) + 1
    cells = np.arange(-reach, reach + 1, dtype=np.float64)
    if high - low < 1e-6:
        kernel = np.maximum(0, 1 - np.abs(cells - (low + high) / 2))
    else:
        kernel = (_tent_below(high - cells) - _tent_below(low - cells)) / (high - low)
    return np.asarray(kernel / kernel.sum(), np.float32)


def _tent_below(x: NDArray[Any]) -> NDArray[Any]:
    """Integral up to x of a tent of unit height and half-width 1 about 0."""
    left, right = np.clip(x + 1, 0, 1), np.clip(1 - x, 0, 1)
    return np.asarray(np.where(x < 0, left**2 / 2, 1 - right**2 / 2))
