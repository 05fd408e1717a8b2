"""Boxes that move steadily: a Kalman filter on each of middle x, middle y, width and height.

All noise is independent between the four, so that eight states fall apart into four pairs of value
and rate, and no matrix is inverted. Sizes scale with the box: near bodies move by more pixels.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

EDGE = 0.06  # standard deviation of a measured middle or size, over the box's height
PUSH = 0.6  # of the rate after a second without a measurement, in heights a second
STRANGE = 1.0  # of the unknown rate of a new box, in heights a second
LEAST_PX = 2.0


@dataclass(frozen=True, slots=True, eq=False)
class Motion:
    """T boxes. mean: (T, 4, 2), values and rates a second; covariance: (T, 4, 2, 2)."""

    mean: Floats
    covariance: Floats

    @classmethod
    def begin(cls, boxes_px: NDArray[np.floating]) -> Motion:
        """At measured boxes (T, 4), moving in no known way."""
        value = _middles(boxes_px)
        spread = np.zeros((len(value), 4, 2, 2))
        spread[..., 0, 0] = _squared(EDGE, value)
        spread[..., 1, 1] = _squared(STRANGE, value)
        return cls(np.stack([value, np.zeros_like(value)], axis=-1), spread)

    def __len__(self) -> int:
        return len(self.mean)

    @property
    def boxes_px(self) -> Floats:
        """(T, 4) x0 y0 x1 y1."""
        middle, size = self.mean[:, :2, 0], np.maximum(self.mean[:, 2:, 0], LEAST_PX)
        return np.concatenate([middle - size / 2, middle + size / 2], axis=1)

    def where(self, kept: NDArray[np.bool_]) -> Motion:
        """Some of them."""
        return Motion(self.mean[kept], self.covariance[kept])

    def joined(self, other: Motion) -> Motion:
        """These and then the others."""
        return Motion(
            np.concatenate([self.mean, other.mean]),
            np.concatenate([self.covariance, other.covariance]),
        )

    def after(self, seconds: float) -> Motion:
        """Predicted with white noise on the accelerations."""
        mean, spread = self.mean.copy(), self.covariance.copy()
        mean[..., 0] += seconds * mean[..., 1]
        push = _squared(PUSH, self.mean[..., 0])
        cross = spread[..., 0, 1] + seconds * spread[..., 1, 1]
        spread[..., 0, 0] += seconds * (spread[..., 0, 1] + cross) + push * seconds**3 / 3
        spread[..., 0, 1] = spread[..., 1, 0] = cross + push * seconds**2 / 2
        spread[..., 1, 1] += push * seconds
        return Motion(mean, spread)

    def measured(self, at: NDArray[np.int64], boxes_px: NDArray[np.floating]) -> Motion:
        """With boxes (K, 4) of the tracks `at` (K,)."""
        mean, spread = self.mean.copy(), self.covariance.copy()
        value = _middles(boxes_px)
        before = spread[at]
        gain = before[..., 0, :] / (before[..., 0, 0] + _squared(EDGE, value))[..., None]
        mean[at] += gain * (value - mean[at, :, 0])[..., None]
        spread[at] = before - gain[..., :, None] * before[..., 0, None, :]
        return Motion(mean, spread)


def _middles(boxes_px: NDArray[np.floating]) -> Floats:
    """(T, 4) middle x, middle y, width, height."""
    low, high = boxes_px[:, :2].astype(np.float64), boxes_px[:, 2:].astype(np.float64)
    return np.concatenate([(low + high) / 2, high - low], axis=1)


def _squared(share: float, value: Floats) -> Floats:
    """(T, 1) variance of a share of the height."""
    squared: Floats = (share * np.maximum(value[:, 3:4], LEAST_PX)) ** 2
    return squared
