"""Fringe projection end to end: closed forms, shadows, glints, and the uncertainty it tells."""

from __future__ import annotations

from dataclasses import replace
from math import pi, radians, sqrt, tan

import numpy as np
import pytest
from numpy.typing import NDArray

from common.types.heightmap import HeightMap
from inspection.relief import fringe
from inspection.relief.phase import Fringes, decode
from inspection.relief.photon_transfer import photon_transfer
from inspection.relief.triangulation import CalibrationError, fit
from inspection.sim.relief import calibrated, measured, projector
from inspection.sim.relief import target as surfaces
from inspection.sim.relief.projector import FringeSensor, Projector
from inspection.sim.relief.target import Target

pytestmark = pytest.mark.inspection

SIDE, PITCH = 160, 5.0
SHAPE = (SIDE, SIDE)


def seen(height: NDArray[np.float32], seed: int = 1, **material: float) -> HeightMap:
    return measured(height, PITCH, rng=np.random.default_rng(seed), **material)


def rms(values: NDArray[np.floating]) -> float:
    return float(np.sqrt(np.nanmean(np.square(values))))


def test_a_tilted_plane_is_that_plane() -> None:
    truth = surfaces.plane(SHAPE, PITCH, -60, 0.15, -0.1)
    found = seen(truth)
    assert found.valid.mean() > 0.99
    assert rms(found.height_um - truth) < 0.6
    assert abs(np.nanmean(found.height_um - truth)) < 0.15


@pytest.mark.parametrize("rise_um", [10.0, 40.0, 150.0])
def test_a_step_is_as_high_as_it_is(rise_um: float) -> None:
    height = seen(surfaces.step(SHAPE, PITCH, rise_um, 90.0)).height_um
    assert np.nanmean(height[90:]) - np.nanmean(height[:70]) == pytest.approx(rise_um, abs=0.1)


def test_a_sphere_has_its_sag() -> None:
    truth = surfaces.sphere(SHAPE, PITCH, 2000.0, 25.0)
    found = seen(truth).height_um - truth
    assert rms(found) < 0.6
    assert abs(np.nanmean(found[70:90, 70:90])) < 0.15


def test_the_noise_of_a_plane_is_that_of_the_phase() -> None:
    """sigma_h = slope sqrt(2 / N) sigma / B, from two captures, so that ripple drops out."""
    calibration = calibrated.by_fringes(SHAPE, PITCH)
    plane = Target(surfaces.plane(SHAPE, PITCH, 10.0), PITCH)
    sensor, rng = FringeSensor(), np.random.default_rng(2)
    patterns = Fringes().patterns(sensor.projector.columns)
    one, two = (sensor.simulate(plane, patterns, rng) for _ in range(2))
    maps = [fringe.reconstruct(frames, calibration).height_um for frames in (one, two)]
    phase = decode(one, Fringes())
    gain = 253 / sensor.camera.full_well_e
    grey = gain * (phase.mean_dn - sensor.camera.black_level_dn)  # variance of shot noise, DN^2
    variance = grey + (gain * sensor.camera.read_noise_e) ** 2 + 1 / 12
    expected = np.abs(calibration.curve.slope) * np.sqrt(variance / 2) / phase.modulation_dn
    assert np.std(maps[0] - maps[1]) / sqrt(2) == pytest.approx(float(rms(expected)), rel=0.05)


def test_three_steps_ripple_where_four_do_not() -> None:
    """The ripple of a plane with N = 3 is arcsin(c2 / c1) of the projector's gamma."""
    ripples = {}
    for steps in (3, 4, 6):
        fringes = Fringes((1, 6, 36), (4, 4, steps))
        sharp = replace(Projector(), blur_columns=0.3, na=0.001)
        sensor = FringeSensor(projector=sharp)
        calibration = calibrated.by_fringes(SHAPE, PITCH, sensor, fringes)
        plane = Target(surfaces.plane(SHAPE, PITCH, 30.0), PITCH)
        patterns = fringes.patterns(sensor.projector.columns)
        frames = sensor.simulate(plane, patterns, np.random.default_rng(3))
        height = fringe.reconstruct(frames, calibration).height_um
        ripples[steps] = float(np.std(np.nanmean(height, axis=0)))
    slope = 640 * 8 / 36 / tan(radians(30)) / (2 * pi)  # um a radian
    assert ripples[3] == pytest.approx(slope * np.arcsin(1.2 / 4.2) / sqrt(2), rel=0.15)
    assert ripples[4] < 0.1 * ripples[3]
    assert ripples[6] < 0.1 * ripples[3]


