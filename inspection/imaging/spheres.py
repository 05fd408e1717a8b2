"""A sphere in an orthographic picture: its own normals, and the light its highlight tells of.

Frame as in `photometric`: x to the right, y down the rows, z towards the camera.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

F32 = NDArray[np.float32]
Bools = NDArray[np.bool_]

HIGHLIGHT = 0.9  # of the brightest pixel: what lies above belongs to the lamp's image


@dataclass(frozen=True, slots=True)
class Sphere:
    """Centre (x, y) and radius of the outline, in pixels."""

    x: float
    y: float
    radius: float

    @classmethod
    def from_mask(cls, mask: Bools) -> Sphere:
        """The circle with the mask's centroid and area. ValueError where nothing is set."""
        rows, columns = np.nonzero(mask)
        if rows.size == 0:
            raise ValueError("the mask of the sphere is empty")
        return cls(float(columns.mean()), float(rows.mean()), float(np.sqrt(rows.size / np.pi)))

    def normals(self, x: NDArray[Any], y: NDArray[Any]) -> F32:
        """(..., 3) unit normals at pixels (x, y); at and beyond the outline they lie flat."""
        nx, ny = (x - self.x) / self.radius, (y - self.y) / self.radius
        nz = np.sqrt(np.clip(1 - nx**2 - ny**2, 0, None))
        n = np.stack([nx, ny, nz], axis=-1)
        return np.asarray(n / np.linalg.norm(n, axis=-1, keepdims=True), np.float32)

    def light(self, image: NDArray[Any], mask: Bools) -> F32:
        """(3,) unit vector towards the lamp whose image a mirror sphere shows.

        The camera looks along -z; the lamp lies in the mirror direction of the highlight's middle.
        """
        inside = np.where(mask, image, 0)
        rows, columns = np.nonzero(inside >= HIGHLIGHT * inside.max())
        n = self.normals(columns.mean(), rows.mean())
        return np.asarray(2 * n[2] * n - np.array([0, 0, 1]), np.float32)


def angles_deg(a: F32, b: F32) -> NDArray[np.float64]:
    """Angles between unit vectors (..., 3) in degrees, exact also where they are small."""
    a64, b64 = np.asarray(a, np.float64), np.asarray(b, np.float64)
    chord = np.linalg.norm(a64 - b64, axis=-1)
    return np.asarray(np.degrees(2 * np.arcsin(np.clip(chord / 2, 0, 1))), np.float64)
