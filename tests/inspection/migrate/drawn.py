"""Pictures of the target and of parts, drawn here by other means than the simulator's."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr

from inspection.migrate.artefact import TARGET

Frame = NDArray[np.uint8]
F64 = NDArray[np.float64]


@dataclass(frozen=True)
class Pose:
    """A camera in closed form: px = middle + turn(um / scale) (1 + k r^2), r 1 in the corner."""

    um_per_px: float = 10.0
    turn_deg: float = 0.0
    shift_px: tuple[float, float] = (0.0, 0.0)
    is_mirrored: bool = False
    radial: float = 0.0
    side: int = 900

    def linear(self) -> F64:
        c, s = np.cos(np.deg2rad(self.turn_deg)), np.sin(np.deg2rad(self.turn_deg))
        flip = np.diag([-1.0 if self.is_mirrored else 1.0, 1.0])
        return np.array([[c, -s], [s, c]]) @ flip / self.um_per_px

    def to_px(self, at_um: F64) -> F64:
        away = at_um @ self.linear().T + self.shift_px
        r2 = (away**2).sum(axis=-1, keepdims=True) / (self.side**2 / 2)
        return away * (1 + self.radial * r2) + (self.side - 1) / 2


def target(
    pose: Pose,
    *,
    black: float = 6.0,
    white: float = 150.0,
    response: float = 1.0,
    falloff: tuple[float, float, float] = (0.0, 0.0, 0.0),
    blur_um: float = 8.0,
    noise: float = 0.0,
    shine: float | None = None,
    seed: int = 0,
) -> Frame:
    """The target: edges as error functions in um, then falloff, response, noise and rounding.

    falloff: relative change to the right edge, to the lower edge, and in the corners. shine: what
    its mirrors show, as a reflectance; None: it has none.
    """
    side = pose.side
    grid = np.stack(np.meshgrid(*2 * [np.arange(side, dtype=np.float64)]), axis=-1)
    um = looks_at(pose)
    grey = np.full((side, side), TARGET.white)
    for u, v in TARGET.nodes.tolist():
        radius = (TARGET.mark_um if (u, v) in TARGET.marks else TARGET.dot_um) / 2
        box = _around(pose, 1000.0 * u, 1000.0 * v)
        x, y = np.moveaxis(um[box], -1, 0)
        cover = ndtr((radius - np.hypot(x - 1000 * u, y - 1000 * v)) / blur_um)
        grey[box] += (TARGET.black - TARGET.white) * cover
    mirrors = [] if shine is None else [(x, y, shine) for x, y in TARGET.mirrors_um().tolist()]
    for x, y, step in (*TARGET.squares(), *mirrors):
        box, half = _around(pose, x, y), TARGET.square_um / 2
        inside = (np.abs(um[box] - (x, y)) < half).all(axis=-1)
        grey[box] = np.where(inside, step, grey[box])
    right, down = np.moveaxis(grid / (side - 1) * 2 - 1, -1, 0)
    light = 1 + falloff[0] * right + falloff[1] * down + falloff[2] * (right**2 + down**2) / 2
    level = (white - black) * (grey / TARGET.white * light) ** response
    rng = np.random.default_rng(seed)
    level += noise * np.sqrt(np.maximum(level, 0)) * rng.standard_normal(level.shape)
    return np.clip(np.rint(black + level), 0, 255).astype(np.uint8)


def _around(pose: Pose, x: float, y: float) -> tuple[slice, slice]:
    """Where in the frame 450 um around a place of the target show."""
    (column, row), reach = pose.to_px(np.array([x, y])), 450 / pose.um_per_px
    low, high = (np.clip([row + s, column + s], 0, pose.side).astype(int) for s in (-reach, reach))
    return slice(low[0], high[0]), slice(low[1], high[1])


@lru_cache(maxsize=8)
def looks_at(pose: Pose) -> F64:
    """(side, side, 2) um of every pixel."""
    at = np.arange(pose.side, dtype=np.float64)
    return inverse(pose, np.stack(np.meshgrid(at, at), axis=-1))


def inverse(pose: Pose, at_px: F64) -> F64:
    """um of px: bisection on the radius, where the calibration iterates a fixed point."""
    away = at_px - (pose.side - 1) / 2
    far = np.hypot(*np.moveaxis(away, -1, 0))
    low, high = np.zeros_like(far), far * 1.2 + 1
    for _ in range(45):
        middle = (low + high) / 2
        over = middle * (1 + pose.radial * middle**2 / (pose.side**2 / 2)) > far
        low, high = np.where(over, low, middle), np.where(over, middle, high)
    straight = away * (low / np.maximum(far, 1e-12))[..., None]
    return (straight - pose.shift_px) @ np.linalg.inv(pose.linear()).T
