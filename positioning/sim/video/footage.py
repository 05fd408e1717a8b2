"""Footage of seeded drives with the truth that a detector and a tracker are judged by."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from positioning.sim.road import scenario
from positioning.sim.road.world import World, turned
from positioning.sim.video.light import CONDITIONS
from positioning.sim.video.scene import Boxes, VideoScene
from positioning.video.camera import Camera
from positioning.video.precision import Truth

SEEN = 0.3  # visible share of a body that is to be found
LEAST_LINES = 20 / 1080  # its least height, of the picture's
BONNET_M = 1.0  # before the camera; what comes nearer has been run into
STEP_S = 0.1


def world_of(condition: str, seed: int, seconds: float) -> World:
    """A street, or for occlusion a crossing or junction by turns."""
    if condition == "occlusion":
        make = scenario.crossing if seed % 2 else scenario.junction
        return make(seed, seconds=seconds)
    return scenario.street(seed, vehicles=6, seconds=seconds)


def scene_of(condition: str, seed: int, seconds: float, camera: Camera) -> VideoScene:
    """A drive filmed in clear, rain, night or occlusion."""
    light = CONDITIONS["clear" if condition == "occlusion" else condition]
    return VideoScene(world_of(condition, seed, seconds), camera, light, seed)


def filmed(
    scene: VideoScene, times_s: Sequence[float]
) -> Iterator[tuple[float, NDArray[np.uint8], Truth]]:
    """Time, picture and truth, one after the other."""
    for time_s in times_s:
        picture, boxes = scene.render(time_s)
        yield time_s, picture, truth_of(boxes, picture.shape[0])


def truth_of(boxes: Boxes, height_px: int) -> Truth:
    """What counts is a body three tenths in sight and 20 lines of 1080 high or higher."""
    tall = boxes.boxes_px[:, 3] - boxes.boxes_px[:, 1] >= LEAST_LINES * height_px
    return Truth(boxes.number, boxes.label, boxes.boxes_px, tall & (boxes.visible >= SEEN))


def apart_s(world: World, seconds: float) -> float:
    """How long the carrier drives on before it runs into somebody, which keeps no scenario from
    going on: what its camera would see from inside a body is no picture to judge by."""
    for time_s in np.arange(0.0, seconds, STEP_S).tolist():
        if min(near_m(world, time_s).values(), default=np.inf) < BONNET_M:
            return float(max(time_s - STEP_S, 0.0))
    return seconds


def near_m(world: World, time_s: float) -> dict[int, float]:
    """Distance over the ground from the carrier to the nearest point of each body, by number."""
    truth, place = world.truth(time_s), world.ego.position_m(time_s)
    apart = turned(place - truth.centre_m[:, :2], -truth.yaw_rad)
    beyond = np.maximum(np.abs(apart) - truth.size_m[:, :2] / 2, 0.0)
    return dict(zip(truth.number.tolist(), np.hypot(*beyond.T).tolist(), strict=True))
