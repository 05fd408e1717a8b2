"""How high a height field reaches about a place: a walk along a ray leaps over low ground."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

F32 = NDArray[np.float32]

CELL_PX, BLOCK_PX = 4, 16


def ceilings(height: F32) -> tuple[F32, F32]:
    """The highest point of each cell, and of each block, and of those around it: from anywhere in
    one of them nothing within its side is higher."""
    return _ceiling(height, CELL_PX), _ceiling(height, BLOCK_PX)


def _ceiling(height: F32, side_px: int) -> F32:
    rows, columns = (-(-n // side_px) for n in height.shape)
    padded = np.full((rows * side_px, columns * side_px), height.min(), np.float32)
    padded[: height.shape[0], : height.shape[1]] = height
    top = padded.reshape(rows, side_px, columns, side_px).max(axis=(1, 3))
    around = np.pad(top, 1, mode="edge")
    shifts = [around[i : i + rows, j : j + columns] for i in range(3) for j in range(3)]
    return np.asarray(np.maximum.reduce(shifts))
