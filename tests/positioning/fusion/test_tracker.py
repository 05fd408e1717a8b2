"""The filter, the tracker and the replay: identities and references."""

from __future__ import annotations

import numpy as np
import pytest

from positioning.fusion.imm import Mixture, predict, update
from positioning.fusion.motion import process_noise, switching, transition
from positioning.fusion.observe import observe
from positioning.fusion.replay import Replay
from positioning.fusion.scan import Pose, Scan, radar_scan
from positioning.fusion.tracker import Tracker
from positioning.fusion.tracks import Tracks

pytestmark = pytest.mark.positioning
SURE = 1e-8 * np.eye(8)[None]  # covariance of a state that is known


def test_jacobians_are_the_derivatives() -> None:
    rng = np.random.default_rng(1)
    state = rng.normal(0, 1, (1, 2, 8)) * [20, 20, 8, 8, 0.5, 0.3, 0.2, 0.3]
    state[..., 2:4] += 9.0
    _, jacobian = transition(state, 0.1)
    pose = Pose(1.0, -2.0, 0.3, 5.0, 1.0)
    flat = state[:, 0]
    for i in range(8):
        step = np.zeros(8)
        step[i] = 1e-5
        moved = (transition(state + step, 0.1)[0] - transition(state - step, 0.1)[0]) / 2e-5
        np.testing.assert_allclose(jacobian[..., i], moved, atol=0.1 if i == 5 else 0.03)
        after, before = (
            observe(flat + step, SURE, pose, 4)[0],
            observe(flat - step, SURE, pose, 4)[0],
        )
        seen = observe(flat, SURE, pose, 4)[1][..., i]
        np.testing.assert_allclose(seen, (after - before) / 2e-5, atol=1e-4)


def test_a_reflection_and_an_outline_agree_where_a_body_is_a_point() -> None:
    state = np.array([[20.0, 5.0, -8.0, 1.0, 0.0, -9.0, -9.0, 0.5]])
    pose = Pose(1.0, 2.0, 0.1)
    (r, azimuth, rate), _, blur = (part[0] for part in observe(state, SURE, pose, 3))
    inverse, left, right, tall = observe(state, SURE, pose, 4)[0][0]
    assert azimuth == pytest.approx(np.arctan2(3.0, 19.0) - 0.1, abs=1e-4)
    assert left == pytest.approx(azimuth, abs=1e-4) and right == pytest.approx(azimuth, abs=1e-4)
    assert 1 / inverse == pytest.approx(r * np.cos(azimuth), abs=1e-3)
    assert tall == pytest.approx(0.5 + np.log(inverse), abs=1e-4)
    assert rate == pytest.approx((19 * -8 + 3 * 1) / np.hypot(19, 3), abs=1e-3)
    assert np.abs(blur).max() < 1e-6


def test_a_reflection_comes_from_the_sides_that_face_the_radar() -> None:
    """Anywhere evenly on the rear of what is seen end on: variance of a uniform distribution."""
    state = np.array([[30.0, 0.0, 10.0, 0.0, 0.0, np.log(2.5), np.log(0.9), 0.5]])
    (r, azimuth, _), _, blur = (part[0] for part in observe(state, SURE, Pose(), 3))
    assert (r, azimuth) == (pytest.approx(27.5, abs=1e-3), pytest.approx(0.0, abs=1e-6))
    assert np.sqrt(blur[1, 1]) * r == pytest.approx(0.9 / np.sqrt(3), rel=1e-3)
    assert np.sqrt(blur[0, 0]) < 1e-2


def test_a_sensor_that_only_considers_the_size_does_not_change_it() -> None:
    prior = np.eye(8) + 0.5
    mixture = Mixture(np.zeros((1, 2, 8)), np.tile(prior, (1, 2, 1, 1)), np.array([[0.5, 0.5]]))
    jacobian = np.ones((1, 2, 1, 8))
    done = update(mixture, np.ones((1, 2, 1)), jacobian, np.ones((1, 1, 1, 1)), slice(5, 8))
    np.testing.assert_array_equal(done.mixture.mean[..., 5:], 0.0)
    assert (done.mixture.mean[..., :5] > 0).all()
    np.testing.assert_allclose(done.mixture.covariance[0, 0, 5:, 5:], prior[5:, 5:])
    assert (np.linalg.eigvalsh(done.mixture.covariance) > 0).all()


def test_noise_is_positive_and_switching_is_stochastic() -> None:
    state = np.random.default_rng(3).normal(0, 3, (5, 2, 8))
    assert (np.linalg.eigvalsh(process_noise(state, 0.1)) > -1e-12).all()
    chain = switching(0.2)
    np.testing.assert_allclose(chain.sum(1), 1.0)
    np.testing.assert_allclose(switching(0.0), np.eye(2))


