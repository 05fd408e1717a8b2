"""The products' true heights: geometry with real tolerances, pose, roughness.

What is drawn here is not what the recipes fit: domes are cosines, dies bow as spheres and twist,
foils wave as sums of sines, pins are drawn with lines along them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import cos, hypot, pi, radians, sin

import numpy as np
from numpy.typing import NDArray

from inspection.relief.recipes import HOUSING_UM, PIN_PITCH_UM, PIN_RADIUS_UM, PIN_UM, Recipe
from inspection.sim.surface import Draw

F32 = NDArray[np.float32]

PIXEL_UM = 5.0
MARGIN_UM = 200.0  # of stage around the outline
SHIFT_UM, TURN_DEG, TILT = 60.0, 2.0, 4e-3
EDGE_RADIUS_UM = 30.0


@dataclass(frozen=True, slots=True, eq=False)
class Part:
    """A part on its stage.

    height_um: (H, W). row, column: of its middle [px]. turn_rad: as `pose.Pose`.
    """

    height_um: F32
    row: float
    column: float
    turn_rad: float

    def pixel(self, x_um: float, y_um: float) -> tuple[float, float]:
        """(row, column) of a point in the part's frame."""
        c, s = cos(self.turn_rad), sin(self.turn_rad)
        return (
            self.row + (s * x_um + c * y_um) / PIXEL_UM,
            self.column + (c * x_um - s * y_um) / PIXEL_UM,
        )


def part(recipe: Recipe, draw: Draw, absent: str = "", pose_scale: float = 1.0) -> Part:
    """A good part of the recipe, but for one bump or pin that may be `absent`.

    pose_scale: how many times the usual shift and turn it lies off its place.
    """
    rng = draw.rng
    turn = radians(TURN_DEG) * pose_scale * float(rng.uniform(-1, 1))
    shift = pose_scale * SHIFT_UM * rng.uniform(-1, 1, 2)
    # a field for every pose: a sensor is calibrated for its field, not for the part in it
    extra = sin(radians(TURN_DEG) * pose_scale) * recipe.reach_um + SHIFT_UM * pose_scale
    sides = [
        int((n + 2 * (MARGIN_UM + extra)) / PIXEL_UM) for n in (recipe.height_um, recipe.width_um)
    ]
    row, column = ((n - 1) / 2 + d / PIXEL_UM for n, d in zip(sides, shift, strict=True))
    y = ((np.arange(sides[0]) - row) * PIXEL_UM).astype(np.float32)[:, None]
    x = ((np.arange(sides[1]) - column) * PIXEL_UM).astype(np.float32)[None, :]
    c, s = np.float32(cos(turn)), np.float32(sin(turn))
    height = _BUILD[recipe.name](recipe, draw, c * x + s * y, c * y - s * x, absent)
    tilt = rng.uniform(-TILT, TILT, 2).astype(np.float32)
    height += np.where(height > 0, tilt[0] * x + tilt[1] * y, np.float32(0))
    height += np.where(height > 0, np.float32(0), np.float32(0.5) * draw.field(height.shape, 6.0))
    return Part(np.ascontiguousarray(height, np.float32), float(row), float(column), turn)


def _slab(x: F32, y: F32, width_um: float, height_um: float, level_um: float) -> F32:
    """A block with rounded upper edges on z = 0, 0 beside it."""
    inside = np.minimum(width_um / 2 - np.abs(x), height_um / 2 - np.abs(y))
    fall = np.clip(1 - inside / EDGE_RADIUS_UM, 0, 1)
    drop = EDGE_RADIUS_UM * (1 - np.sqrt(1 - fall**2))
    return np.where(inside > 0, level_um - drop, 0).astype(np.float32)


def _chip(recipe: Recipe, draw: Draw, x: F32, y: F32, absent: str) -> F32:
    rng = draw.rng
    width, height = (n + rng.uniform(-15, 15) for n in (recipe.width_um, recipe.height_um))
    body = _slab(x, y, width, height, 450 + rng.uniform(-8, 8))
    body += np.where(body > 0, 4 * np.cos(pi * y / height) * np.cos(pi * x / width), 0)
    body += np.where(body > 0, _rough(draw, x.shape, (0.2, 0.6), 3.0), 0)
    metal = _rough(draw, x.shape, (0.3, 0.8), 5.0)
    for side in (-1, 1):
        at = side * 800.0
        end = _slab(x - at, y, 400.0, height, 470 + rng.uniform(-8, 8))
        dome = rng.uniform(8, 16) * np.cos(pi * (x - at) / 440) * np.cos(pi * y / (1.1 * height))
        body = np.where(end > 0, end + dome + metal, body)
    return np.asarray(body, np.float32)


