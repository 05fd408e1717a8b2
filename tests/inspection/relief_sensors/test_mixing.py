"""What a blur does to heights, against heights that were blurred."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from inspection.relief.mixing import mixed

pytestmark = pytest.mark.inspection

BLUR_PX = 0.8


def blurred(image: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(cv2.GaussianBlur(image, (0, 0), BLUR_PX))


def told(height: NDArray[np.float64], light: NDArray[np.float64]) -> NDArray[np.float32]:
    """What `mixed` adds where nothing else is uncertain, away from the border."""
    none = np.zeros(height.shape, np.float32)
    raw, bright = height.astype(np.float32), light.astype(np.float32)
    return mixed(raw, none, bright, BLUR_PX**2)[1][8:-8, 8:-8]


def test_the_first_order_is_that_of_a_blur_weighted_by_light() -> None:
    y, x = np.mgrid[:60, :80].astype(np.float64)
    height = 0.05 * (x - 40) ** 2 - 0.03 * (y - 30) ** 2 + 0.4 * y + 0.3 * x
    light = np.exp(0.06 * x - 0.04 * y)
    moved = (blurred(height * light) / blurred(light) - height)[8:-8, 8:-8]
    assert np.abs(moved).max() > 0.1
    assert told(height, light) == pytest.approx(np.abs(moved), rel=0.05, abs=0.01)


def test_a_plane_under_even_light_is_not_mixed() -> None:
    y, x = np.mgrid[:40, :40].astype(np.float64)
    assert told(3 * x - 2 * y, np.ones_like(x)).max() < 1e-3


def test_a_line_leans_with_its_light_alone() -> None:
    y, _ = np.mgrid[:40, :40].astype(np.float64)
    light = np.exp(0.05 * y).astype(np.float32)
    none, flat = np.zeros((40, 40), np.float32), np.zeros((40, 40), np.float32)
    sigma = mixed(flat, none, light, BLUR_PX**2, lean=7.0)[1][8:-8, 8:-8]
    assert sigma == pytest.approx(np.full(sigma.shape, 7.0 * BLUR_PX**2 * 0.05), rel=0.01)


def test_points_beside_the_unseen_and_in_borrowed_light_are_left_out() -> None:
    raw, light = np.zeros((9, 9), np.float32), np.full((9, 9), 10, np.float32)
    raw[4, 4] = np.nan
    light[0, 6] = 3.9
    height, sigma = mixed(raw, np.ones((9, 9), np.float32), light, 0.5)
    gone = np.zeros((9, 9), bool)
    gone[3:6, 3:6] = True
    gone[0, 6] = True
    assert (np.isnan(height) == gone).all()
    assert (np.isnan(sigma) == gone).all()


def test_white_noise_is_not_taken_for_relief() -> None:
    rng = np.random.default_rng(1)
    raw = rng.standard_normal((200, 200)).astype(np.float32)
    light = np.ones((200, 200), np.float32)
    sigma = mixed(raw, np.ones((200, 200), np.float32), light, 0.64)[1]
    assert 1.0 <= np.sqrt(np.mean(sigma**2)) < 1.15
