"""What is a body, what a mirror ghost, how far a camera sees, and who of two sensors is off."""

from __future__ import annotations

import numpy as np
import pytest

from positioning.fusion.agreement import Agreement
from positioning.fusion.body import overlap, size_m
from positioning.fusion.existence import CAMERA, REACHES_M, View, body, learned, missed, view
from positioning.fusion.ghosts import images
from positioning.fusion.scan import OUTLINE, Pose, Scan, radar_scan

pytestmark = pytest.mark.positioning


def _state(x: float, y: float, vx: float, vy: float = 0.0, half: float = 2.2) -> np.ndarray:
    return np.array([x, y, vx, vy, 0.0, np.log(half), np.log(0.9), np.log(1.5)])


def test_the_image_in_a_wall_is_the_one_farther_out() -> None:
    """A wall at y = 9 mirrors a car at y = 2 to y = 16; a car abreast of nobody is no image."""
    states = np.array([_state(30, 2, -8), _state(30, 16, -8), _state(45, -2, 9)])
    known, real = np.tile(0.1 * np.eye(8), (3, 1, 1)), np.array([0.75, 0.75, 0.75])
    assert images(states, known, real, Pose()).tolist() == [False, True, False]
    real = np.array([0.3, 0.95, 0.75])  # what a camera has seen is no image of what it has not
    assert images(states, known, real, Pose()).tolist() == [False, False, False]


@pytest.mark.parametrize(("off_mps", "image"), [(0.0, True), (4.0, False)])
def test_of_an_image_that_crosses_the_line_of_sight_the_range_rate_is_enough(
    off_mps: float, image: bool
) -> None:
    """A wall at y = 8 mirrors a car that drives away to the right at 10 m/s from y = -20 to y = 36.
    Of the image the velocity is known towards the radar alone, where the mirror makes 7.7 m/s."""
    far = _state(30, 36, 0, 0)
    line = far[:2] / np.hypot(*far[:2])
    far[2:4] = (10.0 * line[1] + off_mps) * line
    loose = 0.1 * np.eye(8)
    loose[2:4, 2:4] += 49 * (np.eye(2) - np.outer(line, line))
    states = np.array([_state(30, -20, 0, -10), far])
    covariance = np.stack([0.1 * np.eye(8), loose])
    assert images(states, covariance, np.full(2, 0.75), Pose()).tolist() == [False, image]


def test_what_a_camera_ought_to_see_and_does_not_is_no_body() -> None:
    seen = View(np.array([0.8, 0.8]), np.array([True, False]), np.full(2, 20.0))
    real = np.array([0.75, 0.75])
    for _ in range(45):
        real = body(real, seen, np.zeros(2, bool))
    assert real[0] < 0.1 and real[1] == 0.75  # the second stands behind somebody
    assert body(np.array([0.3, 0.3]), seen, np.ones(2, bool))[0] > 0.7


@pytest.mark.parametrize("true_m", [35.0, 55.0])
def test_how_far_a_camera_sees_is_learned_from_hits_and_misses(true_m: float) -> None:
    rng = np.random.default_rng(1)
    reach, distance = np.full(len(REACHES_M), 1 / len(REACHES_M)), np.array([15.0, 30, 45, 60, 75])
    seen = View(np.zeros(5), np.ones(5, bool), distance)
    chance = CAMERA.detection / (1 + np.exp((distance - true_m) / 6))
    for _ in range(150):
        hit = rng.uniform(size=5) < chance
        reach = learned(reach, seen, hit, np.full(5, 0.95), CAMERA)
    assert reach.sum() == pytest.approx(1.0)
    assert reach @ REACHES_M == pytest.approx(true_m, abs=8.0)


def test_a_body_behind_another_is_not_expected_and_one_beside_it_is() -> None:
    states = np.array([_state(12, 0, 8), _state(30, 0, 8), _state(30, 8, 8)])
    flat = np.full(len(REACHES_M), 1 / len(REACHES_M))
    seen = view(states, np.ones(3, bool), Pose(), CAMERA, flat)
    assert seen.open.tolist() == [True, False, True]
    assert seen.chance[1] < 0.2 < seen.chance[2]
    ghost_before = view(states, np.array([False, True, True]), Pose(), CAMERA, flat)
    assert ghost_before.open.all()
    assert (missed(np.full(3, 0.9), seen.chance) < 0.9).all()


def test_boxes_overlap_along_their_way_and_not_beside_it() -> None:
    states = np.array([_state(20, 0, 8), _state(22, 0, 8), _state(20, 3.5, 8)])
    np.testing.assert_allclose(size_m(states)[0], [2.2, 0.9, 1.5])
    inside = overlap(states, 0.0)
    assert inside[0, 1] and inside[1, 0] and not inside[0, 2]


def _camera(time_s: float, distance: np.ndarray, azimuth: np.ndarray) -> Scan:
    n = len(distance)
    tall = np.log(1.7 / (distance * np.cos(azimuth)))
    inverse = 1 / (distance * np.cos(azimuth))
    z = np.column_stack([inverse, azimuth + 0.02, azimuth - 0.02, tall])
    covariance = np.tile(np.diag([0.0, 1e-5, 1e-5, 1e-3]), (n, 1, 1))
    covariance[:, 0, 0] = inverse**4  # a metre
    return Scan("camera", time_s, Pose(), z, covariance, np.zeros(n, np.int64), np.ones(n))


@pytest.mark.parametrize(
    ("lies_m", "turned_rad", "radar", "camera"),
    [(0.0, 0.0, False, False), (5.0, 0.0, True, False), (0.0, 0.09, False, True)],
)
def test_the_sensor_that_is_off_is_named(
    lies_m: float, turned_rad: float, radar: bool, camera: bool
) -> None:
    rng, agreement = np.random.default_rng(2), Agreement()
    distance, azimuth = np.array([12.0, 22.0, 33.0]), np.array([-0.3, 0.05, 0.3])
    for step in range(60):
        time = 0.05 * step
        polar = np.column_stack([distance + lies_m, azimuth, np.zeros(3)])
        agreement.radar(radar_scan(time, Pose(), polar + rng.normal(0, [0.2, 0.01, 0.1], (3, 3))))
        blur = rng.normal(0, 0.8, 3)
        agreement.camera(_camera(time + 0.01, distance + blur, azimuth + turned_rad))
    assert (agreement.radar_is_off, agreement.camera_is_off) == (radar, camera)
    assert _camera(0.0, distance, azimuth).z.shape == (3, OUTLINE)