def _die(recipe: Recipe, draw: Draw, x: F32, y: F32, absent: str) -> F32:
    rng = draw.rng
    side = recipe.width_um + rng.uniform(-8, 8)
    die = _slab(x, y, side, side, 300 + rng.uniform(-6, 6))
    radius = rng.choice([-1, 1]) * rng.uniform(2e5, 1e6)
    shape = (x * x + y * y) / (2 * radius) + rng.uniform(-2, 2) * x * y / side**2
    die += np.where(die > 0, shape + _rough(draw, x.shape, (0.05, 0.15), 3.0), 0)
    for bump in recipe.bumps:
        if bump.name == absent:
            continue
        rho2 = ((x - bump.x_um) ** 2 + (y - bump.y_um) ** 2) / bump.radius_um**2
        die += (bump.height_um + rng.uniform(-5, 5)) * np.sqrt(np.clip(1 - rho2, 0, None))
    return np.asarray(die, np.float32)


def _pins(recipe: Recipe, draw: Draw, x: F32, y: F32, absent: str) -> F32:
    rng = draw.rng
    width, height = (n + rng.uniform(-20, 20) for n in (recipe.width_um, recipe.height_um))
    housing = _slab(x, y, width, height, HOUSING_UM + rng.uniform(-8, 8))
    housing += np.where(housing > 0, _rough(draw, x.shape, (0.5, 1.0), 4.0), 0)
    lines = draw.brushed((x.shape[1], x.shape[0]), 3.0, 60.0).T  # drawn wire: lines along the axis
    for i in (-1, 0, 1):
        if absent == f"pin-{i + 2}":
            continue
        radius = PIN_RADIUS_UM + rng.uniform(-4, 4)
        across = y - i * PIN_PITCH_UM - rng.uniform(-8, 8) - x * rng.uniform(-4e-3, 4e-3)
        crest = np.sqrt(np.clip(radius**2 - across**2, 0, None)) + HOUSING_UM + rng.uniform(-6, 6)
        crest = crest + lines * rng.uniform(0.2, 0.5)
        pin = (np.abs(x) < PIN_UM / 2) & (np.abs(across) < radius)
        housing = np.where(pin, np.maximum(crest, housing), housing)
    return np.asarray(housing, np.float32)


def _tab(recipe: Recipe, draw: Draw, x: F32, y: F32, absent: str) -> F32:
    rng = draw.rng
    width, height = (n + rng.uniform(-20, 20) for n in (recipe.width_um, recipe.height_um))
    foil = _slab(x, y, width, height, 200 + rng.uniform(-8, 8))
    wave = np.zeros_like(foil)
    for _ in range(4):
        angle, length = rng.uniform(0, pi), rng.uniform(1.4, 4) * hypot(width, height)
        phase = 2 * pi * (x * cos(angle) + y * sin(angle)) / length + rng.uniform(0, 2 * pi)
        wave += rng.uniform(1, 5) * np.sin(phase).astype(np.float32)
    rolled = draw.brushed((x.shape[1], x.shape[0]), 3.0, 100.0).T * rng.uniform(0.2, 0.6)
    return np.asarray(foil + np.where(foil > 0, wave + rolled, 0), np.float32)


def _rough(
    draw: Draw, shape: tuple[int, ...], range_um: tuple[float, float], scale_px: float
) -> F32:
    field = draw.field((shape[0], shape[1]), scale_px)
    return np.asarray(field * np.float32(draw.between(*range_um)), np.float32)


_BUILD: dict[str, Callable[[Recipe, Draw, F32, F32, str], F32]] = {
    "smd-chip": _chip,
    "wafer-die": _die,
    "connector-pin": _pins,
    "battery-tab": _tab,
}
