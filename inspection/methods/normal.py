"""What good cells look like: one normal distribution of their features (Mahalanobis 1936), as in
PaDiM (Defard et al. 2020) but not by position, on features averaged over 2 x 2 cells."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from inspection.models.lean import Lean

F32 = NDArray[np.float32]
BLOCK = 4096  # cells that are held in double precision
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

    def strangeness(self, seen: Lean) -> F32:
        """(h, w), interpolated from every second cell."""
        whiten, shift = seen.folded(self.whiten, -self.centre)
        coarse = halved(seen.cells)
        flat = whiten.T @ coarse.reshape(len(coarse), -1) + shift[:, None]
        distance = np.sqrt(np.einsum("dn,dn->n", flat, flat))
        standard = ((distance - self.scale[0]) / self.scale[1]).reshape(coarse.shape[1:])
        return np.asarray(cv2.resize(standard, seen.cells.shape[:0:-1]), np.float32)


def halved(maps: F32) -> F32:
    """(D, h, w) -> (D, h // 2, w // 2), the mean of 2 x 2 cells."""
    height, width = (side // 2 * 2 for side in maps.shape[1:])
    rows = maps[:, :height:2, :width] + maps[:, 1:height:2, :width]
    return (rows[..., ::2] + rows[..., 1::2]) * np.float32(0.25)


def fit(good: F32 | NDArray[np.float16], deviation: float) -> Normal:
    """good: (N, D) features of good cells (halved). deviation: of the strangeness of these."""
    mean, covariance = _moments(good)
    covariance += np.eye(len(mean)) * SHRINK * np.trace(covariance) / len(mean)
    whiten = np.linalg.cholesky(np.linalg.inv(covariance))
    distance = np.concatenate(
        [np.linalg.norm((block - mean) @ whiten, axis=1) for block in _blocks(good)]
    )
    scale = np.array([distance.mean(), distance.std() / deviation])
    return Normal(
        whiten.astype(np.float32), (mean @ whiten).astype(np.float32), scale.astype(np.float32)
    )


def _moments(x: F32 | NDArray[np.float16]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """(D,) mean and (D, D) covariance, summed up block by block."""
    mean = sum(block.sum(0) for block in _blocks(x)) / len(x)
    total = sum((block - mean).T @ (block - mean) for block in _blocks(x))
    return np.asarray(mean), np.asarray(total) / (len(x) - 1)


def _blocks(x: F32 | NDArray[np.float16]) -> Iterator[NDArray[np.float64]]:
    return (x[at : at + BLOCK].astype(np.float64) for at in range(0, len(x), BLOCK))
