"""Two sources in one cell, closer than the array resolves: three estimators from one snapshot.

nls: maximum likelihood of a pair (nonlinear least squares, Stoica and Nehorai 1990): every pair of
a grid by one matrix product, then Gauss-Newton.
root_music: forward-backward spatial smoothing and polynomial roots (Barabell 1983; Pillai and Kwon
1989).
iaa: iterative adaptive approach (Yardibi et al. 2010, IEEE T-AES 46:425), its two highest peaks.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from positioning.radar.angle import between_rows
from positioning.radar.array import Rows, Snapshots, steering

Floats = NDArray[np.float64]
GRID = 64
APART = 0.05  # least distance in u of a pair: beyond it one beamwidth of eight elements has four
IAA_GRID, IAA_ROUNDS = 256, 12
REFINEMENTS = 4
DYNAMIC = 0.05  # a source this much weaker than its neighbour in the cell is the model's error


def nls(row: Snapshots, y: Floats) -> Floats:
    """(D, 2) directions u of the pair that explains most of each (D, M) snapshot."""
    u = _pairs(len(y))[0][np.argmax(_explained(row), axis=1)]
    for _ in range(REFINEMENTS):
        u = _gauss_newton(row, y, u)
    return np.sort((u + 1) % 2 - 1, axis=1)


def explained_by_pair(row: Snapshots) -> Floats:
    """(D,) energy of (D, M) snapshots that the best pair of directions of the grid explains."""
    best: Floats = _explained(row).max(axis=1)
    return best


def _explained(row: Snapshots) -> Floats:
    """(D, P) energy explained by every pair."""
    parts = np.abs(row @ _pairs(row.shape[1])[1]) ** 2
    summed: Floats = parts[:, 0::2] + parts[:, 1::2]
    return summed


@lru_cache(maxsize=4)
def _pairs(elements: int) -> tuple[Floats, Snapshots]:
    """(P, 2) directions and (M, 2 P) conjugate orthonormal bases of the plane each pair spans."""
    grid = np.linspace(-1, 1, GRID, endpoint=False)
    first, second = np.triu_indices(GRID, 1)
    apart = np.abs((grid[first] - grid[second] + 1) % 2 - 1) >= APART
    u = np.stack([grid[first[apart]], grid[second[apart]]], axis=1)
    vectors = steering(np.arange(elements, dtype=np.float64), u).transpose(0, 2, 1)
    bases = np.linalg.qr(vectors)[0].conj().transpose(1, 0, 2)
    return u, np.ascontiguousarray(bases.reshape(elements, -1))


def _gauss_newton(row: Snapshots, y: Floats, u: Floats) -> Floats:
    """One step for both directions and both amplitudes (variable projection by Kaufman)."""
    a = steering(y, u).transpose(0, 2, 1)  # (D, M, 2)
    inverse = _inverse(a)
    amplitude = np.einsum("dkm,dm->dk", inverse, row)
    residual = row - np.einsum("dmk,dk->dm", a, amplitude)
    slope = -1j * np.pi * y[None, :, None] * a * amplitude[:, None, :]
    slope = slope - a @ (inverse @ slope)
    normal = np.einsum("dmk,dml->dkl", slope.conj(), slope).real
    right = np.einsum("dmk,dm->dk", slope.conj(), residual).real
    damped = normal + 1e-3 * np.trace(normal, axis1=1, axis2=2)[:, None, None] * np.eye(2)
    step = np.linalg.solve(damped + 1e-30 * np.eye(2), right[..., None])[..., 0]
    moved: Floats = u + np.clip(step, -0.05, 0.05)
    return moved


def root_music(row: Snapshots, y: Floats) -> Floats:
    """(D, 2) directions from the roots nearest to the unit circle, inside it."""
    count = len(y)
    length = count // 2 + 1
    windows = np.stack([row[:, k : k + length] for k in range(count - length + 1)], axis=1)
    windows = np.concatenate([windows, windows[:, :, ::-1].conj()], axis=1)
    covariance = np.einsum("dkm,dkn->dmn", windows, windows.conj())
    noise = np.linalg.eigh(covariance)[1][:, :, : length - 2]
    projector = noise @ noise.conj().transpose(0, 2, 1)
    found = [_nearest_roots(p) for p in projector]
    return np.sort(np.array(found).reshape(-1, 2), axis=1)


def _nearest_roots(projector: Snapshots) -> Floats:
    """Directions of the two roots of a(1/z)^T P a(z) that lie nearest inside the unit circle."""
    size = len(projector)
    polynomial = [np.trace(projector, offset=k) for k in range(size - 1, -size, -1)]
    roots = np.roots(polynomial)
    inside = roots[np.abs(roots) <= 1 + 1e-9]
    nearest = inside[np.argsort(1 - np.abs(inside))[:2]]
    directions: Floats = -np.angle(np.resize(nearest, 2)) / np.pi
    return directions


def iaa(row: Snapshots, y: Floats) -> Floats:
    """(D, 2) directions of the two highest peaks of the adaptive spectrum."""
    grid = np.linspace(-1, 1, IAA_GRID, endpoint=False)
    a = steering(y, grid)  # (G, M)
    power = np.abs(row @ a.conj().T) ** 2 / len(y) ** 2
    for _ in range(IAA_ROUNDS):
        covariance = np.einsum("dg,gm,gn->dmn", power, a, a.conj(), optimize=True)
        load = 1e-6 * np.trace(covariance, axis1=1, axis2=2).real[:, None, None] / len(y)
        inverse = np.linalg.inv(covariance + load * np.eye(len(y)))
        left = a.conj() @ inverse  # (D, G, M)
        top = np.einsum("dgm,dm->dg", left, row)
        bottom = np.einsum("dgm,gm->dg", left, a).real
        power = np.abs(top / bottom) ** 2
    is_peak = (power > np.roll(power, 1, axis=1)) & (power >= np.roll(power, -1, axis=1))
    best = np.argsort(np.where(is_peak, power, 0), axis=1)[:, -2:]
    return np.sort(grid[best], axis=1)


def residual_limit(elements: int, rate: float) -> float:
    """Energy over the noise's variance that one source leaves in a row, exceeded at that rate."""
    from scipy.special import gammainccinv

    return float(gammainccinv(elements - 1.5, rate))  # amplitude, phase and direction were fitted