def test_a_shadow_is_not_seen_and_is_as_long_as_the_projector_is_low() -> None:
    truth = surfaces.step(SHAPE, PITCH, 100.0)  # high on the projector's side
    lost = np.count_nonzero(~seen(truth).valid[40:120], axis=1)
    shadow_px = 100.0 * tan(radians(30)) / PITCH
    assert np.median(lost) == pytest.approx(shadow_px + 2, abs=3)  # and a rim of a point each side
    facing = np.count_nonzero(~seen(truth[:, ::-1].copy()).valid[40:120], axis=1)
    assert np.median(facing) <= 3


def test_a_white_groove_lights_itself_and_a_dark_one_hardly(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    _, x = np.mgrid[:SIDE, :SIDE]
    truth = (np.minimum(np.abs(x - 80) * PITCH, 100) - 50).astype(np.float32)

    def off(albedo: float) -> float:
        return rms((seen(truth, albedo=albedo).height_um - truth)[:, 65:78])

    white, dark = off(0.9), off(0.2)
    monkeypatch.setattr(projector, "gathered", lambda target, sent: np.zeros_like(sent))
    alone = off(0.9)
    assert white > 2.5 * alone  # the bias is the bounce's, and goes with the albedo
    assert dark < 0.5 * white
    assert alone < 1.0


def test_a_glint_is_left_out() -> None:
    truth = surfaces.sphere(SHAPE, PITCH, 700.0, 80.0)
    found = seen(truth, albedo=0.1, f0=0.05, alpha=0.05)
    slope_x, slope_y = np.gradient(truth, PITCH)[::-1]
    mirror = (np.hypot(slope_x - -tan(radians(15)), slope_y) < 0.03) & (truth > 1)
    assert mirror.sum() > 20  # where half of 30 degrees is the slope, the lamp is mirrored
    assert found.valid[mirror].mean() < 0.05
    assert found.valid.mean() > 0.5


def test_errors_lie_within_the_uncertainty_that_is_told() -> None:
    rng = np.random.default_rng(4)
    for sq_um, material in ((1.0, {}), (6.0, {}), (2.0, {"albedo": 0.05, "f0": 0.6})):
        truth = surfaces.rough(rng, SHAPE, PITCH, sq_um, 40.0)
        found = seen(truth, **material)
        assert found.sigma_um is not None
        inside = np.abs(found.height_um - truth) < 2 * found.sigma_um
        assert 0.95 < inside[found.valid].mean() < 0.999


def test_dark_parts_are_told_less_surely() -> None:
    albedo = np.full(SHAPE, 0.6, np.float32)
    albedo[:, :80] = 0.05
    found = measured(
        surfaces.plane(SHAPE, PITCH), PITCH, rng=np.random.default_rng(5), albedo=albedo
    )
    assert found.sigma_um is not None
    dark, bright = found.sigma_um[:, 10:70], found.sigma_um[:, 90:150]
    assert np.nanmedian(dark) > 1.5 * np.nanmedian(bright)
    assert rms(found.height_um[:, 10:70]) > 1.5 * rms(found.height_um[:, 90:150])


def test_photon_transfer_finds_the_noise_that_was_put_in() -> None:
    rng = np.random.default_rng(6)
    grey = np.broadcast_to(np.linspace(200, 3500, 900), (1, 600, 900))
    one, two = (
        np.rint(grey + np.sqrt(9.0 + 0.4 * grey) * rng.standard_normal(grey.shape)).astype(
            np.uint16
        )
        for _ in range(2)
    )
    offset, slope = photon_transfer([(one, two)])
    assert slope == pytest.approx(0.4, rel=0.02)
    assert offset == pytest.approx(9.0 + 1 / 12, abs=6.0)


def test_a_calibration_that_is_none_is_refused() -> None:
    flat = [np.full((20, 20), float(z), np.float32) for z in range(3)]
    with pytest.raises(CalibrationError, match="4 or more planes"):
        fit(flat, [0.0, 1.0, 2.0], 2)
    dark = [np.full((20, 20), np.nan, np.float32) for _ in range(5)]
    with pytest.raises(CalibrationError, match="less than half"):
        fit(dark, [0.0, 1.0, 2.0, 3.0, 4.0], 2)
    with pytest.raises(CalibrationError):
        fringe.calibrate([], Fringes(), PITCH, 0.8)
    with pytest.raises(ValueError, match="frames"):
        fringe.reconstruct(np.zeros((12, 8, 8), np.uint8), calibrated.by_fringes(SHAPE, PITCH))


def test_a_curve_goes_through_its_planes() -> None:
    y, x = np.mgrid[:40, :60]
    heights = [-200.0, -100.0, 0.0, 100.0, 200.0]
    scale = 20.0 * (1 + 1e-3 * x)  # um a radian, another at each column
    signals = [300.0 + 0.5 * x + 0.2 * y + z / scale + 1e-6 * z**2 for z in heights]
    curve = fit(signals, heights, 4)
    for z, signal in zip(heights, signals, strict=True):
        assert curve.height_um(signal) == pytest.approx(np.full((40, 60), z), abs=0.1)
    assert curve.residual_um < 0.1
