"""A pinhole camera on a mount: pixels to rays, rays to the ground.

Body frame: x forward, y to the left, z up, origin on the ground (REP-103). Optical frame: x right,
y down, z forward (REP-105). Pixel centres lie at whole numbers plus one half.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]

_OPTICAL = np.array([[0.0, -1.0, 0.0], [0.0, 0.0, -1.0], [1.0, 0.0, 0.0]])


@dataclass(frozen=True)
class Camera:
    """focal_px: of square pixels; the principal point is the middle of the picture.

    mount_m: (x, y, z) in the body frame. yaw_rad: positive to the left. pitch_rad: positive down.
    """

    width_px: int = 1920
    height_px: int = 1080
    focal_px: float = 1400.0
    mount_m: tuple[float, float, float] = (0.0, 0.0, 1.5)
    yaw_rad: float = 0.0
    pitch_rad: float = 0.03

    def __post_init__(self) -> None:
        if self.width_px < 8 or self.height_px < 8 or not self.focal_px > 0:
            raise ValueError("a camera needs 8 x 8 pixels and a focal length > 0")
        if not self.mount_m[2] > 0:
            raise ValueError(f"the camera must hang above the ground, got {self.mount_m[2]} m")

    @cached_property
    def rotation(self) -> Floats:
        """(3, 3) from the body frame to the optical frame."""
        cy, sy, cp, sp = (f(a) for a in (self.yaw_rad, self.pitch_rad) for f in (np.cos, np.sin))
        yaw = np.array([[cy, sy, 0.0], [-sy, cy, 0.0], [0.0, 0.0, 1.0]])
        pitch = np.array([[cp, 0.0, -sp], [0.0, 1.0, 0.0], [sp, 0.0, cp]])
        turned: Floats = _OPTICAL @ pitch @ yaw
        return turned

    def project(self, points_m: ArrayLike) -> tuple[Floats, Floats]:
        """Pixels (..., 2) and depths (...) of points (..., 3) in the body frame.

        Pixels of points that are not in front of the camera (depth <= 0) mean nothing.
        """
        seen = (np.asarray(points_m, np.float64) - self.mount_m) @ self.rotation.T
        depth = seen[..., 2]
        safe = np.where(np.abs(depth) < 1e-9, 1e-9, depth)[..., None]
        middle = np.array([self.width_px, self.height_px]) / 2
        return self.focal_px * seen[..., :2] / safe + middle, depth

    def rays(self, pixels: ArrayLike) -> Floats:
        """(..., 3) directions in the body frame, one metre deep along the optical axis."""
        at = np.asarray(pixels, np.float64)
        flat = (at - np.array([self.width_px, self.height_px]) / 2) / self.focal_px
        directions: Floats = np.concatenate([flat, np.ones_like(flat[..., :1])], -1) @ self.rotation
        return directions

    def ground_m(self, pixels: ArrayLike) -> Floats:
        """(..., 2) where the rays meet flat ground in the body frame; NaN above the horizon."""
        ray = self.rays(pixels)
        down = np.where(ray[..., 2] < -1e-6, ray[..., 2], np.nan)
        met: Floats = (
            np.asarray(self.mount_m[:2]) - ray[..., :2] * (self.mount_m[2] / down)[..., None]
        )
        return met

    def scaled(self, factor: float) -> Camera:
        """The same view in `factor` times as many pixels a side."""
        size = round(self.width_px * factor), round(self.height_px * factor)
        return replace(self, width_px=size[0], height_px=size[1], focal_px=self.focal_px * factor)
