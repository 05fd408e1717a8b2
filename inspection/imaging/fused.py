"""The pictures that many lights make together: bright field, dark field, albedo, curvature.

Each shows what the others do not: the bright field what scatters or darkens a mirror, the dark
field what is rough or steep, albedo what is stained, curvature what is bent.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import cv2
import numpy as np

from inspection.imaging.curvature import mean_curvature
from inspection.imaging.gains import solve_gains
from inspection.imaging.noise import F32, Bools, Estimate
from inspection.imaging.photometric import solve

COMPASS = ("east", "south", "west", "north")
BRIGHT, DARK = "coaxial", "dark_field"
LIGHTS = (BRIGHT, DARK, *COMPASS)


@dataclass(frozen=True, slots=True, eq=False)
class Fused:
    """bright_field, dark_field: (H, W) electrons/us. albedo: (H, W), their unit. normals: (H, W,
    3), see `photometric`. curvature: (H, W), 1/mm. saturated: (H, W) bool, in any light."""

    bright_field: F32
    dark_field: F32
    albedo: F32
    normals: F32
    curvature: F32
    saturated: Bools

    @property
    def pictures(self) -> F32:
        """(4, H, W): what a defect's contrast is measured in."""
        return np.stack([self.bright_field, self.dark_field, self.albedo, self.curvature])


def fuse(lights: Mapping[str, Estimate], elevation_deg: float, pixel_um: float) -> Fused:
    """From one radiance a light, by the names in `LIGHTS`.

    elevation_deg: nominal, of the four compass lights; their intensities are solved from the
    images. KeyError names a light that is missing.
    """
    images = np.stack([lights[name].value for name in COMPASS])
    directions = toward(elevation_deg)
    gains = solve_gains(images, directions)
    equal = (images / gains[:, None, None]).astype(np.float32)
    # Four lights have none to spare: a shadow's threshold would flip from pixel to pixel.
    found = solve(equal, directions, robust=False)
    return Fused(
        lights[BRIGHT].value,
        lights[DARK].value,
        found.albedo,
        found.normals,
        mean_curvature(found.normals, pixel_um),
        np.logical_or.reduce([lights[name].saturated for name in LIGHTS]),
    )


def toward(elevation_deg: float) -> F32:
    """(4, 3) unit vectors towards the compass lights; x right, y down the rows, z to the camera."""
    e, a = np.deg2rad(elevation_deg), np.deg2rad(np.arange(4) * 90.0)
    up = np.full(4, np.sin(e))
    return np.stack([np.cos(e) * np.cos(a), np.cos(e) * np.sin(a), up], axis=1).astype(np.float32)


def anomaly(pictures: F32, blur_px: float = 1.0) -> F32:
    """(H, W) how far a pixel lies from all others, over pictures (C, H, W): Reed and Yu 1990.

    One grey picture for the eye in place of several; the mean over good pixels is about one.
    """
    smooth = np.stack([cv2.GaussianBlur(one, (0, 0), blur_px) for one in pictures])
    flat = smooth.reshape(len(smooth), -1).astype(np.float64)
    flat = (flat - flat.mean(axis=1, keepdims=True)) / (flat.std(axis=1, keepdims=True) + 1e-30)
    spread = np.cov(flat) + 1e-9 * np.eye(len(flat))
    squared = (flat * np.linalg.solve(spread, flat)).sum(axis=0) / len(flat)
    return np.asarray(squared.reshape(smooth.shape[1:]), np.float32)
