"""How far the carrier of a spinning radar went, on drawn streets."""

from __future__ import annotations

import numpy as np
import pytest

from positioning.radar.registration import CELL_M, ground, went_m

pytestmark = pytest.mark.positioning

RANGE_M, BINS, AZIMUTHS = 100.0, 576, 400


def _polar(points_m: np.ndarray) -> np.ndarray:
    """What stands at (N, 2) ahead and left, in speckle."""
    image = np.random.default_rng(len(points_m)).integers(60, 90, (BINS, AZIMUTHS)).astype(np.uint8)
    turn = np.arctan2(-points_m[:, 1], points_m[:, 0]) % (2 * np.pi)
    row = (np.hypot(*points_m.T) / RANGE_M * BINS).astype(int)
    column = (turn / (2 * np.pi) * AZIMUTHS).astype(int)
    image[np.clip(row, 0, BINS - 1), np.clip(column, 0, AZIMUTHS - 1)] = 200
    return image


def test_a_point_lies_where_it_stands() -> None:
    image = ground(_polar(np.array([[20.0, -12.0]])), RANGE_M)
    row, column = np.unravel_index(int(image.argmax()), image.shape)
    middle = image.shape[0] / 2
    assert (row + 0.5 - middle) * CELL_M == pytest.approx(20.0, abs=0.5)
    assert (column + 0.5 - middle) * CELL_M == pytest.approx(-12.0, abs=0.5)


@pytest.mark.parametrize("way_m", [(0.0, 0.0), (2.5, 0.0), (3.2, -0.6)])
def test_what_stands_tells_how_far_the_carrier_went(way_m: tuple[float, float]) -> None:
    """Some of it drives too, and does not matter."""
    rng = np.random.default_rng(3)
    stands = rng.uniform(-45, 45, (120, 2))
    drives = rng.uniform(-30, 30, (12, 2))
    before = np.concatenate([stands, drives])
    after = np.concatenate([stands - way_m, drives - [6.0, 0.0]])
    found = went_m(ground(_polar(before), RANGE_M), ground(_polar(after), RANGE_M))
    assert found == pytest.approx(way_m, abs=0.25)
