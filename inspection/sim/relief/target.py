"""What a three-dimensional sensor looks at: a height field and how it scatters light."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike, NDArray

from inspection.sim.textures import spectral

F32 = NDArray[np.float32]
Shape = tuple[int, int]


@dataclass(frozen=True, eq=False)
class Target:
    """A surface seen from above on a square grid, z towards the sensor.

    height_um: (H, W) float32, finite; 0 is the sensor's reference plane.
    um_per_px: pitch of the grid.
    albedo: of the body below the coat. f0: reflectance of the coat at normal incidence. alpha: GGX
        roughness of the coat. A scalar or (H, W) each; see `inspection.sim.brdf`.
    """

    height_um: F32
    um_per_px: float
    albedo: ArrayLike = 0.5
    f0: ArrayLike = 0.04
    alpha: ArrayLike = 0.3

    def __post_init__(self) -> None:
        height = np.ascontiguousarray(self.height_um, np.float32)
        if height.ndim != 2 or not height.size or not np.isfinite(height).all():
            raise ValueError(f"height_um must be a finite (H, W), got {height.shape}")
        if not self.um_per_px > 0:
            raise ValueError(f"um_per_px must be > 0, got {self.um_per_px}")
        object.__setattr__(self, "height_um", height)
        for name in ("albedo", "f0", "alpha"):
            given = np.asarray(getattr(self, name), np.float32)
            full = np.ascontiguousarray(np.broadcast_to(given, height.shape))
            object.__setattr__(self, name, full)

    @property
    def shape(self) -> Shape:
        """Rows and columns."""
        return self.height_um.shape[0], self.height_um.shape[1]

    @cached_property
    def maps(self) -> tuple[F32, F32, F32]:
        """albedo, f0 and alpha as (H, W)."""
        return np.asarray(self.albedo), np.asarray(self.f0), np.asarray(self.alpha)

    @cached_property
    def slopes(self) -> tuple[F32, F32]:
        """dz/dx and dz/dy by central differences."""
        slope_y, slope_x = np.gradient(self.height_um, self.um_per_px)
        return np.asarray(slope_x, np.float32), np.asarray(slope_y, np.float32)

    def enlarged(self, rows: int, columns: int) -> Target:
        """The target with so many more at either end, the height going on as it came."""
        pad = ((rows, rows), (columns, columns))
        height = np.pad(self.height_um, pad, "reflect", reflect_type="odd")
        return Target(height, self.um_per_px, *(np.pad(m, pad, "edge") for m in self.maps))


def grid_um(shape: Shape, um_per_px: float) -> tuple[F32, F32]:
    """x (1, W) and y (H, 1) of the pixels from the middle of the field."""
    rows, columns = shape
    x = (np.arange(columns, dtype=np.float32) - (columns - 1) / 2) * um_per_px
    y = (np.arange(rows, dtype=np.float32) - (rows - 1) / 2) * um_per_px
    return x[None, :], y[:, None]


def plane(
    shape: Shape, um_per_px: float, height_um: float = 0.0, slope_x: float = 0.0, slope_y: float = 0
) -> F32:
    """A plane of the given height in the middle and the given slopes (rise over run)."""
    x, y = grid_um(shape, um_per_px)
    return np.asarray(height_um + slope_x * x + slope_y * y, np.float32)


def step(shape: Shape, um_per_px: float, rise_um: float, turn_deg: float = 0.0) -> F32:
    """Low on one side of a straight edge through the middle, high on the other.

    turn_deg: of the edge's normal from the x axis. The edge pixel has its mean height.
    """
    x, y = grid_um(shape, um_per_px)
    across = (x * np.cos(np.deg2rad(turn_deg)) + y * np.sin(np.deg2rad(turn_deg))) / um_per_px
    return np.asarray(rise_um * np.clip(across + 0.5, 0, 1), np.float32)


def sphere(shape: Shape, um_per_px: float, radius_um: float, cap_um: float) -> F32:
    """A cap of `cap_um` height of a sphere, on a plane at 0."""
    x, y = grid_um(shape, um_per_px)
    inside = np.maximum(radius_um**2 - x * x - y * y, 0)
    return np.asarray(np.maximum(np.sqrt(inside) - radius_um + cap_um, 0), np.float32)


def rough(
    rng: np.random.Generator, shape: Shape, um_per_px: float, sq_um: float, corr_um: float
) -> F32:
    """A Gaussian surface of rms height `sq_um` whose features are about `corr_um` wide."""
    corr = corr_um / um_per_px
    return np.asarray(sq_um * spectral(rng, shape, corr, corr, 2.0), np.float32)
