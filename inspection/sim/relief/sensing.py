"""The one place that says which sensor sees the judged parts."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from common.types.heightmap import HeightMap
from inspection.sim.relief import measured

F32 = NDArray[np.float32]


def sense(height_um: F32, um_per_px: float, rng: np.random.Generator) -> HeightMap:
    """(H, W) true heights as the judging sensor reports them, from the middle of its range."""
    middle = np.float32((float(height_um.max()) + float(height_um.min())) / 2)
    return measured(height_um - middle, um_per_px, sensor="fringe", rng=rng)
