"""Names in the sky view: beside their dots, on no other dot and on no other name."""

from __future__ import annotations

import numpy as np
import pytest

from positioning import sky_map
from positioning.labels import beside
from positioning.sky_map import NAME_PX, SIDE_PX

pytestmark = pytest.mark.positioning


def covered_px2(corners: np.ndarray, at: np.ndarray, radius: np.ndarray) -> float:
    """Of names by other names and by the dots of others."""
    names = np.concatenate((corners, corners + np.array(NAME_PX)), axis=1)
    dots = np.concatenate((at - radius[:, None], at + radius[:, None]), axis=1)
    total = 0.0
    for others in (names, dots):
        low = np.maximum(names[:, None, :2], others[None, :, :2])
        high = np.minimum(names[:, None, 2:], others[None, :, 2:])
        area = np.prod(np.maximum(high - low, 0), axis=2)
        np.fill_diagonal(area, 0)
        total += area.sum()
    return total


def test_names_keep_clear_of_each_other_and_of_dots() -> None:
    """Skies of 30 satellites drawn over the hemisphere; beside them, all names to the right."""
    rng = np.random.default_rng(31)
    placed = naive = clear = 0.0
    for _ in range(40):
        away = 200 * np.sqrt(rng.uniform(0, 1, 30))
        angle = rng.uniform(0, 2 * np.pi, 30)
        at = (240 + np.column_stack((away * np.cos(angle), away * np.sin(angle)))).round()
        radius = rng.integers(3, 10, 30).astype(np.float64)
        corners = beside(at, radius, NAME_PX)
        right = at + np.column_stack((radius + 2, np.full(30, -NAME_PX[1] / 2)))
        placed += covered_px2(corners, at, radius)
        naive += covered_px2(right, at, radius)
        clear += covered_px2(corners, at, radius) == 0
        gaps = np.maximum(np.maximum(corners - at, at - corners - np.array(NAME_PX)), 0)
        assert (np.hypot(*gaps.T) < 2 * radius + 4).all(), "a name is beside its own dot"
    assert placed < naive / 10 and clear > 20


def test_a_lone_satellite_has_its_name_to_the_right() -> None:
    (corner,) = beside(np.array([[240.0, 240.0]]), np.array([5.0]), NAME_PX)
    assert corner.tolist() == [247.0, 235.0]
    panel = sky_map.sky_of(
        ["G01"], np.zeros(1), np.full(1, np.pi / 2), np.full(1, 45.0), np.ones(1, np.bool_)
    )
    assert panel.shape == (SIDE_PX, SIDE_PX, 3)
    assert panel[236:245, 248:270].min() < 128, "written"
    assert panel[236:245, 205:230].min() > 128, "and nowhere else"
