"""Camera geometry and the renderer's exact boxes."""

from __future__ import annotations

import numpy as np
import pytest

from positioning.video.camera import Camera

pytestmark = pytest.mark.positioning
pytest.importorskip("numba")

from positioning.sim.road.motion import Motion  # noqa: E402
from positioning.sim.road.shapes import shape  # noqa: E402
from positioning.sim.road.world import Actor, World  # noqa: E402
from positioning.sim.video.detections import Place, body_boxes, clear_share  # noqa: E402
from positioning.sim.video.footage import BONNET_M, apart_s  # noqa: E402
from positioning.sim.video.light import CONDITIONS  # noqa: E402
from positioning.sim.video.scene import VideoScene  # noqa: E402

SMALL = Camera(480, 270, 350.0)


def _world(*places: tuple[str, float, float]) -> World:
    rng = np.random.default_rng(0)
    actors = tuple(
        Actor(i, shape(kind, rng), Motion.straight((x, y), (0.0, 0.0)))  # type: ignore[arg-type]
        for i, (kind, x, y) in enumerate(places)
    )
    return World(Motion.straight((0.0, 0.0), (0.0, 0.0)), actors)


def test_ground_points_come_back() -> None:
    camera = Camera(yaw_rad=0.1, pitch_rad=0.05, mount_m=(0.5, -0.2, 1.7))
    rng = np.random.default_rng(3)
    ground = rng.uniform([5, -10], [80, 10], (50, 2))
    pixels, depth = camera.project(np.column_stack([ground, np.zeros(50)]))
    assert (depth > 0).all()
    np.testing.assert_allclose(camera.ground_m(pixels), ground, atol=1e-6)


def test_above_the_horizon_is_no_ground() -> None:
    assert np.isnan(Camera(pitch_rad=0.0).ground_m([960.0, 200.0])).all()


def test_a_camera_that_turns_left_sees_the_middle_move_right() -> None:
    point = [20.0, 0.0, 1.0]
    left, _ = Camera(yaw_rad=0.1).project(point)
    assert left[0] == pytest.approx(960 + 1400 * np.tan(0.1), abs=0.5)


def test_a_drive_is_judged_until_it_runs_into_somebody() -> None:
    car = _world(("car", 20.0, 0.3))
    ego = Motion.straight((0.0, 0.0), (10.0, 0.0))
    length = car.actors[0].shape.length_m
    touches_s = (20.0 - length / 2 - BONNET_M) / 10.0
    assert apart_s(World(ego, car.actors), 6.0) == pytest.approx(touches_s - 0.1, abs=0.11)
    assert apart_s(World(ego, car.actors), 1.0) == 1.0, "not that far"
    assert apart_s(World(ego, ()), 6.0) == 6.0
    beside = _world(("car", 20.0, 3.5))
    assert apart_s(World(ego, beside.actors), 6.0) == 6.0


def test_rendered_boxes_lie_within_the_projected_ones() -> None:
    world = _world(("car", 18.0, 2.0), ("pedestrian", 12.0, -2.0))
    _, found = VideoScene(world, SMALL, CONDITIONS["clear"], 1).render(0.0)
    drawn = body_boxes(world.truth(0.0), Place.of(world, 0.0), SMALL)
    assert found.visible.tolist() == [1.0, 1.0]
    for box, hull in zip(found.boxes_px, drawn, strict=True):
        assert hull is not None
        np.testing.assert_allclose(box, hull, atol=0.15 * (hull[3] - hull[1]) + 3)


def test_a_hidden_body_keeps_its_box_and_loses_its_pixels() -> None:
    alone = _world(("pedestrian", 30.0, 0.0))
    behind = _world(("pedestrian", 30.0, 0.0), ("truck", 12.0, 0.0))
    boxes = [VideoScene(w, SMALL, CONDITIONS["clear"], 1).render(0.0)[1] for w in (alone, behind)]
    np.testing.assert_array_equal(boxes[0].boxes_px[0], boxes[1].boxes_px[0])
    assert (boxes[0].visible[0], boxes[1].visible[0]) == (1.0, 0.0)
    share = clear_share(behind, behind.truth(0.0), Place.of(behind, 0.0), 1.5)
    assert share[0] == 0.0 and share[1] == 1.0


def test_same_time_same_pixels_and_night_is_dark() -> None:
    world = _world(("car", 18.0, 2.0))
    day, night = (VideoScene(world, SMALL, CONDITIONS[name], 1) for name in ("clear", "night"))
    first = day.render(0.5)[0]
    np.testing.assert_array_equal(first, day.render(0.5)[0])
    assert first.mean() > 2 * night.render(0.5)[0].mean()
