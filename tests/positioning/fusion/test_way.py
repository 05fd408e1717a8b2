"""Bodies whose way is not known yet: what their outlines may be, and one that drives across."""

from __future__ import annotations

import numpy as np
import pytest

from common.types.detections import Detections
from positioning.fusion.body import MEDIAN
from positioning.fusion.observe import observe
from positioning.fusion.pipeline import Fusion, FusionSettings
from positioning.fusion.scan import KINDS, Pose
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
        assert abs(z[0] - depth) < 2 * np.sqrt(blur[0, 0])
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
