"""Auto-exposure: the time at which the bright parts of a frame nearly fill the scale."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from inspection.imaging.noise import NoiseModel, Shot

BRIGHT = 99.5  # per cent of the pixels are darker
METER_STEP = 3  # every so many pixels are metered
TRIES = 4
NEAR = 0.15  # a frame within this of the wanted fill is taken
STEP_DOWN = 0.2  # where too much saturates to tell by how much

Take = Callable[[float], Shot]  # exposure in us -> the frame


@dataclass(frozen=True, slots=True)
class Limits:
    """Exposure times in us. fill: wanted level of the bright parts, as a share of the scale; 0.5
    leaves room for lamps that flicker by 30 % and were metered at their darkest."""

    shortest_us: float = 1.0
    start_us: float = 100.0
    longest_us: float = 400.0
    fill: float = 0.8

    def __post_init__(self) -> None:
        if not 0 < self.shortest_us <= self.start_us <= self.longest_us:
            raise ValueError(f"exposure times must rise: {self}")
        if not 0 < self.fill < 1:
            raise ValueError(f"fill is a share of the scale, got {self.fill}")


def expose_well(take: Take, noise: NoiseModel, limits: Limits) -> Shot:
    """Frames until one is exposed well, or the limits are reached; the last one."""
    shot = take(limits.start_us)
    for _ in range(TRIES - 1):
        wanted = shot.exposure_us * correction(shot, noise, limits.fill)
        wanted = min(max(wanted, limits.shortest_us), limits.longest_us)
        if abs(wanted / shot.exposure_us - 1) <= NEAR:
            break
        shot = take(wanted)
    return shot


def correction(shot: Shot, noise: NoiseModel, fill: float) -> float:
    """By what factor the exposure should change for its bright parts to `fill` the scale."""
    bright = float(np.percentile(shot.frame[::METER_STEP, ::METER_STEP], BRIGHT))
    if bright >= noise.saturation_dn:
        return STEP_DOWN
    scale = noise.saturation_dn - noise.black_level_dn
    return fill * scale / max(bright - noise.black_level_dn, scale * 1e-3)
