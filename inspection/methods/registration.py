"""Lay the golden image over the image of a part: a shift found by correlation, then an affine
refinement by enhanced correlation (Evangelidis and Psarakis 2008)."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

U8 = NDArray[np.uint8]
F32 = NDArray[np.float32]

REACH_PX = 16  # parts lie in a fixture: they are not further off than this
BLUR_PX = 3.0  # widens the basin in which the refinement converges
COARSE = 3  # the refinement looks at every fourth pixel of the blurred images
STEPS = 30
PRECISION = 1e-4
BORDER_PX = 20  # not compared: what the shift brings in there is made up
MIN_SIDE_PX = 64  # less than this leaves too little within the border to compare


@dataclass(frozen=True, slots=True, eq=False)
class Aligned:
    """golden: the golden image as it lies on the part, (H, W) uint8. mismatch: fraction of pixels
    whose phase (dark or bright) differs. transform: (2, 3), from image to golden coordinates."""

    golden: U8
    mismatch: float
    transform: F32


def align(golden: U8, image: U8, level: float) -> Aligned:
    """The best of: as it is, shifted, refined. Both (H, W) uint8; ValueError when sizes differ or
    a side is under MIN_SIDE_PX.

    level: DN between the two phases, for the mismatch that decides.
    """
    if golden.shape != image.shape:
        raise ValueError(f"the golden image is {golden.shape}, the image {image.shape}")
    if min(image.shape) < MIN_SIDE_PX:
        raise ValueError(
            f"an image of {image.shape} is too small: {MIN_SIDE_PX} px a side at least"
        )
    still = np.eye(2, 3, dtype=np.float32)
    shifted = still.copy()
    shifted[:, 2] = _shift(golden, image)
    best = min((_lay(golden, image, m, level) for m in (still, shifted)), key=_mismatch)
    refined = _refine(golden, image, best.transform)
    return (
        best if refined is None else min(best, _lay(golden, image, refined, level), key=_mismatch)
    )


def _mismatch(aligned: Aligned) -> float:
    return aligned.mismatch


def _half(image: U8) -> U8:
    return np.asarray(cv2.resize(image, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA))


def _shift(golden: U8, image: U8) -> tuple[float, float]:
    """Of the golden image against the image, to 2 px, by normalised correlation."""
    reach = REACH_PX // 2
    inner = np.ascontiguousarray(_half(golden)[reach:-reach, reach:-reach])
    scores = cv2.matchTemplate(_half(image), inner, cv2.TM_CCOEFF_NORMED)
    _, _, _, (x, y) = cv2.minMaxLoc(scores)
    return 2.0 * (reach - x), 2.0 * (reach - y)


def _refine(golden: U8, image: U8, start: F32) -> F32 | None:
    """An affine transform on a quarter of the resolution; None where it does not converge."""
    first = start.copy()
    first[:, 2] /= COARSE
    criteria = (cv2.TERM_CRITERIA_EPS | cv2.TERM_CRITERIA_COUNT, STEPS, PRECISION)
    try:
        _, found = cv2.findTransformECC(
            _soft(image), _soft(golden), first, cv2.MOTION_AFFINE, criteria
        )
    except cv2.error:
        return None
    found[:, 2] *= COARSE
    return np.asarray(found, np.float32)


def _soft(image: U8) -> F32:
    return np.asarray(cv2.GaussianBlur(image, (0, 0), BLUR_PX)[::COARSE, ::COARSE], np.float32)


def _lay(golden: U8, image: U8, transform: F32, level: float) -> Aligned:
    height, width = image.shape
    laid = cv2.warpAffine(
        golden,
        transform,
        (width, height),
        flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
        borderMode=cv2.BORDER_REPLICATE,
    )
    inner = np.s_[BORDER_PX:-BORDER_PX, BORDER_PX:-BORDER_PX]
    differ = (image[inner] > level) != (laid[inner] > level)
    return Aligned(np.asarray(laid, np.uint8), float(differ.mean()), transform)
