"""Photometric stereo of four frames as fast as they come: plain least squares, compiled.

With four lights there is none to spare for rejecting a highlight, so that nothing of `photometric`
is lost but its checks and weights.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from inspection.imaging.photometric import check
from inspection.jit import njit

F32 = NDArray[np.float32]
U8 = NDArray[np.uint8]
LIGHTS = 4


class Inline:
    """A calibrated rig of four lights. lights: (4, 3) unit vectors towards them. gains: (4,) how
    bright each is. black_dn: what a dark pixel reads. ValueError as `photometric.check`."""

    def __init__(self, lights: F32, gains: F32, black_dn: float = 0.0) -> None:
        check(np.zeros((LIGHTS, 1, 1), np.float32), lights)
        inverse = np.linalg.pinv(np.asarray(lights, np.float64)) / gains
        self._inverse = inverse.astype(np.float32)
        self._offset = (-black_dn * inverse.sum(axis=1)).astype(np.float32)

    def solve(self, frames: tuple[U8, U8, U8, U8]) -> tuple[F32, F32]:
        """(H, W) albedo in DN and (H, W, 3) unit normals; (0, 0, 1) where it is black.

        The normals are a view of three planes, x, y and z: written so, the loop runs in vectors.
        """
        shape = frames[0].shape
        if any(one.shape != shape for one in frames):
            raise ValueError(f"frames of one shape, got {[one.shape for one in frames]}")
        albedo, planes = np.empty(shape, np.float32), np.empty((3, *shape), np.float32)
        kept = [np.ascontiguousarray(one).ravel() for one in frames]
        x, y, z = planes.reshape(3, -1)
        _solve(*kept, self._inverse, self._offset, albedo.ravel(), x, y, z)
        return albedo, np.moveaxis(planes, 0, -1)


@njit(cache=True, nogil=True, fastmath=True, error_model="numpy")
def _solve(a, b, c, d, inverse, offset, albedo, nx, ny, nz):  # type: ignore[no-untyped-def]
    for i in range(albedo.size):
        p, q, r, s = np.float32(a[i]), np.float32(b[i]), np.float32(c[i]), np.float32(d[i])
        x = inverse[0, 0] * p + inverse[0, 1] * q + inverse[0, 2] * r + inverse[0, 3] * s
        y = inverse[1, 0] * p + inverse[1, 1] * q + inverse[1, 2] * r + inverse[1, 3] * s
        z = inverse[2, 0] * p + inverse[2, 1] * q + inverse[2, 2] * r + inverse[2, 3] * s
        x, y, z = x + offset[0], y + offset[1], z + offset[2]
        size = np.sqrt(x * x + y * y + z * z)
        scale = np.float32(1) / max(size, np.float32(1e-6))
        albedo[i], nx[i], ny[i] = size, x * scale, y * scale
        nz[i] = z * scale if size > 0 else np.float32(1)
