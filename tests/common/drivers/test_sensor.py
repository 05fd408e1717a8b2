"""The simulated sensor against the closed forms of photon transfer, MTF and noise."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import stats

from common.drivers.camera import sensor
from common.drivers.camera.config import SensorModel
from common.drivers.camera.scenes import Checker, SlantedEdge
from common.drivers.camera.sensor import expose, standard_normal, system_gain

pytestmark = pytest.mark.common


def rng(seed: int) -> np.random.Generator:
    return np.random.Generator(np.random.SFC64(seed))


def flat(electrons_per_us: float, side: int = 512) -> NDArray[np.float32]:
    return np.full((side, side), electrons_per_us, np.float32)


@pytest.mark.parametrize("bits", [8, 12])
@pytest.mark.parametrize("gain_db", [0.0, 12.0])
@pytest.mark.parametrize("level", [0.005, 0.2, 1.0, 2.0])
def test_photon_transfer(bits: int, gain_db: float, level: float) -> None:
    """Variance = K (mean - black) + K^2 r^2 + 1/12, Janesick's line, by its closed form."""
    # noise of a step and more, so that rounding adds 1/12; a black level that cuts no noise off
    model = SensorModel(bits=bits, read_noise_e=40.0, black_level_dn=20.0 if bits == 8 else 400.0)
    exposure_us = 1000.0
    gain = ((2**bits - 1) - model.black_level_dn) / 10_000.0 * 10 ** (gain_db / 20)
    assert system_gain(model, gain_db) == pytest.approx(gain)
    frame = expose(flat(level), exposure_us, gain_db, model, rng(3)).astype(np.float64)
    mean = gain * level * exposure_us + model.black_level_dn
    variance = gain * (mean - model.black_level_dn) + gain**2 * 40.0**2 + 1 / 12
    n = frame.size
    assert abs(frame.mean() - mean) < 5 * np.sqrt(variance / n)
    assert frame.var(ddof=1) == pytest.approx(variance, rel=5 * np.sqrt(2 / n) + 0.01)


def test_the_noise_is_as_skewed_as_poissons() -> None:
    """At few electrons the third moment tells Poisson noise (equal to mu) from a Gaussian's (0)."""
    mu = 30.0
    model = SensorModel(bits=12, full_well_e=1000.0, read_noise_e=0.0, black_level_dn=400.0)
    gain = system_gain(model, 0.0)
    frame = expose(flat(mu / 100, 1024), 100.0, 0.0, model, rng(4)) - model.black_level_dn
    electrons = frame.astype(np.float64) / gain
    third = ((electrons - electrons.mean()) ** 3).mean()
    spread = np.sqrt(15 * mu**3 / electrons.size)  # of the third moment of a near-normal sample
    assert abs(third - mu) < 5 * spread
    assert third > 10 * spread  # so that a Gaussian would fail


def test_dark_current_and_full_well() -> None:
    model = SensorModel(bits=12, dark_e_per_s=1000.0, full_well_e=5000.0, blur_sigma_px=0.0)
    gain = system_gain(model, 0.0)
    dark = expose(flat(0.0), 1e6, 0.0, model, rng(5)).astype(np.float64)
    assert dark.mean() == pytest.approx(gain * 1000 + model.black_level_dn, rel=1e-3)
    full = expose(flat(100.0), 1e4, 0.0, model, rng(6))
    assert full.dtype == np.uint16 and int(full.max()) == 4095
    assert full.mean() > 4095 - 4 * gain * np.sqrt(5000)
    eight = expose(flat(100.0), 1e4, 0.0, SensorModel(), rng(6))
    assert eight.dtype == np.uint8 and int(eight.max()) == 255


