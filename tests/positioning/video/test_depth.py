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
from positioning.video.depth import OVERHANG_M, TALL_M, UNSURE, distance_m

pytestmark = pytest.mark.positioning


def boxes_at(camera: Camera, places_m: np.ndarray, tall_m: np.ndarray) -> np.ndarray:
    """Boxes of flat bodies that stand there."""
    foot, _ = camera.project(np.column_stack([places_m, np.zeros(len(places_m))]))
    top, _ = camera.project(np.column_stack([places_m, tall_m]))
    return np.column_stack([foot[:, 0] - 10, top[:, 1], foot[:, 0] + 10, foot[:, 1]])


PLACES_M, LABELS = np.array([[8.0, 0.5], [20.0, -4.0], [45.0, 6.0]]), np.array([0, 1, 2])


def test_it_inverts_the_projection() -> None:
    camera = Camera(yaw_rad=0.1)
    told, _ = distance_m(camera, boxes_at(camera, PLACES_M, TALL_M[LABELS]), LABELS)
    true = np.hypot(*PLACES_M.T)
    np.testing.assert_allclose(told + OVERHANG_M[LABELS], true, rtol=3e-3)  # the camera looks down


def test_a_body_of_another_height_is_still_placed_by_its_foot_when_near() -> None:
    camera = Camera()
    near, far = np.array([[10.0, 0.0]]), np.array([[50.0, 0.0]])
    off = []
    for place in (near, far):
        told, _ = distance_m(camera, boxes_at(camera, place, np.array([1.45])), LABELS[:1])
        off.append(abs(told[0] + OVERHANG_M[0] - place[0, 0]) / place[0, 0])
    assert off[0] < 0.05 and off[0] < off[1] < 0.35  # 0.31: by its size alone


def test_size_helps_where_the_camera_nods() -> None:
    camera = Camera()
    nods = Camera(pitch_rad=camera.pitch_rad + 0.006)
    box = boxes_at(nods, np.array([[50.0, -5.0]]), TALL_M[1:2])
    by_foot = np.hypot(*camera.ground_m(np.array([[box[0, [0, 2]].mean(), box[0, 3]]]))[0])
    told, spread = distance_m(camera, box, LABELS[1:2])
    true = np.hypot(50.0, 5.0)
    assert abs(told[0] + OVERHANG_M[1] - true) < 0.8 * abs(by_foot - true)
    assert abs(told[0] - true) < 2 * spread[0]


def test_a_rendered_car_stands_where_its_wheels_do_not() -> None:
    camera = Camera()
    body = Actor(0, shape("car", np.random.default_rng(3)), Motion.straight((14.0, 0.0), (0, 0)))
    world = World(Motion.straight((0.0, 0.0), (0.0, 0.0)), (body,))
    _, boxes = VideoScene(world, camera, CONDITIONS["clear"], 3).render(0.0)
    told, spread = distance_m(camera, boxes.boxes_px, boxes.label)
    nearest = 14.0 - body.shape.length_m / 2
    assert abs(told[0] - nearest) < 0.3 < spread[0]


def test_what_is_near_has_the_deviation_of_its_foot() -> None:
    camera, places = Camera(), np.array([[8.0, 0.0], [14.0, 0.0]])
    labels = np.zeros(2, np.int64)
    boxes = boxes_at(camera, places, TALL_M[labels])
    high = boxes[:, 3] - boxes[:, 1]
    edge = np.zeros((2, 4))
    edge[:, 3] = np.hypot(2.5, 0.08 * high)
    feet = [np.stack([boxes[:, [0, 2]].mean(1), (boxes + s * edge)[:, 3]], 1) for s in (1, -1)]
    moved = [np.hypot(*camera.ground_m(foot).T) for foot in feet]
    by_foot = np.hypot(np.abs(moved[0] - moved[1]) / 2, UNSURE * OVERHANG_M[0])
    _, spread = distance_m(camera, boxes, labels)
    assert (spread < 1.1 * by_foot).all() and (spread > 0.8 * by_foot).all()


def test_what_stands_out_of_sight_has_no_distance() -> None:
    camera = Camera()
    above = np.array([[900.0, 100, 940, 300], [900, 900, 1000, 1080], [600, 600, 1000, 1060]])
    assert np.isnan(distance_m(camera, above, np.zeros(3, np.int64))[0]).all()
