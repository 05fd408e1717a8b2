"""The road at a time: who is where, what stands beside it, and what hides what.

World frame: x and y over the ground, z up, metres; yaw counter-clockwise from x.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from positioning.sim.road.motion import Motion
from positioning.sim.road.shapes import Kind, Shape

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Actor:
    """A road user: `number` is its identity through the whole scenario."""

    number: int
    shape: Shape
    motion: Motion


@dataclass(frozen=True, slots=True, eq=False)
class Wall:
    """A vertical plane from `start_m` to `end_m` on the ground: a facade, a guard rail.

    reflectivity: of the wave's power at a mirror bounce. is_opaque: hides what is behind it.
    """

    start_m: Floats
    end_m: Floats
    height_m: float
    reflectivity: float
    is_opaque: bool = True


@dataclass(frozen=True, slots=True, eq=False)
class Furniture:
    """N standing points: poles, posts, kerbs, rough ground. position_m (N, 3), rcs_m2 (N,)."""

    position_m: Floats
    rcs_m2: Floats


@dataclass(frozen=True, slots=True, eq=False)
class Truth:
    """All road users at one time: arrays over actors, world frame.

    number (A,) int64; kind: names; centre_m (A, 3), middle of the box; velocity_mps (A, 2);
    yaw_rad (A,); size_m (A, 3), length, width and height.
    """

    number: NDArray[np.int64]
    kind: tuple[Kind, ...]
    centre_m: Floats
    velocity_mps: Floats
    yaw_rad: Floats
    size_m: Floats


@dataclass(frozen=True, slots=True, eq=False)
class World:
    """A scenario. `ego` moves what carries the sensors; a still motion is a roadside unit."""

    ego: Motion
    actors: tuple[Actor, ...] = ()
    walls: tuple[Wall, ...] = ()
    furniture: Furniture = field(default_factory=lambda: Furniture(np.zeros((0, 3)), np.zeros(0)))
    duration_s: float = 10.0

    def truth(self, time_s: float) -> Truth:
        """Every actor at `time_s`, exactly."""
        size = [(a.shape.length_m, a.shape.width_m, a.shape.height_m) for a in self.actors]
        sizes = np.array(size, np.float64).reshape(-1, 3)
        ground = np.array([a.motion.position_m(time_s) for a in self.actors]).reshape(-1, 2)
        return Truth(
            np.array([a.number for a in self.actors], np.int64),
            tuple(a.shape.kind for a in self.actors),
            np.column_stack([ground, sizes[:, 2] / 2]),
            np.array([a.motion.velocity_mps(time_s) for a in self.actors]).reshape(-1, 2),
            np.array([a.motion.heading_rad(time_s) for a in self.actors]).reshape(-1),
            sizes,
        )


def turned(vectors: Floats, yaw_rad: float | Floats) -> Floats:
    """(..., 2 or 3) vectors turned counter-clockwise about z."""
    cos, sin = np.cos(yaw_rad), np.sin(yaw_rad)
    out = np.array(vectors, np.float64)
    out[..., 0] = cos * vectors[..., 0] - sin * vectors[..., 1]
    out[..., 1] = sin * vectors[..., 0] + cos * vectors[..., 1]
    return out


def corners_m(truth: Truth) -> Floats:
    """(A, 4, 2) corners of the boxes on the ground, counter-clockwise from the front left."""
    signs = np.array([(1, 1), (-1, 1), (-1, -1), (1, -1)], np.float64)
    half = signs[None] * truth.size_m[:, None, :2] / 2
    return truth.centre_m[:, None, :2] + turned(half, truth.yaw_rad[:, None])


def hidden(
    eye_m: Floats, points_m: Floats, segments_m: Floats, height_m: Floats
) -> NDArray[np.bool_]:
    """(N, S): whether the line from `eye_m` (3,) to each of (N, 3) points meets each vertical
    segment (S, 2, 2) below its height (S,).

    A segment that the point itself lies on (within a centimetre) does not hide it.
    """
    ray = points_m[:, None, :] - eye_m
    along = (segments_m[:, 1] - segments_m[:, 0])[None]
    to = segments_m[None, :, 0] - eye_m[:2]
    cross = ray[..., 0] * along[..., 1] - ray[..., 1] * along[..., 0]
    with np.errstate(divide="ignore", invalid="ignore"):
        where = (to[..., 0] * along[..., 1] - to[..., 1] * along[..., 0]) / cross
        part = (to[..., 0] * ray[..., 1] - to[..., 1] * ray[..., 0]) / cross
        low = eye_m[2] + where * ray[..., 2] < height_m
    before = where * np.linalg.norm(ray, axis=-1) < np.linalg.norm(ray, axis=-1) - 0.01
    met: NDArray[np.bool_] = (where > 0) & before & (part >= 0) & (part <= 1) & low
    return met
