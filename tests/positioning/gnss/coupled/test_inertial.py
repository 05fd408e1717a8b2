"""Preintegration beside GTSAM's, and its identities."""

from __future__ import annotations

import numpy as np
import pytest

from positioning.gnss.coupled.inertial import Inertial, preintegrate
from positioning.gnss.coupled.rotation import exponential, logarithm, right_jacobian

pytestmark = pytest.mark.positioning

NOISE = (1e-3, 1e-2)
BIAS = np.array([0.01, -0.02, 0.005, 0.1, -0.05, 0.2])


def record(samples: int = 40, seed: int = 3) -> Inertial:
    rng = np.random.default_rng(seed)
    time = 100.0 + 0.01 * np.arange(1, samples + 1)
    return Inertial(
        time, rng.normal(0, 0.4, (samples, 3)), rng.normal((0, 0, 9.8), 2, (samples, 3))
    )


def steps(edges, bias=BIAS, samples=40):
    count = len(edges)
    return preintegrate(
        record(samples), np.array(edges), np.tile(bias, (count, 1)), np.zeros((count, 3)), NOISE
    )


def test_steps_are_gtsam_s():
    gtsam = pytest.importorskip("gtsam")
    params = gtsam.PreintegrationParams.MakeSharedU(9.81)
    params.setGyroscopeCovariance(np.eye(3) * NOISE[0] ** 2)
    params.setAccelerometerCovariance(np.eye(3) * NOISE[1] ** 2)
    params.setIntegrationCovariance(np.zeros((3, 3)))
    peer = gtsam.PreintegratedImuMeasurements(
        params, gtsam.imuBias.ConstantBias(BIAS[3:], BIAS[:3])
    )
    told = record()
    for rate, force in zip(told.rate_radps, told.force_mps2, strict=True):
        peer.integrateMeasurement(force, rate, 0.01)
    ours = steps([100.0, 100.4])
    assert (
        np.abs(ours.turn[0] - peer.deltaRij().matrix()).max() < 5e-6
    )  # it integrates in the tangent space
    assert (
        np.abs(ours.speed[0] - peer.deltaVij()).max() < 5e-6
    )  # it integrates in the tangent space
    assert (
        np.abs(ours.place[0] - peer.deltaPij()).max() < 5e-6
    )  # it integrates in the tangent space
    spread = np.linalg.inv(ours.information[0])
    order = [0, 1, 2, 6, 7, 8, 3, 4, 5]  # GTSAM's is turn, place, speed
    expected = peer.preintMeasCov()
    assert np.abs(np.sqrt(np.diag(spread)[order] / np.diag(expected)) - 1).max() < 0.02


def test_what_a_bias_changes_is_what_the_derivative_tells():
    before = steps([100.0, 100.4])
    change = np.array([2e-5, -1e-5, 3e-5, 1e-4, 2e-4, -1e-4])
    after = steps([100.0, 100.4], BIAS + change)
    expected = before.by_bias[0] @ change
    assert np.allclose(logarithm(before.turn[0].T @ after.turn[0]), expected[:3], atol=1e-8)
    assert np.allclose(after.speed[0] - before.speed[0], expected[3:6], atol=1e-7)
    assert np.allclose(after.place[0] - before.place[0], expected[6:], atol=1e-7)


def test_a_sample_across_an_epoch_is_shared_out():
    whole, cut = steps([100.0, 100.4]), steps([100.0, 100.123, 100.4])
    assert np.allclose(cut.turn[0] @ cut.turn[1], whole.turn[0], atol=1e-12)
    assert np.allclose(cut.speed[0] + cut.turn[0] @ cut.speed[1], whole.speed[0], atol=5e-4)
    assert cut.span_s.sum() == pytest.approx(0.4)


def test_an_interval_without_samples_has_no_span():
    told = steps([100.0, 100.4, 100.8])
    assert told.span_s[1] == 0.0


def test_rotations():
    rng = np.random.default_rng(0)
    for v in rng.normal(0, 0.8, (20, 3)):
        small = 1e-6 * rng.normal(size=3)
        assert np.allclose(logarithm(exponential(v)), v, atol=1e-12)
        moved = logarithm(exponential(v).T @ exponential(v + small))
        assert np.allclose(moved, right_jacobian(v) @ small, atol=1e-11)
