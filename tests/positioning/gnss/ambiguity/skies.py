"""Covariances of double-differenced ambiguities of one epoch under random skies."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

F64 = NDArray[np.float64]
_WAVES_M = (0.190, 0.244, 0.255)


def covariance(
    satellites: int, bands: int, rng: np.random.Generator, phase_m: float = 0.003
) -> F64:
    """(n, n) cycles^2, n = (satellites - 1) bands, code a hundred times noisier than phase."""
    sight = rng.normal(size=(satellites, 3))
    sight[:, 2] = np.abs(sight[:, 2])
    sight /= np.linalg.norm(sight, axis=1)[:, None]
    pairs = np.hstack([-np.ones((satellites - 1, 1)), np.eye(satellites - 1)])
    weight = np.linalg.inv(2 * pairs @ pairs.T)
    count = satellites - 1
    normal = np.zeros((3 + count * bands, 3 + count * bands))
    for band in range(bands):
        design = np.zeros((count, len(normal)))
        design[:, :3] = pairs @ sight
        normal += design.T @ weight @ design / (100 * phase_m) ** 2
        design[:, 3 + band * count : 3 + (band + 1) * count] = np.eye(count) * _WAVES_M[band]
        normal += design.T @ weight @ design / phase_m**2
    result = np.linalg.inv(normal)[3:, 3:]
    return (result + result.T) / 2


def unimodular(n: int, rng: np.random.Generator) -> F64:
    """(n, n) random integers of determinant +-1."""
    matrix = np.eye(n)
    for _ in range(3 * n):
        i, j = rng.permutation(n)[:2]
        matrix[i] += rng.integers(-2, 3) * matrix[j]
    return matrix[rng.permutation(n)]
