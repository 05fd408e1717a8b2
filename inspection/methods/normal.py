"""What good cells look like: one normal distribution of their features (Mahalanobis 1936), as in
PaDiM (Defard et al. 2020) but not by position, on features averaged over 2 x 2 cells."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

F32 = NDArray[np.float32]
SHRINK = 0.003  # of the mean variance, added to every direction


@dataclass(frozen=True, slots=True, eq=False)
class Normal:
    """strangeness = (|features @ whiten - centre| - scale[0]) / scale[1].

    whiten: (D, D). centre: (D,). scale: (2,), so that good cells have mean 0.
    """

    whiten: F32
    centre: F32
    scale: F32

    def __post_init__(self) -> None:
        size = len(self.centre)
        if self.whiten.shape != (size, size) or self.scale.shape != (2,):
            raise ValueError("the parts of the normal distribution do not fit each other")

    def strangeness(self, features: F32) -> F32:
        """(h, w, D) -> (h, w), interpolated from every second cell."""
        height, width, _ = features.shape
        coarse = halved(features)
        flat = coarse.reshape(-1, coarse.shape[-1]) @ self.whiten - self.centre
        distance = np.sqrt(np.einsum("nd,nd->n", flat, flat))
        standard = ((distance - self.scale[0]) / self.scale[1]).reshape(coarse.shape[:2])
        return np.asarray(cv2.resize(standard, (width, height)), np.float32)


def halved(features: F32) -> F32:
    """(h, w, D) -> (h // 2, w // 2, D), the mean of 2 x 2 cells."""
    even = features[: features.shape[0] // 2 * 2, : features.shape[1] // 2 * 2]
    return (even[::2, ::2] + even[1::2, ::2] + even[::2, 1::2] + even[1::2, 1::2]) / np.float32(4)


def fit(good: F32, deviation: float) -> Normal:
    """good: (N, D) features of good cells (halved). deviation: of the strangeness of these."""
    x = good.astype(np.float64)
    mean, covariance = x.mean(0), np.cov(x.T)
    covariance += np.eye(len(mean)) * SHRINK * np.trace(covariance) / len(mean)
    whiten = np.linalg.cholesky(np.linalg.inv(covariance))
    distance = np.linalg.norm((x - mean) @ whiten, axis=1)
    scale = np.array([distance.mean(), distance.std() / deviation])
    return Normal(
        whiten.astype(np.float32), (mean @ whiten).astype(np.float32), scale.astype(np.float32)
    )
