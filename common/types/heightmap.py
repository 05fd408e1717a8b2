"""A height map: what a three-dimensional sensor sees from above, on a square grid."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from common.types.image import MAX_PIXELS


@dataclass(frozen=True, slots=True, eq=False)
class HeightMap:
    """Height over a plane, z towards the sensor.

    height_um: (height, width) float32, C-contiguous; NaN where the sensor saw nothing.
    um_per_px: pitch of the grid, the same along both axes.
    sigma_um: (height, width) float32, standard uncertainty of each height, NaN where the height
        is; None where the sensor does not tell.
    trigger: number of the hardware trigger (one part) that it belongs to.
    """

    height_um: NDArray[np.float32]
    um_per_px: float
    sigma_um: NDArray[np.float32] | None = None
    trigger: int | None = None

    def __post_init__(self) -> None:
        _check_grid("height_um", self.height_um)
        if not self.um_per_px > 0:
            raise ValueError(f"um_per_px must be > 0, got {self.um_per_px}")
        if self.sigma_um is None:
            return
        _check_grid("sigma_um", self.sigma_um)
        if self.sigma_um.shape != self.height_um.shape:
            raise ValueError(f"sigma_um is {self.sigma_um.shape}, height_um {self.height_um.shape}")
        told = self.sigma_um[self.valid]
        if not np.all(told >= 0):
            raise ValueError("sigma_um must be known and >= 0 wherever a height is")

    @property
    def valid(self) -> NDArray[np.bool_]:
        """(height, width), True where there is a height."""
        return np.isfinite(self.height_um)

    @property
    def height_px(self) -> int:
        """Rows."""
        return int(self.height_um.shape[0])

    @property
    def width_px(self) -> int:
        """Columns."""
        return int(self.height_um.shape[1])


def _check_grid(name: str, grid: NDArray[np.float32]) -> None:
    if grid.dtype != np.float32 or grid.ndim != 2:
        raise ValueError(f"{name} needs float32 (height, width), got {grid.dtype} {grid.shape}")
    if not 0 < grid.size <= MAX_PIXELS:
        raise ValueError(f"{name} of {grid.shape} is empty or over {MAX_PIXELS} px")
    if not grid.flags.c_contiguous:
        raise ValueError(f"{name} must be C-contiguous (numpy.ascontiguousarray)")
    if np.isinf(grid).any():
        raise ValueError(f"{name} holds an infinity; NaN stands for what was not seen")
