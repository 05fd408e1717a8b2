"""Albedo and normals from images under known directional lights, with highlights and shadows.

A Lambertian pixel under light l of unit irradiance is I = albedo l.n (Woodham 1980). The least
squares solution is spoilt by a few lights that shine into the lens or do not reach the pixel; here
they lose their weight by iterative reweighting, a robust M-estimator as in Queau et al. 2017, CVPR.
Frame: x to the right, y down the rows, z towards the camera.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

F32 = NDArray[np.float32]
F64 = NDArray[np.float64]

ROUNDS = 12
SHADOW = 0.1  # of a pixel's second brightest light; what is darker lies in shadow
TUNING = 2.0  # residuals beyond this many deviations count for little
FLOOR = 0.01  # of the pixel's brightness: the least deviation, for no surface is quite Lambertian
FEWEST = 3


@dataclass(frozen=True, slots=True, eq=False)
class Photometry:
    """albedo: (H, W) float32 in the images' unit. normals: (H, W, 3) float32, unit vectors; (0, 0,
    1) where fewer than three lights tell. weight: (K, H, W) float32 in 0..1, how much each light
    counted."""

    albedo: F32
    normals: F32
    weight: F32


def solve(images: F32, lights: F32, sigma: float = 0.0, robust: bool = True) -> Photometry:
    """Photometric stereo of images (K, H, W) under `lights` (K, 3), unit vectors towards them.

    sigma: noise of the images in their unit. robust: without it, plain least squares over all
    lights. Rejecting needs redundancy: with K = 4 only shadows are told, a highlight is not.
    ValueError when there are fewer than three lights, they lie in a plane, or shapes disagree.
    """
    check(images, lights)
    flat = images.reshape(len(images), -1)
    directions = np.asarray(lights, np.float32)
    lit = _lit(flat) if robust else np.ones_like(flat)
    weight, scaled = lit, _solve(lit, flat, directions)
    for _ in range(ROUNDS if robust and len(images) > FEWEST + 1 else 0):
        weight = lit * _reweight(flat - directions @ scaled.T, lit, scaled, sigma)
        scaled = _solve(weight, flat, directions)
    albedo = np.linalg.norm(scaled, axis=1)
    told = (albedo > 0) & ((weight > 0).sum(axis=0) >= FEWEST)
    normals = np.zeros_like(scaled)
    normals[:, 2] = 1
    normals[told] = scaled[told] / albedo[told, None]
    shape = images.shape[1:]
    return Photometry(
        np.where(told, albedo, 0).astype(np.float32).reshape(shape),
        normals.astype(np.float32).reshape(*shape, 3),
        weight.reshape(images.shape),
    )


def check(images: F32, lights: F32) -> None:
    """ValueError unless lights are (K, 3) unit vectors, not in a plane, one an image."""
    if images.ndim != 3 or images.shape[0] < FEWEST or not np.isfinite(images).all():
        raise ValueError(f"images are (K, height, width), K >= 3 and finite, got {images.shape}")
    if lights.shape != (len(images), 3) or not np.isfinite(lights).all():
        raise ValueError(f"{len(images)} images need ({len(images)}, 3) lights: {lights.shape}")
    if np.abs(np.linalg.norm(lights, axis=1) - 1).max() > 1e-3:
        raise ValueError("light directions must be unit vectors")
    if np.linalg.svd(np.asarray(lights, np.float64), compute_uv=False)[-1] < 1e-3:
        raise ValueError("the lights lie in one plane: normals cannot be told")


def _lit(flat: F32) -> F32:
    """1 where a light reaches the pixel; all ones where fewer than three would be left."""
    second = np.partition(flat, -2, axis=0)[-2]
    lit = flat > SHADOW * np.maximum(second, 0)
    lit |= lit.sum(axis=0) < FEWEST
    return np.asarray(lit, np.float32)


def _reweight(residual: F32, lit: F32, scaled: F32, sigma: float) -> F32:
    """Geman and McClure's weights, scaled by the median residual of the lit lights."""
    size = np.where(lit > 0, np.abs(residual), np.nan)
    spread = 1.4826 * np.nanmedian(size, axis=0)
    floor = sigma + FLOOR * np.linalg.norm(scaled, axis=1)
    scale = TUNING * np.maximum(spread, floor) + np.float32(1e-12)
    far = np.minimum(np.abs(residual) / scale, np.float32(1e6))  # beyond, its square overflows
    return np.asarray(1 / (1 + far**2) ** 2, np.float32)


def _solve(weight: F32, flat: F32, lights: F32) -> F32:
    """Albedo times normal, (P, 3), by weighted least squares in every pixel at once."""
    solved = np.asarray((np.linalg.pinv(lights) @ flat).T, np.float32)
    some = np.flatnonzero((weight < 1).any(axis=0))
    if some.size:
        weight, flat = weight[:, some], flat[:, some]
        outer = (lights[:, :, None] * lights[:, None, :]).reshape(-1, 9)
        normal = (weight.T @ outer).reshape(-1, 3, 3).astype(np.float64)
        right = ((weight * flat).T @ lights).astype(np.float64)
        normal += 1e-9 * np.eye(3)  # so that three lights that nearly lie in a plane do not fail
        solved[some] = np.linalg.solve(normal, right[..., None])[..., 0]
    return solved
