"""Two tracks of one body, one by radar alone and one by camera alone, become one."""

from __future__ import annotations

import numpy as np
import pytest

from positioning.fusion.body import UNKNOWN, VEHICLE
from positioning.fusion.halves import halves, joined
from positioning.fusion.imm import Mixture
from positioning.fusion.scan import Pose
from positioning.fusion.tracks import Tracks

pytestmark = pytest.mark.positioning

POSE = Pose(1.0, -1.0, 0.2, 4.0, 0.8)
NOW_S, NEVER = 10.0, -np.inf


def _tracks(
    places: list[tuple[float, float]], seen: list[tuple[float, float]], speed: tuple[float, float]
) -> Tracks:
    """Bodies with the same velocity; whoever a camera has seen is a vehicle."""
    n = len(places)
    mean = np.zeros((n, 2, 8))
    mean[..., :2], mean[..., 2:4] = np.array(places)[:, None], speed
    covariance = np.diag([0.5, 0.3, 0.5, 0.5, 0.1, 0.1, 0.1, 0.1])
    mixture = Mixture(mean, np.tile(covariance, (n, 2, 1, 1)), np.tile([0.5, 0.5], (n, 1)))
    empty = Tracks.none(NOW_S)
    found = empty.born(
        mixture, np.arange(n), np.full(n, 0.95), 0.75, np.eye(4)[[UNKNOWN] * n], by_camera=False
    )
    found.seen_s[:] = seen
    optical = np.isfinite(found.seen_s[:, 1])
    found.votes[optical] = 2 * np.eye(4)[VEHICLE]
    found.real[optical] = 0.99
    return found


RADAR, CAMERA, BOTH = (NOW_S, NEVER), (NEVER, NOW_S), (NOW_S, NOW_S)
LINE = [(50.0, -1.0), (41.0, -1.0)]  # in one line from the sensor


def test_a_body_is_placed_by_the_radar_and_named_by_the_camera() -> None:
    tracks = _tracks(LINE, [RADAR, CAMERA], (4.0, 0.8))
    one = joined(tracks, POSE)
    assert len(one) == 1
    mean, covariance = one.mixture.merged()
    np.testing.assert_allclose(mean[0, :2], LINE[0], atol=1e-6)
    assert one.kind.tolist() == [VEHICLE]
    assert one.real[0] == 0.99
    assert one.seen_s[0].tolist() == [NOW_S, NOW_S]
    assert (np.linalg.eigvalsh(covariance[0]) > 0).all()


@pytest.mark.parametrize(
    "seen", [[BOTH, CAMERA], [RADAR, BOTH], [RADAR, RADAR], [CAMERA, CAMERA], [RADAR, (9.0, 9.9)]]
)
def test_whom_both_sensors_see_is_no_half(seen: list[tuple[float, float]]) -> None:
    lately = [(a, b) if a != 9.0 else (9.9, b) for a, b in seen]
    assert halves(_tracks(LINE, lately, (4.0, 0.8)), POSE) == []


@pytest.mark.parametrize("other", [(41.0, 5.0), (18.0, -1.0)])
def test_another_line_or_far_another_distance_is_another_body(other: tuple[float, float]) -> None:
    assert halves(_tracks([LINE[0], other], [RADAR, CAMERA], (4.0, 0.8)), POSE) == []


def test_each_half_is_joined_once() -> None:
    tracks = _tracks([*LINE, (47.0, -1.0)], [RADAR, CAMERA, CAMERA], (4.0, 0.8))
    assert halves(tracks, POSE) == [(0, 2)]
    assert len(joined(tracks, POSE)) == 2
