"""A camera that looks at the road world: pictures, and exact boxes with what is seen of them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from positioning.sim.road.world import World
from positioning.sim.video import bodies, raster
from positioning.sim.video.bodies import Faces
from positioning.sim.video.light import Condition, Sensor, irradiate, shade, through_lens
from positioning.video.camera import Camera

CLASSES = ("vehicle", "cyclist", "pedestrian")
CLASS_OF = {"cyclist": 1, "pedestrian": 2}  # the others are vehicles


@dataclass(frozen=True, slots=True, eq=False)
class Boxes:
    """What there is to be found. number (N,): the actor; label (N,) index into CLASSES;
    boxes_px (N, 4) float32: tight around the whole body within the picture, hidden parts too;
    visible (N,): seen pixels over pixels within the picture if nothing stood before it.
    """

    number: NDArray[np.int64]
    label: NDArray[np.int64]
    boxes_px: NDArray[np.float32]
    visible: NDArray[np.float64]


class VideoScene:
    """A world with the colours and roadside things that a seed gives it, seen by one camera."""

    def __init__(self, world: World, camera: Camera, condition: Condition, seed: int) -> None:
        self.world, self.camera, self.condition, self._seed = world, camera, condition, seed
        self._still = _surroundings(world, seed)
        self._sensor = Sensor(camera.height_px, camera.width_px, seed)

    def render(self, time_s: float) -> tuple[NDArray[np.uint8], Boxes]:
        """(H, W, 3) BGR at a time, and its boxes; the same time gives the same pixels."""
        rng = np.random.default_rng([self._seed, 7, round(time_s * 1e6)])
        camera, n = self.camera, len(self.world.actors)
        shape = camera.height_px, camera.width_px
        colour, depth = np.empty((*shape, 3), np.float32), np.empty(shape, np.float32)
        who, stamp = np.full(shape, -1, np.int32), np.full(shape, -1, np.int32)
        to_world, eye = self._pose(time_s)
        raster.paint_ground(to_world, eye, camera.focal_px, colour, depth)
        faces = Faces.join([self._still, *self._bodies(time_s)])
        seen = (faces.corners_m - eye) @ to_world
        lit = (
            faces.colour
            * np.where(
                faces.texture == raster.GLOW, np.float32(1), shade(_normals(faces), self.condition)
            )[:, None]
        )
        alone, boxes = (
            np.zeros(n, np.int32),
            np.tile(np.array([2**30, 2**30, -1, -1], np.int32), (n, 1)),
        )
        raster.paint_quads(
            seen, lit.astype(np.float32), faces.texture, faces.owner, camera.focal_px,
            colour, depth, who, stamp, alone, boxes,
        )  # fmt: skip
        radiance = irradiate(colour, depth, camera.focal_px, self.condition)
        picture = through_lens(radiance, self.condition, rng)
        return self._sensor.expose(picture, self.condition, rng), self._boxes(who, alone, boxes)

    def _pose(self, time_s: float) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Optical frame to world, and where the camera hangs."""
        yaw = float(self.world.ego.heading_rad(time_s))
        cos, sin = np.cos(yaw), np.sin(yaw)
        turn = np.array([[cos, -sin, 0.0], [sin, cos, 0.0], [0.0, 0.0, 1.0]])
        at = np.append(self.world.ego.position_m(time_s), 0.0)
        return turn @ self.camera.rotation.T, at + turn @ np.array(self.camera.mount_m)

    def _bodies(self, time_s: float) -> list[Faces]:
        made = []
        truth = self.world.truth(time_s)
        for i, actor in enumerate(self.world.actors):
            look = np.random.default_rng([self._seed, 5, actor.number])
            pace = np.hypot(*truth.velocity_mps[i]) > 0.1
            stride = np.sin(2 * np.pi * actor.shape.gait_hz * time_s + look.uniform(0, 6)) * pace
            faces = bodies.body(actor.shape, look, float(stride))
            made.append(faces.placed(truth.centre_m[i], float(truth.yaw_rad[i]), i))
        return made

    def _boxes(
        self, who: NDArray[np.int32], alone: NDArray[np.int32], boxes: NDArray[np.int32]
    ) -> Boxes:
        n = len(alone)
        there = alone > 0
        seen = np.bincount(who[who >= 0], minlength=n)[:n]
        labels = np.array([CLASS_OF.get(a.shape.kind, 0) for a in self.world.actors], np.int64)
        numbers = np.array([a.number for a in self.world.actors], np.int64)
        share = np.minimum(seen / np.maximum(alone, 1), 1.0)
        tight = boxes[there].astype(np.float32)
        return Boxes(numbers[there], labels[there], tight, share[there])


def _normals(faces: Faces) -> NDArray[np.float64]:
    corners = faces.corners_m
    normal = np.cross(corners[:, 1] - corners[:, 0], corners[:, 3] - corners[:, 0])
    unit: NDArray[np.float64] = normal / np.maximum(np.linalg.norm(normal, axis=1), 1e-9)[:, None]
    return unit


def _surroundings(world: World, seed: int) -> Faces:
    """Walls and poles of the world, with trees and bins where nothing else stands."""
    rng = np.random.default_rng([seed, 3])
    parts = []
    for one in world.walls:
        grey = tuple(float(c) for c in rng.uniform(0.25, 0.7) * np.array([0.92, 0.97, 1.0]))
        parts.append(bodies.wall(one.start_m, one.end_m, one.height_m, grey, one.is_opaque))  # type: ignore[arg-type]
    for at in world.furniture.position_m[world.furniture.position_m[:, 2] > 0.5]:
        parts.append(bodies.pole(at, 5.5))
    for x in np.arange(12.0, 140.0, 11.0) + rng.uniform(-4, 4, 12):
        side = rng.choice([-1.0, 1.0]) * rng.uniform(6.6, 7.2)
        at = np.array([x, side])
        if rng.uniform() < 0.5:
            parts.append(bodies.tree(at, rng.uniform(3.5, 6.0)))
        else:
            parts.append(bodies.bin_(at, bodies.pick(bodies.PAINTS, rng)))
    return Faces.join(parts)
