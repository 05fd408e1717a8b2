"""Distances by the ground plane against the projection they invert."""

from __future__ import annotations

import numpy as np
import pytest

from positioning.sim.road.motion import Motion
from positioning.sim.road.shapes import shape
from positioning.sim.road.world import Actor, World
from positioning.sim.video.light import CONDITIONS
from positioning.sim.video.scene import VideoScene
from positioning.video.camera import Camera
from positioning.video.depth import KINDS, OVERHANG_M, UNSURE, Kind, distance_m

pytestmark = pytest.mark.positioning


CAR, VAN, LORRY, CYCLIST, PEDESTRIAN = KINDS


def box_of(
    camera: Camera, kind: Kind, at_m: tuple[float, float], yaw: float = 0.0, tall_m: float = 0.0
) -> tuple[np.ndarray, float]:
    """The box (1, 4) of a prism whose wheels stand an overhang within its ends, and the distance
    to its nearest point."""
    wide, tall = kind.wide_m or 0.5, tall_m or kind.tall_m
    over = OVERHANG_M[kind.label]
    side = np.array([kind.long_m, wide]) / 2 * [[1, 1], [1, -1], [-1, -1], [-1, 1]]
    turn = np.array([[np.cos(yaw), np.sin(yaw)], [-np.sin(yaw), np.cos(yaw)]])
    corner = side @ turn + at_m
    wheel = (side - np.sign(side) * [over, 0.0]) @ turn + at_m
    upper, _ = camera.project(np.column_stack([corner, np.full(4, tall)]))
    lower, _ = camera.project(np.column_stack([wheel, np.zeros(4)]))
    every = np.concatenate([upper, lower])
    beyond = np.maximum(np.abs(turn @ -np.array(at_m)) - [kind.long_m / 2, wide / 2], 0.0)
    return np.concatenate([every.min(0), every.max(0)])[None], float(np.hypot(*beyond))


def told(camera: Camera, kind: Kind, at_m: tuple[float, float], **body: float) -> tuple[float, ...]:
    """Distance, its deviation and the truth."""
    box, near = box_of(camera, kind, at_m, **body)
    distance, spread = distance_m(camera, box, np.array([kind.label]))
    return float(distance[0]), float(spread[0]), near


@pytest.mark.parametrize("kind", KINDS, ids=["car", "van", "lorry", "cyclist", "pedestrian"])
@pytest.mark.parametrize("at_m", [(14.0, -1.0), (22.0, 3.5), (45.0, -3.0)])
def test_usual_bodies_are_placed(kind: Kind, at_m: tuple[float, float]) -> None:
    distance, spread, near = told(Camera(), kind, at_m)
    assert abs(distance - near) < 0.1 * near
    assert abs(distance - near) < 2 * spread


def test_a_camera_that_is_turned_tells_the_same() -> None:
    at_m = (22.0, 6.0)
    straight, _, near = told(Camera(), CAR, at_m)
    turned, _, _ = told(Camera(yaw_rad=0.25), CAR, at_m)
    assert straight == pytest.approx(turned, rel=0.03)
    assert turned == pytest.approx(near, rel=0.06)


def test_a_far_lorry_is_not_a_near_car() -> None:
    """Its height alone is that of a car at half its distance."""
    distance, _, near = told(Camera(), LORRY, (55.0, -3.5))
    by_car = near * CAR.tall_m / LORRY.tall_m
    assert abs(distance - near) < 0.2 * abs(by_car - near)


def test_a_car_that_crosses_is_not_a_near_lorry() -> None:
    distance, _, near = told(Camera(), CAR, (35.0, 1.0), yaw=np.pi / 2)
    assert abs(distance - near) < 0.1 * near


def test_a_body_of_another_height_is_still_placed_by_its_foot_when_near() -> None:
    off = []
    for far in (8.0, 50.0):
        distance, spread, near = told(Camera(), PEDESTRIAN, (far, 0.0), tall_m=1.45)
        assert abs(distance - near) < 3 * spread
        off.append(abs(distance - near) / near)
    assert off[0] < 0.08 < off[1] < 0.22  # 0.21: by its size alone


def test_size_helps_where_the_camera_nods() -> None:
    camera = Camera()
    nods = Camera(pitch_rad=camera.pitch_rad + 0.006)
    box, near = box_of(nods, CYCLIST, (50.0, -5.0))
    by_foot = np.hypot(*camera.ground_m(np.array([[box[0, [0, 2]].mean(), box[0, 3]]]))[0])
    distance, spread = distance_m(camera, box, np.array([1]))
    assert abs(distance[0] - near) < 0.8 * abs(by_foot - OVERHANG_M[1] - near)
    assert abs(distance[0] - near) < 2 * spread[0]


def test_a_car_that_the_pictures_side_cuts_comes_nearer_than_its_foot() -> None:
    camera, aside, ends = Camera(), 3.2, 6.0  # of its flank, and where its far end is
    begins = aside / (960 / 1400)  # to be seen
    shown = np.array([[begins, aside, 0.0], [ends, aside, 0.0], [begins, aside, CAR.tall_m]])
    foot, far, top = camera.project(shown)[0]
    cut = np.array([[0.0, top[1], far[0], foot[1]]])
    near = np.hypot(aside, ends - CAR.long_m)
    (distance,), (spread,) = distance_m(camera, cut, np.zeros(1, np.int64))
    assert abs(distance - near) < min(0.15 * near, 2 * spread)
    assert np.hypot(begins, aside) > 1.4 * near


@pytest.mark.parametrize("seed", range(4))
def test_rendered_cars_stand_where_their_wheels_do_not(seed: int) -> None:
    camera = Camera()
    body = Actor(0, shape("car", np.random.default_rng(seed)), Motion.straight((14.0, 0), (0, 0)))
    world = World(Motion.straight((0.0, 0.0), (0.0, 0.0)), (body,))
    _, boxes = VideoScene(world, camera, CONDITIONS["clear"], seed).render(0.0)
    distance, spread = distance_m(camera, boxes.boxes_px, boxes.label)
    nearest = 14.0 - body.shape.length_m / 2
    assert abs(distance[0] - nearest) < min(2 * spread[0], 0.08 * nearest)


def test_what_is_near_has_the_deviation_of_its_foot() -> None:
    camera = Camera()
    for far in (6.0, 9.0):
        box, _ = box_of(camera, PEDESTRIAN, (far, 0.0))
        edge = np.array([0.0, 0.0, 0.0, np.hypot(2.5, 0.08 * (box[0, 3] - box[0, 1]))])
        feet = [np.stack([b[:, [0, 2]].mean(1), b[:, 3]], 1) for b in (box + edge, box - edge)]
        near, beyond = (np.hypot(*camera.ground_m(foot)[0]) for foot in feet)
        _, spread = distance_m(camera, box, np.array([2]))
        assert 0.6 < spread[0] / np.hypot((beyond - near) / 2, UNSURE * OVERHANG_M[2]) < 1.1


def test_what_stands_out_of_sight_has_no_distance() -> None:
    camera = Camera()
    above = np.array([[900.0, 100, 940, 300], [900, 900, 1000, 1080], [600, 600, 1000, 1060]])
    assert np.isnan(distance_m(camera, above, np.zeros(3, np.int64))[0]).all()
