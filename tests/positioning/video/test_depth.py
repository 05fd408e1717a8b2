"""Distances by the ground plane against the projection they invert."""

from __future__ import annotations

import numpy as np
import pytest

from positioning.video.camera import Camera
from positioning.video.depth import distance_m

pytestmark = pytest.mark.positioning


def boxes_at(camera: Camera, places_m: np.ndarray, up_m: float = 0.0) -> np.ndarray:
    """Boxes whose lower edges are where points of that height are seen."""
    foot, _ = camera.project(np.column_stack([places_m, np.full(len(places_m), up_m)]))
    return np.column_stack([foot[:, 0] - 10, foot[:, 1] - 60, foot[:, 0] + 10, foot[:, 1]])


def test_it_inverts_the_projection() -> None:
    camera = Camera(yaw_rad=0.1)
    places = np.array([[8.0, 0.5], [20.0, -4.0], [45.0, 6.0]])
    told, _ = distance_m(camera, boxes_at(camera, places))
    np.testing.assert_allclose(told, np.hypot(*places.T), rtol=1e-6)


def test_an_edge_that_is_off_costs_what_is_stated() -> None:
    camera, places = Camera(), np.array([[10.0, 0.0], [30.0, 0.0]])
    boxes = boxes_at(camera, places)
    told, spread = distance_m(camera, boxes)
    edge = np.array([0, 0, 0, np.hypot(2.5, 0.08 * 60)])
    moved = [distance_m(camera, boxes + sign * edge)[0] for sign in (1, -1)]
    nod = [distance_m(Camera(pitch_rad=camera.pitch_rad + s * 0.003), boxes)[0] for s in (1, -1)]
    both = np.hypot(*(np.abs(one - other) / 2 for one, other in (moved, nod)))
    np.testing.assert_allclose(told, places[:, 0])
    np.testing.assert_allclose(spread, both, rtol=0.15)


def test_what_stands_out_of_sight_has_no_distance() -> None:
    camera = Camera()
    above = np.array([[900.0, 100, 940, 300], [900, 900, 1000, 1080]])
    assert np.isnan(distance_m(camera, above)[0]).all()
