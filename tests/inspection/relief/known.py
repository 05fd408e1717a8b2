"""Height maps whose form and flaws are known."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

F32 = NDArray[np.float32]
PITCH = 5.0


def grid(rows: int, columns: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """y, x [um] about the middle of the map."""
    y = (np.arange(rows) - (rows - 1) / 2) * PITCH
    x = (np.arange(columns) - (columns - 1) / 2) * PITCH
    return y[:, None], x[None, :]


def cap(rows: int, columns: int, row: float, column: float, width_um: float, depth: float) -> F32:
    """A paraboloid of this width at the surface and this depth (< 0: it rises), 0 elsewhere;
    averaged over pixels on cells a fifth as wide."""
    fine = (np.arange(5) - 2) / 5
    y = ((np.arange(rows)[:, None] + fine).ravel() - row) * PITCH
    x = ((np.arange(columns)[:, None] + fine).ravel() - column) * PITCH
    rho2 = (y[:, None] ** 2 + x[None, :] ** 2) / (width_um / 2) ** 2
    cells = -depth * np.clip(1 - rho2, 0, None)
    return cells.reshape(rows, 5, columns, 5).mean((1, 3)).astype(np.float32)
