"""Exposures, their noise and their fusion, against closed forms and an independent merge."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from common.drivers.camera import sensor
from common.drivers.camera.config import SensorModel
from inspection.imaging.exposure import Limits, expose_well
from inspection.imaging.hdr import brackets, fuse, merge
from inspection.imaging.noise import Estimate, NoiseModel, Shot, estimate

pytestmark = pytest.mark.inspection

MODEL = SensorModel(bits=12, black_level_dn=32.0, blur_sigma_px=0.0)
NOISE = NoiseModel(sensor.system_gain(MODEL, 0.0), MODEL.read_noise_e, 32.0, 0.95 * 4095)
TIMES = (10.0, 40.0, 160.0, 640.0)


def shoot(light: np.ndarray, exposure_us: float, seed: int) -> Shot:
    rng = np.random.default_rng(seed)
    return Shot(sensor.expose(light, exposure_us, 0.0, MODEL, rng), exposure_us)


def flat(level: float, side: int = 300) -> np.ndarray:
    return np.full((side, side), level, np.float32)


@pytest.mark.parametrize("level", [0.5, 5.0, 50.0])
def test_sigma_is_the_deviation_that_the_sensor_shows(level: float) -> None:
    found = estimate(shoot(flat(level), 100.0, 1), NOISE)
    assert found.value.mean() == pytest.approx(level, rel=0.005)
    assert found.sigma.mean() == pytest.approx(found.value.std(), rel=0.03)


@pytest.mark.parametrize("level", [0.3, 4.0, 12.0])
def test_fused_variance_is_that_of_the_weighted_mean(level: float) -> None:
    """Over exposures that do not saturate: 1 / sum of 1 / variance."""
    found = fuse([shoot(flat(level), time, i) for i, time in enumerate(TIMES)], NOISE)
    used = [t for t in TIMES if level * t < 0.9 * (NOISE.saturation_dn - 32) / NOISE.dn_per_e]
    singles = [(level * t + 16 + 1 / (12 * NOISE.dn_per_e**2)) / t**2 for t in used]
    closed = 1 / sum(1 / variance for variance in singles)
    assert found.value.var() == pytest.approx(closed, rel=0.03)
    assert (found.sigma**2).mean() == pytest.approx(closed, rel=0.03)
    assert found.value.mean() == pytest.approx(level, rel=0.003)


def test_no_step_where_an_exposure_begins_to_saturate() -> None:
    """A ramp through the point at which the long exposure drops out stays a ramp."""
    ramp = np.tile(np.linspace(3.0, 30.0, 600, dtype=np.float32), (400, 1))
    found = fuse([shoot(ramp, 40.0, 1), shoot(ramp, 640.0, 2)], NOISE)
    wrong = (found.value - ramp).mean(axis=0) / ramp[0]
    assert np.abs(cv2.blur(wrong[None].astype(np.float32), (15, 1))).max() < 5e-3
    assert not found.saturated.any()


def test_what_every_exposure_loses_is_flagged() -> None:
    found = fuse([shoot(flat(5000.0, 20), time, 1) for time in TIMES], NOISE)
    assert found.saturated.all()
    assert (found.value <= 5000.0).all()


def test_fusion_agrees_with_debevec_merge_on_a_scene_of_80_db() -> None:
    """OpenCV's merge with a linear response, up to its scale, where its weights see the pixel."""
    rng = np.random.default_rng(3)
    light = np.exp(rng.uniform(np.log(0.2), np.log(400.0), (60, 60))).astype(np.float32)
    light = np.kron(light, np.ones((5, 5), np.float32))
    times = (4.0, 16.0, 64.0, 256.0, 1024.0, 4096.0)
    shots = [shoot(light, time, i) for i, time in enumerate(times)]
    ours = fuse(shots, NOISE)
    frames = [np.repeat((s.frame >> 4).astype(np.uint8)[..., None], 3, 2) for s in shots]
    response = np.repeat((np.arange(256, dtype=np.float32) + 0.5)[:, None, None], 3, axis=2)
    response = np.maximum(response - 2.0, 0.1)  # the black level
    theirs = cv2.createMergeDebevec().process(frames, np.array(times, np.float32), response)[..., 0]
    ratio = np.log(theirs / ours.value)
    inside = ~ours.saturated
    ratio -= np.median(ratio[inside])
    assert inside.all() and np.median(np.abs(ratio)) < 0.03
    ours_off, theirs_off = (np.log(found / light) for found in (ours.value, theirs))
    assert np.std(ours_off) < 0.03 < np.std(theirs_off)  # 8 bits, fixed weights


def test_merge_leaves_out_what_is_saturated_and_weighs_the_rest() -> None:
    one = Estimate(flat(10.0, 4), flat(1.0, 4), np.zeros((4, 4), bool))
    two = Estimate(flat(13.0, 4), flat(2.0, 4), np.zeros((4, 4), bool))
    lost = Estimate(flat(99.0, 4), flat(0.1, 4), np.ones((4, 4), bool))
    found = merge([one, two, lost])
    assert found.value == pytest.approx(10.6)
    assert found.sigma == pytest.approx((1 / (1 + 1 / 4)) ** 0.5)
    assert not found.saturated.any()


def test_longer_exposures_are_judged_by_the_shortest() -> None:
    shots = [shoot(flat(20.0), 40.0, 1), shoot(flat(20.0), 640.0, 2)]
    short, long = brackets(shots, NOISE)
    assert not short.saturated.any() and long.saturated.all()


@pytest.mark.parametrize("level", [0.5, 30.0, 3000.0])
def test_auto_exposure_fills_the_scale_within_its_limits(level: float) -> None:
    limits = Limits(1.0, 100.0, 4000.0, fill=0.7)
    shot = expose_well(lambda us: shoot(flat(level), us, 1), NOISE, limits)
    assert limits.shortest_us <= shot.exposure_us <= limits.longest_us
    if limits.shortest_us < shot.exposure_us < limits.longest_us:
        bright = np.percentile(shot.frame, 99.5)
        assert 0.55 < (bright - 32) / (NOISE.saturation_dn - 32) < 0.85


def test_values_no_sensor_has_are_refused() -> None:
    with pytest.raises(ValueError, match="dn_per_e"):
        NoiseModel(0.0, 4.0, 2.0, 255)
    with pytest.raises(ValueError, match="above black"):
        NoiseModel(0.4, 4.0, 20.0, 10.0)
    with pytest.raises(ValueError, match="exposure_us"):
        Shot(np.zeros((2, 2), np.uint8), 0.0)
    with pytest.raises(ValueError, match="one shape"):
        fuse([shoot(flat(1.0, 3), 1.0, 1), shoot(flat(1.0, 4), 2.0, 1)], NOISE)
    with pytest.raises(ValueError, match="rise"):
        Limits(10.0, 5.0, 20.0)