def test_update_with_one_linear_measurement_is_the_kalman_filter() -> None:
    prior = np.diag([4.0, 9.0, 1.0, 1.0, 0.1, 0.1, 0.1, 0.1])
    mixture = Mixture(np.zeros((1, 2, 8)), np.tile(prior, (1, 2, 1, 1)), np.array([[0.5, 0.5]]))
    jacobian = np.tile(np.eye(8)[:2], (1, 2, 1, 1))
    done = update(mixture, np.ones((1, 2, 2)), jacobian, np.eye(2)[None, None])
    np.testing.assert_allclose(done.mixture.mean[0, 0, :2], [4 / 5, 9 / 10])
    np.testing.assert_allclose(np.diag(done.mixture.covariance[0, 1])[:2], [4 / 5, 9 / 10])
    assert done.nis[0] == pytest.approx(1 / 5 + 1 / 10)


def test_prediction_keeps_the_weights_a_distribution() -> None:
    rng = np.random.default_rng(2)
    mixture = Mixture(
        rng.normal(0, 1, (4, 2, 8)), np.tile(np.eye(8), (4, 2, 1, 1)), np.tile([0.3, 0.7], (4, 1))
    )
    later = predict(mixture, 0.3)
    np.testing.assert_allclose(later.weight.sum(1), 1.0)
    assert (np.linalg.eigvalsh(later.covariance) > 0).all()


def _scans(count: int, seed: int = 3) -> list[Scan]:
    """A car that drives by, with one false detection a scan."""
    rng, scans = np.random.default_rng(seed), []
    for time in 0.05 * np.arange(count):
        at, speed = np.array([40.0 - 8 * time, 3.0]), np.array([-8.0, 0.0])
        r = np.hypot(*at)
        noise = rng.normal(0, [0.1, 0.01, 0.1])
        real = np.array([r - 2.3, np.arctan2(at[1], at[0]), at @ speed / r]) + noise
        false = [rng.uniform(5, 70), rng.uniform(-1, 1), rng.normal(0, 8)]
        scans.append(radar_scan(float(time), Pose(), np.array([real, false])))
    return scans


def test_follows_a_car_through_false_detections() -> None:
    tracker, tracks = Tracker(), Tracks.none(0.0)
    for scan in _scans(60):
        tracks = tracker.step(tracks, scan).tracks
    told = tracker.told(tracks)
    assert len(told) == 1
    mean, covariance = told.mixture.merged()
    # a radar alone does not know a car's length: half of it is the tolerance
    np.testing.assert_allclose(mean[0, :2], [40 - 8 * 2.95, 3.0], atol=1.3)
    np.testing.assert_allclose(mean[0, 2:4], [-8.0, 0.0], atol=1.0)
    assert (np.linalg.eigvalsh(covariance[0]) > 0).all()


def test_clutter_alone_is_hardly_ever_told() -> None:
    rng, tracker, tracks = np.random.default_rng(5), Tracker(), Tracks.none(0.0)
    told = 0
    for time in 0.05 * np.arange(200):
        polar = np.column_stack([rng.uniform(5, 70, 2), rng.uniform(-1, 1, 2), rng.normal(0, 8, 2)])
        tracks = tracker.step(tracks, radar_scan(float(time), Pose(), polar)).tracks
        told += len(tracker.told(tracks))
    assert told < 0.05 * 200


def test_scans_out_of_sequence_give_the_tracks_of_the_right_order() -> None:
    scans = _scans(50)
    straight, mixed = Replay(Tracker()), Replay(Tracker())
    for scan in scans:
        straight.add(scan)
    order = np.argsort(np.arange(50) + np.random.default_rng(4).uniform(0, 5, 50))
    for i in [0, *(i for i in order if i)]:
        mixed.add(scans[i])
    assert straight.tracks is not None and mixed.tracks is not None
    assert mixed.late > 5
    np.testing.assert_array_equal(straight.tracks.number, mixed.tracks.number)
    np.testing.assert_allclose(straight.tracks.mixture.mean, mixed.tracks.mixture.mean)


def test_a_scan_that_is_far_too_late_is_refused_and_counted() -> None:
    replay, scans = Replay(Tracker(), lag_s=0.2), _scans(20)
    for scan in scans:
        replay.add(scan)
    before = replay.tracks
    assert replay.add(scans[2]) is None
    assert replay.refused == 1
    assert replay.tracks is before


def test_bad_scans_are_refused() -> None:
    with pytest.raises(ValueError, match="not finite"):
        radar_scan(0.0, Pose(), np.array([[np.nan, 0, 0]]))
    tracks = Tracks.none(5.0)
    with pytest.raises(ValueError, match="for tracks of"):
        Tracker().step(tracks, radar_scan(4.0, Pose(), np.zeros((0, 3))))
