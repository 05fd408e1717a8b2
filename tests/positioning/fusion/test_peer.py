"""Our tracker beside Stone Soup's, where both ought to say the same."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from benchmarks.fusion import Ours, followed, in_metres, scans
from positioning.acceptance.fusion import world_of
from positioning.fusion.scan import OUTLINE, Pose, Scan, radar_scan

pytestmark = pytest.mark.positioning

WALKERS = (((14.0, 4.0), (0.4, -1.2)), ((24.0, -5.0), (-0.8, 1.0)))
POSE = Pose(2.0, -1.0, 0.3, 3.0, 0.9)  # turned, and on its way


def _places(time_s: float) -> np.ndarray:
    return np.array([np.array(start) + np.multiply(speed, time_s) for start, speed in WALKERS])


def _scans(seconds: float) -> list[Scan]:
    """Two people on foot, whom a radar on a turned, moving carrier detects in every scan."""
    rng, found = np.random.default_rng(2), []
    for time in np.arange(0.0, seconds, 0.05):
        pose = replace(POSE, x_m=POSE.x_m + time * POSE.vx_mps, y_m=POSE.y_m + time * POSE.vy_mps)
        to = _places(time) - [pose.x_m, pose.y_m]
        r = np.hypot(*to.T)
        drift = np.array([speed for _, speed in WALKERS]) - [pose.vx_mps, pose.vy_mps]
        azimuth = np.arctan2(to[:, 1], to[:, 0]) - pose.yaw_rad
        polar = np.stack([r - 0.25, azimuth, (drift * to).sum(1) / r], axis=1)
        scan = radar_scan(time, pose, polar + rng.normal(0, [0.05, 0.005, 0.05], (2, 3)))
        found.append(replace(scan, label=np.full(2, 2)))
    return found


def test_on_a_plain_scene_both_say_the_same() -> None:
    pytest.importorskip("stonesoup", reason="Stone Soup is the peer: pip install stonesoup")
    from benchmarks.stone_soup import Peer

    ours, theirs = Ours(), Peer()
    for scan in _scans(3.0):
        ours.step(scan)
        theirs.step(scan)
    truth = _places(3.0)
    for tracks in (ours.places(3.0), theirs.places(3.0)):
        assert len(tracks) == 2
        apart = np.linalg.norm(tracks[:, None] - truth, axis=-1)
        assert apart.min(0).max() < 0.35
    both = np.linalg.norm(ours.places(3.0)[:, None] - theirs.places(3.0), axis=-1)
    assert both.min(0).max() < 0.25


def test_in_metres_a_box_keeps_its_place_and_a_radar_all() -> None:
    heard = scans(world_of("clear", 31, 1.0), "clear", 31)
    plain = [in_metres(scan) for scan in heard]
    for before, after in zip(heard, plain, strict=True):
        assert len(after) == len(before)
        if before.z.shape[1] == OUTLINE:
            middle = (before.z[:, 1] + before.z[:, 2]) / 2
            np.testing.assert_allclose(after.z[:, 1], middle)
            assert (np.linalg.eigvalsh(after.covariance) > 0).all()
        else:
            assert after is before
    assert {scan.z.shape[1] for scan in heard} == {3, 4}


def test_a_drive_is_judged_alike_for_the_same_tracks() -> None:
    """Whoever tells the truth has no error, whoever tells nothing misses all."""
    world = world_of("clear", 31, 2.0)
    heard = scans(world, "clear", 31)

    class Knows:
        def step(self, scan: Scan) -> None:
            pass

        def places(self, time_s: float) -> np.ndarray:
            return world.truth(time_s).centre_m[:, :2]

    class Silent(Knows):
        def places(self, time_s: float) -> np.ndarray:
            return np.zeros((0, 2))

    assert followed(world, heard, Knows())["gospa"] == 0.0
    silent = followed(world, heard, Silent())
    assert silent["gospa"] > 2.0 and not silent["squares"]
