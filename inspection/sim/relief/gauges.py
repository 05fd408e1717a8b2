"""Parts of known shape and random size, place and material, that a sensor is judged by."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from inspection.sim.relief import target as shapes
from inspection.sim.relief.target import Target

F32 = NDArray[np.float32]

KINDS = ("plane", "step", "sphere", "rough")
UM_PER_PX = 5.0
FINISHES = {
    "matt": {"albedo": 0.5, "f0": 0.04, "alpha": 0.4},
    "dark": {"albedo": 0.06, "f0": 0.04, "alpha": 0.35},
    "glossy": {"albedo": 0.4, "f0": 0.05, "alpha": 0.15},
    "metal": {"albedo": 0.05, "f0": 0.6, "alpha": 0.3},
}


@dataclass(frozen=True, slots=True, eq=False)
class Gauge:
    """A part. size_um: rise of a step, radius of a sphere, rms height of a rough surface, 0 of a
    plane. turn_deg: of a step's edge."""

    kind: str
    finish: str
    target: Target
    size_um: float = 0.0
    turn_deg: float = 0.0


def draw(kind: str, side_px: int, rng: np.random.Generator) -> Gauge:
    """One part of `side_px` squared at 5 um, its heights within 90 um of 0."""
    shape, turn = (side_px, side_px), float(rng.uniform(0, 360))
    lift = float(rng.uniform(-20, 0))
    if kind == "plane":
        reach = 60.0 / (side_px * UM_PER_PX)
        slopes = rng.uniform(-reach, reach, 2)
        size = 0.0
        height = shapes.plane(shape, UM_PER_PX, lift, float(slopes[0]), float(slopes[1]))
    elif kind == "step":
        size = float(rng.uniform(10, 80))
        height = lift + shapes.step(shape, UM_PER_PX, size, turn)
    elif kind == "sphere":
        size = float(rng.uniform(1500, 6000))
        cap = min(80.0, (0.4 * side_px * UM_PER_PX) ** 2 / (2 * size))
        height = lift + shapes.sphere(shape, UM_PER_PX, size, cap)
    elif kind == "rough":
        size = float(rng.uniform(0.5, 5))
        corr = float(rng.uniform(30, 120))
        height = lift + shapes.rough(rng, shape, UM_PER_PX, size, corr)
    else:
        raise ValueError(f"no gauge {kind!r}; there are {', '.join(KINDS)}")
    return Gauge(kind, *finished(np.asarray(height, np.float32), rng), size, turn)


def finished(height_um: F32, rng: np.random.Generator) -> tuple[str, Target]:
    """The height map in one of the finishes, with 10 % of slow mottling; its name and the part."""
    name = str(rng.choice(list(FINISHES)))
    finish = FINISHES[name]
    mottle = shapes.rough(rng, (height_um.shape[0], height_um.shape[1]), 1.0, 0.1, 12.0)
    share = np.clip(1 + mottle, 0.6, 1.4)
    maps = {"albedo": finish["albedo"] * share, "f0": np.clip(finish["f0"] * share, 0, 0.95)}
    return name, Target(height_um, UM_PER_PX, maps["albedo"], maps["f0"], finish["alpha"])
