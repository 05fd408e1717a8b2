"""Finds: what is there is found at its place, noise alone is not, whatever its strength."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from inspection.relief.find import find, spikes
from inspection.relief.measure import measure
from tests.inspection.relief.known import PITCH, cap

pytestmark = pytest.mark.inspection


def everywhere(shape: tuple[int, int]) -> np.ndarray:
    return np.ones(shape, np.bool_)


@pytest.mark.parametrize("strength", [1e-3, 1.0, 50.0])
def test_white_noise_gives_a_false_find_in_a_thousand_maps(strength: float) -> None:
    rng = np.random.default_rng(1)
    maps = [rng.normal(0, strength, (256, 256)).astype(np.float32) for _ in range(12)]
    assert sum(len(find(one, everywhere(one.shape))) for one in maps) == 0


def test_correlated_noise_is_no_find() -> None:
    for seed in range(6):
        rng = np.random.default_rng(seed)
        noise = cv2.GaussianBlur(rng.normal(0, 1, (320, 320)).astype(np.float32), (0, 0), 3.0)
        assert find(noise, everywhere(noise.shape)) == []


def test_ground_that_grows_three_times_as_rough_is_no_find() -> None:
    for seed in range(6):
        noise = np.random.default_rng(seed).normal(0, 1, (320, 320)).astype(np.float32)
        noise *= np.linspace(1, 3, 320, dtype=np.float32)
        assert find(noise, everywhere(noise.shape)) == []


def test_single_pixels_are_the_sensors() -> None:
    rng = np.random.default_rng(3)
    field = rng.normal(0, 0.5, (200, 200)).astype(np.float32)
    at = [(20, 30), (100, 120), (170, 60)]
    for row, column in at:
        field[row, column] += 40
    assert [tuple(p) for p in np.argwhere(spikes(field, 0.5))] == at
    assert find(field, everywhere(field.shape)) == []


@pytest.mark.parametrize("sign", [1, -1])
@pytest.mark.parametrize(("width", "depth"), [(15, 6), (30, 20), (80, 5), (350, 3)])
def test_one_flaw_is_one_find_over_all_scales(width: float, depth: float, sign: int) -> None:
    rng = np.random.default_rng(4)
    field = cap(260, 300, 120.3, 140.7, width, depth) * -sign
    field += rng.normal(0, 0.4, field.shape).astype(np.float32)
    found = find(field, everywhere(field.shape))
    assert [f.sign for f in found] == [sign]
    x0, y0, x1, y1 = found[0].box_px
    assert abs((x0 + x1) / 2 - 140.7) < 0.2 * width / PITCH + 1.5
    assert abs((y0 + y1) / 2 - 120.3) < 0.2 * width / PITCH + 1.5


def test_outside_the_mask_and_in_holes_nothing_is_found() -> None:
    field = cap(200, 200, 50, 50, 60, 20) + cap(200, 200, 150, 150, 60, 20)
    field += np.random.default_rng(5).normal(0, 0.3, field.shape).astype(np.float32)
    mask = everywhere(field.shape)
    mask[:, :100] = False
    field[:20] = np.nan
    (only,) = find(field, mask)
    assert only.box_px[0] > 100
    assert find(np.full((64, 64), np.nan, np.float32), everywhere((64, 64))) == []


@pytest.mark.parametrize(("width", "depth"), [(30.0, 20.0), (60.0, 20.0), (150.0, 12.0)])
def test_depth_width_and_volume_within_their_uncertainty(width: float, depth: float) -> None:
    inside = []
    for seed in range(20):
        rng = np.random.default_rng([seed, int(width)])
        row, column = 60 + rng.random(), 70 + rng.random()
        field = -cap(130, 140, row, column, width, depth)
        field = -field + rng.normal(0, 0.5, field.shape).astype(np.float32)
        candidates = find(field, everywhere(field.shape))
        best = max(candidates, key=lambda c: c.snr)
        taken = np.zeros(field.shape, np.bool_)
        size = measure(field, PITCH, best, taken)
        inside.append(abs(size.depth_um - depth) < 2 * size.u_depth_um)
        half_width = width / np.sqrt(2)  # of a paraboloid at half its depth
        assert size.width_um == pytest.approx(half_width, abs=3 * size.u_width_um + PITCH)
        volume = np.pi / 8 * width**2 * depth
        assert -size.volume_um3 == pytest.approx(-volume, abs=3 * size.u_volume_um3 + 0.1 * volume)
        assert size.x_um == pytest.approx(column * PITCH, abs=PITCH)
        assert size.y_um == pytest.approx(row * PITCH, abs=PITCH)
    assert np.mean(inside) >= 0.85


def test_a_groove_is_as_long_as_it_is() -> None:
    rng = np.random.default_rng(9)
    field = rng.normal(0, 0.3, (160, 200)).astype(np.float32)
    canvas = np.zeros((160, 200), np.uint8)
    cv2.line(canvas, (40, 60), (140, 100), 1, 6)
    field[canvas > 0] -= 8
    best = max(find(field, everywhere(field.shape)), key=lambda c: c.snr)
    size = measure(field, PITCH, best, np.zeros(field.shape, np.bool_))
    assert size.length_um == pytest.approx(np.hypot(100, 40) * PITCH, abs=40)
    assert size.width_um == pytest.approx(6 * PITCH, abs=8)
    assert size.angle_rad == pytest.approx(np.arctan2(40, 100), abs=0.03)
    assert size.depth_um == pytest.approx(8, abs=2.5 * size.u_depth_um) and size.sign == -1
