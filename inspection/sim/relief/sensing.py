"""The one place that says which sensor sees the judged parts, and what its user knows of it."""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray

from common.types.heightmap import HeightMap
from inspection.relief.lateral import Lateral, lateral
from inspection.sim.relief import measured

F32 = NDArray[np.float32]

PITCH_UM, FIELD_PX = 5.0, 128  # of the standards' maps
STEPS_UM, TURNS_DEG = (3.0, 20.0), (5.0, 95.0, 185.0, 275.0)
LIFTS_UM = (-200.0, 0.0, 200.0)  # of the step over the middle of the sensor's range
BLOCK_PX, BLOCKS_UM = 64, (200.0, 400.0)


def sense(height_um: F32, um_per_px: float, rng: np.random.Generator) -> HeightMap:
    """(H, W) true heights as the judging sensor reports them, from the middle of its range."""
    middle = np.float32((float(height_um.max()) + float(height_um.min())) / 2)
    return measured(height_um - middle, um_per_px, sensor="fringe", rng=rng)


@cache
def sideways() -> Lateral:
    """Blur and rim of the judging sensor, measured on a step and on gauge blocks."""
    from inspection.sim.relief.target import step

    rng, shape = np.random.default_rng(20), (FIELD_PX, FIELD_PX)
    steps = [
        (measured(step(shape, PITCH_UM, rise, turn) + np.float32(lift), PITCH_UM, rng=rng), turn)
        for rise in STEPS_UM
        for lift in LIFTS_UM
        for turn in TURNS_DEG
    ]
    inside = slice((FIELD_PX - BLOCK_PX) // 2, (FIELD_PX + BLOCK_PX) // 2)
    blocks = []
    for rise in BLOCKS_UM:
        block = np.zeros(shape, np.float32)
        block[inside, inside] = rise
        blocks.append((sense(block, PITCH_UM, rng), BLOCK_PX * PITCH_UM, rise))
    return lateral(steps, blocks)
