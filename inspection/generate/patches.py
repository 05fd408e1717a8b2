"""The generator network's view of a surface: a square patch of normalised brightness."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

F32 = NDArray[np.float32]

PATCH_PX = 64
FIT_PX = 44  # a larger defect is made at a lesser scale, so that some surface stays around it


@dataclass(frozen=True, slots=True)
class Norm:
    """DN = level + unit * normalised. On a smooth surface the brightness rules the unit."""

    level: float
    unit: float

    @classmethod
    def of(cls, surface: F32) -> Norm:
        """From pixels of the good surface, in DN."""
        level = float(surface.mean())
        return cls(level, float(surface.std()) + 0.1 * level + 2)

    def of_dn(self, image: F32) -> F32:
        """DN, normalised."""
        return np.asarray((image - np.float32(self.level)) / np.float32(self.unit), np.float32)

    def to_dn(self, normalised: F32) -> NDArray[np.uint8]:
        """Back to whole DN."""
        dn = normalised * np.float32(self.unit) + np.float32(self.level)
        return np.asarray(np.clip(np.rint(dn), 0, 255), np.uint8)


def side_px(size_px: float) -> int:
    """Edge of the square around a defect of this size, before it is brought to `PATCH_PX`."""
    return max(PATCH_PX, round(size_px * PATCH_PX / FIT_PX))


def square(image: F32, at: tuple[int, int], side: int) -> F32:
    """(side, side) around pixel (x, y); the picture is mirrored where it ends."""
    x, y = at[0] - side // 2, at[1] - side // 2
    rows, columns = (
        _mirrored(np.arange(start, start + side), size)
        for start, size in ((y, image.shape[0]), (x, image.shape[1]))
    )
    return np.ascontiguousarray(image[np.ix_(rows, columns)])


def _mirrored(index: NDArray[np.int64], size: int) -> NDArray[np.int64]:
    period = max(1, 2 * (size - 1))
    folded = np.abs(index) % period
    return np.asarray(np.minimum(folded, period - folded), np.int64)


def shrunk(patch: F32) -> F32:
    """To (PATCH_PX, PATCH_PX)."""
    return _resized(patch, PATCH_PX, cv2.INTER_AREA)


def enlarged(patch: F32, side: int) -> F32:
    """Back to (side, side)."""
    return _resized(patch, side, cv2.INTER_CUBIC)


def _resized(patch: F32, side: int, method: int) -> F32:
    if patch.shape == (side, side):
        return patch
    return np.asarray(cv2.resize(patch, (side, side), interpolation=method), np.float32)


def contrast(patch: F32, mask: NDArray[np.bool_]) -> float:
    """How much a normalised patch differs on the mask from the mean of the surface around it."""
    near = cv2.dilate(mask.astype(np.uint8), np.ones((15, 15), np.uint8)) > 0
    away = near & ~(cv2.dilate(mask.astype(np.uint8), np.ones((5, 5), np.uint8)) > 0)
    ground = float(patch[away].mean()) if away.any() else 0.0
    return float(np.sqrt(((patch[mask] - ground) ** 2).mean())) if mask.any() else 0.0