@pytest.mark.parametrize("period_px", [4, 8, 16])
def test_lens_blur_has_the_gaussian_mtf(period_px: int) -> None:
    sigma_px = 1.2
    phase = 2 * np.pi * np.arange(512) / period_px
    grating = np.broadcast_to(4.0 + 2.0 * np.cos(phase), (512, 512)).astype(np.float32)
    model = SensorModel(bits=12, blur_sigma_px=sigma_px)
    frame = expose(grating, 1000.0, 0.0, model, rng(7)).astype(np.float64)[:, 32:-32]
    row = frame.mean(0)
    spectrum = abs(np.fft.rfft(row * 2 / len(row)))[len(row) // period_px]
    contrast = spectrum / (row.mean() - model.black_level_dn)
    mtf = np.exp(-2 * np.pi**2 * sigma_px**2 / period_px**2)
    assert contrast == pytest.approx(0.5 * mtf, rel=0.01)


def test_normal_deviates_are_normal_to_the_tails() -> None:
    z = standard_normal(rng(8), (2048, 2048)).ravel()
    n = z.size
    assert stats.kstest(z[:: n // 50_000], "norm").pvalue > 1e-4
    assert abs(z.mean()) < 5 / np.sqrt(n)
    assert abs(z.var() - 1) < 5 * np.sqrt(2 / n)
    assert abs((z.astype(np.float64) ** 4).mean() - 3) < 5 * np.sqrt(96 / n)
    assert z.max() > 4.4 and z.min() < -4.4  # fails once in 10^10 for true normal deviates
    for limit in (2.0, 3.0, 3.5, 4.0, 4.5):
        for side in (z > limit, z < -limit):
            expected = n * stats.norm.sf(limit)
            assert abs(side.sum() - expected) < 5 * np.sqrt(expected) + 1


def test_neighbours_and_frames_are_independent() -> None:
    first, second = (standard_normal(rng(seed), (512, 512)) for seed in (9, 10))
    n = first.size
    for one, other in [
        (first, second),
        (first[:, 1:], first[:, :-1]),
        (first[1:], first[:-1]),
        (first[32:], first[:-32]),
    ]:
        assert abs(np.corrcoef(one.ravel(), other.ravel())[0, 1]) < 5 / np.sqrt(n)


def test_the_seed_alone_makes_the_frame() -> None:
    irradiance = SlantedEdge(64, 96).render(0, "", 0.0)
    frames = [expose(irradiance, 500.0, 0.0, SensorModel(), rng(seed)) for seed in (1, 1, 2)]
    assert np.array_equal(frames[0], frames[1]) and not np.array_equal(frames[0], frames[2])


def test_the_test_scenes_are_what_they_say() -> None:
    edge = SlantedEdge(256, 256, 1.0, 5.0, angle_deg=5.0).render(0, "", 0.0)
    crossing = np.array([np.interp(3.0, row, np.arange(256)) for row in edge])
    slope = np.polyfit(np.arange(256), crossing, 1)[0]
    assert np.degrees(np.arctan(-slope)) == pytest.approx(5.0, abs=0.01)
    board = Checker(64, 64, square_px=8, step_px=3)
    assert board.render(0, "", 0.0).dtype == np.float32
    moved = np.roll(board.render(0, "", 0.0), 3, axis=1)
    assert np.array_equal(board.render(1, "", 0.0), moved)


@pytest.mark.parametrize(
    "model",
    [
        SensorModel(),
        SensorModel(bits=12, dark_e_per_s=5e4, blur_sigma_px=0.0),
        SensorModel(read_noise_e=0.1, full_well_e=900.0),  # clipped, and at its least noise
    ],
)
def test_compiled_or_not_a_frame_is_the_same(
    model: SensorModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("numba", reason="numba is not installed: pip install 'lingnan[sim]'")
    light = np.random.default_rng(8).gamma(2.0, 5.0, (141, 517)).astype(np.float32)
    light[:9] = 0
    compiled = expose(light, 100.0, 3.0, model, rng(9))
    monkeypatch.setattr(sensor, "_loops", lambda: None)
    plain = expose(light, 100.0, 3.0, model, rng(9))
    np.testing.assert_array_equal(compiled, plain)
    assert len(np.unique(compiled)) > 100
