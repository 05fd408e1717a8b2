"""Bodies whose way is not known yet: what their outlines may be, and one that drives across."""

from __future__ import annotations

import numpy as np
import pytest

from common.types.detections import Detections
from positioning.fusion.body import MEDIAN
from positioning.fusion.observe import observe
from positioning.fusion.pipeline import Fusion, FusionSettings
from positioning.fusion.scan import FARTHEST_M, KINDS, Pose, camera_scan, depths
from positioning.video.camera import Camera

pytestmark = pytest.mark.positioning

CAR = np.array([[30.0, 0.0, 0.0, 0.0, 0.0, *MEDIAN[0]]])
HALF_M, TALL_M, SPEED_MPS = np.array([2.25, 0.9]), 1.5, 10.0


def _spread(speed_mps: float) -> np.ndarray:
    return np.diag([1e-6] * 2 + [speed_mps**2] * 2 + [1e-6] * 4)[None]


def test_an_outline_of_any_way_holds_both_an_end_and_a_flank() -> None:
    """The box turned by a quarter lies within two deviations; where the way is known it does not,
    and the middle of the outline is known all the same."""
    z, _, blur = (part[0] for part in observe(CAR, _spread(7.0), Pose(), 4))
    _, _, known = (part[0] for part in observe(CAR, _spread(0.01), Pose(), 4))
    length, width = 2 * np.exp(MEDIAN[0, :2])
    for across, along in ((width, length), (length, width)):
        depth = 30.0 - along / 2
        assert abs(z[0] - 1 / depth) < 2 * np.sqrt(blur[0, 0])
        assert abs(z[1] - across / 2 / depth) < 2 * np.sqrt(blur[1, 1])
    assert z[1] + z[2] == pytest.approx(0.0, abs=1e-9)
    middle = np.array([0.0, 0.5, 0.5, 0.0])
    assert middle @ blur @ middle < 0.01 * blur[1, 1]
    assert np.abs(known).max() < 1e-6


def _box(x: float, y: float, camera: Camera) -> np.ndarray:
    corners = [(x + a * HALF_M[1], y + b * HALF_M[0], c) for a in (-1, 1) for b in (-1, 1)
               for c in (0.0, TALL_M)]  # fmt: skip
    pixels = camera.project(np.array(corners))[0]
    return np.concatenate([pixels.min(0), pixels.max(0)])


@pytest.mark.parametrize("side", [1.0, -1.0])
def test_a_car_across_the_line_of_sight_is_one_track_that_goes_its_way(side: float) -> None:
    """From behind a corner, seen by both: reflections come from the flank that faces the radar."""
    camera, rng = Camera(), np.random.default_rng(31)
    settings = FusionSettings(aligns=False)
    fusion = Fusion(camera, lambda times: np.zeros((len(times), 5)), settings)
    for step in range(60):
        time = step / 60
        x, y = 25.0, side * (9.0 - SPEED_MPS * time)
        if step % 2:
            box = _box(x, y, camera) + rng.normal(0, 1.5, 4)
            found = np.ones(1, np.float32), np.zeros(1, np.int64)
            fusion.camera(time, Detections(box[None].astype(np.float32), *found, KINDS))
        elif step % 6 == 0:
            near = x - HALF_M[1]
            r = np.hypot(near, y)
            polar = np.array([[r, np.arctan2(y, near), -side * SPEED_MPS * y / r]])
            fusion.radar(time, polar + rng.normal(0, [0.1, 0.01, 0.1], (1, 3)))
        if step in (30, 45, 59):
            _, (state,) = fusion.tracks(time)
            assert np.hypot(state[0] - x, state[1] - y) < 1.5
            assert state[3] == pytest.approx(-side * SPEED_MPS, abs=2.5)


@pytest.mark.parametrize("sigma_rad", [0.1, 0.3])
def test_of_a_way_known_a_little_the_nearest_corner_is_as_near_as_it_is_told(
    sigma_rad: float,
) -> None:
    """A car that goes across, its way thrown a thousand times: whichever way it is turned, a corner
    comes nearer, which no derivative tells. Mean shift and variance to a factor of two."""
    going, spread = CAR.copy(), _spread(0.0)
    going[0, 2:4] = 0.0, -8.0
    straight = observe(going, spread, Pose(), 4)[0][0, 0]
    spread[0, 2, 2] = (8.0 * sigma_rad) ** 2
    z, rows, blur = (part[0] for part in observe(going, spread, Pose(), 4))
    stated = (rows @ spread[0] @ rows.T + blur)[0, 0]
    turn = np.random.default_rng(1).normal(0, sigma_rad, 1000)
    thrown = np.repeat(going, 1000, axis=0)
    thrown[:, 2:4] = 8.0 * np.stack([np.sin(turn), -np.cos(turn)], axis=1)
    seen = observe(thrown, np.tile(_spread(0.0), (1000, 1, 1)), Pose(), 4)[0][:, 0]
    assert 0.5 < (z[0] - straight) / (seen.mean() - straight) < 2.0
    assert 0.5 < np.mean((seen - z[0]) ** 2) / stated < 2.0


def test_what_stands_far_is_not_taken_for_something_near() -> None:
    """A nod of five milliradians at 95 m is a third of the distance, and yet the lower edge lies
    four deviations above that of a body at 42 m."""
    camera = Camera()
    far, near = (
        camera_scan(0.0, Pose(), _found(_box(x + HALF_M[1], 0.0, camera)), camera)
        for x in (95.0, 42.0)
    )
    off, spread = far.z[0, 0] - near.z[0, 0], np.sqrt(far.covariance[0, 0, 0])
    assert far.z[0, 0] == pytest.approx(1 / 95.0, rel=1e-3)
    assert spread == pytest.approx(np.sqrt(near.covariance[0, 0, 0]), rel=0.02)
    assert abs(off) > 3.5 * spread
    metres, variance = (value[0] for value in depths(far))
    assert metres == pytest.approx(95.0, rel=1e-3) and np.sqrt(variance) > 25.0


def test_a_lower_edge_above_the_horizon_is_of_something_far_away() -> None:
    camera = Camera()
    horizon = camera.project(np.array([1e6, 0.0, 0.0]))[0][1]
    box = np.array([950.0, horizon - 60, 970.0, horizon - 3])
    scan = camera_scan(0.0, Pose(), _found(box), camera)
    assert scan.z[0, 0] < 0
    assert depths(scan)[0][0] == FARTHEST_M


def _found(box: np.ndarray) -> Detections:
    return Detections(
        box[None].astype(np.float32), np.ones(1, np.float32), np.zeros(1, np.int64), KINDS
    )
