"""Finding a laser line: known profiles, faults, and speckle against its own statistics."""

from __future__ import annotations

from math import cos, pi, radians, sin, sqrt, tan

import numpy as np
import pytest
from numpy.typing import NDArray

from inspection.relief import laser_line
from inspection.relief.laser_line import PEAKS, Peak, find
from inspection.relief.triangulation import CalibrationError
from inspection.sim.relief import calibrated
from inspection.sim.relief import target as surfaces
from inspection.sim.relief.laser import LaserSensor
from inspection.sim.relief.target import Target

pytestmark = pytest.mark.inspection

BACKGROUND = 4.0


def profile(rows: NDArray[np.float64], top: float = 150.0, width: float = 1.4) -> NDArray[np.uint8]:
    """(1, 40, W) with a Gaussian line at the given rows."""
    r = np.arange(40)[:, None]
    line = BACKGROUND + top * np.exp(-((r - rows) ** 2) / (2 * width**2))
    return np.rint(line).astype(np.uint8)[None]


@pytest.mark.parametrize(("peak", "within"), [("gravity", 0.05), ("gaussian", 0.02), ("fir", 0.03)])
def test_a_line_is_found_to_a_fraction_of_a_pixel(peak: Peak, within: float) -> None:
    rows = np.linspace(10, 30, 500)
    found = find(profile(rows), BACKGROUND, peak)
    assert np.abs(found.row[0] - rows).max() < within
    assert found.light_dn[0] == pytest.approx(150 * 1.4 * sqrt(2 * pi), rel=0.06)


def test_the_noise_of_the_centre_of_gravity_is_as_told() -> None:
    rng, rows = np.random.default_rng(3), np.full(4000, 20.3)
    clean, per_dn = profile(rows).astype(np.float64), 0.05
    noisy = clean + np.sqrt(per_dn * (clean - BACKGROUND)) * rng.standard_normal(clean.shape)
    found = find(np.rint(noisy).astype(np.uint8), BACKGROUND)
    told = sqrt(per_dn * float(np.mean(found.camera)))
    assert np.std(found.row) == pytest.approx(told, rel=0.1)


@pytest.mark.parametrize("peak", PEAKS)
def test_what_is_no_single_line_is_not_seen(peak: Peak) -> None:
    frame = profile(np.full(6, 20.0))[0]
    frame[:, 1] = 4  # dark
    frame[18:23, 2] = 255  # saturated
    frame[:, 3] = np.maximum(frame[:, 3], profile(np.array([33.0]))[0, :, 0] // 2)  # two lines
    frame[:, 4] = profile(np.array([1.0]))[0, :, 0]  # cut off by the window
    row = find(frame[None], BACKGROUND, peak).row[0]
    assert np.isfinite(row).tolist() == [True, False, False, False, False, True]


def test_a_window_has_at_most_256_rows() -> None:
    with pytest.raises(ValueError, match="257 rows"):
        find(np.zeros((1, 257, 4), np.uint8), 0.0)


@pytest.mark.parametrize(("na", "angle_deg"), [(0.06, 35.0), (0.08, 25.0), (0.08, 45.0)])
def test_speckle_moves_the_line_as_its_statistics_say(na: float, angle_deg: float) -> None:
    """Centre of gravity of a Gaussian line of deviation s with speckle of correlation area A in a
    column of width w: variance s A / (4 sqrt(pi) w), A = lambda^2 / (pi NA^2) (Goodman 2007)."""
    sensor = LaserSensor(
        na=na, angle_deg=angle_deg, looks=1, exposures=1, jitter_um=0, roll=0, bow_um=0, keystone=0
    )
    plane = Target(surfaces.plane((64, 192), 5.0), 5.0, 0.7, 0.02, 0.5)
    found = find(sensor.simulate(plane, np.random.default_rng(5)), BACKGROUND)
    spread_um = 5.0 * float(np.nanstd(found.row)) / sin(radians(angle_deg))
    width = sensor.sheet_um * cos(radians(angle_deg))
    area = sensor.wavelength_um**2 / (pi * na**2)
    expected_um = sqrt(width * area / (4 * sqrt(pi) * 5.0)) / sin(radians(angle_deg))
    assert spread_um == pytest.approx(expected_um, rel=0.15)


def test_two_polarisations_halve_the_variance_of_speckle() -> None:
    plane = Target(surfaces.plane((48, 192), 5.0), 5.0, 0.7, 0.02, 0.5)
    spreads = []
    for looks in (1, 2):
        sensor = LaserSensor(looks=looks, exposures=1, jitter_um=0)
        found = find(sensor.simulate(plane, np.random.default_rng(6)), BACKGROUND)
        spreads.append(np.nanvar(found.row - np.nanmean(found.row, axis=0)))
    assert spreads[0] / spreads[1] == pytest.approx(2.0, rel=0.15)


def test_speckle_stays_with_the_surface_from_step_to_step() -> None:
    plane = Target(surfaces.plane((40, 160), 5.0), 5.0, 0.7, 0.02, 0.5)
    sensor = LaserSensor(jitter_um=0, roll=0, bow_um=0)
    row = find(sensor.simulate(plane, np.random.default_rng(7)), BACKGROUND).row
    row = row - np.nanmean(row)
    near = np.nanmean(row[1:] * row[:-1]) / np.nanvar(row)
    far = np.nanmean(row[12:] * row[:-12]) / np.nanvar(row)
    assert abs(near) > 0.2 > 0.1 > abs(far)  # the sheet is 6 um wide


def test_a_step_is_as_high_as_it_is_and_hides_what_lies_behind_it() -> None:
    calibration = calibrated.by_laser(96, 5.0)
    height = surfaces.step((96, 96), 5.0, 60.0, -90.0) - 30  # falls along the scan
    frames = LaserSensor().simulate(Target(height, 5.0), np.random.default_rng(8))
    seen = laser_line.reconstruct(frames, calibration)
    high, low = seen.height_um[:40], seen.height_um[60:]
    assert np.nanmean(high) - np.nanmean(low) == pytest.approx(60.0, abs=0.3)
    rising = Target(height[::-1].copy(), 5.0)
    faced = laser_line.reconstruct(
        LaserSensor().simulate(rising, np.random.default_rng(8)), calibration
    )
    lost = [np.count_nonzero(~m.valid[:, 8:-8]) / 80 for m in (seen, faced)]
    assert lost[0] == pytest.approx(60.0 * tan(radians(35.0)) / 5.0, abs=2)
    assert lost[1] < 5  # where the sheet's width lies on both sides


def test_errors_lie_within_the_uncertainty_that_is_told() -> None:
    calibration = calibrated.by_laser(96, 5.0)
    height = surfaces.plane((96, 96), 5.0, -10, 0.03, 0.02)
    frames = LaserSensor().simulate(Target(height, 5.0), np.random.default_rng(9))
    seen = laser_line.reconstruct(frames, calibration)
    assert seen.sigma_um is not None
    error = seen.height_um - height
    assert 0.92 < np.mean(np.abs(error[seen.valid]) < 2 * seen.sigma_um[seen.valid]) < 0.99
    assert np.sqrt(np.nanmean(error**2)) < 1.6


def test_a_calibration_needs_scans_and_frames_of_its_own_width() -> None:
    with pytest.raises(CalibrationError):
        laser_line.calibrate([], 5.0, 1.2, 0.03)
    with pytest.raises(ValueError, match="96 columns"):
        laser_line.reconstruct(np.zeros((4, 112, 50), np.uint8), calibrated.by_laser(96, 5.0))
