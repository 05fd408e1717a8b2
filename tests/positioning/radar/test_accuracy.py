"""One target in white noise against the Cramer-Rao bounds."""

from __future__ import annotations

import numpy as np
import pytest

from positioning.radar import angle, array, bounds, peaks, spectrum, superresolution
from positioning.radar.pipeline import HANN_EXCESS
from tests.positioning.radar.made import SMALL, found, frame

pytestmark = pytest.mark.positioning


@pytest.mark.parametrize("beside", [0.0, 0.2, 0.45])
def test_the_peak_lies_as_close_to_the_bound_as_a_hann_window_lets_it(beside: float) -> None:
    """No better than the windowed bound and no more than 20 % of variance worse."""
    rng, count, elements, trials = np.random.default_rng(3), 128, 12, 1500
    tone = 0.5 * np.exp(2j * np.pi * (20 + beside) * np.arange(count) / count)
    noise = rng.standard_normal((trials, elements, count, 2)) @ np.array([1, 1j]) / np.sqrt(2)
    bins = np.fft.fft((tone + noise) * spectrum.hann(count))[
        :, :, 20 - peaks.NEAR : 21 + peaks.NEAR
    ]
    offset, _ = peaks.offsets(bins, count)
    radians = (offset - beside) * 2 * np.pi / count
    ratio = radians.var() / bounds.tone_variance(0.25 * count * elements, count)
    assert 0.85 * HANN_EXCESS < ratio < 1.2 * HANN_EXCESS


def test_errors_are_as_large_as_the_covariance_says() -> None:
    """Mean squared normalised error of 80 targets lies near 1 in range, rate and azimuth."""
    rng, errors = np.random.default_rng(8), []
    for seed in range(80):
        truth = np.array([rng.uniform(15, 30), rng.uniform(-2, 2), rng.uniform(-0.7, 0.7)])
        seen = found(frame([(*truth, 2.0)], seed=seed), angle="fft")
        best = int(np.argmax(seen.snr_db))
        told = seen.range_m[best], seen.radial_velocity_mps[best], seen.azimuth_rad[best]
        errors.append((np.array(told) - truth) / np.sqrt(np.diag(seen.covariance[best])))
    square = (np.array(errors) ** 2).mean(axis=0)
    assert (square > 0.6).all() and (square < 1.6).all(), square


def test_one_direction_reaches_its_bound() -> None:
    rng, y, trials = np.random.default_rng(4), np.arange(8.0), 4000
    u = rng.uniform(-0.9, 0.9, trials)
    noise = rng.standard_normal((trials, 8, 2)) @ np.array([1, 1j]) / np.sqrt(2)
    row = 10.0 * array.steering(y, u) + noise
    error = angle.single(row, y)[0] - u
    assert error.var() == pytest.approx(float(bounds.direction_variance(8, 100.0 * 8)), rel=0.1)


def test_the_residual_of_one_source_exceeds_at_the_rate_that_is_set() -> None:
    rng, y, trials = np.random.default_rng(5), np.arange(8.0), 20_000
    u = rng.uniform(-0.9, 0.9, trials)
    noise = rng.standard_normal((trials, 8, 2)) @ np.array([1, 1j]) / np.sqrt(2)
    residual = angle.single(5.0 * array.steering(y, u) + noise, y)[1]
    over = (residual > superresolution.residual_limit(8, 0.01)).mean()
    assert over == pytest.approx(0.01, abs=0.004)


@pytest.mark.parametrize("kind", list(superresolution.ESTIMATORS))
def test_every_estimator_parts_a_pair_at_the_rayleigh_limit(kind: str) -> None:
    rng, y = np.random.default_rng(6), np.arange(8.0)
    u = rng.uniform(-0.5, 0.5, 100)[:, None] + np.array([0.0, 0.25])
    amplitude = 30.0 * np.exp(2j * np.pi * rng.uniform(size=(100, 2)))
    row = np.einsum("dk,dkm->dm", amplitude, array.steering(y, u))
    row += rng.standard_normal((100, 8, 2)) @ np.array([1, 1j]) / np.sqrt(2)
    error = np.abs(superresolution.ESTIMATORS[kind](row, y) - u).max(axis=1)
    assert (error < 0.05).mean() >= 0.95


def test_two_targets_in_one_cell_both_come_out() -> None:
    seen = found(frame([(25.0, 1.0, -0.15, 20.0), (25.0, 1.0, 0.15, 20.0)]))
    near = np.abs(seen.range_m - 25.0) < 0.3
    assert np.allclose(np.sort(seen.azimuth_rad[near]), [-0.15, 0.15], atol=0.03)


def test_the_noise_free_tone_is_found_between_all_bins() -> None:
    count = 64
    for beside in np.linspace(-0.49, 0.49, 21):
        tone = np.exp(2j * np.pi * (20 + beside) * np.arange(count) / count)
        bins = np.fft.fft(tone * spectrum.hann(count))[None, None, 16:25]
        assert peaks.offsets(bins, count)[0][0] == pytest.approx(beside, abs=2e-3)


def test_velocity_unfolding_is_right_at_a_weak_signal() -> None:
    """Post-FFT SNR about 11 dB an element; the share of wrong foldings is counted."""
    rng, wrong = np.random.default_rng(9), 0
    for seed in range(60):
        rate = rng.uniform(-25, 25)
        seen = found(frame([(25.0, rate, rng.uniform(-0.8, 0.8), 0.3)], seed=seed), angle="fft")
        wrong += len(seen) == 0 or abs(seen.radial_velocity_mps[np.argmax(seen.snr_db)] - rate) > 1
    assert wrong <= 6
    assert SMALL.ambiguous_velocity_mps < 18