def believed(
    row: Snapshots, y: Floats, pair: Floats, limit: Floats
) -> tuple[NDArray[np.bool_], Floats]:
    """(D, 2) each: which sources of pairs are neither noise nor far weaker than their neighbour
    (the stronger one always stays), and their shares of the pair's power."""
    a = steering(y, pair).transpose(0, 2, 1)
    power = np.abs(_inverse(a) @ row[..., None])[..., 0] ** 2 * len(y)
    strongest = power.max(axis=1, keepdims=True)
    stays = (power >= strongest) | ((power > limit[:, None]) & (power > DYNAMIC * strongest))
    return stays, power / power.sum(axis=1, keepdims=True)


def elevations_rad(flat: Snapshots, layout: Rows, pair: Floats) -> Floats:
    """(D, 2) elevation of each source of a pair: its amplitude in either row is solved for beside
    the other's, else one source's phase would be taken for the other's height."""
    if not len(layout.raised):
        return np.zeros(pair.shape)
    low, high = (
        (_inverse(steering(y, pair).transpose(0, 2, 1)) @ flat[:, row][..., None])[..., 0]
        for row, y in ((layout.level, layout.y), (layout.raised, layout.raised_y))
    )
    return between_rows(low, high, layout.raised_z)


def _inverse(a: Snapshots) -> Snapshots:
    """(D, 2, M) pseudo-inverses of (D, M, 2)."""
    adjoint = a.conj().transpose(0, 2, 1)
    inverse: Snapshots = np.linalg.inv(adjoint @ a + 1e-9 * np.eye(2)) @ adjoint
    return inverse


ESTIMATORS = {"nls": nls, "root-music": root_music, "iaa": iaa}
